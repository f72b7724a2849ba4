"""Where things are: boxes, and maps of samples cut and put together row by row. No gi.

Coordinates are pixels, x to the right, y down. A box is in those of the image unless it is said
to be in a layer's, whose origin is the layer's top left.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Box:
    """Left, top, width and height; the sides are at least 0."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def empty(self) -> bool:
        return not self.width or not self.height

    @property
    def at_origin(self) -> Box:
        return Box(0, 0, self.width, self.height)

    def moved(self, x: int, y: int) -> Box:
        return Box(self.x + x, self.y + y, self.width, self.height)

    def relative_to(self, other: Box) -> Box:
        """This box in the coordinates of what lies at the other."""
        return self.moved(-other.x, -other.y)

    def shared_with(self, other: Box) -> Box:
        """What lies in both; an empty box at the nearest corner where nothing does."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Box(x, y, max(0, right - x), max(0, bottom - y))


def laid_over(
    samples: bytes | memoryview, here: Box, there: Box, size: int, below: bytes = b""
) -> bytes:
    """Samples of one box as those of another: what both share is copied, the rest is `below`.

    samples: row by row, `size` bytes a pixel. below: samples of `there`; all 0 without it. Both
    boxes have the same origin of coordinates.
    """
    if len(samples) != here.width * here.height * size:
        raise ValueError(f"{len(samples)} bytes are no {here.width} x {here.height} of {size}")
    if here == there:
        return bytes(samples)
    out = bytearray(below or there.width * there.height * size)
    if len(out) != there.width * there.height * size:
        raise ValueError(f"{len(out)} bytes are no {there.width} x {there.height} of {size}")
    both = here.shared_with(there)
    if not both.empty:
        length, source, target = both.width * size, memoryview(samples), memoryview(out)
        for y in range(both.y, both.bottom):
            start = ((y - here.y) * here.width + both.x - here.x) * size
            place = ((y - there.y) * there.width + both.x - there.x) * size
            target[place : place + length] = source[start : start + length]
    return bytes(out)


def at_depth(mask: bytes, pixels: int, size: int) -> bytes:
    """A mask of so many pixels, of 1 or 2 bytes each, at `size` bytes. ValueError for another
    number of pixels."""
    if len(mask) == pixels * size:
        return mask
    if len(mask) == pixels and size == 2:
        deep = bytearray(2 * pixels)
        deep[0::2] = deep[1::2] = mask  # 65535 = 257 * 255
        return bytes(deep)
    if len(mask) == 2 * pixels and size == 1:
        return mask[1::2]
    raise ValueError(f"{len(mask)} bytes are no mask of {pixels} pixels")


def checksum(samples: bytes | memoryview) -> str:
    return hashlib.sha256(samples).hexdigest()


def carried_over(
    before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]
) -> dict[int, int]:
    """Which region of a changed recipe is which of the former: number before -> number now.

    Regions are the same where they are of the same things (target, plus and within); of several
    alike the first is the first.
    """
    areas = [[_area(region) for region in regions] for regions in (before, now)]
    numbers: dict[int, int] = {}
    for number, area in enumerate(areas[0]):
        nth = areas[0][:number].count(area)
        places = [k for k, other in enumerate(areas[1]) if other == area]
        if nth < len(places):
            numbers[number] = places[nth]
    return numbers


def _area(region: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(region.get(name) for name in ("target", "plus", "within"))
