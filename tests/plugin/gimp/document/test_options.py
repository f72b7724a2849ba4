"""The procedure's arguments, worked into a recipe as the shell's flags are."""

from __future__ import annotations

import pytest

from semantic_style.core.recipe import from_data, parse_recipe, to_data
from semantic_style.plugin.gimp.semantic_style.document.faults import Refused
from semantic_style.plugin.gimp.semantic_style.document.options import Options
from semantic_style.plugin.request import with_flags

RECIPE = parse_recipe("sky = mosaic @ 0.6; house = batik; keep people")


def test_arguments_left_alone_leave_the_recipe_alone() -> None:
    assert Options().over(to_data(RECIPE)) == to_data(RECIPE)


def test_arguments_do_what_the_shells_flags_do() -> None:
    options = Options(
        engine="zmnet", segmenter="builtin", size=-1, style_scale=2.0, keep_colors="yes",
        transfer="details, colours", threshold=0.3, grow=-4, feather=0.0, invert="yes", seed=7,
    )  # fmt: skip
    by_flags = with_flags(
        RECIPE,
        regions={"threshold": 0.3, "grow": -4, "feather": 0.0, "invert": True},
        settings={
            "engine": "zmnet", "segmenter": "builtin", "size": "full", "style_scale": 2.0,
            "keep_colors": True, "transfer": ("details", "colours"), "seed": 7,
        },
    )  # fmt: skip
    assert from_data(options.over(to_data(RECIPE))) == by_flags


def test_polish_is_an_argument_too() -> None:
    polished = with_flags(RECIPE, settings={"polish": 20})
    assert from_data(Options(polish=20).over(to_data(RECIPE))) == polished
    assert from_data(Options().over(to_data(polished))) == polished
    assert from_data(Options(polish=0).over(to_data(polished))).polish == 0
    assert from_data(Options(polish=-2).over(to_data(polished))) == RECIPE


def test_no_also_takes_back_what_the_recipe_says() -> None:
    inverted = Options(invert="yes", keep_colors="yes").over(to_data(RECIPE))
    assert Options(invert="no", keep_colors="no").over(inverted) == to_data(RECIPE)


def test_a_recipe_is_text_or_json() -> None:
    assert Options(recipe=" sky = mosaic ").wording == "sky = mosaic"
    assert Options(recipe='{"regions": []}').wording == {"regions": []}


@pytest.mark.parametrize("recipe", ["", "  ", "{", "{]", "{" * 2000])
def test_no_recipe_at_all_is_said_in_a_line(recipe: str) -> None:
    with pytest.raises(Refused, match="such as sky = mosaic"):
        _ = Options(recipe=recipe).wording
