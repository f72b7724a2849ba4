"""A layer's mean and covariance over its positions, in three passes with their derivative.

All that style losses ask of features is in them: deviations are the covariance's diagonal, Gram
matrices the covariance and the means' products. Found one by one, and left to autograd, they took
as long as the network that gives the features.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .encoder import Features
from .statistics import EPSILON, Moments, shares


def style_statistics(
    features: Features, mask: Tensor | None = None
) -> tuple[list[Moments], tuple[Tensor, ...]]:
    """Of each level, NCHW, its moments and its Gram matrix [N, C, C] (ZM-Net, equation 1, divided
    by the number of positions), float32. mask: [N, 1, H, W] of any size in [0, 1], brought to the
    features' size by area; where it is set counts."""
    moments, grams = [], []
    for level in features:
        mean, covariance = mean_and_covariance(level, mask)
        deviation = (covariance.diagonal(dim1=1, dim2=2) + EPSILON).sqrt()
        moments.append(Moments(mean[..., None, None], deviation[..., None, None]))
        grams.append(torch.baddbmm(covariance, mean[:, :, None], mean[:, None]))
    return moments, tuple(grams)


def mean_and_covariance(features: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """[N, C] and [N, C, C], float32. Products are of the features' own format, of what differs from
    the mean: rounding is small beside the deviations. mask: see `style_statistics`."""
    columns = features.permute(0, 2, 3, 1).flatten(1, 2)  # as they lie where channels come last
    share = None if mask is None else shares(mask, features).flatten(1)[..., None]
    with torch.autocast(features.device.type, enabled=False):
        return _MeanAndCovariance.apply(columns, share)  # type: ignore[no-any-return]


class _MeanAndCovariance(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, columns: Tensor, share: Tensor | None) -> tuple[Tensor, Tensor]:
        """columns: [N, P, C]. share: [N, P, 1], float32, of each position; sums to 1."""
        positions = columns.shape[1]
        if share is None:
            # bfloat16 is summed in float32 and rounded once; what that lost is in the differences.
            mean = columns.sum(dim=1, keepdim=True) / positions
            scaled = columns - mean
            rest = scaled.sum(dim=1).float() / positions
        else:
            mean = (columns * share).sum(dim=1, keepdim=True)
            scaled = (columns - mean).mul_(share.sqrt() * positions**0.5).to(columns.dtype)
            rest = torch.zeros_like(mean[:, 0])
        ctx.save_for_backward(scaled, share)
        product = torch.bmm(scaled.mT, scaled).float() / positions
        return mean[:, 0].float() + rest, torch.baddbmm(
            product, rest[:, :, None], rest[:, None], alpha=-1
        )

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        of_mean, of_covariance = slopes
        scaled, share = ctx.saved_tensors
        positions = scaled.shape[1]
        both = ((of_covariance + of_covariance.mT) / positions).to(scaled.dtype)
        if share is None:
            # What the mean moves by leaves the sum of the differences from it at 0.
            start = (of_mean / positions).to(scaled.dtype)[:, None].expand_as(scaled)
            return torch.baddbmm(start, scaled, both), None
        slope = torch.bmm(scaled, both) * (share.sqrt() * positions**0.5)
        return (slope + share * of_mean[:, None]).to(scaled.dtype), None
