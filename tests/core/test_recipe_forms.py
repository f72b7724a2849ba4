"""JSON and TOML carry the same recipe, and a wrong file is one line that helps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semantic_style.core.errors import RequestError
from semantic_style.core.recipe import (
    Recipe,
    Region,
    Source,
    from_data,
    from_json,
    from_toml,
    load_recipe,
    parse_recipe,
    to_json,
    to_toml,
)

from .recipes import recipes
from .test_recipe import SKY, attempt, one_line, recipe

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(recipes())
@SLOW
def test_json_reads_back(wanted: Recipe) -> None:
    text = to_json(wanted)
    assert from_json(text) == wanted
    assert to_json(from_json(text)) == text
    assert "\n" not in text


@given(recipes())
@SLOW
def test_toml_reads_back(wanted: Recipe) -> None:
    assert from_toml(to_toml(wanted)) == wanted


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["regions", "target", "style", "kind", "value", "keep", "pins", "size"]
                )
                | st.text(max_size=5),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_data_is_a_recipe_or_refused_in_one_line(data: object) -> None:
    refusal, _ = attempt(lambda: from_data(data))
    assert refusal.isprintable()


def test_json_is_canonical() -> None:
    text = to_json(parse_recipe("sky = mosaic"))
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert (json.loads(text)["schema"], json.loads(text)["polish"]) == (4, "auto")


def test_toml_is_for_people() -> None:
    text = to_toml(parse_recipe("sky = mosaic + 0.5*word:night @ 0.6; keep people"))
    assert 'target = "sky"' in text
    assert 'style = "mosaic + 0.5*word:night"' in text
    assert "feather" not in text
    by_hand = 'size = "full"\n[[regions]]\ntarget = "sky"\nstyle = "a.jpg"\ngrow = 3\n'
    assert from_toml(by_hand) == Recipe(
        (Region(SKY, (Source("file", "a.jpg"),), grow=3),), size="full"
    )


def test_a_recipe_of_the_first_schema_keeps_its_text() -> None:
    """And its meaning: nothing was polished then, unless that was asked for."""
    text = (
        '{"engine":"adaattn","keep":[],"keep_colors":false,"regions":[{"feather":2.0,"grow":0,'
        '"invert":false,"strength":1.0,"style":[{"kind":"name","value":"mosaic","weight":1.0}],'
        '"target":{"kind":"phrase","value":"sky"}}],"schema":1,"seed":0,"segmenter":"auto",'
        '"style_scale":1.0,"transfer":["details","colours","textures"]}'
    )
    earlier = from_json(text)
    assert earlier == replace(parse_recipe("sky = mosaic"), polish=0)
    assert to_json(earlier) == text
    assert from_toml(to_toml(earlier)) == earlier
    del (unversioned := json.loads(text))["schema"]
    assert from_data(unversioned).polish == "auto"


def test_polish_is_written_only_where_it_is_asked_for() -> None:
    polished = replace(parse_recipe("sky = mosaic"), polish=20)
    data = json.loads(to_json(polished))
    assert (data["polish"], data["schema"]) == (20, 3)
    assert "polish = 20" in to_toml(polished)
    assert "polish" not in to_toml(replace(polished, polish=0))
    assert "polish" not in to_toml(replace(polished, polish="auto"))
    assert from_toml(to_toml(polished)) == from_json(to_json(polished)) == polished


def test_areas_in_the_forms() -> None:
    wanted = replace(parse_recipe("sky + mask:a.png within house = a.jpg from sky"), polish=0)
    data = json.loads(to_json(wanted))
    assert data["schema"] == 2
    assert data["regions"][0]["plus"] == [{"kind": "mask", "value": "a.png"}]
    assert data["regions"][0]["within"] == {"kind": "phrase", "value": "house"}
    text = to_toml(wanted)
    assert 'target = "sky + mask:a.png"' in text
    assert 'within = "house"' in text
    assert 'style_region = "sky"' in text
    for by_hand in (
        '[[regions]]\ntarget = "sky + mask:a.png within house"\nstyle = "a.jpg from sky"\n',
        '[[regions]]\ntarget = "sky"\nplus = ["mask:a.png"]\nwithin = "house"\n'
        'style = "a.jpg"\nstyle_region = "sky"\n',
    ):
        assert replace(from_toml(by_hand), polish=0) == wanted


REGION = '{"target": "sky", "style": "a"}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no valid JSON"),
        ("{", "no valid JSON at line 1"),
        ("[" * 100_000, "no valid JSON"),
        ("[]", "must be a table"),
        ("{}", "no region"),
        ('{"schema": 9, "future": 1}', "update semantic-style"),
        (f'{{"regions": [{REGION}], "egnine": "gatys"}}', "did you mean engine"),
        ('{"regions": [{"target": "sky", "stlye": "a"}]}', "did you mean style?"),
        ('{"regions": [{"target": {"knid": "all"}, "style": "a"}]}', "did you mean kind?"),
        ('{"regions": [{"target": "sky"}]}', "needs a target and a style"),
        ('{"regions": [{"target": "sky", "style": {"value": "a"}}]}', "kind and a value"),
        ('{"regions": "sky = a"}', "must be a list"),
        ('{"regions": [{"target": "sky", "style": "a", "plus": "sea"}]}', "must be a list"),
        ('{"regions": [{"target": "sky", "style": "a", "plus": ["a + b"]}]}', "one thing"),
        (
            '{"regions": [{"target": "a within b", "style": "a", "within": "c"}]}',
            "within is given twice",
        ),
        (
            '{"regions": [{"target": "a", "style": "a from b", "style_region": "c"}]}',
            "style_region is given twice",
        ),
        (f'{{"regions": [{REGION}], "seed": NaN}}', "NaN is not a number"),
        (f'{{"regions": [{REGION}], "style_scale": 1e999}}', "not inf"),
        (f'{{"regions": [{REGION}], "seed": {"9" * 5000}}}', "no valid JSON"),
        (f'{{"regions": [{REGION}], "seed": 1, "seed": 2}}', "given twice"),
        (f'{{"regions": [{REGION}], "pins": {{}}}}', "pins lack segmenter"),
        (f'{{"regions": [{REGION}], "{"k" * 500}": 1}}', "has no setting"),
    ],
)
def test_json_is_refused(text: str, said: str) -> None:
    with pytest.raises(RequestError) as error:
        from_json(text)
    assert said in one_line(error)
    assert "k" * 61 not in str(error.value)


@pytest.mark.parametrize("text", ["[", "a = ", "a = " + "[" * 100_000, "a = 1\na = 2"])
def test_toml_is_refused(text: str) -> None:
    with pytest.raises(RequestError) as error:
        from_toml(text)
    assert "no valid TOML" in one_line(error)


def test_files_by_suffix(tmp_path: Path) -> None:
    wanted = recipe(seed=3)
    for name, text in (("r.json", to_json(wanted)), ("r.TOML", "\ufeff" + to_toml(wanted))):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert load_recipe(tmp_path / name) == wanted
    (tmp_path / "r.txt").write_text("sky = mosaic\n")
    assert load_recipe(tmp_path / "r.txt") == recipe()


def test_files_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.json").mkdir()
    for name, said in (
        ("missing.json", "No such file"),
        ("folder.json", "directory"),
        ("binary.json", "save it as UTF-8"),
        ("recipe.yaml", "ends in .json"),
        ("nul\0.json", "not a file name"),
    ):
        with pytest.raises(RequestError) as error:
            load_recipe(tmp_path / name)
        assert said in one_line(error)
