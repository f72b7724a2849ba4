"""Blending: the repainted regions over the photo, in sRGB's perceptual values, put back into the
picture's own kind of samples and profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas, Stored, stored
from .geometry import Bounds, Extent
from .guided import BroughtUp
from .layers import Layer, layer_masks
from .picture import Picture, full_scale, quantised, scaled
from .profiles import decoded, encoded, from_srgb, to_srgb
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
    canvas.store puts it, `part` of the working size, which covers the box. number: of the region
    in its recipe.
    """

    name: str
    mask: Floats
    strength: float
    box: Bounds
    stylised: Stored
    part: Bounds
    number: int = 0


def composite(
    picture: Picture,
    regions: Sequence[Repainted],
    photo: Canvas,
    *,
    keep_colors: bool = False,
    with_layers: bool = True,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> tuple[Picture, tuple[Layer, ...]]:
    """The picture with its regions repainted, and the same as layers, topmost first.

    original * (1 - sum of m * strength) + sum of stylised * m * strength, of sRGB values
    whatever the picture's profile is, rounded once into the picture's own samples. The original
    is not clipped to what sRGB can show; a sample of it that is no number counts as 0. Where
    every mask is 0 the samples are the picture's, bit for bit; alpha is the picture's.

    photo: the whole picture at the working size. Masks sum to at most 1. with_layers: see Layer;
    without them the second part of the result is empty.
    """
    kind, profile, full = picture.pixels.dtype, picture.profile, picture.extent
    scale = np.float32(full_scale(kind))
    painters = []
    for region in regions:
        if cancel is not None:
            cancel.check()
        painters.append(_Painter(region, photo, full))
    layers = [
        Layer.empty(region.name, region.box, kind, region.number)
        for region in regions
        if with_layers
    ]
    result = picture.pixels.copy()
    for strip in strips(Bounds.whole(full), 1 << 18):
        if cancel is not None:
            cancel.check()
        progress("compositing", strip.y / full.height)
        windows = [_overlap(strip, region.box) for region in regions]
        area = _around(windows)
        if area is None:
            continue
        shares = np.stack([region.mask[area.slices] for region in regions])  # [P, rows, columns]
        touched = shares.max(axis=0) > 0
        if not touched.any():
            continue
        covers = layer_masks(shares)
        samples = picture.pixels[area.slices]
        if profile is None or layers:
            original = to_srgb(scaled(samples), profile)
        else:  # profiles are slow, so only what shows goes through them
            original = np.zeros(samples.shape, np.float32)
            original[touched] = to_srgb(scaled(samples[touched]), profile)
        seen, exact, stacked = original.clip(0, 1), original.copy(), samples.astype(np.float32)
        for k in reversed(range(len(regions))):
            window = windows[k]
            if window is None:
                continue
            inner = window.relative_to(area).slices
            stylised = painters[k].window(window, seen[inner])
            if keep_colors:
                stylised = keep_colours(seen[inner], stylised)
            repainted = original[inner] + regions[k].strength * (stylised - original[inner])
            cover = covers[k][inner][..., None]
            exact[inner] += cover * (repainted - exact[inner])
            if layers:
                stacked[inner] = layers[k].lay(
                    window.relative_to(regions[k].box).slices,
                    cover,
                    from_srgb(repainted, profile) * scale,
                    from_srgb(exact[inner], profile) * scale,
                    stacked[inner],
                )
        blended = quantised(from_srgb(exact[touched], profile), kind)
        result[area.slices][touched] = blended
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
    return encoded(result.clip(0, 1))


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


def _around(boxes: Sequence[Bounds | None]) -> Bounds | None:
    """The smallest box around those that are there."""
    there = [box for box in boxes if box is not None]
    if not there:
        return None
    x, y = min(box.x for box in there), min(box.y for box in there)
    right, bottom = max(box.right for box in there), max(box.bottom for box in there)
    return Bounds(x, y, right - x, bottom - y)


def _oklab(colours: Floats) -> Floats:
    """[..., 3] sRGB to L, a, b."""
    lab: Floats = np.cbrt(decoded(colours) @ _TO_CONES.T) @ _TO_LAB.T
    return lab


def _linear_of(lightness: Floats, chroma: Floats) -> Floats:
    """Oklab to linear sRGB, which may lie outside [0, 1]."""
    roots = np.concatenate([lightness, chroma], axis=-1) @ _FROM_LAB.T
    return ((roots * roots * roots) @ _FROM_CONES.T).astype(np.float32, copy=False)
