"""The network against its equations, and the properties that a user's picture rests on."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from semantic_style.core.nets.adaattn import AdaAttN, AdaAttNConfig, paper, published
from semantic_style.core.nets.attention import (
    AttentionMoments,
    attention_moments,
    plain_attention_moments,
)
from semantic_style.core.nets.colour import colours_of
from semantic_style.core.nets.encoder import VGG19, EncoderConfig
from semantic_style.core.nets.painter import Painter
from semantic_style.core.nets.transformer_net import TNetConfig

SMALL = EncoderConfig(widths=(4, 6, 8, 10, 12))
COMPACT = AdaAttNConfig(
    encoder=SMALL, painter=TNetConfig((4, 6, 8), 2, 3, recolours=True, retouch=0.5)
)
SMALL_VGG = dataclasses.replace(VGG19, widths=(4, 6, 8, 10, 10))


def network(
    config: AdaAttNConfig, seed: int = 0, attend: AttentionMoments = attention_moments
) -> AdaAttN:
    torch.manual_seed(seed)
    net = AdaAttN(config, attend)
    for name, parameter in net.named_parameters():  # away from the identities of the start
        if "encoder" not in name:
            torch.nn.init.normal_(parameter, std=0.15)
    return net.eval()


def pictures() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand(2, 3, 8, 8, generator=generator)
    content, style = F.interpolate(coarse, 64, mode="bicubic").clamp(0, 1).split(1)
    return content, style


@torch.no_grad()
def plain(net: AdaAttN, content: Tensor, style: Tensor) -> Tensor:
    """Equations 1 to 7 and the published decoder's order, written out in float64."""
    net = net.double()
    fc, fs = net.encoder(content.double()), net.encoder(style.double())

    def norm(x: Tensor) -> Tensor:
        x = x.flatten(2)
        return (x - x.mean(2, keepdim=True)) / (x.var(2, keepdim=True, correction=0) + 1e-5).sqrt()

    def keys(features: list[Tensor], x: int) -> Tensor:
        size = features[x - 1].shape[-2:]
        return torch.cat(
            [
                F.interpolate(f, size, mode="bilinear", align_corners=False)
                for f in features[: x - 1]
            ]
            + [features[x - 1]],
            1,
        )

    out = {}
    for x in net.config.layers:
        module = net.attention[str(x)]
        q = F.conv1d(norm(keys(fc, x)), module.f.weight[..., 0], module.f.bias)
        k = F.conv1d(norm(keys(fs, x)), module.g.weight[..., 0], module.g.bias)
        v = module.h(fs[x - 1]).flatten(2)
        logits = q.transpose(1, 2) @ k
        if net.config.scaled:
            logits = logits / q.shape[1] ** 0.5
        a = logits.softmax(-1)
        m = v @ a.transpose(1, 2)
        s = ((v * v) @ a.transpose(1, 2) - m * m).clamp_min(0).add(1e-6).sqrt()
        out[x] = (s * norm(fc[x - 1]) + m).view_as(fc[x - 1])
    result = net.decoder(out, [(f.shape[-2], f.shape[-1]) for f in fc])
    net.float()
    return result


@pytest.mark.parametrize("attend", [attention_moments, plain_attention_moments])
@pytest.mark.parametrize("layers", [(3, 4, 5), (3, 5), (3,), (4, 5), (5,)])
def test_output_equals_the_equations(layers: tuple[int, ...], attend: AttentionMoments) -> None:
    net = network(dataclasses.replace(paper(SMALL_VGG), layers=layers), attend=attend)
    content, style = pictures()
    truth = plain(net, content, style)
    with torch.no_grad():
        result = net(content, style)
    assert float((result.double() - truth).norm() / truth.norm()) < 1e-5


def test_the_decoder_has_the_published_layout() -> None:
    """Channels of latest_net_decoder.pth: layer 1.1, then 2.1 to 2.24, after the merging one."""
    with torch.device("meta"):
        decoder = AdaAttN(published()).decoder
    shapes = [(c.in_channels, c.out_channels) for c in decoder.convs]
    assert shapes == [
        (512, 512), (512, 256),
        (512, 256), (256, 256), (256, 256), (256, 128),
        (128, 128), (128, 64), (64, 64), (64, 3),
    ]  # fmt: skip


