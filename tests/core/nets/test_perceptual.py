"""Encoders and feature losses."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from semantic_style.core.nets.encoder import (
    CAFFE_MEAN,
    VGG16,
    VGG19,
    Encoder,
    EncoderConfig,
    load_torchvision,
    pooled,
)
from semantic_style.core.nets.perceptual import (
    VGG16_SPREAD,
    DistilledFeatures,
    content_loss,
    global_style_loss,
    keys_of,
    local_feature_loss,
    local_target,
    skewness,
    squashed,
)

SMALL = EncoderConfig(widths=(4, 6, 8, 10, 12))


@torch.no_grad()
def features(seed: int, n: int = 2) -> list[Tensor]:
    torch.manual_seed(seed)
    return Encoder(SMALL)(torch.rand(n, 3, 48, 48))


@pytest.mark.parametrize("ceil_mode", [True, False])
@pytest.mark.parametrize("size", [(6, 8), (7, 8), (6, 9), (7, 9), (1, 2), (3, 1)])
def test_pooling_is_torchs_own_whatever_order_channels_are_in(
    size: tuple[int, int], ceil_mode: bool
) -> None:
    if not ceil_mode and 1 in size:
        return  # nothing is left
    x = torch.randn(2, 3, *size)
    expected = F.max_pool2d(x, 2, ceil_mode=ceil_mode)
    with torch.inference_mode():
        assert torch.equal(pooled(x, ceil_mode=ceil_mode), expected)
        last = x.contiguous(memory_format=torch.channels_last)
        assert torch.equal(pooled(last, ceil_mode=ceil_mode), expected)


@pytest.mark.parametrize(("config", "name"), [(VGG16, "vgg16"), (VGG19, "vgg19")])
def test_vgg_is_torchvisions(config: EncoderConfig, name: str) -> None:
    """The same random weights in torchvision's network and in ours give the same features."""
    import torchvision.models

    torch.manual_seed(0)
    theirs = getattr(torchvision.models, name)(weights=None).features.eval()
    ours = Encoder(config).eval()
    load_torchvision(ours, {f"features.{k}": v for k, v in theirs.state_dict().items()})
    image = torch.rand(1, 3, 40, 56)
    mean = torch.tensor(config.mean).view(1, 3, 1, 1)
    x, expected = (image - mean) / torch.tensor(config.std).view(1, 3, 1, 1), []
    fresh = True  # the first ReLU of a stage
    with torch.inference_mode():
        for layer in theirs:
            x = layer(x)
            if isinstance(layer, torch.nn.ReLU) and fresh:
                expected.append(x.clone())
                fresh = False
            fresh = fresh or isinstance(layer, torch.nn.MaxPool2d)
        result = ours(image)
    assert len(result) == 5
    for a, b in zip(result, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_vgg16_takes_255_minus_the_published_mean() -> None:
    ours = Encoder(VGG16)
    image = torch.rand(1, 3, 32, 32)
    scaled = image * 255 - torch.tensor(CAFFE_MEAN).view(1, 3, 1, 1)
    conv = ours.stages[0][0]  # type: ignore[index]
    torch.testing.assert_close(ours(image, levels=1)[0], F.relu(conv(scaled)), rtol=1e-4, atol=1e-3)


def test_levels_stop_where_asked() -> None:
    encoder = Encoder(SMALL)
    image = torch.rand(1, 3, 48, 48)
    assert [f.shape[1:] for f in encoder(image)] == [
        (4, 48, 48), (6, 24, 24), (8, 12, 12), (10, 6, 6), (12, 3, 3),
    ]  # fmt: skip
    assert len(encoder(image, levels=3)) == 3


def test_distilled_heads_speak_in_vggs_channels() -> None:
    result = DistilledFeatures(SMALL)(torch.rand(1, 3, 32, 32))
    assert [f.shape[1] for f in result] == list(VGG16.widths)
    assert len(VGG16_SPREAD) == 5


def test_style_loss_is_the_judges_distance() -> None:
    a, b = features(1, 1), features(2, 1)
    expected = 0.0
    for x, y in zip(a, b, strict=True):
        x, y = x.flatten(2), y.flatten(2)
        expected += float((x.mean(2) - y.mean(2)).norm() / y.mean(2).norm())
        expected += float((x.std(2) - y.std(2)).norm() / y.std(2).norm())
    assert float(global_style_loss(a, b)) == pytest.approx(expected, rel=0.02)


def test_losses_vanish_at_their_target_and_grow_away_from_it() -> None:
    a, b = features(1), features(2)
    assert global_style_loss(a, a, skew=1.0).abs().max() < 1e-6
    assert content_loss(a[3], a[3]).abs().max() < 1e-6
    assert (global_style_loss(a, b) > 0.1).all()
    assert (content_loss(a[3], b[3]) > 0.1).all()
    target = local_target(a, b, 3, scaled=False)
    reached = [*a[:2], target, *a[3:]]
    assert local_feature_loss(reached, a, b, [3]).max() < 1e-5
    assert local_feature_loss(a, a, b, [3]).min() > 0.01


def test_each_sample_has_its_own_loss() -> None:
    a, b = features(1), features(2)
    single = global_style_loss([f[1:] for f in a], [f[1:] for f in b])
    torch.testing.assert_close(global_style_loss(a, b)[1:], single)


def test_skewness_tells_gamma_from_normal() -> None:
    """Section 4.2.3: equal mean and deviation, different third moment."""
    torch.manual_seed(0)
    gamma = torch.distributions.Gamma(4.0, 2.0).sample((1, 1, 200, 200))  # skewness 2/sqrt(4)
    normal = torch.randn(1, 1, 200, 200) + 2
    assert float(skewness(gamma)) == pytest.approx(1.0, abs=0.1)
    assert float(skewness(normal)) == pytest.approx(0.0, abs=0.1)
    losses = [float(global_style_loss([gamma], [normal], skew=w)) for w in (0.0, 1.0)]
    assert losses[0] < 0.05
    assert losses[1] > 0.8


def test_keys_concatenate_the_levels_before() -> None:
    f = features(1)
    keys = keys_of(f, 3)
    assert keys.shape == (2, 4 + 6 + 8, 12, 12)
    torch.testing.assert_close(keys[:, -8:], f[2])
    torch.testing.assert_close(
        keys[:, 4:10], F.interpolate(f[1], (12, 12), mode="bilinear", align_corners=False)
    )


def test_configs_differ_only_where_vgg_does() -> None:
    assert dataclasses.replace(VGG19, kind="vgg16", depths=VGG16.depths, mean=VGG16.mean,
                               std=VGG16.std) == VGG16  # fmt: skip


def test_a_squashed_picture_is_the_same_whatever_shape_it_came_in() -> None:
    torch.manual_seed(0)
    coarse = torch.rand(1, 3, 6, 6)
    views = [
        squashed(F.interpolate(coarse, size, mode="bilinear"), 32)
        for size in ((96, 150), (130, 70), (64, 64))
    ]
    for view in views:
        assert view.shape == (1, 3, 32, 32)
        assert (view - views[0]).abs().mean() < 0.02
