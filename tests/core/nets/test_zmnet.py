"""ZM-Net whole: its configurations, its signals, one step of training, a part of a picture."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from semantic_style.core.nets.encoder import EncoderConfig
from semantic_style.core.nets.transformer_net import LAYERS, TNetConfig
from semantic_style.core.nets.zmnet import (
    PHOTO_COLOURS,
    ZMNet,
    ZMNetConfig,
    compact,
    paper,
)

TNET = TNetConfig((4, 6, 8), blocks=5, kernel=3, recolours=True)
ENCODER = EncoderConfig(widths=(4, 4, 4, 4, 4))
CONFIGS = {
    "picture, serial": ZMNetConfig(TNET),
    "picture, parallel": ZMNetConfig(TNET, pnet="parallel"),
    "statistics": ZMNetConfig(TNET, "statistics", hidden=16, encoder=ENCODER),
    "words, serial": ZMNetConfig(TNET, "words", hidden=16, inputs=10),
    "words, parallel": ZMNetConfig(TNET, "words", "parallel", hidden=16, inputs=10),
    "words, compressed": ZMNetConfig(TNET, "words", hidden=16, inputs=10, compressed=2),
    "vector": ZMNetConfig(replace(TNET, recolours=False), "vector", hidden=16, inputs=10),
}


def network(config: ZMNetConfig) -> ZMNet:
    torch.manual_seed(0)
    net = ZMNet(config)
    torch.nn.init.normal_(net.tnet.out.weight, std=0.05)
    for layer in net.heads.layers:
        torch.nn.init.normal_(layer.weight, std=0.1)  # type: ignore[arg-type]
    return net.eval()


def signals(config: ZMNetConfig) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    if config.inputs:
        return torch.randn(2, config.inputs, generator=generator)
    return torch.rand(2, 3, 48, 40, generator=generator)


def test_the_paper_s_network() -> None:
    """Section 3.2: ten layers, of which nine are normalised; both norms of a block have a gamma
    and a beta of their own."""
    net = ZMNet(paper())
    assert (paper().signal, paper().pnet) == ("picture", "serial")
    assert len(net.heads.layers) == LAYERS == 9
    assert [len(norms) for norms in net.config.tnet.norms] == [1, 1, 1, 2, 2, 2, 2, 2, 2]
    outputs = [head.out_features for head in net.heads.layers]
    assert outputs == [2 * 32, 2 * 64, 2 * 128, *[2 * 2 * 128] * 5, 2 * (64 + 32)]
    assert (len(net.tnet.down), len(net.tnet.blocks)) == (3, 5)


@pytest.mark.parametrize("config", [*CONFIGS.values(), paper(), compact()])
def test_a_config_survives_its_json(config: ZMNetConfig) -> None:
    assert ZMNetConfig.from_json(config.to_json()) == config


@torch.no_grad()
@pytest.mark.parametrize("name", CONFIGS)
def test_every_kind_of_signal_steers_the_picture(name: str) -> None:
    net = network(CONFIGS[name])
    given, image = signals(net.config), torch.rand(1, 3, 30, 26)
    one, other = (net(image, given[k : k + 1]) for k in range(2))
    assert one.shape == image.shape
    assert (one - other).abs().mean() > 1e-3
    both = net(image.expand(2, -1, -1, -1), given)
    torch.testing.assert_close(both, torch.cat([one, other]), atol=1e-4, rtol=1e-4)
    for_all = net(torch.cat([image, 1 - image]), given[:1])  # one signal for all pictures
    torch.testing.assert_close(for_all[:1], one, atol=1e-4, rtol=1e-4)


def histogram(image: torch.Tensor, bins: int = 8) -> torch.Tensor:
    """[N, 3 * bins], shares of the pixels: a signal that is neither a picture nor a word."""
    rows = [torch.histc(channel, bins, 0, 1) for picture in image for channel in picture]
    return torch.stack(rows).view(len(image), -1) / image[0, 0].numel()


def test_a_colour_histogram_is_a_signal_that_can_be_learned() -> None:
    torch.manual_seed(0)
    net = ZMNet(ZMNetConfig(TNET, "vector", hidden=16, inputs=24))
    styles = torch.rand(6, 3, 16, 16) ** torch.arange(1, 7).view(6, 1, 1, 1)
    given = histogram(styles)
    assert net.vector is not None
    net.vector.fit(given)
    photos = F.interpolate(torch.rand(6, 3, 4, 4), 24, mode="bicubic").clamp(0, 1)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    losses = []
    for _ in range(8):
        loss = (net(photos, given).mean((2, 3)) - styles.mean((2, 3))).square().mean()
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())
        optimiser.step()
        losses.append(loss.item())
    assert losses[1] < losses[0]
    assert losses[-1] < 0.9 * losses[0]


@torch.no_grad()
def test_a_picture_s_colours_are_given_along_and_words_start_from_a_photograph_s() -> None:
    for name in ("picture, serial", "statistics"):
        net = network(CONFIGS[name])
        given = signals(net.config)
        found = net.read(given)
        luminance = found.colours.mean[:, 0]
        torch.testing.assert_close(luminance, given.mean((2, 3)).sum(1) / 3**0.5)
        assert (found.share == 1).all()
    net = network(CONFIGS["words, serial"])
    found = net.read(signals(net.config))
    assert found.colours.mean[0].tolist() == pytest.approx(PHOTO_COLOURS[:3])
    assert (found.colours.factor.diagonal(dim1=1, dim2=2) > 0).all()
    assert (found.colours.factor.triu(1) == 0).all()
    assert (network(CONFIGS["vector"]).read(torch.zeros(1, 10)).share == 0).all()


@torch.no_grad()
@pytest.mark.parametrize("name", ["picture, serial", "picture, parallel", "statistics"])
def test_of_a_masked_picture_only_the_part_counts(name: str) -> None:
    net = network(CONFIGS[name])
    image = torch.rand(1, 3, 48, 160)
    mask = torch.zeros(1, 1, 48, 160)
    mask[..., :40] = 1
    other = image.clone()
    other[..., 120:] **= 3  # further away than an encoder's deepest features look
    a, b = net.read(image, mask), net.read(other, mask)
    torch.testing.assert_close(a.colours.mean, b.colours.mean)
    torch.testing.assert_close(a.colours.factor, b.colours.factor)
    torch.testing.assert_close(a.gamma, b.gamma, atol=1e-4, rtol=0)
    torch.testing.assert_close(a.beta, b.beta, atol=1e-4, rtol=0)
    assert (net.read(image).gamma - net.read(other).gamma).abs().max() > 1e-3


def test_the_encoder_is_not_trained() -> None:
    net = ZMNet(CONFIGS["statistics"])
    net(torch.rand(1, 3, 24, 24), torch.rand(1, 3, 32, 32)).sum().backward()
    assert net.encoder is not None
    assert all(p.grad is None for p in net.encoder.parameters())
    assert all(layer.weight.grad is not None for layer in net.heads.layers)
