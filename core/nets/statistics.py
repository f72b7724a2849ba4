"""Channel statistics: the mean-variance normalisation that style transfer is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

LEAST_VARIETY = 0.25  # share of a picture's deviations; a smaller one would paint noise large
EPSILON = 1e-5  # added to variances, so that a constant channel divides by no zero
ONE_PASS = 1024  # positions from which on PyTorch's group norm is the quicker way


@dataclass(frozen=True)
class Moments:
    """Mean and deviation per channel, both [N, C, 1, 1], float32."""

    mean: Tensor
    deviation: Tensor


def moments(features: Tensor, *, unbiased: bool = False) -> Moments:
    """Over height and width, in float32 whatever the features' format. features: NCHW.

    unbiased: variances over N - 1, with Bessel's correction, in place of N.
    """
    x = features.float()
    # Two passes of mean: var_mean is ten times slower where channels come last in memory.
    mean = x.mean(dim=(2, 3), keepdim=True)
    variance = (x - mean).square().mean(dim=(2, 3), keepdim=True)
    if unbiased:
        positions = x.shape[2] * x.shape[3]
        variance = variance * (positions / max(1, positions - 1))  # one position varies by 0
    return Moments(mean, (variance + EPSILON).sqrt())


def masked_moments(features: Tensor, mask: Tensor) -> Moments:
    """Where mask [N, 1, H, W] in [0, 1] of any size is set: see `shares`."""
    x, weight = features.float(), shares(mask, features)
    mean = (x * weight).sum(dim=(2, 3), keepdim=True)
    variance = ((x - mean).square() * weight).sum(dim=(2, 3), keepdim=True)
    return Moments(mean, (variance + EPSILON).sqrt())


def shares(mask: Tensor, features: Tensor) -> Tensor:
    """What each of the features' positions counts, [N, 1, H, W], float32, with the sum 1: the
    mask [N, 1, h, w] in [0, 1], brought to their size by area."""
    weight = F.adaptive_avg_pool2d(mask.float(), (features.shape[2], features.shape[3]))
    return weight / weight.sum(dim=(2, 3), keepdim=True).clamp_min(1e-6)


def normalise(features: Tensor, of: Moments | None = None, *, unbiased: bool = False) -> Tensor:
    """Norm of AdaAttN's equation 4: zero mean, unit deviation per channel; NCHW, float32, or
    bfloat16 where that is all that a picture on the processor asks for.

    `of`: statistics to use in place of the features' own: those of a whole picture, where
    the features are those of one tile of it. unbiased: see `moments`, of the features' own.
    """
    count, channels, height, width = features.shape
    pixels = height * width
    at_once = takes_one_pass(features)
    if of is None and at_once and pixels >= ONE_PASS:
        bessel = ((pixels - 1) / pixels) ** 0.5
        scale = features.new_full((channels,), bessel, dtype=torch.float32) if unbiased else None
        return torch.native_group_norm(
            features, scale, None, count, channels, pixels, channels, EPSILON
        )[0]
    if of is not None and at_once and count == 1:
        return normalised_by(features, of)
    by = of or moments(features, unbiased=unbiased)
    return (features.float() - by.mean) / by.deviation


def takes_one_pass(x: Tensor) -> bool:
    """Graphics cards don't take float32 parameters beside a bfloat16 picture."""
    return x.device.type == "cpu" and not torch.is_grad_enabled()


def normalised_by(
    x: Tensor, of: Moments, scale: Tensor | None = None, shift: Tensor | None = None
) -> Tensor:
    """One sample [1, C, H, W] normalised by moments found elsewhere, in its own format and in one
    pass; scale, shift: [C], of what is normalised."""
    variance = of.deviation.flatten().square()
    return F.batch_norm(x, of.mean.flatten(), variance, scale, shift, training=False, eps=0.0)


def kept(features: Tensor, mask: Tensor | None) -> Tensor:
    """The features in the mask, as a picture of one column: [N, C, M, 1]."""
    if mask is None:
        return features
    chosen = inside(mask, (features.shape[-2], features.shape[-1]))
    return features.flatten(2)[..., chosen].unsqueeze(-1)


def part_moments(
    features: Tensor, mask: Tensor | None, measured: Callable[[Tensor], Moments]
) -> Moments:
    """Moments of what the mask keeps, its deviation at least LEAST_VARIETY of the whole's."""
    part = measured(kept(features, mask))
    if mask is None:
        return part
    least = LEAST_VARIETY * measured(features).deviation
    return Moments(part.mean, part.deviation.maximum(least))


def inside(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Indices [M] of the positions in a mask that is brought to that size; M is at least 1."""
    small = F.interpolate(mask, size, mode="area").flatten()
    most = small.max().item()
    if not most > 0:
        raise ValueError("the mask chooses nothing")
    return (small >= min(0.5, most)).nonzero().flatten()
