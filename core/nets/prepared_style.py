"""What AdaAttN keeps of style pictures and of a photograph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from .colour import Colours
from .statistics import Moments
from .transformer_net import Parameters


@dataclass(frozen=True)
class PreparedStyle:
    """All that a style picture contributes. keys, values: [N, C, M] a level; M positions.
    parameters: of the painter, None where the paper's decoder paints."""

    keys: Mapping[int, Tensor]
    values: Mapping[int, Tensor]
    parameters: Parameters | None


@dataclass(frozen=True)
class ContentStatistics:
    """What normalisation needs to know of a whole picture: moments of each level's features and of
    each attention level's concatenated keys; for the painter its colours, too, and, under the
    styles asked for, the moments of each normalisation and the colours of what is painted."""

    features: Mapping[int, Moments]
    keys: Mapping[int, Moments]
    colours: Colours | None = None
    norms: Sequence[Moments] | None = None
    painted: Colours | None = None
