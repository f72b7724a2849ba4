"""What AdaAttN keeps of style pictures and of a photograph, and mixtures of styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from .colour import Colours
from .decoder import Modulation
from .statistics import Moments


@dataclass(frozen=True)
class PreparedStyle:
    """All that a style picture contributes. keys, values: [N, C, M] a level; M positions."""

    colour: Moments | Colours
    keys: Mapping[int, Tensor]
    values: Mapping[int, Tensor]
    uniform: Mapping[int, Moments]
    modulation: Modulation | None


@dataclass(frozen=True)
class ContentStatistics:
    """What normalisation needs to know of a whole picture: moments of its colours, of each
    level's features, of each attention level's concatenated keys, and of what each convolution of
    the decoder makes of them under the styles asked for (None where it does not normalise)."""

    colour: Moments | Colours
    features: Mapping[int, Moments]
    keys: Mapping[int, Moments]
    decoder: Sequence[Moments] | None = None


def blended_colours(mixture: Sequence[tuple[PreparedStyle, float]]) -> Moments | Colours:
    parts = [(s.colour, w) for s, w in mixture]
    matched = [(c, w) for c, w in parts if isinstance(c, Colours)]
    if not matched:
        return blended([(c, w) for c, w in parts if isinstance(c, Moments)])
    return Colours(
        sum(w * c.mean for c, w in matched),  # type: ignore[arg-type]
        sum(w * c.factor for c, w in matched),  # type: ignore[arg-type]
    )


def blended(parts: Sequence[tuple[Moments, float]]) -> Moments:
    return Moments(
        sum(w * m.mean for m, w in parts),  # type: ignore[arg-type]
        sum(w * m.deviation for m, w in parts),  # type: ignore[arg-type]
    )


def blended_modulation(mixture: Sequence[tuple[PreparedStyle, float]]) -> Modulation:
    layers = zip(*(s.modulation for s, _ in mixture if s.modulation is not None), strict=True)
    weights = [w for _, w in mixture]
    return [
        (
            sum(w * scale for w, (scale, _) in zip(weights, layer, strict=True)),  # type: ignore[misc]
            sum(w * shift for w, (_, shift) in zip(weights, layer, strict=True)),
        )
        for layer in layers
    ]
