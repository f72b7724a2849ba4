"""Small things: a picture looked at again through overlapping windows, and what that changes.

CLIPSeg sees a picture squeezed to its own side (352 px), so a thing of 20 px in a photo of 1024 is
7 px to it, less than half of one patch. The windows show such a thing larger.

The rule: a phrase's whole-picture answer stands unless it is empty or small (less than SMALL of the
picture). For a small one, the windows' answers are averaged where windows overlap, each weighted by
a tent that is highest in its middle (a window's rim lacks context); MARGIN is taken off their
log-odds; and the larger of that and the whole picture's answer holds at each pixel. So windows can
only add to what the whole picture showed; and since six windows are six chances to be wrong, they
must be surer than the whole picture has to be: at 0.73 where that needs 0.5. Averages are taken of
chances, not of logits: one window's sure no (-10) would silence its neighbour's clear yes (2).
SMALL, MARGIN, OVERLAP and MOST were chosen, not measured: the published weights could not be had
where this was written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.geometry import Bounds, Extent

if TYPE_CHECKING:
    from torch import Tensor

SMALL = 0.02  # of the picture; about 3 x 3 of 22 x 22 patches
MARGIN = 1.0  # of log-odds
OVERLAP = 0.25  # of a window's side, at least
MOST = 6  # windows of a picture: each costs as much as the whole picture did
WORTHWHILE = 1.5  # long sides of the picture and of the network from which windows show more


def plan(extent: Extent, side: int) -> tuple[Bounds, ...]:
    """Square windows that cover the picture, row by row; none where they would show no more.

    side: px that the network sees. Windows are that large, or larger where more than MOST would
    be needed; a picture narrower than a window has windows of its own width.
    """
    if extent.long_side < WORTHWHILE * side:
        return ()
    window = float(side)
    while _count(extent.width, window) * _count(extent.height, window) > MOST:
        window *= 1.05
    return tuple(
        Bounds(x, y, min(round(window), extent.width), min(round(window), extent.height))
        for y in _starts(extent.height, window)
        for x in _starts(extent.width, window)
    )


def is_small(masks: Tensor) -> Tensor:
    """[P, h, w] calibrated masks -> [P] bool: nothing, or only something small, was found."""
    small: Tensor = (masks >= 0.5).flatten(1).float().mean(1) < SMALL
    return small


def merged(
    whole: Tensor, seen: Sequence[Tensor], windows: Sequence[Bounds], extent: Extent
) -> Tensor:
    """[P, H, W]: the whole picture's masks and those of its windows under the rule above.

    whole: [P, H, W]; seen: one [P, s, s] a window, both calibrated; windows: their boxes in a
    picture of `extent`.
    """
    import torch

    height, width = whole.shape[-2:]
    total, weights = torch.zeros_like(whole), whole.new_zeros(height, width)
    for masks, box in zip(seen, windows, strict=True):
        left, right = (round(x * width / extent.width) for x in (box.x, box.right))
        top, bottom = (round(y * height / extent.height) for y in (box.y, box.bottom))
        tent = _tent(bottom - top, whole)[:, None] * _tent(right - left, whole)
        total[:, top:bottom, left:right] += tent * resized(masks, bottom - top, right - left)
        weights[top:bottom, left:right] += tent
    doubted = (torch.logit(total / weights, eps=1e-6) - MARGIN).sigmoid()
    return torch.maximum(whole, doubted)


def resized(masks: Tensor, height: int, width: int) -> Tensor:
    """[P, h, w] -> [P, height, width], bilinear, an average where it gets smaller."""
    from torch.nn.functional import interpolate

    return interpolate(masks[None], size=(height, width), mode="bilinear", antialias=True)[0]


def _tent(length: int, like: Tensor) -> Tensor:
    """Rises from both ends to the middle; nowhere 0."""
    import torch

    at = torch.arange(length, dtype=like.dtype, device=like.device) + 0.5
    return torch.minimum(at, length - at)


def _count(length: int, window: float) -> int:
    return math.ceil(max(0.0, length - window) / (window * (1 - OVERLAP))) + 1


def _starts(length: int, window: float) -> list[int]:
    count, room = _count(length, window), max(0, length - round(window))
    return [round(i * room / (count - 1)) for i in range(count)] if count > 1 else [0]
