"""Every form of PNet, and equations 4 and 5."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from semantic_style.core.nets.parameter_net import (
    Heads,
    ParallelCNN,
    ParallelMLP,
    SerialCNN,
    SerialMLP,
    Standardised,
)
from semantic_style.core.nets.transformer_net import LAYERS, TNetConfig

CONFIG = TNetConfig((4, 6, 8), blocks=5, kernel=3)
INPUTS, HIDDEN = 7, 12


def forms() -> dict[str, tuple[nn.Module, Tensor]]:
    """Each form with a signal for it."""
    torch.manual_seed(0)
    pictures, vectors = torch.rand(2, 3, 40, 33), torch.randn(2, INPUTS)
    return {
        "serial CNN": (SerialCNN(CONFIG), pictures),
        "parallel CNN": (ParallelCNN(CONFIG), pictures),
        "serial MLP": (SerialMLP(INPUTS, HIDDEN), vectors),
        "parallel MLP": (ParallelMLP(INPUTS, HIDDEN), vectors),
    }


NAMES = list(forms())


def without_zeros(net: nn.Module) -> None:
    """As after some training: no path through it is shut, no unit dead."""
    torch.manual_seed(1)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.3)


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_a_form_gives_one_vector_for_each_normalised_layer(name: str) -> None:
    net, given = forms()[name]
    psi = net(given)
    assert len(psi) == LAYERS
    assert [tuple(p.shape) for p in psi] == [(2, width) for width in net.widths]  # type: ignore[union-attr]
    assert all(p.isfinite().all() for p in psi)
    # A signal of a batch is read as it is alone.
    for one, other in zip(psi, net(given[1:]), strict=True):
        torch.testing.assert_close(one[1:], other, atol=1e-5, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("name", NAMES)
def test_training_starts_from_plain_instance_normalisation(name: str) -> None:
    net, given = forms()[name]
    gamma, beta = Heads(net.widths, CONFIG.norms)(net(given))  # type: ignore[arg-type]
    assert gamma.shape == beta.shape == (2, sum(map(sum, CONFIG.norms)))
    assert (gamma == 1).all()
    assert (beta == 0).all()


@torch.no_grad()
def test_heads_are_equations_4_and_5() -> None:
    net, given = forms()["serial MLP"]
    heads = Heads(net.widths, CONFIG.norms)  # type: ignore[arg-type]
    without_zeros(heads)
    psi = net(given)
    gamma, beta = heads(psi)
    start = 0
    for layer, (head, norms) in enumerate(zip(heads.layers, CONFIG.norms, strict=True)):
        width = sum(norms)
        own = slice(start, start + width)
        weight, bias = head.weight, head.bias
        of_gamma = psi[layer] @ weight[:width].T + bias[:width]
        of_beta = psi[layer] @ weight[width:].T + bias[width:]
        torch.testing.assert_close(gamma[:, own], 1 + of_gamma)
        torch.testing.assert_close(beta[:, own], of_beta)
        start += width
    assert start == gamma.shape[1]


@torch.no_grad()
@pytest.mark.parametrize("kind", ["CNN", "MLP"])
def test_parallel_layers_stand_alone_and_serial_ones_on_those_before(kind: str) -> None:
    def moved(name: str, first: nn.Module, given: Tensor, net: nn.Module) -> list[bool]:
        """Which of psi a change of the first layer's weights moves."""
        before = net(given)
        for parameter in first.parameters():
            parameter.add_(0.5)
        return [bool((a - b).abs().max() > 1e-6) for a, b in zip(before, net(given), strict=True)]

    for name in (f"serial {kind}", f"parallel {kind}"):
        net, given = forms()[name]
        without_zeros(net)
        if name == "serial MLP":
            first = net.first
        else:
            first = (net.down if name == "serial CNN" else net.layers)[0]  # type: ignore[index]
        found = moved(name, first, given, net)  # type: ignore[arg-type]
        assert found == ([True] * LAYERS if "serial" in name else [True] + [False] * (LAYERS - 1))


@torch.no_grad()
def test_an_mlp_s_layers_are_residual() -> None:
    net, given = forms()["serial MLP"]
    psi = net(given)  # untrained: nothing is added yet
    assert all((p == psi[0]).all() for p in psi)


def test_no_unit_of_a_serial_mlp_dies_of_a_lopsided_signal() -> None:
    """As moments of ReLU features are, all positive and much alike: plain ReLU layers were shut
    for every signal before they had learned to tell two of them apart."""
    torch.manual_seed(0)
    net = SerialMLP(INPUTS, 32)
    heads = Heads(net.widths, CONFIG.norms)
    signals = 5 + torch.rand(64, INPUTS)
    wanted = torch.randn(64, sum(map(sum, CONFIG.norms)))
    learned = [*net.parameters(), *heads.parameters()]
    optimizer = torch.optim.Adam(learned, lr=3e-3)
    for _ in range(200):
        loss = (heads(net(signals))[0] - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for branch in net.branches:
        slope = branch[1].weight.grad  # type: ignore[index]
        assert (slope.abs().amax(1) > 0).all()  # type: ignore[union-attr, operator]
    psi = net(signals)
    for one, other in pairwise(psi):
        assert (other - one).std(0).mean() > 0.01  # each layer says something of its own


@torch.no_grad()
@pytest.mark.parametrize("name", ["serial CNN", "parallel CNN"])
def test_psi_of_a_picture_is_a_mean_over_it(name: str) -> None:
    """A picture shown twice side by side speaks as it does alone, but for its borders."""
    net, _ = forms()[name]
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    waves = torch.stack([((x + k * y) / 8 * torch.pi).sin() for k in range(3)])[None] / 2 + 0.5
    twice = torch.cat([waves, waves], dim=3)
    for one, other in zip(net(waves), net(twice), strict=True):
        torch.testing.assert_close(one, other, rtol=0.25, atol=0.05)


def test_vectors_are_brought_to_mean_0_and_deviation_1() -> None:
    torch.manual_seed(0)
    seen = torch.randn(50, 6) * torch.tensor([5.0, 1, 0.2, 3, 1, 1]) + 4
    for outputs, width in ((0, 6), (2, 2)):
        module = Standardised(6, outputs)
        module.fit(seen)
        made = module(seen)
        assert made.shape == (50, width)
        torch.testing.assert_close(made.mean(0), torch.zeros(width), atol=1e-4, rtol=0)
        torch.testing.assert_close(made.std(0), torch.ones(width), atol=1e-3, rtol=0)
    # Two components: those along which the vectors differ most, the first and the fourth number.
    assert (module.basis.abs().argmax(0) == torch.tensor([0, 3])).all()
