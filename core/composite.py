"""Blending: the repainted regions over the photo, in the picture's own 8-bit values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas, Stored, stored
from .geometry import Bounds, Extent
from .guided import BroughtUp
from .layers import Layer, layer_masks
from .picture import Picture, from_srgb, has_foreign_profile, to_float
from .progress import CancelToken, Progress, silent
from .resample import strips

Floats = NDArray[np.float32]

# Björn Ottosson, "A perceptual color space for image processing", 2020,
# https://bottosson.github.io/posts/oklab/ (linear sRGB to cone responses, their roots to Lab).
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    dtype=np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    dtype=np.float32,
)
_FROM_CONES = np.linalg.inv(_TO_CONES.astype(np.float64)).astype(np.float32)
_FROM_LAB = np.linalg.inv(_TO_LAB.astype(np.float64)).astype(np.float32)
_GAMUT_SLACK = 1e-4  # of [0, 1]: a fortieth of an 8-bit step
_HALVINGS = 10  # of the chroma's range: a thousandth of it is left


@dataclass(frozen=True, eq=False)
class Repainted:
    """One region, repainted at the working size.

    mask: [H, W] in [0, 1], its share of every pixel of the picture. strength: 0 to 1.
    box: of the picture, around all that is not 0 in the mask. stylised: [h, w, 3] sRGB as
    canvas.store puts it, `part` of the working size, which covers the box.
    """

    name: str
    mask: Floats
    strength: float
    box: Bounds
    stylised: Stored
    part: Bounds


def composite(
    picture: Picture,
    regions: Sequence[Repainted],
    photo: Canvas,
    *,
    keep_colors: bool = False,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> tuple[Picture, tuple[Layer, ...]]:
    """The picture with its regions repainted, and the same as layers, topmost first.

    original * (1 - sum of m * strength) + sum of stylised * m * strength, rounded once. Where
    every mask is 0 the samples equal the picture's; alpha is the picture's.

    photo: the whole picture at the working size. Masks sum to at
    most 1. A layer's 8-bit mask is m / (1 - sum of masks above); what its rounding and that of
    the layers below cost, its pixels make up for, so that the stack flattens to the composite
    within 1/255 whatever the number of layers.
    """
    own = _OwnValues(picture)
    full = picture.extent
    painters = [_Painter(region, photo, full) for region in regions]
    layers = [Layer.empty(region.name, region.box) for region in regions]
    result = picture.pixels.copy()
    for strip in strips(Bounds.whole(full), 1 << 18):
        if cancel is not None:
            cancel.check()
        progress("compositing", strip.y / full.height)
        shares = [region.mask[strip.slices] for region in regions]
        if not any(share.any() for share in shares):
            continue
        covers = layer_masks(np.stack(shares))  # [P, rows, W]
        original = picture.pixels[strip.slices].astype(np.float32)
        seen = own.to_srgb(strip)
        exact, stacked = original.copy(), original.copy()
        for k in reversed(range(len(regions))):
            window = _overlap(strip, regions[k].box)
            if window is None:
                continue
            inner = window.relative_to(strip).slices
            stylised = painters[k].window(window, seen[inner])
            if keep_colors:
                stylised = keep_colours(seen[inner], stylised)
            below = original[inner]
            repainted = below + regions[k].strength * (own.from_srgb(stylised) - below)
            cover = covers[k][inner][..., None]
            exact[inner] += cover * (repainted - exact[inner])
            rows = window.relative_to(regions[k].box).slices
            stacked[inner] = layers[k].lay(rows, cover, repainted, exact[inner], stacked[inner])
        result[strip.slices] = np.rint(exact).clip(0, 255).astype(np.uint8)
    progress("compositing", 1.0)
    return picture.with_pixels(result), tuple(layers)


def keep_colours(original: Floats, stylised: Floats) -> Floats:
    """The lightness of `stylised` with the chroma of `original`: [..., 3] sRGB in [0, 1].

    In Oklab (Ottosson 2020): L of the one, a and b of the other. A colour that sRGB can't show
    loses chroma, at the same lightness and hue, until it can.
    """
    lightness = _oklab(stylised)[..., :1].clip(0, 1)
    chroma = _oklab(original)[..., 1:]
    result = _linear_of(lightness, chroma)
    outside = ((result < -_GAMUT_SLACK) | (result > 1 + _GAMUT_SLACK)).any(axis=-1)
    if outside.any():
        light, colour = lightness[outside], chroma[outside]
        low, high = np.zeros_like(light), np.ones_like(light)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            tried = _linear_of(light, colour * middle)
            fits = ((tried >= 0) & (tried <= 1)).all(axis=-1, keepdims=True)
            low, high = np.where(fits, middle, low), np.where(fits, high, middle)
        result[outside] = _linear_of(light, colour * low)
    return _encoded(result.clip(0, 1))


class _OwnValues:
    """Between the picture's own values, 0 to 255, and the sRGB that engines make."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        # A profile's transform works on 8 bits, so only pictures that need it go through it.
        self._foreign = has_foreign_profile(picture)

    def to_srgb(self, bounds: Bounds) -> Floats:
        """`bounds` of the picture as sRGB in [0, 1]."""
        return to_float(replace(self._picture, pixels=self._pixels(bounds), alpha=None))

    def from_srgb(self, values: Floats) -> Floats:
        """sRGB in [0, 1] as own values, 0 to 255."""
        if not self._foreign:
            return values.clip(0, 1) * np.float32(255)
        return from_srgb(values, self._picture).astype(np.float32)

    def _pixels(self, bounds: Bounds) -> NDArray[np.uint8]:
        return self._picture.pixels[bounds.slices]


class _Painter:
    """A region's stylised pixels at full size, window by window."""

    def __init__(self, region: Repainted, photo: Canvas, full: Extent) -> None:
        self._region = region
        self._up = None
        if photo.extent != full:
            part = photo.window(region.part)
            self._up = BroughtUp(stored(region.stylised), part, region.part, photo.extent, full)

    def window(self, bounds: Bounds, seen: Floats) -> Floats:
        if self._up is not None:
            return self._up.window(bounds, seen)
        return stored(self._region.stylised[bounds.relative_to(self._region.part).slices])


def _overlap(one: Bounds, other: Bounds) -> Bounds | None:
    x, y = max(one.x, other.x), max(one.y, other.y)
    width = min(one.right, other.right) - x
    height = min(one.bottom, other.bottom) - y
    return Bounds(x, y, width, height) if width > 0 and height > 0 else None


def _oklab(colours: Floats) -> Floats:
    """[..., 3] sRGB to L, a, b."""
    linear = np.where(
        colours <= 0.04045, colours / 12.92, ((colours.clip(0, 1) + 0.055) / 1.055) ** 2.4
    ).astype(np.float32)  # IEC 61966-2-1
    lab: Floats = np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T
    return lab


def _linear_of(lightness: Floats, chroma: Floats) -> Floats:
    """Oklab to linear sRGB, which may lie outside [0, 1]."""
    roots = np.concatenate([lightness, chroma], axis=-1) @ _FROM_LAB.T
    return ((roots * roots * roots) @ _FROM_CONES.T).astype(np.float32, copy=False)


def _encoded(linear: Floats) -> Floats:
    """Linear light in [0, 1] to sRGB's own curve (IEC 61966-2-1)."""
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve).astype(np.float32)
