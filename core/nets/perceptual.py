"""Perceptual networks and the feature losses that training, gatys and bench share.

A perceptual network is anything that turns RGB NCHW in [0, 1] into the features relu1_1 to
relu5_1 of VGG-16: the real one, or one distilled from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import attention_moments
from .encoder import COMPACT, VGG16, Encoder, EncoderConfig, Features, load_torchvision
from .statistics import Moments, masked_moments, moments, normalise

PerceptualNetwork = Callable[..., Features]  # (image, levels=5) -> Features
RELU_NAMES = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
# Deviation of VGG-16's levels over photographs and paintings: the heads learn in these units.
VGG16_SPREAD = (43.0, 255.0, 483.0, 355.0, 64.0)


def vgg16_features(state: Mapping[str, Tensor]) -> Encoder:
    """The real VGG-16, frozen, from torchvision's layout."""
    network = Encoder(VGG16)
    load_torchvision(network, state)
    return network.requires_grad_(False).eval()


class DistilledFeatures(nn.Module):
    """encoder-compact with one 1 x 1 head a level that speaks in VGG-16's channels."""

    def __init__(self, config: EncoderConfig = COMPACT) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.heads = nn.ModuleList(
            nn.Conv2d(width, target, 1)
            for width, target in zip(config.widths, VGG16.widths, strict=True)
        )

    def forward(self, image: Tensor, levels: int = 5) -> Features:
        features = self.encoder(image, levels)
        return [
            F.relu(head(f)) * spread
            for head, f, spread in zip(self.heads, features, VGG16_SPREAD, strict=False)
        ]


def squashed(image: Tensor, side: int) -> Tensor:
    """NCHW, of any shape -> [N, C, side, side]: as pictures of all shapes are judged."""
    with torch.autocast(image.device.type, enabled=False):
        return F.interpolate(image.float(), (side, side), mode="bicubic", antialias=True)


def feature_moments(features: Features, mask: Tensor | None = None) -> list[Moments]:
    """Of each level; mask: [N, 1, H, W] of any size, where it is set counts."""
    return [moments(f) if mask is None else masked_moments(f, mask) for f in features]


def skewness(features: Tensor) -> Tensor:
    """Third standardised moment per channel, [N, C]; 0 for a symmetric distribution."""
    return normalise(features).pow(3).mean(dim=(2, 3))


def global_style_loss(
    output: Features, style: Features, *, relative: bool = True, skew: float = 0.0
) -> Tensor:
    """Equation 9: Euclidean distance of means and of deviations, summed over the levels.

    relative: each norm is divided by the style's own, so that no level outweighs the others
    (the published loss does not). skew: weight of the skewness term of section 4.2.3.
    Returns one number a sample, [N].
    """
    total = output[0].new_zeros(output[0].shape[0], dtype=torch.float32)
    for o, s in zip(output, style, strict=True):
        total = total + _apart(moments(o), moments(s), relative=relative)
        if skew:
            total = total + skew * (skewness(o) - skewness(s)).pow(2).mean(dim=1).sqrt()
    return total


def moments_loss(output: Sequence[Moments], style: Sequence[Moments]) -> Tensor:
    """`global_style_loss`, its relative form, of moments that are known already; [N]."""
    return torch.stack(
        [_apart(a, b, relative=True) for a, b in zip(output, style, strict=True)]
    ).sum(dim=0)


def _apart(a: Moments, b: Moments, *, relative: bool) -> Tensor:
    """Of one level's means and deviations, each relative to b's."""
    total = a.mean.new_zeros(len(a.mean), dtype=torch.float32)
    for x, y in ((a.mean, b.mean), (a.deviation, b.deviation)):
        distance = (x - y).flatten(1).norm(dim=1)
        total = total + (distance / y.flatten(1).norm(dim=1) if relative else distance)
    return total


