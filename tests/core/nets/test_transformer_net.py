"""TNet against equation 3, and what tiles, mixtures and groups rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from semantic_style.core.nets.colour import Colours, colours_of, recoloured
from semantic_style.core.nets.statistics import EPSILON
from semantic_style.core.nets.transformer_net import (
    GROUPS,
    LAYERS,
    Parameters,
    StyleTable,
    TNet,
    TNetConfig,
    mixed,
    stacked,
)

SMALL = TNetConfig((4, 6, 8), blocks=5, kernel=5)
OURS = TNetConfig((4, 6, 8), blocks=5, kernel=5, recolours=True, retouch=0.5)


def network(config: TNetConfig = SMALL, seed: int = 0) -> TNet:
    torch.manual_seed(seed)
    net = TNet(config)
    torch.nn.init.normal_(net.out.weight, std=0.05)  # away from the zeros of the start
    return net.eval()


def signal(config: TNetConfig = SMALL, seed: int = 0) -> Parameters:
    """Random parameters that recolour all the way."""
    torch.manual_seed(seed)
    width = sum(map(sum, config.norms))
    gamma, beta = 1 + 0.3 * torch.randn(1, width), 0.3 * torch.randn(1, width)
    return Parameters(gamma, beta, colours_of(torch.rand(1, 3, 9, 9) ** 2), torch.ones(1))


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 2 + height // 8, 2 + width // 8, generator=generator)
    return F.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)


def written_out(net: TNet, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """J. Johnson's network with PyTorch's own instance normalisation, whose scale and shift are
    one row of numbers: conditional instance normalisation."""
    gammas, betas = iter(gamma.split(net.split)), iter(beta.split(net.split))

    def norm(x: Tensor) -> Tensor:
        return F.instance_norm(x, weight=next(gammas), bias=next(betas), eps=EPSILON)

    x, sizes = x * 2 - 1, []
    for conv in net.down:
        sizes.append(x.shape[-2:])
        x = norm(conv(x)).relu()
    for first, second in net.blocks:
        x = x + norm(second(norm(first(x)).relu()))
    for conv, size in zip(net.up, (sizes[2], sizes[1]), strict=True):
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
        x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), conv.weight, conv.bias)
        x = norm(x[..., : size[0], : size[1]]).relu()
    return net.out(x).tanh() / 2 + 0.5


def test_shifts_that_add_up_in_the_blocks_cost_no_digits() -> None:
    """A thousand beside a deviation of one: added, a deviation found in one pass was nothing."""
    net, parameters = network().double(), signal()
    for shift in parameters.beta.split(net.split, dim=1)[4:14:2]:
        shift += 300
    x = picture(160, 160)
    exact = written_out(net, x.double(), parameters.gamma[0].double(), parameters.beta[0].double())
    with torch.inference_mode():
        found = net.float()(x, parameters)
    torch.testing.assert_close(found, exact.float(), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_an_untrained_table_is_the_network_with_plain_instance_normalisation() -> None:
    net, image = network(), picture(40, 52)
    parameters = StyleTable(SMALL)(torch.tensor([0]))
    truth = written_out(net, image, parameters.gamma[0], parameters.beta[0])
    assert (parameters.gamma == 1).all()
    assert (parameters.beta == 0).all()
    torch.testing.assert_close(net(image, parameters), truth, atol=1e-4, rtol=0)


@torch.no_grad()
def test_learned_constants_are_conditional_instance_normalisation() -> None:
    net, images = network(), torch.cat([picture(40, 52, 1), picture(40, 52, 2)])
    table = StyleTable(SMALL, styles=3)
    for parameter in table.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    painted = net(images, table(torch.tensor([2, 0])))
    for image, style, answer in zip(images.split(1), (2, 0), painted, strict=True):
        truth = written_out(net, image, table.gamma[style], table.beta[style])[0]
        torch.testing.assert_close(answer, truth, atol=1e-4, rtol=0)


def test_nine_layers_are_normalised_and_blocks_have_two_norms() -> None:
    config = TNetConfig()
    assert config.norms == [[32], [64], [128], *[[128, 128]] * 5, [64, 32]]
    assert len(config.norms) == LAYERS == 9
    assert [layer for layers in GROUPS.values() for layer in layers] == list(range(1, LAYERS + 1))


def test_every_gamma_and_beta_has_a_part_in_the_picture() -> None:
    """But for the shifts that end a block: what is the same everywhere in a sum that goes on is
    normalised away after the next convolution."""
    net, parameters = network(), signal()
    parameters.gamma.requires_grad_()
    parameters.beta.requires_grad_()
    net(picture(32, 32), parameters).square().sum().backward()
    assert parameters.gamma.grad is not None
    assert parameters.beta.grad is not None
    assert (parameters.gamma.grad.abs() > 1e-4).all()
    ends = [len(layer) == 2 and layer[0] == layer[1] for layer in SMALL.norms]
    for slopes, is_block in zip(layers_of(SMALL, parameters.beta.grad), ends, strict=True):
        counts = slopes[:, : SMALL.widths[2]] if is_block else slopes
        assert (counts.abs() > 1e-4).all()


@torch.no_grad()
@pytest.mark.parametrize("config", [SMALL, OURS])
@pytest.mark.parametrize("size", [(16, 16), (17, 31), (50, 19), (33, 34), (5, 5)])
def test_pictures_keep_odd_sizes(config: TNetConfig, size: tuple[int, int]) -> None:
    out = network(config)(picture(*size), signal(config))
    assert out.shape == (1, 3, *size)
    assert out.isfinite().all()


@torch.no_grad()
def test_a_new_network_that_recolours_gives_the_recoloured_photograph() -> None:
    net, image, parameters = TNet(replace(OURS, retouch=0.0)), picture(40, 40), signal(OURS)
    target = recoloured(image, colours_of(image), parameters.colours, torch.ones(1))
    assert (target - image).abs().mean() > 0.05
    torch.testing.assert_close(net(image, parameters), target)
    nothing = replace(parameters, share=torch.zeros(1))
    torch.testing.assert_close(net(image, nothing), image, atol=1e-6, rtol=0)


@torch.no_grad()
def test_what_is_painted_is_brought_nearer_to_the_signal_s_colours() -> None:
    net, image, parameters = network(OURS), picture(60, 50), signal(OURS)
    base = net.recolour(image, parameters)
    painted = net.paint(base, net.norms(parameters)).clamp(0, 1)
    before, after = colours_of(painted), colours_of(net(image, parameters))
    assert (before.mean - parameters.colours.mean).abs().max() > 0.05
    half = (before.mean + parameters.colours.mean) / 2
    torch.testing.assert_close(after.mean, half, atol=1e-4, rtol=0)
    far = (before.factor - parameters.colours.factor).abs().sum()
    assert (after.factor - parameters.colours.factor).abs().sum() < 0.8 * far


@torch.no_grad()
def test_a_batch_is_its_pictures_one_by_one() -> None:
    net, signals = network(OURS), [signal(OURS, seed) for seed in range(3)]
    images = [picture(30, 25, seed) for seed in range(3)]
    together = net(torch.cat(images), stacked(signals))
    for answer, image, one in zip(together, images, signals, strict=True):
        torch.testing.assert_close(answer, net(image, one)[0], atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("config", [SMALL, OURS])
def test_a_tile_with_the_whole_s_statistics_is_a_piece_of_the_whole(config: TNetConfig) -> None:
    net, image, parameters = network(config), picture(160, 176), signal(config)
    whole = net(image, parameters)
    of = net.measure(image, parameters)
    torch.testing.assert_close(net(image, parameters, of), whole, atol=1e-4, rtol=0)
    rows, columns, inner = slice(4, 156), slice(8, 168), slice(60, 92)
    tile = net(image[..., rows, columns], parameters, of)[..., inner, inner]
    truth = whole[..., rows, columns][..., inner, inner]
    torch.testing.assert_close(tile, truth, atol=1e-4, rtol=0)
    alone = net(image[..., rows, columns], parameters)[..., inner, inner]
    assert (alone - truth).abs().max() > 10 * (tile - truth).abs().max()


@torch.no_grad()
def test_statistics_of_a_part_are_those_of_the_part() -> None:
    net, parameters = network(OURS), signal(OURS)
    image = torch.cat([picture(64, 64, 1), 1 - picture(64, 64, 2) ** 3], dim=3)
    left = torch.zeros(1, 1, 64, 128)
    left[..., :64] = 1
    of = net.measure(image, parameters, left)
    alone = net.measure(image[..., :64], parameters)
    torch.testing.assert_close(of.colours.mean, alone.colours.mean, atol=1e-4, rtol=0)
    torch.testing.assert_close(of.norms[0].mean, alone.norms[0].mean, atol=0.02, rtol=0.02)
    torch.testing.assert_close(of.painted.mean, alone.painted.mean, atol=0.03, rtol=0)
    everywhere = net.measure(image, parameters, torch.ones(1, 1, 64, 128))
    torch.testing.assert_close(
        everywhere.painted.mean, net.measure(image, parameters).painted.mean, atol=1e-4, rtol=0
    )
    for one, other in zip(everywhere.norms, net.measure(image, parameters).norms, strict=True):
        torch.testing.assert_close(one.mean, other.mean, atol=1e-4, rtol=1e-3)


def numbers(parameters: Parameters) -> list[Tensor]:
    colours = parameters.colours
    return [parameters.gamma, parameters.beta, colours.mean, colours.factor, parameters.share]


def assert_same(one: Parameters, other: Parameters) -> None:
    for a, b in zip(numbers(one), numbers(other), strict=True):
        torch.testing.assert_close(a, b)


def test_a_signal_mixed_with_itself_is_itself_and_a_weight_of_0_changes_nothing() -> None:
    a, b, again = signal(seed=1), signal(seed=2), signal(seed=1)
    assert_same(mixed([(a, 0.3), (a, 0.7)]), a)
    assert_same(mixed([(a, 0.3), (again, 0.7)]), a)
    assert_same(mixed([(a, 1.0), (b, 0.0)]), a)
    broken = Parameters(b.gamma * torch.nan, b.beta, b.colours, b.share)
    assert_same(mixed([(broken, 0.0), (a, 1.0)]), a)
    assert_same(mixed([(a, 0.4), (b, 0.0), (b, 0.6)]), mixed([(b, 0.6), (a, 0.4)]))
    with pytest.raises(ValueError, match="above 0"):
        mixed([(a, 0.0)])


@torch.no_grad()
def test_a_mixture_moves_evenly_from_one_signal_to_the_other() -> None:
    net, image, a, b = network(OURS), picture(40, 40), signal(OURS, 1), signal(OURS, 2)
    steps = [net(image, mixed([(a, 1 - k / 4), (b, k / 4)])) for k in range(5)]
    lengths = [float((x - y).norm()) for x, y in pairwise(steps)]
    assert max(lengths) < 2 * min(lengths)


def layers_of(config: TNetConfig, numbers: Tensor) -> Sequence[Tensor]:
    return numbers.split([sum(layer) for layer in config.norms], dim=1)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_alone_leaves_the_other_layers_plain(group: str) -> None:
    full = signal()
    kept = full.only([group], SMALL)
    for number, (gamma, beta, whole) in enumerate(
        zip(*(layers_of(SMALL, x) for x in (kept.gamma, kept.beta, full.gamma)), strict=True), 1
    ):
        on = number in GROUPS[group]
        assert (gamma == (whole if on else 1)).all()
        assert bool((beta != 0).any()) == on
    assert float(kept.share) == (1.0 if group == "colours" else 0.0)


def test_all_groups_are_all_and_none_are_plain() -> None:
    full = signal()
    assert_same(full.only(list(GROUPS), SMALL), full)
    assert_same(full.only([], SMALL).only(list(GROUPS), SMALL), full.only([], SMALL))
    assert (full.only([], SMALL).gamma == 1).all()
    assert_same(full.only([], SMALL, off=full), replace(full, share=full.share * 0))


def test_a_table_knows_no_colours() -> None:
    parameters = StyleTable(OURS, 2)(torch.tensor([0, 1]))
    assert isinstance(parameters.colours, Colours)
    assert (parameters.share == 0).all()
