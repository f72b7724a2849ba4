"""A picture at one size, read window by window, so that no large copy in floats is ever held."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .geometry import Bounds, Extent
from .picture import Picture, Pixels, to_float
from .resample import extent_of, resized_map, resized_pixels

Floats = NDArray[np.float32]
Stored = NDArray[np.float32] | NDArray[np.uint16]  # a stylised picture: see `stored`
STEPS = np.float32(65535)


class Canvas(Protocol):
    """What engines and masks see of a picture: HWC sRGB float32 in [0, 1]."""

    @property
    def extent(self) -> Extent: ...

    def window(self, bounds: Bounds) -> Floats:
        """[height, width, 3] of the box, which lies within the canvas."""
        ...

    def fitted(self, long_side: int) -> Floats:
        """The whole picture, made smaller where its long side is longer than that."""
        ...


class ArrayCanvas:
    """A picture that is an array in floats already. array: HWC sRGB float32 in [0, 1]."""

    def __init__(self, array: Floats) -> None:
        self._array = array

    @property
    def extent(self) -> Extent:
        return extent_of(self._array)

    def window(self, bounds: Bounds) -> Floats:
        return self._array[bounds.slices]

    def fitted(self, long_side: int) -> Floats:
        size = self.extent.fitted(long_side)
        if size == self.extent:
            return self._array
        planes = [resized_map(self._array[..., c], size) for c in range(self._array.shape[2])]
        return np.stack(planes, axis=-1)


class PictureCanvas:
    """A decoded picture of any kind, brought to `extent` (default: its own) in its own number
    format, seen through its own profile; clipped to [0, 1], and 0 where it is no number."""

    def __init__(self, picture: Picture, extent: Extent | None = None) -> None:
        pixels = _resized(picture.pixels, extent or picture.extent)
        self._picture = replace(picture, pixels=pixels, alpha=None)

    @property
    def extent(self) -> Extent:
        return self._picture.extent

    def window(self, bounds: Bounds) -> Floats:
        return to_float(self._picture.with_pixels(self._picture.pixels[bounds.slices]))

    def fitted(self, long_side: int) -> Floats:
        small = _resized(self._picture.pixels, self.extent.fitted(long_side))
        return to_float(self._picture.with_pixels(small))


def _resized(pixels: Pixels, extent: Extent) -> Pixels:
    """Samples at another size; one that is no number must not spread to its neighbours."""
    if pixels.dtype == np.float32 and extent_of(pixels) != extent:
        pixels = np.nan_to_num(pixels, nan=0, posinf=0, neginf=0).clip(0, 1)
    return resized_pixels(pixels, extent)


def fingerprint(samples: NDArray[np.generic], *about: object) -> bytes:
    """The same for equal samples of equal shape and kind, and equal `about`: a key of caches."""
    digest = hashlib.blake2b(repr((samples.shape, samples.dtype, about)).encode())
    digest.update(np.ascontiguousarray(samples).data)
    return digest.digest()


def as_canvas(picture: Canvas | Floats) -> Canvas:
    return ArrayCanvas(picture) if isinstance(picture, np.ndarray) else picture


def store(values: Floats, out: Stored) -> None:
    """Values in [0, 1] into `out`: as they are, or as uint16 in steps of 1/65535.

    ArithmeticError for values that are no numbers: a network gave them, nothing can be shown.
    """
    if not np.isfinite(values).all():
        raise ArithmeticError("the engine gave values that are no numbers")
    if out.dtype == np.uint16:
        np.rint(values.clip(0, 1) * STEPS, out=out, casting="unsafe")
    else:
        out[...] = values


def stored(values: Stored) -> Floats:
    """What `store` put there, as float32 in [0, 1]."""
    if values.dtype == np.uint16:
        return values.astype(np.float32) / STEPS
    return values.astype(np.float32, copy=False)
