"""The start of a factored encoder: each convolution by reduced rank regression.

X. Zhang et al., "Accelerating Very Deep Convolutional Networks for Classification and Detection",
TPAMI 2016, sections 3.1 and 3.3: of all kernels of a rank those whose answers to real pictures are
nearest to the teacher's, layer after layer, each on what the layers before it give by then. What
that paper does for the ReLU by alternation is left to training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..nets.encoder import Encoder, FactoredConvolution, pooled

POSITIONS = 5_000  # of each picture's features that are looked at, evenly spaced
RIDGE = 1e-6  # share of the mean variance, so that a constant channel divides by no zero


@torch.no_grad()
def factor(network: Encoder, teacher: Encoder, pictures: Sequence[Tensor]) -> None:
    """Fill `network`, whose config differs from the teacher's in its ranks alone. pictures: RGB
    [N, 3, H, W] in [0, 1] each."""
    wanted = [(picture - teacher.mean) / teacher.std for picture in pictures]
    given = [x.clone() for x in wanted]
    layers: Any
    for level, layers in enumerate(zip(network.stages, teacher.stages, strict=True)):
        if level:
            wanted, given = (
                [pooled(x, ceil_mode=teacher.config.ceil_mode) for x in xs]
                for xs in (wanted, given)
            )
        for mine, theirs in zip(*layers, strict=True):
            answers = [theirs(x) for x in wanted]
            if isinstance(mine, FactoredConvolution):
                _regress(mine, theirs, given, answers)
            else:
                mine.load_state_dict(theirs.state_dict())
            wanted = [F.relu(y) for y in answers]
            given = [F.relu(mine(x)) for x in given]


def _regress(
    mine: FactoredConvolution, theirs: Any, given: Sequence[Tensor], answers: Sequence[Tensor]
) -> None:
    """Of the best linear map from theirs(given) to `answers` the part of the wanted rank."""
    pairs = [
        torch.cat([_columns(theirs(x)), _columns(y)]) for x, y in zip(given, answers, strict=True)
    ]
    columns = torch.cat(pairs, dim=1)
    mean = columns.mean(dim=1, keepdim=True)
    covariance = (columns - mean) @ (columns - mean).T / columns.shape[1]
    width = len(columns) // 2
    of_given, across = covariance[:width, :width], covariance[width:, :width]
    ridge = RIDGE * of_given.trace() / width * torch.eye(width, dtype=columns.dtype)
    best = torch.linalg.solve(of_given + ridge, across.T).T
    _, directions = torch.linalg.eigh(best @ of_given @ best.T)
    narrow, widen = mine.parts
    chosen = directions[:, -narrow.out_channels :]
    kernels = torch.einsum("rc,cijk->rijk", (chosen.T @ best).float(), theirs.weight)
    narrow.weight.copy_(kernels)
    widen.weight.copy_(chosen.float()[..., None, None])
    # theirs(given) holds its own bias, which the kernels alone do not.
    shift = mean[width:, 0] - chosen @ chosen.T @ best @ (mean[:width, 0] - theirs.bias.double())
    assert widen.bias is not None
    widen.bias.copy_(shift)


def _columns(features: Tensor) -> Tensor:
    """[C, M], float64."""
    flat = features.transpose(0, 1).flatten(1)
    return flat[:, :: max(1, flat.shape[1] // POSITIONS)].double()
