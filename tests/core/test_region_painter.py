"""Polishing on its way through the pipeline, with the small engine that ships."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from semantic_style.core.engines.zmnet import ZMNetEngine
from semantic_style.core.errors import RequestError
from semantic_style.core.painted import PaintedRegions
from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist
from semantic_style.core.recipe import Recipe, parse_recipe

from .tiny import ColourSegmenter, TintEngine, style_of


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
