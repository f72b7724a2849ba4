"""Pictures that are optimised until their features have a style's statistics.

L. Gatys, A. Ecker, M. Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR
2016. Differences: each level counts by the share of its distance that is left, pixels stay in
[0, 1], and Adam takes the place of L-BFGS, which reached no lower loss in the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..device import Device
from ..nets.covariance import style_statistics
from ..nets.encoder import Features
from ..nets.statistics import normalise

Grams = tuple[Tensor, ...]  # a level: [N or 1, C, C], float32

RATE = 0.02  # of Adam, in units of the pixels' range
CONTENT_LEVEL = 4  # relu4_1
CONTENT_WEIGHT = 0.3


def grams_of(features: Features, mask: Tensor | None = None) -> Grams:
    """A level: [N, C, C]. mask: [N, 1, H, W] of any size in [0, 1]; where it is set counts."""
    return style_statistics(features, mask)[1]


def mixed(mixture: Sequence[tuple[Grams, float]]) -> Grams:
    """Gram matrices, mixed linearly: those of a picture that shows each style on its weight's
    share of the positions."""
    levels = zip(*(grams for grams, _ in mixture), strict=True)
    weights = [weight for _, weight in mixture]
    return tuple(
        torch.stack([g * w for g, w in zip(level, weights, strict=True)]).sum(dim=0)
        for level in levels
    )


def optimised(
    network: nn.Module,
    photo: Tensor,
    start: Tensor,
    style: Grams,
    *,
    iterations: int,
    device: Device,
    mask: Tensor | None = None,
    content_weight: float = CONTENT_WEIGHT,
    each: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Pictures that keep the photographs' content and take the style's Gram matrices.

    network: RGB NCHW in [0, 1] -> relu1_1 to relu5_1, frozen. photo, start: [N, 3, H, W] in
    [0, 1]; each sample is optimised by itself. mask: [N, 1, h, w], where the Gram matrices are
    taken. each: called after every iteration with their number and the losses before it, [N]: 1
    = as far from the style as the photograph is. Returns [N, 3, H, W] in [0, 1].
    """
    with torch.no_grad(), device.autocast():
        features = network(photo)
        content = normalise(features[CONTENT_LEVEL - 1])
        unit = grams_distance(grams_of(features, mask), style).clamp_min(1)
        del features
    image = start.detach().clone().requires_grad_()
    adam = torch.optim.Adam([image], lr=RATE)
    for iteration in range(iterations):
        adam.zero_grad()
        with device.autocast():
            features = network(image)
            left = grams_distance(grams_of(features, mask), style) / unit
            lost = (normalise(features[CONTENT_LEVEL - 1]) - content).square()
            # Two unrelated pictures differ by 2 in features of deviation 1.
            loss = left + content_weight * lost.mean(dim=(1, 2, 3)) / 2
        del features
        loss.sum().backward()
        adam.step()
        with torch.no_grad():
            image.clamp_(0, 1)
        if each:
            each(iteration + 1, loss.detach())
    return image.detach()


def grams_distance(grams: Grams, wanted: Grams) -> Tensor:
    """perceptual.gram_loss, its relative form, of matrices that are known already; [N]."""
    return torch.stack(
        [
            (a - b).flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1).clamp_min(1e-6)
            for a, b in zip(grams, wanted, strict=True)
        ]
    ).sum(dim=0)
