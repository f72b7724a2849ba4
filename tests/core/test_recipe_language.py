"""The region language: what it means, that it reads back, and that nothing breaks it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semantic_style.core.errors import RequestError
from semantic_style.core.recipe import (
    Recipe,
    Region,
    Source,
    Target,
    format_recipe,
    parse_item,
    parse_recipe,
)

from .recipes import TINY_PNG, spoken_recipes
from .test_recipe import attempt, one_line


def only(text: str) -> Region:
    item = parse_item(text)
    assert isinstance(item, Region)
    return item


def test_the_example_of_the_design() -> None:
    recipe = parse_recipe("sky = van-gogh-night-cafe; house = mosaic.jpg @ 0.6; keep people")
    assert recipe == Recipe(
        (
            Region(Target("phrase", "sky"), (Source("name", "van-gogh-night-cafe"),)),
            Region(Target("phrase", "house"), (Source("file", "mosaic.jpg"),), 0.6),
        ),
        keep=("people",),
    )


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("* = a", Target("all")),
        ("red car=a", Target("phrase", "red car")),
        ('"a = b; c" = a', Target("phrase", "a = b; c")),
        (r'"say \"hi\" \\ there" = a', Target("phrase", r'say "hi" \ there')),
        ("image: dog.png = a", Target("image", "dog.png")),
        ('mask:"my masks/a;b.png" = a', Target("mask", "my masks/a;b.png")),
        ('"image:dog.png" = a', Target("phrase", "image:dog.png")),
        ('"keep out" = a', Target("phrase", "keep out")),
        ("keep = a", Target("phrase", "keep")),
        ("keeper = a", Target("phrase", "keeper")),
    ],
)
def test_targets(text: str, target: Target) -> None:
    assert only(text).target == target


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("mosaic", (Source("name", "mosaic"),)),
        ("my style", (Source("name", "my style"),)),
        ("a/mosaic", (Source("file", "a/mosaic"),)),
        ("C:\\pics\\a", (Source("file", "C:\\pics\\a"),)),
        ('"C:\\\\pics\\\\a b"', (Source("file", "C:\\pics\\a b"),)),
        ("PHOTO.TIFF", (Source("file", "PHOTO.TIFF"),)),
        ('"c+d.jpg"', (Source("file", "c+d.jpg"),)),
        ("word: night", (Source("word", "night"),)),
        ('"word:night"', (Source("name", "word:night"),)),
        ("a + 0.5*b", (Source("name", "a"), Source("name", "b", 0.5))),
        ("0.3*a + .7 * word:x", (Source("name", "a", 0.3), Source("word", "x", 0.7))),
        ("1e-3*a", (Source("name", "a", 0.001),)),
    ],
)
def test_styles(text: str, style: tuple[Source, ...]) -> None:
    assert only(f"sky = {text}").style == style


def test_keep_items() -> None:
    assert parse_item("keep  people") == "people"
    assert parse_item('KEEP "cats; dogs"') == "cats; dogs"
    assert parse_item("keep keep") == "keep"


def test_a_semicolon_at_the_end_is_no_item() -> None:
    assert parse_recipe(" ;sky = a;; ") == parse_recipe("sky = a")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no region"),
        (" ; ; ", "no region"),
        ("keep people", "no region"),
        ("sky", 'has no "="'),
        ("= a", 'before "=" is empty'),
        ('"" = a', "phrase is empty"),
        ("sky =", "style is empty"),
        ("sky = a @", "such as 0.6"),
        ("sky = a @ much", "such as 0.6"),
        ("sky = a @ 7", "from 0 to 1, not 7"),
        ("sky = a @ nan", "not nan"),
        ("sky = a @ 0.5 @ 0.5", 'more than one "@"'),
        ("sky = a = b", 'more than one "="'),
        ("sky = a + b", "without a weight"),
        ("sky = a +", "a style is NAME"),
        ("sky = *", "a style is NAME"),
        ("sky = x*a", "weight must be a number"),
        ("sky = -1*a", "0 or more, not -1"),
        ("sky = inf*a", "not inf"),
        ("sky = 0*a + 0*b", "all 0"),
        ("sky * sea = a", "one phrase"),
        ('sky = "a', "not closed"),
        ('sky = "a" b', "after a closing quote"),
        ('"a"b = c', "after a closing quote"),
        ("word:night = a", "right of the ="),
        ("sky = image:a.png", "left of the ="),
        ("keep people = a", "both keeps and repaints"),
        ("keep a + b", "keep takes one phrase"),
        ("x" * 10_000 + " = a", "10000 characters long"),
        ("sky = a;" * 65, "at most 64"),
        ("x" * 200_000, "at most 100000"),
        ("sky\x1b[2J = a", "control character"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(RequestError) as error:
        parse_recipe(text)
    assert said in one_line(error)
    assert "x" * 61 not in str(error.value)


def test_one_item_is_one_item() -> None:
    with pytest.raises(RequestError, match="expected one item, got 2"):
        parse_item("sky = a; sea = b")


@given(spoken_recipes())
def test_text_reads_back(recipe: Recipe) -> None:
    assert parse_recipe(format_recipe(recipe)) == recipe


@given(st.text() | st.text(alphabet=';=@+*" \\keepimagsword:01.ab\n', max_size=60))
@settings(max_examples=300)
def test_any_text_parses_or_is_refused_in_one_line(text: str) -> None:
    refusal, recipe = attempt(lambda: parse_recipe(text))
    assert refusal.isprintable()
    assert len(refusal) < 260
    assert recipe is None or parse_recipe(format_recipe(recipe)) == recipe


@pytest.mark.parametrize("unit", ['"', "\\", '"a"', "a ", "image:", "keep ", "+1*a", "word: "])
def test_time_is_linear_in_the_length(unit: str) -> None:
    text = "sky = " + unit * (90_000 // len(unit))
    start = time.process_time()
    with pytest.raises(RequestError):
        parse_recipe(text)
    assert time.process_time() - start < 2


def test_an_embedded_picture_has_no_text() -> None:
    sky, mosaic = Target("phrase", "sky"), (Source("name", "mosaic"),)
    for region in (
        Region(sky, (Source("embedded", TINY_PNG),)),
        Region(Target("embedded", TINY_PNG), mosaic),
    ):
        with pytest.raises(RequestError, match="use the JSON form"):
            format_recipe(Recipe((region,)))