def test_an_untrained_network_gives_the_recoloured_photograph() -> None:
    content, style = (0.25 + 0.5 * each for each in pictures())
    out = AdaAttN(COMPACT)(content, style)
    wanted, found = colours_of(style), colours_of(out)
    torch.testing.assert_close(found.mean, wanted.mean, atol=0.02, rtol=0)
    torch.testing.assert_close(found.factor, wanted.factor, atol=0.02, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("layers", [(3, 4, 5), (3, 5), (3,), (5,)])
def test_the_painter_is_a_tnet_that_hears_attention(layers: tuple[int, ...]) -> None:
    """Deaf, it paints what ZM-Net's TNet paints; what attention gives is heard at its place."""
    net = network(dataclasses.replace(COMPACT, layers=layers))
    content, style = pictures()
    painter = net.decoder
    prepared = net.prepare(style)
    parameters = prepared.parameters
    assert isinstance(painter, Painter)
    assert parameters is not None
    heard = net.stylize(content, prepared)
    silent = {x: torch.zeros_like(v) for x, v in prepared.values.items()}
    assert (
        net.stylize(content, dataclasses.replace(prepared, values=silent)) - heard
    ).abs().max() > 1e-3
    for conv in painter.hear:
        torch.nn.init.zeros_(conv.weight)  # type: ignore[arg-type]
    torch.testing.assert_close(net.stylize(content, prepared), painter.tnet(content, parameters))


def test_a_style_mixed_with_itself_is_itself() -> None:
    net = network(COMPACT)
    content, style = pictures()
    one = net.prepare(style)
    torch.testing.assert_close(
        net.stylize(content, [(one, 0.3), (one, 0.7)]), net.stylize(content, one),
        rtol=0, atol=1e-3,
    )  # fmt: skip


def test_a_masked_style_ignores_the_rest() -> None:
    """What lies outside the chosen part of a style picture must not matter."""
    net = network(COMPACT)
    _, style = pictures()
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :16] = 1
    other = style.clone()
    other[..., 48:] = 1 - other[..., 48:]  # beyond the receptive field of the mask's border
    # Keys are normalised over the whole style picture; colours and values are the mask's own.
    a, b = net.prepare(style, mask), net.prepare(other, mask)
    assert a.parameters is not None
    assert b.parameters is not None
    torch.testing.assert_close(a.parameters.colours.mean, b.parameters.colours.mean)
    torch.testing.assert_close(a.values[3], b.values[3], rtol=1e-4, atol=1e-4)


def test_style_positions_are_thinned_to_the_limit() -> None:
    net = AdaAttN(dataclasses.replace(COMPACT, style_positions=30))
    prepared = net.prepare(torch.rand(1, 3, 96, 64))
    assert {x: v.shape[-1] for x, v in prepared.values.items()} == {3: 6 * 4, 4: 6 * 4, 5: 24}


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (79, 50), (33, 34)])
@pytest.mark.parametrize("config", [COMPACT, paper(SMALL_VGG)])
def test_output_has_the_size_of_the_content(size: tuple[int, int], config: AdaAttNConfig) -> None:
    net = network(config)
    out = net(torch.rand(1, 3, *size), torch.rand(1, 3, 48, 70))
    assert out.shape == (1, 3, *size)
    assert out.isfinite().all()


def test_gradients_are_finite_at_a_constant_style() -> None:
    net = AdaAttN(COMPACT)
    out = net(torch.rand(1, 3, 48, 48), torch.full((1, 3, 48, 48), 0.4))
    out.square().mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


def test_config_survives_its_json() -> None:
    for config in (
        AdaAttNConfig(),
        paper(),
        published(),
        dataclasses.replace(COMPACT, layers=(3, 5)),
    ):
        assert AdaAttNConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize("layers", [(), (2, 3), (6,)])
def test_impossible_levels_are_refused(layers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="levels 3, 4 and 5"):
        AdaAttNConfig(layers=layers)


def test_a_painter_needs_an_encoder_that_rounds_as_it_does() -> None:
    with pytest.raises(ValueError, match="ceil_mode"):
        dataclasses.replace(COMPACT, encoder=SMALL_VGG)
