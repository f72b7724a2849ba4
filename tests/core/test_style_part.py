"""A style taken from a part of a painting."""

from __future__ import annotations

import numpy as np
import pytest

from semantic_style.core.errors import RequestError
from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist
from semantic_style.core.recipe import Recipe, parse_recipe

from .tiny import COLOURS, STYLES, engine_of, painting, segmenter_of


def takes_yellow(stylist: Stylist, picture: Picture, recipe: str) -> bool:
    """Whether the red field has the colour that the engine mixes of it and yellow alone."""
    seen = stylist.run(picture, parse_recipe(recipe)).picture.pixels[10, 10]
    expected = ((1 - np.array(COLOURS["red"])) / 2 + np.array(COLOURS["yellow"]) / 2) * 255
    return bool(np.abs(seen - expected).max() <= 3)


def test_a_style_region_takes_from_that_part_of_the_painting(
    stylist: Stylist, picture: Picture
) -> None:
    assert takes_yellow(stylist, picture, "red = halves from yellow")
    assert not takes_yellow(stylist, picture, "red = halves from blue")
    assert not takes_yellow(stylist, picture, "red = halves")


def test_a_part_that_the_style_does_not_show_is_refused_before_the_search(
    stylist: Stylist, picture: Picture
) -> None:
    said = (
        r'^"green" was not found in the style "halves" \(best score 0\.\d\d, .*: name another part'
    )
    with pytest.raises(RequestError, match=said):
        stylist.run(picture, parse_recipe("red = ochre; blue = halves from green"))
    assert segmenter_of(stylist).encoded == 1, "only the style was looked at"


def test_a_part_that_is_too_small_is_refused(
    stylist: Stylist, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    dot = np.tile(painting(COLOURS["blue"]), (5, 5, 1))  # 100 x 120
    dot[50:55, 50:55] = COLOURS["yellow"]
    monkeypatch.setitem(STYLES, "dot", dot)
    with pytest.raises(RequestError, match=r'"yellow" is only 0\.\d% of the style "dot"'):
        stylist.run(picture, parse_recipe("red = dot from yellow"))


def test_a_style_is_encoded_once_and_asked_once_for_each_part(
    stylist: Stylist, picture: Picture
) -> None:
    recipe = parse_recipe("red = halves from yellow; green = halves from blue")
    stylist.run(picture, recipe)
    stylist.run(picture, Recipe(recipe.regions, style_scale=0.5))
    assert segmenter_of(stylist).asked[:2] == [("yellow",), ("blue",)]
    assert segmenter_of(stylist).asked[2:] == [("red", "green")] * 2
    assert segmenter_of(stylist).encoded == 2, "the style and the picture"
    assert engine_of(stylist).prepared == 4


def test_a_large_style_is_looked_at_made_smaller(
    stylist: Stylist, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STYLES, "large", np.tile(STYLES["halves"], (72, 36, 1)))  # 1440 x 1728
    stylist.run(picture, parse_recipe("red = large from yellow"))
    assert segmenter_of(stylist).sizes[0] == (853, 1024)


def test_a_part_is_taken_of_every_style_of_a_mixture(
    stylist: Stylist, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STYLES, "mirrored", STYLES["halves"][:, ::-1].copy())
    assert takes_yellow(stylist, picture, "red = 0.5*halves + 0.5*mirrored from yellow")


def test_a_region_that_takes_a_part_is_measured_alone(stylist: Stylist, picture: Picture) -> None:
    result = stylist.run(picture, parse_recipe("red = halves from yellow; blue = halves"))
    red, blue = engine_of(stylist).regions
    assert red is not None
    assert (red == result.region_masks[0]).all()
    assert blue is None
