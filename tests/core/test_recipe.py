"""A recipe that could be built is valid, and a wrong value is one line that helps."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable
from typing import Any

import pytest

from semantic_style.core.errors import RequestError
from semantic_style.core.recipe import GROUPS, Pins, Recipe, Region, Source, Target

SKY = Target("phrase", "sky")
MOSAIC = (Source("name", "mosaic"),)


def one_line(error: pytest.ExceptionInfo[RequestError]) -> str:
    text = str(error.value)
    assert text
    assert all(each.isprintable() for each in text)
    assert len(text) < 260
    return text


def attempt(build: Callable[[], Recipe]) -> tuple[str, Recipe | None]:
    """What a refusal says ("" where there is none), and the recipe."""
    try:
        return "", build()
    except RequestError as error:
        return str(error), None


def region(**values: Any) -> Region:
    return Region(**{"target": SKY, "style": MOSAIC} | values)


def recipe(**values: Any) -> Recipe:
    return Recipe(**{"regions": (region(),)} | values)


def png_header(width: int, height: int) -> str:
    data = (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\0\0\0\0"
    )
    return base64.b64encode(data).decode()


def test_phrases_are_stripped_and_their_blanks_made_one() -> None:
    assert Target("phrase", "  red \t car\n").value == "red car"
    assert recipe(keep=[" people "]).keep == ("people",)


def test_equal_wishes_are_equal_recipes() -> None:
    some = [recipe(transfer=t, engine="zmnet") for t in (["textures", "details"], GROUPS[::2])]
    assert some[0] == some[1]
    assert region(strength=1) == region(strength=1.0)
    pins = [Pins("a", "b", order, "f32") for order in ((A, B), (B, A))]
    assert pins[0] == pins[1]


def test_a_recipe_says_the_oldest_schema_that_has_all_it_uses() -> None:
    selection = Target("mask", "sel.png")
    assert recipe(polish=0).schema == recipe(polish=0, schema=2).schema == 1
    assert recipe(polish=0, regions=(region(plus=(selection,)),)).schema == 2
    within = recipe(polish=0, regions=(region(), region(within=selection)), schema=1)
    assert within.schema == 2
    assert recipe(polish=20).schema == recipe(polish=1, schema=1).schema == 3
    assert recipe().schema == recipe(polish="auto", schema=3).schema == 4


A, B = ("a", "0" * 64), ("b", "1" * 64)


def test_weights_are_kept_as_written_and_given_normalised() -> None:
    mixed = region(style=(Source("name", "a", 1), Source("name", "b", 3)))
    assert [source.weight for source in mixed.style] == [1, 3]
    assert mixed.weights == (0.25, 0.75)


def test_weights_near_the_end_of_the_floats_still_sum_to_one() -> None:
    huge = region(style=(Source("name", "a", 1.7e308), Source("name", "b", 1.7e308)))
    tiny = region(style=(Source("name", "a", 5e-324), Source("name", "b", 0)))
    assert huge.weights == (0.5, 0.5)
    assert tiny.weights == (1.0, 0.0)


def test_a_bare_file_name_cannot_be_mistaken_for_a_style() -> None:
    assert Source("file", "mosaic").value == "./mosaic"
    assert Source("file", "mosaic.JPG").value == "mosaic.JPG"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"strength": 7}, "from 0 to 1, not 7"),
        ({"strength": math.nan}, "not nan"),
        ({"strength": "0.5"}, "must be a number"),
        ({"strength": True}, "must be a number"),
        ({"strength": 10**5000}, "not inf"),
        ({"threshold": 0}, "between 0 and 1"),
        ({"threshold": 1}, "between 0 and 1"),
        ({"threshold": 1.5}, "from 0 to 1"),
        ({"grow": 501}, "from -500 to 500"),
        ({"grow": 1.5}, "whole number"),
        ({"feather": -1}, "from 0 to 500"),
        ({"invert": 1}, "true or false"),
        ({"style": ()}, "needs a style"),
        ({"style": "mosaic"}, "must be a list"),
        ({"style": (Source("name", "a", 0.0),)}, "all 0"),
        ({"style": MOSAIC * 17}, "at most 16"),
        ({"style_region": "  "}, "empty"),
        ({"plus": SKY}, "must be a list"),
        ({"plus": (SKY,) * 16}, "at most 15"),
        ({"plus": (Target("all"),)}, "whole picture already"),
        ({"target": Target("all"), "plus": (SKY,)}, "whole picture already"),
        ({"within": Target("all")}, "bounds nothing"),
    ],
)
def test_a_region_refuses(values: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as error:
        region(**values)
    assert said in one_line(error)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"engine": "adatn"}, "use adaattn"),
        ({"engine": "?"}, "use adaattn, adaattn-published, zmnet or gatys"),
        ({"engine": 3}, "use adaattn, adaattn-published, zmnet or gatys"),
        ({"segmenter": "clip"}, "use clipseg"),
        ({"size": "ful"}, "use full or a number"),
        ({"size": 0}, "from 64 to"),
        ({"size": True}, "whole number"),
        ({"style_scale": 0.01}, "from 0.1 to 10"),
        ({"seed": -1}, "from 0 to"),
        ({"transfer": ("colors",)}, "use colours"),
        ({"transfer": ()}, "is empty"),
        ({"transfer": ("details",)}, "zmnet only: adaattn restyles"),
        ({"polish": -1}, "from 0 to 200"),
        ({"polish": 2.5}, "whole number"),
        ({"polish": "much"}, "use auto or a number of steps"),
        ({"polish": 5, "engine": "gatys"}, "adaattn and zmnet only"),
        ({"polish": 5, "engine": "zmnet", "transfer": ("details",)}, "or transfer"),
        ({"keep": "people"}, "must be a list"),
        ({"keep": ("",)}, "empty"),
        ({"keep_colors": "yes"}, "true or false"),
        ({"regions": ()}, "no region"),
        ({"regions": (region(),) * 65}, "at most 64"),
        ({"schema": 5}, "update semantic-style"),
        ({"schema": 0}, "from 1 to"),
    ],
)
def test_a_recipe_refuses(values: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as error:
        recipe(**values)
    assert said in one_line(error)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("phrase", "", "empty"),
        ("phrase", "x" * 10_000, "10000 characters"),
        ("phrase", "red\x1b[31m", "control character"),
        ("phrase", "\ud800", "control character"),
        ("phrase", None, "must be text"),
        ("all", "sky", "takes no value"),
        ("image", " ", "is empty"),
        ("mask", "a\0b", "control character"),
        ("mask", "m" * 5000, "longer than 4096"),
        ("embedded", "no base64!", "PNG in base64"),
        ("embedded", "aGFsbG8=", "PNG in base64"),
        ("embedded", png_header(40_000, 10), "40000 x 10"),
        ("phrases", "sky", "use phrase"),
    ],
)
def test_a_target_refuses(kind: Any, value: Any, said: str) -> None:
    with pytest.raises(RequestError) as error:
        Target(kind, value)
    text = one_line(error)
    assert said in text
    assert "x" * 61 not in text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (("name", "a/b.png"), "reads as a file"),
        (("name", ""), "empty"),
        (("word", "x" * 201), "at most 200"),
        (("embedded", png_header(513, 10)), "at most 512"),
        (("name", "a", -0.5), "0 or more"),
        (("name", "a", math.inf), "not inf"),
        (("name", "a", 1.0, "abc"), "64 hex digits"),
    ],
)
def test_a_source_refuses(source: Any, said: str) -> None:
    with pytest.raises(RequestError) as error:
        Source(*source)
    assert said in one_line(error)


def test_embedded_pictures_up_to_the_limit_are_taken() -> None:
    assert Source("embedded", png_header(512, 512)).kind == "embedded"
    assert Target("embedded", png_header(4000, 3000)).kind == "embedded"
