"""Painted regions that may be wanted again: where only a strength, the edge of a mask or another
region changes, nothing has to be painted anew."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from .canvas import Stored


class PaintedRegions:
    """At most `room` bytes of them, by all that made them; the longest unused go first."""

    def __init__(self, room: int) -> None:
        self._room, self._held = room, 0
        self._kept: OrderedDict[Hashable, Stored] = OrderedDict()

    def get(self, key: Hashable) -> Stored | None:
        """What was kept under the key; not to be written to."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def keep(self, key: Hashable, painted: Stored) -> None:
        """One that is larger than all the room is not kept."""
        if painted.nbytes > self._room:
            return
        if key in self._kept:
            self._held -= self._kept.pop(key).nbytes
        self._kept[key] = painted
        self._held += painted.nbytes
        while self._held > self._room:
            self._held -= self._kept.popitem(last=False)[1].nbytes