def gram(features: Tensor) -> Tensor:
    """Equation 1 of ZM-Net, divided by the number of positions; NCHW -> [N, C, C], float32."""
    flat = features.float().flatten(2)
    return flat @ flat.mT / flat.shape[2]


def gram_loss(output: Features, style: Features, *, relative: bool = True) -> Tensor:
    """Style loss of ZM-Net's equation 2: Frobenius norm of the difference of Gram matrices,
    summed over the levels; [N].

    relative: each norm is divided by the style's own, so that no level outweighs the others.
    Else squared, and divided by the square of the matrix' size, as in the paper.
    """
    total = output[0].new_zeros(output[0].shape[0], dtype=torch.float32)
    for o, s in zip(output, style, strict=True):
        wanted = gram(s)
        distance = (gram(o) - wanted).flatten(1)
        if relative:
            total = total + distance.norm(dim=1) / wanted.flatten(1).norm(dim=1)
        else:
            total = total + distance.square().mean(dim=1)
    return total


def content_loss(output: Tensor, content: Tensor) -> Tensor:
    """Mean squared difference of normalised features of one level, [N]."""
    return (normalise(output) - normalise(content)).pow(2).mean(dim=(1, 2, 3))


def keys_of(features: Features, level: int, *, nearest: bool = False) -> Tensor:
    """F^{1:x} of equation 1: levels 1 to x, brought to level x's size and concatenated.

    Bilinear, as the AdaAttN paper has it; nearest: every 2nd, 4th, ... position, as its code.
    """
    size = features[level - 1].shape[-2:]
    parts = [
        _shrink(f, size, 2 ** (level - x), nearest=nearest)
        for x, f in enumerate(features[:level], start=1)
    ]
    return torch.cat(parts, dim=1)


def _shrink(features: Tensor, size: Sequence[int], factor: int, *, nearest: bool) -> Tensor:
    """By exactly `factor`, which a picture's odd sides must not stretch: a tile of a picture is
    sampled at the same places as the whole. Halfway between the middle positions of each cell
    of `factor`, as bilinear sampling is; beyond the border the last one is repeated."""
    if factor == 1:
        return features
    if nearest:
        return features[..., ::factor, ::factor][..., : size[0], : size[1]]
    for side, count in ((2, size[0]), (3, size[1])):
        middle = (_every(features, side, factor, factor // 2 - k, count) for k in (1, 0))
        features = torch.add(*middle) * 0.5
    return features


def _every(x: Tensor, side: int, step: int, start: int, count: int) -> Tensor:
    """`count` slices along `side`, `step` apart; the last one where there are no more."""
    chosen = x.movedim(side, 0)[start::step][:count].movedim(0, side)
    if chosen.shape[side] == count:
        return chosen
    return torch.cat([chosen, x.narrow(side, x.shape[side] - 1, 1)], dim=side)


@torch.no_grad()
def local_target(content: Features, style: Features, level: int, *, scaled: bool) -> Tensor:
    """AdaAttN* of equation 10: equations 4 to 7 with f, g, h left out. Detached, float32."""
    query = normalise(keys_of(content, level)).flatten(2)
    key = normalise(keys_of(style, level)).flatten(2)
    mean, deviation = attention_moments(query, key, style[level - 1].flatten(2), scaled=scaled)
    f = content[level - 1]
    return (deviation * normalise(f).flatten(2) + mean).view(f.shape)


def local_feature_loss(
    output: Features,
    content: Features,
    style: Features,
    layers: Sequence[int],
    *,
    scaled: bool = False,
) -> Tensor:
    """Equation 10 over the layers in use, each divided by its target's norm; [N]."""
    total = output[0].new_zeros(output[0].shape[0], dtype=torch.float32)
    for level in layers:
        target = local_target(content, style, level, scaled=scaled).flatten(1)
        distance = (output[level - 1].float().flatten(1) - target).norm(dim=1)
        total = total + distance / target.norm(dim=1).clamp_min(1e-6)
    return total
