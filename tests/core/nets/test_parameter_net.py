"""Every form of PNet, and equations 4 and 5."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from semantic_style.core.nets.parameter_net import (
    Heads,
    ParallelCNN,
    ParallelMLP,
    SerialCNN,
    SerialMLP,
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
    gamma, beta = Heads(net.widths, CONFIG)(net(given))  # type: ignore[arg-type]
    assert gamma.shape == beta.shape == (2, sum(map(sum, CONFIG.norms)))
    assert (gamma == 1).all()
    assert (beta == 0).all()


@torch.no_grad()
def test_heads_are_equations_4_and_5() -> None:
    net, given = forms()["serial MLP"]
    heads = Heads(net.widths, CONFIG)  # type: ignore[arg-type]
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
        layers = net.down if name == "serial CNN" else net.layers
        found = moved(name, layers[0], given, net)  # type: ignore[index, arg-type]
        assert found == ([True] * LAYERS if "serial" in name else [True] + [False] * (LAYERS - 1))


@torch.no_grad()
def test_an_mlp_s_layers_are_residual() -> None:
    net, given = forms()["serial MLP"]
    for layer in list(net.layers)[1:]:  # type: ignore[arg-type]
        nn.init.constant_(layer.bias, -100)  # ReLU shuts what is added
    psi = net(given)
    assert all((p == psi[0]).all() for p in psi)


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
