"""Blending at any depth and in any space: exact outside, finite inside, and as layers the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from semantic_style.core.canvas import PictureCanvas
from semantic_style.core.composite import composite
from semantic_style.core.layers import flatten
from semantic_style.core.masks import limit
from semantic_style.core.picture import Picture, PictureInfo, from_srgb, full_scale, to_float

from .pictures import ADOBE_RGB, rgb_profile
from .test_composite import repainted

PROFILES = {None: None, "AdobeRGB": rgb_profile(563 / 256, ADOBE_RGB), "linear": rgb_profile(1.0)}


class Scene:
    """A picture with up to four regions, which prints as what it was drawn from."""

    def __init__(self, seed: int, kind: type, space: str | None, hard: bool) -> None:
        self.drawn = (seed, kind.__name__, space, hard)
        rng = np.random.default_rng(seed)
        shape = (16, 20, 3)
        values = rng.random(shape)
        pixels = ((np.rint(values) if hard else values) * full_scale(kind)).astype(kind)
        if kind is np.float32:  # light beyond white, colours that no screen shows, no number
            strange = rng.random(shape)
            pixels[strange > 0.9] *= 40
            pixels[strange > 0.96] *= -1
            pixels[strange > 0.98] = np.nan
            pixels[strange > 0.99] = np.inf
        self.picture = Picture(pixels, info=PictureInfo(icc=PROFILES[space]))
        masks = rng.random((rng.integers(1, 5), *shape[:2]), dtype=np.float32)
        masks **= rng.choice([0.3, 1, 6])
        masks[rng.random(masks.shape) < 0.3] = 0
        limit(masks, None)
        self.regions = [
            repainted(self.picture, mask, rng.random(shape, dtype=np.float32), rng.random())
            for mask in masks
        ]

    def __repr__(self) -> str:
        return f"Scene{self.drawn}"


def scenes() -> st.SearchStrategy[Scene]:
    return st.builds(
        Scene,
        st.integers(0, 2**32 - 1),
        st.sampled_from([np.uint8, np.uint16, np.float32]),
        st.sampled_from(list(PROFILES)),
        st.booleans(),
    )


@settings(max_examples=80, deadline=None)
@given(scenes(), st.booleans())
def test_the_stack_is_the_composite_and_nothing_else_changes(
    scene: Scene, keep_colors: bool
) -> None:
    picture, regions = scene.picture, scene.regions
    kind = picture.pixels.dtype
    result, layers = composite(picture, regions, PictureCanvas(picture), keep_colors=keep_colors)
    outside = sum(region.mask for region in regions) == 0
    flat = flatten(picture, layers).pixels
    bits = f"u{kind.itemsize}"
    for pixels in (result.pixels, flat):
        assert pixels.dtype == kind
        assert np.array_equal(pixels[outside].view(bits), picture.pixels[outside].view(bits))
    assert np.isfinite(result.pixels[~outside]).all()
    apart = np.abs(flat[~outside].astype(float) - result.pixels[~outside])
    if kind.kind == "u":
        assert apart.max() <= 1
    else:
        size = np.maximum(1, np.abs(result.pixels[~outside]))
        assert (apart / size).max() * 65535 <= 1
    for layer, region in zip(layers, regions, strict=True):
        assert not layer.mask[region.mask[layer.bounds.slices] == 0].any()
        assert np.isfinite(layer.pixels).all()


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_the_blend_is_one_of_srgb_values(scene: Scene) -> None:
    """Where sRGB can show the original: the formula, by hand, to a step of the picture's own."""
    picture, regions = scene.picture, scene.regions
    result, none = composite(picture, regions, PictureCanvas(picture), with_layers=False)
    assert none == ()
    seen = to_float(picture)
    shows = (np.abs(from_srgb(seen, picture).astype(float) - picture.pixels) < 1e-6).all(axis=-1)
    exact = seen.astype(np.float64)
    for region in regions:
        share = region.mask[..., None].astype(np.float64) * region.strength
        exact = exact + share * (region.stylised - seen)
    expected = from_srgb(exact.astype(np.float32), picture)
    # Near black float32's last digit of linear light is many steps of a curve's 16 bits.
    scale = full_scale(picture.pixels.dtype)
    shows = shows[..., None] & (expected > 0.05 * scale)
    apart = np.abs(result.pixels[shows].astype(float) - expected[shows])
    assert apart.max(initial=0) <= (1 if scale > 1 else 1e-5)


def test_light_beyond_white_survives_a_half_covered_pixel() -> None:
    pixels = np.full((16, 16, 3), 6.0, np.float32)
    picture = Picture(pixels)
    mask = np.full((16, 16), 0.5, np.float32)
    stylised = np.full((16, 16, 3), 0.25, np.float32)
    result, _ = composite(picture, [repainted(picture, mask, stylised)], PictureCanvas(picture))
    assert np.allclose(result.pixels, 3.125)
