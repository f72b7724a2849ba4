"""What the controls say, as a recipe and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from semantic_style.core.image import embed_mask
from semantic_style.core.recipe import Recipe, from_data, parse_recipe, to_data
from semantic_style.plugin.page.catalogue import film_styles, short_title
from semantic_style.plugin.page.wishes import (
    Problem,
    Settings,
    blamed,
    rows_of,
    settings_of,
    wish_of,
)

MOSAIC = {"title": "Mosaic", "sources": [{"kind": "name", "value": "mosaic"}]}
BRUSH = embed_mask(np.eye(20, dtype=np.float32))


def row(phrase: str, **more: Any) -> dict[str, Any]:
    return {"phrase": phrase, "style": MOSAIC, **more}


def asked(*rows: dict[str, Any], keep: str = "", final: bool = True, **settings: Any) -> Recipe:
    wish = wish_of(
        {"regions": list(rows), "keep": keep}, Settings(**settings), "aurora", final=final
    )
    assert wish is not None
    return wish.recipe


def wrong(place: str, *rows: Any, keep: str = "", **settings: Any) -> str:
    with pytest.raises(Problem) as caught:
        wish_of({"regions": list(rows), "keep": keep}, Settings(**settings), "aurora", final=True)
    assert caught.value.place == place
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "sky = mosaic",
        "sky + sea = mosaic @ 0.5; house within garden = 0.5 * aurora + 0.5 * linocut; keep dog",
        "* = word:night",
        '"black + white" = mosaic from sky; keep "a, b"',
    ],
)
def test_a_recipe_survives_the_controls(text: str) -> None:
    recipe = parse_recipe(text.replace('; keep "a, b"', ""))
    rows, lost = rows_of(recipe)
    assert lost == []
    settings = settings_of(recipe)
    data = {"regions": rows, "keep": ", ".join(recipe.keep)}
    wish = wish_of(data, settings, "aurora", final=True)
    assert wish is not None
    assert wish.recipe == recipe


def test_every_setting_survives_the_controls() -> None:
    data = to_data(parse_recipe("sky = mosaic"))
    data |= {"engine": "zmnet", "segmenter": "builtin", "size": "full", "style_scale": 2.0}
    data |= {"keep_colors": True, "transfer": ["colours"]}
    data["regions"][0] |= {"threshold": 0.3, "grow": -4, "feather": 9.0, "invert": True}
    recipe = from_data(data)
    wish = wish_of(
        {"regions": rows_of(recipe)[0], "keep": ""}, settings_of(recipe), "x", final=True
    )
    assert wish is not None
    assert wish.recipe == recipe


def test_the_brush_survives_the_controls() -> None:
    recipe = asked(row("sky", painted=BRUSH, bound=BRUSH))
    (region,) = recipe.regions
    assert [term.kind for term in region.targets] == ["phrase", "embedded", "embedded"]
    ((again,), lost) = rows_of(recipe)
    assert (again["painted"], again["bound"], lost) == (BRUSH, BRUSH, [])
    (alone,) = asked(row("", painted=BRUSH)).regions
    assert alone.target.kind == "embedded"


def test_what_the_page_can_not_show_is_said() -> None:
    rows, lost = rows_of(parse_recipe("mask:m.png = a.jpg; sky + image:b.png = mosaic"))
    assert [each["phrase"] for each in rows] == ["", "sky"]
    assert rows[0]["style"] is None
    assert len(lost) == 3


def test_rows_that_say_nothing_are_passed_over() -> None:
    assert wish_of({"regions": [row("")]}, Settings(), "aurora") is None
    wish = wish_of({"regions": [row(""), row("sky", style=None)]}, Settings(), "aurora")
    assert wish is not None
    assert (wish.rows, wish.styled) == ((1,), False)
    assert wish.recipe.regions[0].strength == 0
    assert len(asked(row("sky"), row("tree", style=None)).regions) == 1


def test_words_for_the_whole_picture() -> None:
    assert asked(row("Whole picture")) == asked(row("*")) == parse_recipe("* = mosaic")


def test_fewer_groups_choose_the_painter_that_can() -> None:
    assert asked(row("sky"), transfer=("colours",)).engine == "zmnet"
    assert "zmnet only" in wrong("transfer", row("sky"), engine="adaattn", transfer=("colours",))


def test_polish_survives_the_controls() -> None:
    recipe = asked(row("sky"), polish=20)
    assert recipe.polish == settings_of(recipe).polish == 20
    left, off = asked(row("sky")), asked(row("sky"), polish=0)
    assert (left.polish, settings_of(left).polish) == ("auto", -1)
    assert off.polish == settings_of(off).polish == 0


def test_each_problem_names_its_control() -> None:
    wrong("region 1", row("sky"), row("a = b"))
    wrong("region 0", row("sky", style=None))
    wrong("region 0", row("", style=MOSAIC))
    wrong("region 0", row("mask:/etc/passwd"))
    wrong("region 0", row("sky", style={"sources": [{"kind": "file", "value": "/etc/passwd"}]}))
    wrong("region 0", row("sky", style={"sources": "x"}))
    wrong("region 0", row("sky", strength=2))
    wrong("region 0", row("sky", threshold="high"))
    wrong("region 0", row("sky", painted="no base64"))
    wrong("keep", row("sky"), keep="x" * 100_000)
    wrong("brush", row("sky"), brush=1000.0)
    wrong("polish", row("sky"), polish=1000)
    wrong("polish", row("sky"), polish=20, engine="gatys")
    wrong("size", row("sky"), size=3)
    wrong("engine", row("sky"), engine="magic")
    wrong("transfer", row("sky"), transfer=())
    wrong("", "no row")
    wrong("", *[row("sky")] * 13)


def test_a_line_of_the_worker_finds_its_control() -> None:
    wish = wish_of({"regions": [row("sky"), row("tree")], "keep": "dog"}, Settings(), "aurora")
    assert wish is not None
    assert blamed('"tree" was not found in the picture', wish) == "region 1"
    assert blamed('the builtin segmenter does not know "dog"', wish) == "keep"
    assert blamed("there is not enough memory", wish) == ""


def test_looks_of_a_film() -> None:
    assert film_styles("noon, Aurora, 0.5 * mosaic + 0.5 * aurora, word:night") == [
        'word:"noon"', "aurora", "0.5 * mosaic + 0.5 * aurora", "word:night",
    ]  # fmt: skip
    with pytest.raises(Problem, match="at least two"):
        film_styles("noon, ")


def test_titles_of_tiles() -> None:
    assert short_title("Vincent van Gogh, The Night Café (1888)") == "The Night Café"
    assert short_title("Mosaic: Roman tesserae") == "Mosaic"
    assert short_title("Oil, impasto") == "Oil, impasto"
