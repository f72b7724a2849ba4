"""Arrays made smaller and larger: whole, or a window of the enlarged array at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .geometry import Bounds, Extent
from .picture import Picture

BILINEAR = Image.Resampling.BILINEAR
BICUBIC = Image.Resampling.BICUBIC
# What shrinks to a quarter or less is first averaged over as many whole pixels as leave so much to
# the kernel: a third of the time, and 52 dB from all by the kernel.
GAP = 2.0


def extent_of(array: NDArray[np.generic]) -> Extent:
    """Of an array whose first axes are height and width."""
    return Extent(array.shape[1], array.shape[0])


def resized_pixels(pixels: NDArray[Any], extent: Extent) -> NDArray[Any]:
    """HWC or HW samples (uint8, uint16 or float32) at another size, of the same kind, by
    Lanczos' kernel widened to the step. Floats keep to the range that they had."""
    if extent_of(pixels) == extent:
        return pixels
    size = (extent.width, extent.height)
    if pixels.dtype == np.uint8:
        return np.asarray(_lanczos(Image.fromarray(pixels), size))
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    result = np.empty((extent.height, extent.width, planes.shape[2]), pixels.dtype)
    for c in range(planes.shape[2]):  # Pillow has one channel of floats, not three
        plane = np.ascontiguousarray(planes[..., c], dtype=np.float32)
        image = _lanczos(Image.fromarray(plane), size)
        smaller = np.asarray(image).clip(plane.min(), plane.max())
        whole = pixels.dtype.kind == "u"
        result[..., c] = np.rint(smaller) if whole else smaller
    return result[..., 0] if pixels.ndim == 2 else result


def _lanczos(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=GAP)


def shrunk(picture: Picture, side: int) -> Picture:
    """The picture with a long side of at most `side` px, its samples of the same kind."""
    extent = picture.extent.fitted(side)
    alpha = None if picture.alpha is None else resized_pixels(picture.alpha, extent)
    return replace(picture, pixels=resized_pixels(picture.pixels, extent), alpha=alpha)


def resized_map(values: NDArray[np.floating], extent: Extent) -> NDArray[np.float32]:
    """HW values in [0, 1] at another size, bicubic (an average where it gets smaller)."""
    values = np.ascontiguousarray(values, dtype=np.float32)
    if extent_of(values) == extent:
        return values
    image = Image.fromarray(values).resize((extent.width, extent.height), BICUBIC)
    return np.asarray(image).clip(0, 1)


class Enlarged:
    """A small array as it looks at a larger size; only the windows asked for are ever made.

    small: [h, w] or [h, w, C]. It covers `part` (default: all) of a picture of extent `of`
    (default: its own), which is brought to `extent`. A window equals the same window of the
    whole enlarged array, so windows join without a seam.
    """

    def __init__(
        self,
        small: NDArray[np.floating],
        extent: Extent,
        *,
        kernel: Image.Resampling = BILINEAR,
        part: Bounds | None = None,
        of: Extent | None = None,
    ) -> None:
        planes = small[..., None] if small.ndim == 2 else small
        self._flat = small.ndim == 2
        self._planes = [
            Image.fromarray(np.ascontiguousarray(planes[..., c], dtype=np.float32))
            for c in range(planes.shape[2])
        ]
        of = of or extent_of(small)
        self._part = part or Bounds.whole(of)
        self._step = (of.width / extent.width, of.height / extent.height)
        self._kernel = kernel

    def window(self, bounds: Bounds) -> NDArray[np.float32]:
        """`bounds` of the enlarged picture: [height, width] or [height, width, C]."""
        (across, down), part = self._step, self._part
        # Rounding must not push the box out of the small picture by a hair.
        box = (
            max(0.0, bounds.x * across - part.x),
            max(0.0, bounds.y * down - part.y),
            min(float(part.width), bounds.right * across - part.x),
            min(float(part.height), bounds.bottom * down - part.y),
        )
        size = (bounds.width, bounds.height)
        planes = [np.asarray(each.resize(size, self._kernel, box=box)) for each in self._planes]
        return planes[0] if self._flat else np.stack(planes, axis=-1)


def strips(bounds: Bounds, pixels: int = 1 << 19) -> list[Bounds]:
    """The box cut into full-width strips of about `pixels` pixels, from the top."""
    rows = max(1, pixels // bounds.width)
    return [
        Bounds(bounds.x, y, bounds.width, min(rows, bounds.bottom - y))
        for y in range(bounds.y, bounds.bottom, rows)
    ]
