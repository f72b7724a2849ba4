"""Dynamic instance normalisation (ZM-Net, equation 3) of a picture, or of one tile of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .statistics import EPSILON, Moments, moments, normalised_by, takes_one_pass


class DynamicNorms:
    """The normalisations of a network, called once for each, in order, in a single run of it."""

    def __init__(
        self,
        parameters: Sequence[tuple[Tensor, Tensor]],
        of: Sequence[Moments] | None = None,
        *,
        found: list[Moments] | None = None,
        measured: Callable[[Tensor], Moments] | None = None,
    ) -> None:
        """parameters: gamma and beta, both [N, C], of each. of: moments of a whole picture, where
        what is normalised belongs to a tile of it. found: where to keep the moments that are found
        on the way, which then is what is normalised by. measured: finds them; None: all of x's."""
        self.parameters, self.of = parameters, of
        self.found, self.measured = found, measured
        self.index = 0

    def __call__(self, x: Tensor, placed: Tensor | None = None) -> Tensor:
        """x: NCHW. placed: what is added to the normalised x before it is scaled; NCHW."""
        gamma, beta = self.parameters[self.index]
        by = self.of[self.index] if self.of is not None else None
        self.index += 1
        if self.found is None:
            y = dynamic_instance_norm(x, gamma, beta, by)
        elif self.measured is None:
            y, by = normalised_and_measured(x, gamma, beta)
            self.found.append(by)
        else:
            by = self.measured(x)
            y = dynamic_instance_norm(x, gamma, beta, by)
            self.found.append(by)
        return y if placed is None else torch.addcmul(y, placed.to(y.dtype), _spread(gamma, y))


def dynamic_instance_norm(
    x: Tensor, gamma: Tensor, beta: Tensor, of: Moments | None = None
) -> Tensor:
    """Equation 3; x: NCHW, gamma, beta: [N, C]. `of`: moments to take in place of x's own.

    gamma = 1 and beta = 0 is plain instance normalisation.
    """
    if of is None and takes_one_pass(x):
        return _one_pass(x, gamma, beta)[0]
    if of is None:
        return _DynamicInstanceNorm.apply(x, gamma, beta)  # type: ignore[no-any-return]
    if takes_one_pass(x) and len(x) == 1:
        return normalised_by(x, of, gamma[0].float(), beta[0].float())
    scale = gamma[..., None, None] / of.deviation
    shift = beta[..., None, None] - of.mean * scale
    return torch.addcmul(shift, x.float(), scale).to(x.dtype)


def normalised_and_measured(x: Tensor, gamma: Tensor, beta: Tensor) -> tuple[Tensor, Moments]:
    """`dynamic_instance_norm` by x's own moments, and these."""
    if takes_one_pass(x):
        y, means, rates = _one_pass(x, gamma, beta)
        return y, Moments(means.float()[..., None, None], 1 / rates.float()[..., None, None])
    by = moments(x)
    return dynamic_instance_norm(x, gamma, beta, by), by


def _one_pass(x: Tensor, gamma: Tensor, beta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Equation 3 with one rounding; means and reciprocal deviations, both [N, C]. By itself each
    sample, which has a scale and shift of its own."""
    channels, size = x.shape[1], x.shape[2] * x.shape[3]
    parts = [
        torch.native_group_norm(each, g, b, 1, channels, size, channels, EPSILON)
        for each, g, b in zip(x.split(1), gamma.float(), beta.float(), strict=True)
    ]
    if len(parts) == 1:
        return parts[0]
    y, means, rates = (torch.cat(of_all) for of_all in zip(*parts, strict=True))
    return y, means, rates


class _DynamicInstanceNorm(torch.autograd.Function):
    """Equation 3 and its derivative in few passes over x: written out term by term, and left to
    autograd, it took as long as the convolutions between."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        normal, _, rate = torch.native_group_norm(
            x, None, None, count, channels, height * width, channels, EPSILON
        )
        ctx.save_for_backward(normal, rate, gamma)
        return torch.addcmul(_spread(beta, x), normal, _spread(gamma, x))

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (slope,) = slopes
        normal, rate, gamma = ctx.saved_tensors
        pixels = slope.shape[2] * slope.shape[3]
        # bfloat16 is summed in float32 and rounded once; to ask for that costs a copy.
        of_beta = slope.sum((2, 3)).float()
        of_gamma = (slope * normal).sum((2, 3)).float()
        scale = rate.float().view_as(of_beta) * gamma
        of_x = torch.addcmul(
            _spread(-scale * of_beta / pixels, slope), slope, _spread(scale, slope)
        )
        of_x.addcmul_(normal, _spread(-scale * of_gamma / pixels, slope))
        return of_x, of_gamma, of_beta


def _spread(numbers: Tensor, like: Tensor) -> Tensor:
    return numbers[..., None, None].to(like.dtype)
