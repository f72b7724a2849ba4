"""Sizes and boxes. Each number is in pixels of the picture that the variable's owner names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Extent:
    """Width and height in pixels, both at least 1."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"an extent needs positive sides, not {self.width} x {self.height}")

    @property
    def long_side(self) -> int:
        return max(self.width, self.height)

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def scaled(self, factor: float) -> Extent:
        """Both sides times `factor`, rounded, never below 1."""
        return Extent(max(1, round(self.width * factor)), max(1, round(self.height * factor)))

    def fitted(self, long_side: int) -> Extent:
        """The same shape with the given long side; never larger than it is."""
        return self if self.long_side <= long_side else self.scaled(long_side / self.long_side)


@dataclass(frozen=True)
class Bounds:
    """A box: left, top, width and height, within a picture whose origin is the top left."""

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def whole(cls, extent: Extent) -> Bounds:
        return cls(0, 0, extent.width, extent.height)

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def extent(self) -> Extent:
        return Extent(self.width, self.height)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index an array whose first axes are height and width."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    def grown(self, margin: int, within: Extent) -> Bounds:
        """The box plus `margin` on every side, cut at the picture's border."""
        x, y = max(0, self.x - margin), max(0, self.y - margin)
        right = min(within.width, self.right + margin)
        bottom = min(within.height, self.bottom + margin)
        return Bounds(x, y, right - x, bottom - y)

    def scaled(self, before: Extent, after: Extent) -> Bounds:
        """The smallest box in `after` that covers this box of `before`."""
        x = self.x * after.width // before.width
        y = self.y * after.height // before.height
        right = -(-self.right * after.width // before.width)
        bottom = -(-self.bottom * after.height // before.height)
        return Bounds(x, y, right - x, bottom - y)

    def moved(self, x: int, y: int) -> Bounds:
        """The box that many pixels further right and down."""
        return Bounds(self.x + x, self.y + y, self.width, self.height)

    def relative_to(self, origin: Bounds) -> Bounds:
        """This box in the coordinates of `origin`, which contains it."""
        return Bounds(self.x - origin.x, self.y - origin.y, self.width, self.height)
