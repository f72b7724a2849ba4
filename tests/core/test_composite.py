"""Blending: exact where the mask is 0, as the formula says elsewhere, in the picture's values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from semantic_style.core.canvas import PictureCanvas
from semantic_style.core.composite import Repainted, composite, keep_colours
from semantic_style.core.geometry import Bounds, Extent
from semantic_style.core.guided import BroughtUp
from semantic_style.core.layers import flatten
from semantic_style.core.masks import box_of, limit
from semantic_style.core.picture import Picture, PictureInfo, from_srgb
from semantic_style.core.resample import resized_pixels

from .pictures import profile

Floats = NDArray[np.float32]


def repainted(picture: Picture, mask: Floats, stylised: Floats, strength: float = 1.0) -> Repainted:
    whole = Bounds.whole(picture.extent)
    return Repainted("region", mask, strength, box_of(mask) or whole, stylised, whole)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Picture, list[Repainted]]:
    """A picture with alpha and up to five regions whose masks share every pixel."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width = draw(st.integers(16, 24)), draw(st.integers(16, 24))
    extremes = draw(st.booleans())

    def samples(*shape: int) -> NDArray[np.uint8]:
        values = rng.integers(0, 256, shape, dtype=np.uint8)
        return np.where(values > 127, 255, 0).astype(np.uint8) if extremes else values

    alpha = samples(height, width) if draw(st.booleans()) else None
    picture = Picture(samples(height, width, 3), alpha)
    count = draw(st.integers(1, 5))
    masks = rng.random((count, height, width), dtype=np.float32) ** draw(
        st.sampled_from([0.3, 1, 6])
    )
    masks[rng.random(masks.shape) < 0.3] = 0
    limit(masks, None)
    strengths = [draw(st.floats(0, 1)) for _ in range(count)]
    return picture, [
        repainted(
            picture, mask, samples(height, width, 3).astype(np.float32) / np.float32(255), strength
        )
        for mask, strength in zip(masks, strengths, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(scenes(), st.booleans())
def test_layers_flatten_to_the_composite(
    scene: tuple[Picture, list[Repainted]], keep_colors: bool
) -> None:
    picture, regions = scene
    result, layers = composite(picture, regions, PictureCanvas(picture), keep_colors=keep_colors)
    flat = flatten(picture, layers)
    assert np.abs(flat.pixels.astype(int) - result.pixels).max() <= 1
    assert flat.alpha is picture.alpha
    assert result.alpha is picture.alpha


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_the_composite_is_the_formula_rounded_once(scene: tuple[Picture, list[Repainted]]) -> None:
    picture, regions = scene
    result, _ = composite(picture, regions, PictureCanvas(picture))
    exact = picture.pixels.astype(np.float64)
    for region in regions:
        share = region.mask[..., None].astype(np.float64) * region.strength
        exact = exact + share * (region.stylised * 255.0 - picture.pixels)
    assert np.abs(result.pixels - exact).max() <= 0.5 + 1e-3
    untouched = sum(region.mask for region in regions) == 0
    assert (result.pixels[untouched] == picture.pixels[untouched]).all()


@settings(max_examples=20, deadline=None)
@given(scenes(), st.booleans())
def test_strength_zero_changes_nothing(
    scene: tuple[Picture, list[Repainted]], keep_colors: bool
) -> None:
    picture, regions = scene
    still = [repainted(picture, region.mask, region.stylised, 0.0) for region in regions]
    result, _ = composite(picture, still, PictureCanvas(picture), keep_colors=keep_colors)
    assert (result.pixels == picture.pixels).all()


def test_a_zero_mask_is_the_input_sample_for_sample_under_a_foreign_profile() -> None:
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    picture = Picture(pixels, info=PictureInfo(icc=profile("swapped")))
    mask = np.zeros((32, 32), np.float32)
    mask[:16] = 1
    stylised = rng.random((32, 32, 3), dtype=np.float32)
    result, _ = composite(picture, [repainted(picture, mask, stylised)], PictureCanvas(picture))
    assert (result.pixels[16:] == pixels[16:]).all()
    assert (result.pixels[:16] == from_srgb(stylised[:16], picture)).all()
    assert (result.pixels[:16] != np.rint(stylised[:16] * 255)).any()


def test_kept_colours_are_the_photo_s_and_the_light_is_the_painting_s() -> None:
    grey = np.linspace(0.1, 0.9, 9, dtype=np.float32)[:, None].repeat(3, axis=1)
    red = np.tile(np.array([0.7, 0.3, 0.25], np.float32), (9, 1))
    tinted = keep_colours(red, grey)
    assert (tinted[:, 0] > tinted[:, 1]).all()
    luminance = tinted @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    assert (np.diff(luminance) > 0).all()
    assert keep_colours(red, red) == pytest.approx(red, abs=2e-3)
    assert keep_colours(grey, red)[:, 0] == pytest.approx(keep_colours(grey, red)[:, 2], abs=2e-3)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_kept_colours_stay_within_srgb(seed: int) -> None:
    rng = np.random.default_rng(seed)
    result = keep_colours(*np.rint(rng.random((2, 50, 3))).astype(np.float32))
    assert np.isfinite(result).all()
    assert result.min() >= 0
    assert result.max() <= 1


def test_what_was_worked_smaller_comes_up_with_the_photo_s_edges() -> None:
    full, work = Extent(240, 160), Extent(60, 40)
    y, x = np.mgrid[:160, :240]
    inside = (x - 120) ** 2 + (y - 80) ** 2 < 55**2
    picture = Picture(np.where(inside[..., None], (230, 210, 90), (30, 50, 110)).astype(np.uint8))
    small = resized_pixels(picture.pixels, work).astype(np.float32) / np.float32(255)
    photo = picture.pixels.astype(np.float32) / np.float32(255)
    truth = np.stack([1 - photo[..., 0], photo[..., 1] * 0.5, photo[..., 0] * 0.8], axis=-1)
    stylised = np.stack([1 - small[..., 0], small[..., 1] * 0.5, small[..., 0] * 0.8], axis=-1)
    box = Bounds(0, 0, 60, 40)
    up = BroughtUp(stylised, small, box, work, full).window(Bounds.whole(full), photo)
    plain = resized_pixels(np.rint(stylised.clip(0, 1) * 255).astype(np.uint8), full) / 255.0
    assert np.abs(up - truth).mean() < 0.5 * np.abs(plain - truth).mean()


def test_strokes_that_the_photo_does_not_have_stay() -> None:
    full, work = Extent(128, 128), Extent(64, 64)
    photo = np.full((128, 128, 3), 0.5, np.float32)
    strokes = np.zeros((64, 64, 3), np.float32)
    strokes[:, 8::16] = strokes[:, 9::16] = strokes[:, 10::16] = 1
    up = BroughtUp(strokes, photo[:64, :64], Bounds(0, 0, 64, 64), work, full)
    result = up.window(Bounds.whole(full), photo)
    assert result.max() > 0.95
    assert result.mean() == pytest.approx(strokes.mean(), abs=0.02)
