"""TNet's parameters, sought for one picture: a few steps of descent from what PNet says.

PNet sees the style alone. What its numbers make of a photograph depends on the photograph, too, in
a way that nothing the encoder sees of both was found to predict; but it can be tried: paint, look
at what came out with a perceptual network, change gamma and beta by its slope. A small
picture is tried, and what is found paints one of any size. Neither paper has this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..device import Device
from ..nets.covariance import style_statistics
from ..nets.patterns import WINDOW, allowed_patterns, grid_loss, pattern_excess, roughness
from ..nets.perceptual import PerceptualNetwork, content_loss, moments_loss, squashed
from ..nets.statistics import Moments
from ..nets.transformer_net import Parameters
from .optimisation import Grams, grams_distance
from .optimisation import mixed as mixed_grams

SEEN_AT = 256  # px of the square that the perceptual network is shown
RATE = 0.8  # of Adam, beside gammas of about 1; falls with the root of the steps that are left
MOMENTUM = (0.3, 0.8)  # little: with so few steps what was true two steps ago no longer is
EPSILON = 1e-8  # beside the root of Adam's second moment
CONTENT_LEVEL = 4  # relu4_1

# What training weighs alike (core/train/style_losses.py), but for the content: about as much of the
# photograph is kept as without these steps.
STYLE, GRAM, CONTENT, RANGE, VARIATION, GRID, FINE = 1.4, 0.6, 0.79, 10.0, 1.0, 8.0, 0.3


@dataclass(frozen=True)
class Look:
    """What a perceptual network sees of a style: a level's moments and Gram matrix. patterns: see
    `allowed_patterns`."""

    moments: Sequence[Moments]
    grams: Grams
    patterns: Tensor


@torch.no_grad()
def look_at(
    network: PerceptualNetwork, picture: Tensor, mask: Tensor | None = None, scale: float = 1.0
) -> Look:
    """picture: [1, 3, H, W] in [0, 1], sides of 32 px at least. mask: [1, 1, H, W], the part that
    counts. scale: brush size; at 2 everything in the picture is twice as large."""
    features = network(squashed(picture, round(SEEN_AT * scale)).clamp(0, 1))
    return Look(*style_statistics(features, mask), allowed_patterns(picture, apart=WINDOW))


def mixed_looks(mixture: Sequence[tuple[Look, float]]) -> Look:
    """Linear in everything, as mixtures of styles are; of patterns what any of them allows."""
    levels = zip(*(look.moments for look, _ in mixture), strict=True)
    weights = [weight for _, weight in mixture]
    return Look(
        [_mean(level, weights) for level in levels],
        mixed_grams([(look.grams, weight) for look, weight in mixture]),
        torch.stack([look.patterns for look, _ in mixture]).amax(0),
    )


def polished(
    network: PerceptualNetwork,
    paint: Callable[[Parameters], Tensor],
    start: Parameters,
    photo: Tensor,
    style: Look,
    *,
    steps: int,
    device: Device,
    mask: Tensor | None = None,
    each: Callable[[int], None] | None = None,
) -> Parameters:
    """The parameters of the step whose picture was the best, the start among them.

    network: RGB NCHW in [0, 1] -> relu1_1 to relu5_1, frozen. paint: parameters -> RGB, unbounded,
    of the photograph's size. photo: [1, 3, H, W]. mask: [1, 1, H, W], where the picture shall look
    as the style does. each: called after every step with its number.
    """
    with torch.no_grad(), device.autocast():
        seen = network(squashed(photo, SEEN_AT))
        level = CONTENT_LEVEL - 1
        content = seen[level]
        # As in training, each part counts by the share of the way that is left.
        moments, grams = style_statistics(seen, mask)
        style_unit = moments_loss(moments, style.moments).clamp_min(2)
        gram_unit = grams_distance(grams, style.grams).clamp_min(1.5)
        allowed = torch.maximum(style.patterns, allowed_patterns(photo, apart=WINDOW))
        del seen

    def loss(picture: Tensor) -> Tensor:
        features = network(squashed(picture, SEEN_AT))
        moments, grams = style_statistics(features, mask)
        return (
            STYLE * moments_loss(moments, style.moments) / style_unit
            + GRAM * grams_distance(grams, style.grams) / gram_unit
            # Two unrelated pictures differ by 2 in features of deviation 1.
            + CONTENT * content_loss(features[level], content) / 2
            + RANGE * (picture - picture.clamp(0, 1)).square().mean()
            + VARIATION * roughness(picture - photo)
            + GRID * grid_loss(picture)
            + FINE * pattern_excess(picture, allowed, apart=WINDOW)
        ).sum()

    gamma, beta = (x.detach().clone().requires_grad_() for x in (start.gamma, start.beta))
    adam = _Adam((gamma, beta))
    best, least = start, float("inf")
    for step in range(steps + 1):
        tried = replace(start, gamma=gamma.detach().clone(), beta=beta.detach().clone())
        with torch.set_grad_enabled(step < steps), device.autocast():
            left = loss(paint(replace(start, gamma=gamma, beta=beta)))
        if left.item() < least:
            best, least = tried, left.item()
        if step == steps or not left.isfinite():
            break
        slopes = torch.autograd.grad(left, (gamma, beta), materialize_grads=True)
        # A picture of a single colour has no slope: its deviations are 0.
        if not all(slope.isfinite().all() for slope in slopes):
            break
        adam.step(slopes, RATE * (1 - step / steps) ** 0.5)
        if each:
            each(step + 1)
    return best


class _Adam:
    """D. Kingma and J. Ba, ICLR 2015, algorithm 1. torch.optim's brings PyTorch's compiler into the
    process, which takes longer than all the steps."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters, self.steps = parameters, 0
        self.moments = [(torch.zeros_like(x), torch.zeros_like(x)) for x in parameters]

    @torch.no_grad()
    def step(self, slopes: Sequence[Tensor], rate: float) -> None:
        self.steps += 1
        first, second = (1 - momentum**self.steps for momentum in MOMENTUM)
        for x, slope, (mean, square) in zip(self.parameters, slopes, self.moments, strict=True):
            mean.lerp_(slope, 1 - MOMENTUM[0])
            square.lerp_(slope.square(), 1 - MOMENTUM[1])
            x -= rate * (mean / first) / ((square / second).sqrt() + EPSILON)


def _mean(level: Sequence[Moments], weights: Sequence[float]) -> Moments:
    pairs = list(zip(level, weights, strict=True))
    mean = torch.stack([m.mean * w for m, w in pairs]).sum(0)
    return Moments(mean, torch.stack([m.deviation * w for m, w in pairs]).sum(0))
