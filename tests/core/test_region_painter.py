"""Polishing on its way through the pipeline, with the small engine that ships."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.engines.zmnet import ZMNetEngine
from semantic_style.core.errors import RequestError
from semantic_style.core.painted import PaintedRegions
from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist
from semantic_style.core.recipe import Recipe, parse_recipe

from .tiny import ColourSegmenter, TintEngine, fields, style_of


class Counting(ZMNetEngine):
    """Notes how many steps it was asked for, and the size of the region it was to look at."""

    def __init__(self) -> None:
        super().__init__(device="cpu", cached=False)
        self.asked: list[tuple[int, bool]] = []

    def polish(self, *given: Any, steps: int, region: Any = None, **more: Any) -> Any:
        self.asked.append((steps, region is not None))
        return super().polish(*given, steps=steps, region=region, **more)


@pytest.fixture
def engine() -> Counting:
    return Counting()


@pytest.fixture
def stylist(engine: Counting) -> Stylist:
    kept = PaintedRegions(10_000_000)
    return Stylist(ColourSegmenter(), engine, style_of, kept=kept)


def zmnet(text: str, polish: int) -> Recipe:
    return replace(parse_recipe(text), engine="zmnet", polish=polish)


def test_each_region_is_polished_once(stylist: Stylist, engine: Counting, picture: Picture) -> None:
    plain = stylist.run(picture, zmnet("red = ochre; blue = halves from yellow", 0))
    heard: list[float] = []
    recipe = zmnet("red = ochre; blue = halves from yellow", 2)
    first = stylist.run(picture, recipe, progress=lambda _, share: heard.append(share))
    # What takes from a part of a style is looked at where it will be.
    assert engine.asked == [(2, False), (2, True)]
    assert heard == sorted(heard)
    assert (first.picture.pixels != plain.picture.pixels).any()
    assert first.recipe.pins is not None
    assert set(engine.polishing_weights()) <= set(first.recipe.pins.weights)
    again = stylist.run(picture, replace(recipe, regions=recipe.regions[:1]))
    assert len(engine.asked) == 2  # as before, so it is not done again
    assert np.array_equal(again.picture.pixels[5:30, 3:25], first.picture.pixels[5:30, 3:25])
    stylist.run(picture, zmnet("red = ochre", 3))
    assert engine.asked[2:] == [(3, False)]


def test_what_was_found_serves_all_that_looks_alike(
    stylist: Stylist, engine: Counting, picture: Picture
) -> None:
    """Other regions, masks and strengths of the same style on the same picture."""
    stylist.run(picture, zmnet("red = ochre; blue = ochre @ 0.5", 2))
    assert engine.asked == [(2, False)]
    for other in ("red = ochre @ 0.3; green = ochre", "green = 2 * ochre"):
        stylist.run(picture, zmnet(other, 2))
    assert engine.asked == [(2, False)]
    stylist.run(Picture(picture.pixels[:, ::-1].copy()), zmnet("red = ochre", 2))
    stylist.run(picture, zmnet("red = ochre + 0.5 * halves", 2))
    assert engine.asked == 3 * [(2, False)]
    forgetful = Stylist(ColourSegmenter(), engine, style_of)  # of pictures, not within a run
    for _ in range(2):
        forgetful.run(picture, zmnet("red = ochre; blue = ochre", 2))
    assert len(engine.asked) == 5


def test_an_engine_polishes_by_itself_what_is_worth_it(
    stylist: Stylist, engine: Counting, picture: Picture, tmp_path: Path
) -> None:
    """But not a small part of the picture, nor words; and the result says what looked at it."""
    recipe = replace(parse_recipe("* = ochre"), engine="zmnet")
    assert not stylist.run(picture, recipe).warnings
    assert engine.asked == []  # by itself this one does not
    engine.usual_steps = 3
    whole = stylist.run(picture, recipe)
    assert engine.asked == [(3, False)]
    assert whole.recipe.pins is not None
    assert set(engine.polishing_weights()) <= set(whole.recipe.pins.weights)
    assert whole.recipe.polish == "auto"
    word = stylist.run(picture, replace(parse_recipe("* = word:night"), engine="zmnet"))
    assert not word.warnings
    picture = Picture(fields(240, 320))
    height, width = picture.pixels.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    mask[: height // 4, : width // 4] = 255
    Image.fromarray(mask).save(tmp_path / "small.png")
    small = replace(parse_recipe(f"mask:{tmp_path}/small.png = halves"), engine="zmnet")
    before, after = stylist.estimate(picture, small), stylist.run(picture, small)
    assert engine.asked == [(3, False)]
    assert after.recipe.pins is not None
    assert not set(engine.polishing_weights()) & set(after.recipe.pins.weights)
    assert before.seconds > 0
    stylist.run(picture, replace(small, polish=2))  # asked for, it is done
    assert engine.asked == [(3, False), (2, False)]


def test_words_are_left_as_they_are(stylist: Stylist, engine: Counting, picture: Picture) -> None:
    recipe = zmnet("red = word:night; blue = ochre", 2)
    result = stylist.run(picture, recipe)
    assert engine.asked == [(2, False)]
    assert any("word:night" in line for line in result.warnings)
    assert not stylist.run(picture, replace(recipe, polish=0)).warnings


def test_it_takes_as_long_and_as_much_as_is_said(stylist: Stylist, picture: Picture) -> None:
    estimates: Sequence[float] = [
        stylist.estimate(picture, zmnet("red = ochre", steps)).seconds for steps in (0, 10, 20)
    ]
    more = [b - a for a, b in pairwise(estimates)]
    assert more[0] == pytest.approx(more[1], rel=1e-3)
    assert more[0] > 0


def test_an_engine_that_can_not_says_so(picture: Picture) -> None:
    stylist = Stylist(ColourSegmenter(), TintEngine(), style_of)
    with pytest.raises(RequestError, match="tint can't be polished"):
        stylist.run(picture, replace(parse_recipe("red = ochre"), polish=2))
