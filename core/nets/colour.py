"""Colours as statistics: a picture's mean and covariance of RGB, given to another picture.

An affine map of each pixel, so a tile of a picture and a mixture of two targets need nothing but
its two numbers groups. Luminance comes first: it is only scaled and shifted, and the two opponent
colours follow it, so that light stays light.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

# Rows: luminance, red against green, yellow against blue; orthonormal.
OPPONENT = (
    (0.5773503, 0.5773503, 0.5773503),
    (0.7071068, -0.7071068, 0.0),
    (0.4082483, 0.4082483, -0.8164966),
)
PACKED = 9  # numbers that `packed` makes of a picture's colours
LEAST_DEVIATION = 0.03  # of each axis: noise of a picture without colour is not blown up


@dataclass(frozen=True)
class Colours:
    """mean: [N, 3]. factor: [N, 3, 3], the lower Cholesky factor of the covariance; both of the
    opponent colours of RGB in [0, 1], float32."""

    mean: Tensor
    factor: Tensor


def packed(colours: Colours) -> Tensor:
    """[N, PACKED]: the mean and the lower triangle."""
    rows, columns = torch.tril_indices(3, 3)
    return torch.cat([colours.mean, colours.factor[:, rows, columns]], dim=1)


def unpacked(numbers: Tensor) -> Colours:
    """Any [N, PACKED] as colours: mean and lower triangle, whose diagonal is kept positive."""
    rows, columns = torch.tril_indices(3, 3)
    factor = numbers.new_zeros(len(numbers), 3, 3)
    factor[:, rows, columns] = numbers[:, 3:]
    diagonal = F.softplus(factor.diagonal(dim1=1, dim2=2), beta=20)
    return Colours(numbers[:, :3], factor.tril(-1) + torch.diag_embed(diagonal))


def colours_of(image: Tensor, mask: Tensor | None = None) -> Colours:
    """Of an NCHW RGB picture in [0, 1]. mask: [N, 1, H, W] weights, None = all pixels alike."""
    with _in_float32(image):
        return _colours_of(image, mask)


def _colours_of(image: Tensor, mask: Tensor | None) -> Colours:
    pixels = _basis(image) @ image.float().flatten(2)  # N 3 P
    if mask is None:
        mean = pixels.mean(dim=2, keepdim=True)
        covariance = (pixels - mean) @ (pixels - mean).mT / pixels.shape[2]
    else:
        weight = mask.float().flatten(2)
        weight = weight / weight.sum(dim=2, keepdim=True).clamp_min(1e-6)
        mean = (pixels * weight).sum(dim=2, keepdim=True)
        covariance = ((pixels - mean) * weight) @ (pixels - mean).mT
    floor = LEAST_DEVIATION**2 * torch.eye(3, device=image.device)
    return Colours(mean[..., 0], torch.linalg.cholesky(covariance + floor))


def recoloured(image: Tensor, own: Colours, target: Colours, share: Tensor) -> Tensor:
    """The picture with `target`'s mean and covariance in place of its `own`; NCHW, float32,
    unbounded. share: [N], 0 leaves the picture as it is, 1 goes all the way."""
    with _in_float32(image):
        return _recoloured(image, own, target, share)


def _recoloured(image: Tensor, own: Colours, target: Colours, share: Tensor) -> Tensor:
    basis = _basis(image)
    # factor_target @ factor_own^-1: whitens, then colours.
    turn = torch.linalg.solve_triangular(own.factor, target.factor, upper=False, left=False)
    part = share.float()[:, None, None]
    identity = torch.eye(3, device=image.device)
    turn = identity + part * (turn - identity)
    shift = own.mean + share.float()[:, None] * (target.mean - own.mean)
    shift = shift[..., None] - turn @ own.mean[..., None]
    matrix, offset = basis.mT @ turn @ basis, basis.mT @ shift  # N 3 3, N 3 1
    pixels = image.float().flatten(2)
    answer = torch.baddbmm(offset, matrix.expand(len(pixels), 3, 3), pixels)
    return answer.view(len(answer), *image.shape[1:]).contiguous(memory_format=torch.channels_last)


def _in_float32(image: Tensor) -> torch.autocast:
    """Autocast's bfloat16 would put steps of 2/255 into smooth skies."""
    return torch.autocast(image.device.type, enabled=False)


def _basis(image: Tensor) -> Tensor:
    return torch.tensor(OPPONENT, device=image.device)
