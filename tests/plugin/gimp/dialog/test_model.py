"""What the dialog shows and the recipe that it stands for, held against core's own reading."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from semantic_style.core.recipe import from_data, from_json, parse_recipe, to_data, to_json
from semantic_style.plugin.gimp.semantic_style.dialog import model
from semantic_style.plugin.gimp.semantic_style.dialog.model import Row, State

MOSAIC = ({"kind": "name", "value": "mosaic"},)


def png(mode: str = "RGB") -> str:
    stream = BytesIO()
    Image.new(mode, (8, 8)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def canonical(state: State) -> str:
    return to_json(from_data(model.to_data(state, "mosaic")))


def test_what_is_typed_is_the_recipe_that_the_language_has_for_it() -> None:
    state = State(
        rows=(
            Row(phrase=" sky + sea within harbour ", style=MOSAIC, strength=0.6),
            Row(whole=True),
        ),
        keep="people, the car",
    )
    typed = "sky + sea within harbour = mosaic @ 0.6; * = batik; keep people; keep the car"
    assert from_data(model.to_data(state, "batik")) == parse_recipe(typed)


def test_rows_that_name_nothing_are_no_regions() -> None:
    state = State(rows=(Row(phrase="  "), Row(phrase="sky", style=MOSAIC), Row()))
    assert state.filled == (1,)
    assert len(model.to_data(state)["regions"]) == 1
    assert model.to_text(State()) == ""


@pytest.mark.parametrize(
    "typed",
    [
        "sky = mosaic",
        "* = 0.3*mosaic + 0.7*batik from gold @ 0.25; keep the old house",
        'sky + "black + white" within "the house from hell" = mosaic; house = batik',
        '"keep out" = mosaic; "a = b" = mosaic; "say \\"hi\\"" = batik; "tree.jpg" = batik',
        "sky = word:night; keep people; keep dogs",
        'sky = mosaic; keep "a, b"; keep "the \\"inn\\", please"',
    ],
)
def test_every_recipe_comes_through_the_dialog_unchanged(typed: str) -> None:
    recipe = parse_recipe(typed)
    assert canonical(model.from_text(to_json(recipe))) == to_json(recipe)


def test_settings_come_through_unchanged() -> None:
    data = to_data(parse_recipe("sky = mosaic; house = word:night"))
    data |= {"size": 777, "style_scale": 7.5, "keep_colors": True, "segmenter": "builtin"}
    data |= {"seed": 12, "transfer": ["colours"]}
    data["regions"][0] |= {"threshold": 0.31, "grow": -320, "feather": 240.5, "invert": True}
    recipe = from_data(data)
    assert canonical(model.from_data(to_data(recipe))) == to_json(recipe)


def test_polish_goes_with_what_can_be_polished() -> None:
    recipe = from_data(to_data(parse_recipe("sky = mosaic")) | {"polish": 20})
    state = model.from_text(to_json(recipe))
    assert (state.polish, canonical(state)) == (20, to_json(recipe))
    for other in (
        replace(state, engine="gatys"),
        replace(state, engine="zmnet", transfer=("colours",)),
    ):
        assert not other.polishes
        assert from_data(model.to_data(other)).polish == 0
    assert from_data(model.to_data(replace(state, engine="zmnet"))).polish == 20
    earlier = from_data({**to_data(recipe), "schema": 1} | {"polish": 0})
    assert canonical(model.from_text(to_json(earlier))) == to_json(earlier)
    for polish in ("auto", 0):  # whatever paints
        left = replace(state, engine="gatys", polish=polish)
        assert from_data(model.to_data(left)).polish == polish


def test_painted_masks_and_pictures_of_ones_own_travel_along() -> None:
    painted = {"kind": "embedded", "value": png("L")}
    data = to_data(parse_recipe("sky = mosaic"))
    data["regions"][0] |= {"target": painted, "style": [{"kind": "embedded", "value": png()}]}
    recipe = from_data(data)
    state = model.from_data(to_data(recipe))
    assert state.rows[0].filled
    assert not state.rows[0].phrase
    assert canonical(state) == to_json(recipe)


def test_the_engine_follows_the_styles_until_one_is_chosen() -> None:
    plain = State(rows=(Row(phrase="sky", style=MOSAIC),))
    word = State(rows=(Row(phrase="sky", style=({"kind": "word", "value": "night"},)),))
    assert model.to_data(plain)["engine"] == "adaattn"
    assert model.to_data(word)["engine"] == "zmnet"
    chosen = replace(plain, engine="gatys")
    assert model.from_data(model.to_data(chosen)).engine == "gatys"
    assert model.from_data(model.to_data(word)).engine is None


def test_groups_go_with_the_engine_that_has_them() -> None:
    state = State(rows=(Row(phrase="sky", style=MOSAIC),), transfer=("colours",))
    assert from_data(model.to_data(state)).transfer == ("details", "colours", "textures")
    state = replace(state, engine="zmnet")
    assert from_data(model.to_data(state)).transfer == ("colours",)


def test_the_text_is_sorted_json_and_reads_back() -> None:
    state = State(rows=(Row(phrase="Straße", style=MOSAIC),), keep="the café")
    text = model.to_text(state)
    assert "Straße" in text
    assert text == json.dumps(
        json.loads(text), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    assert model.from_text(text) == state
    assert from_json(text).keep == ("the café",)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "{", "[]", "null", '{"regions": 3}', '{"regions": [{}]}', '{"regions": [null]}',
     '{"regions":[{"target":"sky","style":"mosaic"}]}', "[" * 20000,
     '{"regions":[{"target":{"kind":"phrase"},"style":[{}],"strength":"much"}]}'],
)  # fmt: skip
def test_what_can_not_be_read_opens_an_empty_dialog(text: str) -> None:
    assert model.from_text(text) == State()
