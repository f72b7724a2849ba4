"""Of a group that is made again: which layers stay, which are redone, which go. No gi."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


class Fate(Enum):
    """What becomes of a region's layer."""

    STAY = "stay"  # the same as it is
    REPAINT = "repaint"  # new pixels below the mask as a person painted it
    REPLACE = "replace"
    INSERT = "insert"
    REMOVE = "remove"


@dataclass(frozen=True)
class Standing:
    """A layer that is there. sums: of mask and pixels as they once arrived. painted: whether a
    person has changed the mask since, and it shall stay theirs."""

    sums: tuple[str, str]
    painted: bool = False


def fates(
    standing: Mapping[int, Standing],
    arrived: Sequence[tuple[int, tuple[str, str]]],
    deleted: frozenset[int] = frozenset(),
) -> dict[int, Fate]:
    """What becomes of each region's layer, by its number in the recipe as it is now.

    arrived: what the worker gave, with checksums of mask and pixels. deleted: regions whose
    layer a person deleted, which stays so.
    """
    found: dict[int, Fate] = {}
    for region, sums in arrived:
        there = standing.get(region)
        if there is None:
            if region not in deleted:
                found[region] = Fate.INSERT
        elif there.painted:
            found[region] = Fate.STAY if there.sums[1] == sums[1] else Fate.REPAINT
        else:
            found[region] = Fate.STAY if there.sums == sums else Fate.REPLACE
    for region, there in standing.items():
        if region not in found:
            # A mask that was painted black shows nothing, but it is a person's.
            found[region] = Fate.STAY if there.painted else Fate.REMOVE
    return found
