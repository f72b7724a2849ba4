"""Pictures larger than memory: which tiles an engine cuts them into."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from .geometry import Bounds, Extent


@dataclass(frozen=True)
class Tile:
    """outer: what the network is shown; inner: the part of its answer that is used.

    Both in pixels of the working picture; the inner boxes of a plan cover the wanted box once.
    """

    outer: Bounds
    inner: Bounds

    @property
    def crop(self) -> tuple[slice, slice]:
        """The inner box within the answer to the outer one."""
        return self.inner.relative_to(self.outer).slices


@dataclass(frozen=True)
class Plan:
    """How an engine goes about one box. peak_bytes: what its largest tile takes, beside what is
    held anyway."""

    tiles: tuple[Tile, ...]
    peak_bytes: int

    @property
    def pixels(self) -> int:
        """What the network is shown in all: the tiles with their margins."""
        return sum(tile.outer.extent.pixels for tile in self.tiles)

    @property
    def shown(self) -> int:
        """Pixels of the answer."""
        return sum(tile.inner.extent.pixels for tile in self.tiles)


def tile_side(free_bytes: int, bytes_per_pixel: int, *, margin: int, align: int, most: int) -> int:
    """The largest side, up to `most`, whose tile with its margins fits in half of the free memory.

    A multiple of `align`, at least 4 times that: below it the margins would be all the work.
    """
    fitting = int((free_bytes / 2 / bytes_per_pixel) ** 0.5) - 2 * margin
    return max(4 * align, min(most, fitting) // align * align)


def plan_tiles(extent: Extent, wanted: Bounds, *, side: int, margin: int, align: int) -> list[Tile]:
    """Tiles of about `side` that cover `wanted`, in reading order.

    Outer boxes start at multiples of `align`, so that the poolings of a tile fall on the same
    pixels as those of the whole picture; margin: context on each side, for the network's
    receptive field.
    """
    columns = _cuts(wanted.x, wanted.right, side, align)
    rows = _cuts(wanted.y, wanted.bottom, side, align)
    tiles = []
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            inner = Bounds(left, top, right - left, bottom - top)
            grown = inner.grown(margin, extent)
            x, y = grown.x // align * align, grown.y // align * align
            tiles.append(Tile(Bounds(x, y, grown.right - x, grown.bottom - y), inner))
    return tiles


def _cuts(start: int, stop: int, side: int, align: int) -> list[int]:
    """Where to cut a line into nearly equal pieces no longer than `side`, on the grid inside."""
    pieces = -(-(stop - start) // side)
    inner = [round((start + (stop - start) * k / pieces) / align) * align for k in range(1, pieces)]
    return [start, *(c for c in inner if start < c < stop), stop]
