"""Painted regions that are wanted again are not painted again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from semantic_style.core.painted import PaintedRegions
from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist
from semantic_style.core.recipe import Recipe, parse_recipe
from semantic_style.core.selection import ByHand

from .tiny import ColourSegmenter, TintEngine, engine_of, style_of


@pytest.fixture
def keeping() -> Stylist:
    return Stylist(ColourSegmenter(), TintEngine(), style_of, kept=PaintedRegions(1_000_000))


def painted(stylist: Stylist) -> int:
    return len(engine_of(stylist).bounds)


def fresh(picture: Picture, recipe: Recipe) -> Picture:
    return Stylist(ColourSegmenter(), TintEngine(), style_of).run(picture, recipe).picture


@pytest.mark.parametrize(
    ("changed", "more"),
    [
        ("red = ochre; blue = ink", 0),
        ("red = ochre @ 0.5; blue = ink @ 0.1", 0),
        ("red = ochre; blue = ochre", 1),
        ("red = ochre; blue = 0.5*ink + 0.5*ochre", 1),
        ("blue = ink; red = ochre", 0),
        ("green = ink; red = ochre", 1),
        ("* = ink", 1),
    ],
)
def test_only_what_changed_is_painted(
    keeping: Stylist, picture: Picture, changed: str, more: int
) -> None:
    keeping.run(picture, parse_recipe("red = ochre; blue = ink"))
    before = painted(keeping)
    recipe = parse_recipe(changed)
    result = keeping.run(picture, recipe).picture
    assert painted(keeping) - before == more
    assert np.array_equal(result.pixels, fresh(picture, recipe).pixels)


def test_another_picture_size_or_scale_is_painted(keeping: Stylist, picture: Picture) -> None:
    recipe = parse_recipe("red = ochre")
    keeping.run(picture, recipe)
    other = picture.with_pixels(picture.pixels // 2 + 60)
    for again in (
        (picture, replace(recipe, style_scale=0.5)),
        (picture, replace(recipe, size=64)),
        (other, replace(recipe, regions=parse_recipe("* = ochre").regions)),
    ):
        before = painted(keeping)
        keeping.run(*again)
        same_size = again[1].size is not None  # 64 px is the picture's own size
        assert painted(keeping) - before == (0 if same_size else 1)


def test_without_layers_what_now_shows_is_painted_though_the_box_is_the_same(
    keeping: Stylist, picture: Picture
) -> None:
    """Then only tiles that show are painted: another mask may show others."""
    recipe = parse_recipe("red = ochre")
    corners, all_of_it = np.zeros((2, *picture.pixels.shape[:2]), np.float32)
    all_of_it += 1
    corners[0, 0] = corners[-1, -1] = 1
    keeping.run(picture, recipe, layers=False, by_hand=ByHand(painted={0: corners}))
    keeping.run(picture, recipe, layers=False, by_hand=ByHand(painted={0: corners / 2}))
    assert painted(keeping) == 1
    keeping.run(picture, recipe, layers=False, by_hand=ByHand(painted={0: all_of_it}))
    assert painted(keeping) == 2
    keeping.run(picture, recipe, layers=True, by_hand=ByHand(painted={0: all_of_it}))
    assert painted(keeping) == 3  # a layer is painted also where its mask hides it
    keeping.run(picture, recipe, layers=False, by_hand=ByHand(painted={0: corners}))
    assert painted(keeping) == 3


def test_the_longest_unused_make_room() -> None:
    kept = PaintedRegions(1000)
    a, b, large = np.zeros(400, np.uint8), np.ones(500, np.uint8), np.zeros(1001, np.uint8)
    kept.keep("a", a)
    kept.keep("b", b)
    kept.keep("large", large)
    assert kept.get("large") is None
    assert kept.get("a") is a
    kept.keep("c", a)
    assert kept.get("b") is None
    assert kept.get("a") is a
    kept.keep("a", b)
    assert kept.get("a") is b
    assert kept.get("c") is a


def test_by_default_nothing_is_kept(stylist: Stylist, picture: Picture) -> None:
    for count in (1, 2):
        stylist.run(picture, parse_recipe("red = ochre"))
        assert painted(stylist) == count
