"""All experiments, in the document's order."""

from __future__ import annotations

import difflib

from ...errors import RequestError
from . import (
    attention,
    blind,
    capacity,
    curves,
    expanded,
    groups,
    skewness,
    times,
    words,
    zero_shot,
)
from .frame import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    e.name: e
    for e in (
        times.EXPERIMENT,
        capacity.EXPERIMENT,
        zero_shot.EXPERIMENT,
        groups.EXPERIMENT,
        curves.EXPERIMENT,
        words.EXPERIMENT,
        expanded.EXPERIMENT,
        attention.LEVELS_EXPERIMENT,
        attention.BALANCE_EXPERIMENT,
        skewness.EXPERIMENT,
        blind.EXPERIMENT,
    )
}


def experiment(name: str) -> Experiment:
    """RequestError for a name that is none, with the nearest."""
    if name not in EXPERIMENTS:
        near = difflib.get_close_matches(name, EXPERIMENTS, 1)
        hint = f"; did you mean {near[0]}?" if near else f": there are {', '.join(EXPERIMENTS)}"
        raise RequestError(f"there is no experiment {name[:60]!r}{hint}")
    return EXPERIMENTS[name]
