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
    parse_target,
    parse_term,
)
from semantic_style.core.recipe_language import parse_mixture

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


SEL = Target("mask", "sel.png")


@pytest.mark.parametrize(
    ("text", "plus", "within"),
    [
        ("a + sea = s", (Target("phrase", "sea"),), None),
        ("a+mask:sel.png+image:b.png=s", (SEL, Target("image", "b.png")), None),
        ("a within mask:sel.png = s", (), SEL),
        ("a WITHIN mask: sel.png=s", (), SEL),
        ("a + b within c = s", (Target("phrase", "b"),), Target("phrase", "c")),
        ('a + "b"  within "c" = s', (Target("phrase", "b"),), Target("phrase", "c")),
        ('a + "b within c" = s', (Target("phrase", "b within c"),), None),
        ('a within mask:"b within c.png" = s', (), Target("mask", "b within c.png")),
        ('a within "b.png" = s', (), Target("phrase", "b.png")),
        ("a within within-reach = s", (), Target("phrase", "within-reach")),
        ("a within girl from here = s", (), Target("phrase", "girl from here")),
    ],
)
def test_areas(text: str, plus: tuple[Target, ...], within: Target | None) -> None:
    region = only(text)
    assert (region.target, region.plus, region.within) == (Target("phrase", "a"), plus, within)


def test_the_whole_picture_within_a_selection() -> None:
    assert only("* within mask:sel.png = s").within == SEL


@pytest.mark.parametrize(
    ("text", "style", "part"),
    [
        ("night.jpg from sky", "night.jpg", "sky"),
        ("night.jpg  FROM  red sky", "night.jpg", "red sky"),
        ('"a from b.jpg" from "c; d"', "a from b.jpg", "c; d"),
        ('"a from b.jpg"', "a from b.jpg", None),
        ("from-afar within reach from keep", "from-afar within reach", "keep"),
        ('a from "image:b.png"', "a", "image:b.png"),
        ("a\tfrom\tb", "a", "b"),
    ],
)
def test_parts_of_a_style(text: str, style: str, part: str | None) -> None:
    region = only(f"sky = {text} @ 0.5")
    assert (region.style[0].value, region.style_region, region.strength) == (style, part, 0.5)


def test_a_part_is_taken_of_every_style_of_a_mixture() -> None:
    region = only("sky = 0.3*a + 0.7*b.jpg from sky")
    assert [source.value for source in region.style] == ["a", "b.jpg"]
    assert region.style_region == "sky"


def test_the_words_of_one_side_mean_nothing_on_the_other() -> None:
    assert only("girl from the left = a").target.value == "girl from the left"
    assert only("sky = reach within").style[0].value == "reach within"
    assert parse_item("keep girl within reach from here") == "girl within reach from here"


def test_one_side_alone() -> None:
    assert parse_target("sky + sea within mask:sel.png").within == SEL
    assert parse_mixture("keep calm from sky").style_region == "sky"
    assert parse_term("mask:sel.png") == SEL
    with pytest.raises(RequestError, match="one thing is named here"):
        parse_term("sky + sea")


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
        ("* + sky = a", "whole picture already"),
        ("sky within * = a", "bounds nothing"),
        ("sky + = a", "+ stands between two"),
        ("sky within = a", "within stands between two"),
        ("within mask:a.png = a", "within stands between two"),
        ("a within b within c = a", 'more than one "within"'),
        ("a within b + c = a", "after within stands one thing"),
        ("mask:sel within here.png = a", "reads as a file"),
        ("sky + extra.png = a", "write mask:FILE"),
        ("sky = a from", "from stands between"),
        ("sky = from b", "from stands between"),
        ("sky = a from b from c", 'more than one "from"'),
        ("sky = pic from home.jpg", "put a file name that holds the word from in double quotes"),
        ("sky = a from mask:b.png", "a style and a phrase"),
        ("sky = a from b + 0.5*c", "a style and a phrase"),
        ("sky = a @ 0.5 from b", "from stands before the @"),
        ("sky = a from b.jpg", "reads as a file"),
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
@settings(deadline=None)
def test_text_reads_back(recipe: Recipe) -> None:
    assert parse_recipe(format_recipe(recipe)) == recipe


WORDS = st.sampled_from(["within", "from", "keep", "a", '"', "mask:", ".png", *' ;=@+*\\"\n'])


@given(
    st.text()
    | st.text(alphabet=';=@+*" \\keepimagsword:01.ab\n', max_size=60)
    | st.lists(WORDS | st.just(" "), max_size=20).map("".join)
)
@settings(max_examples=300, deadline=None)
def test_any_text_parses_or_is_refused_in_one_line(text: str) -> None:
    refusal, recipe = attempt(lambda: parse_recipe(text))
    assert refusal.isprintable()
    assert len(refusal) < 260
    assert recipe is None or parse_recipe(format_recipe(recipe)) == recipe


@pytest.mark.parametrize(
    "unit", ['"', "\\", '"a"', "a ", "image:", "keep ", "+1*a", "word: ", "from ", " "]
)
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
