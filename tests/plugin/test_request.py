"""What is typed becomes a recipe, or one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from semantic_style.core.errors import RequestError
from semantic_style.core.recipe import Target, parse_recipe, to_json, to_toml
from semantic_style.plugin.request import (
    given_recipe,
    polish_value,
    size_value,
    split_positionals,
    transfer_value,
    with_flags,
)

SKY = parse_recipe("sky = mosaic @ 0.5; keep tree")


def test_the_last_positional_with_an_equals_sign_is_the_recipe() -> None:
    assert split_positionals(["a.jpg", "b.jpg", "sky = x"]) == (
        [Path("a.jpg"), Path("b.jpg")],
        "sky = x",
    )
    assert split_positionals(["a.jpg", "b.jpg"]) == ([Path("a.jpg"), Path("b.jpg")], None)


def test_a_file_whose_name_holds_an_equals_sign_is_a_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sky=blue.jpg").touch()
    assert split_positionals(["sky=blue.jpg"]) == ([Path("sky=blue.jpg")], None)


def test_a_recipe_without_a_photo_is_refused() -> None:
    with pytest.raises(RequestError, match="no photo"):
        split_positionals(["sky = mosaic"])


def test_a_recipe_longer_than_a_file_name_can_be_is_still_a_recipe() -> None:
    text = "; ".join(f"thing {number} = mosaic" for number in range(500))
    assert split_positionals(["a.jpg", text])[1] == text


@pytest.mark.parametrize(("suffix", "form"), [(".json", to_json), (".toml", to_toml)])
def test_all_ways_to_give_a_recipe_give_the_same(tmp_path: Path, suffix: str, form) -> None:
    file = tmp_path / f"recipe{suffix}"
    file.write_text(form(SKY), encoding="utf-8")
    assert given_recipe((), file, None) == SKY
    assert given_recipe((), None, "sky = mosaic @ 0.5; keep tree") == SKY
    assert given_recipe(("sky = mosaic @ 0.5", "keep tree"), None, None) == SKY


def test_exactly_one_way_is_taken() -> None:
    with pytest.raises(RequestError, match="twice, by -r and RECIPE"):
        given_recipe(("sky=a",), None, "sky=b")
    with pytest.raises(RequestError, match="nothing to do"):
        given_recipe((), None, None)


def test_flags_overrule_and_what_is_not_given_stays() -> None:
    made = with_flags(
        SKY,
        keep=["dog"],
        regions={"threshold": 0.3, "grow": None, "invert": True},
        settings={"size": 512, "seed": None},
    )
    (region,) = made.regions
    assert (region.threshold, region.grow, region.invert, region.strength) == (0.3, 0, True, 0.5)
    assert made.keep == ("tree", "dog")
    assert (made.size, made.seed) == (512, 0)


def test_one_style_region_is_for_all_and_several_are_in_order() -> None:
    two = parse_recipe("sky = a.jpg from sea; house = b.jpg")

    def parts(*given: str) -> list[str | None]:
        return [region.style_region for region in with_flags(two, style_regions=given).regions]

    assert parts() == ["sea", None]
    assert parts("tree") == ["tree", "tree"]
    assert parts("tree", "wall") == ["tree", "wall"]
    with pytest.raises(RequestError, match="3 times for 2 regions: give it once for all"):
        parts("a", "b", "c")
    with pytest.raises(RequestError, match="2 times for 1 region: "):
        with_flags(SKY, style_regions=("a", "b"))


def test_within_is_written_in_the_region_language() -> None:
    made = with_flags(parse_recipe("sky = a; house within b = c"), within="mask:my sel.png")
    assert [region.within for region in made.regions] == [Target("mask", "my sel.png")] * 2
    assert parse_recipe("a within b = c") == with_flags(parse_recipe("a = c"), within="b")
    with pytest.raises(RequestError, match="one thing is named"):
        with_flags(SKY, within="a + b")


def test_flags_are_checked_like_the_recipe() -> None:
    with pytest.raises(RequestError, match="threshold"):
        with_flags(SKY, regions={"threshold": 1.5})
    with pytest.raises(RequestError, match="no region"):
        given_recipe(("keep tree",), None, None)


def test_sizes() -> None:
    assert (size_value(None), size_value("full"), size_value("640")) == (None, "full", 640)
    for text in ("big", "-3", "", "1e3"):
        with pytest.raises(RequestError, match="--size"):
            size_value(text)


def test_steps_of_polishing() -> None:
    assert (polish_value(None), polish_value("auto"), polish_value("12")) == (None, "auto", 12)
    for text in ("much", "-3", "", "1e3", "2.5"):
        with pytest.raises(RequestError, match="--polish"):
            polish_value(text)


def test_transfer_is_for_zmnet() -> None:
    some = {"transfer": transfer_value("textures, details")}
    assert transfer_value(None) is None
    made = with_flags(SKY, settings={"engine": "zmnet", **some})
    assert made.transfer == ("details", "textures")
    with pytest.raises(RequestError, match="zmnet only: adaattn restyles"):
        with_flags(SKY, settings=some)
    with pytest.raises(RequestError, match="zmnet only: gatys restyles"):
        with_flags(made, settings={"engine": "gatys"})
    assert with_flags(SKY, settings={"transfer": transfer_value("details,colours,textures")}) == SKY
    with pytest.raises(RequestError, match="use colours"):
        with_flags(SKY, settings={"engine": "zmnet", "transfer": transfer_value("colors")})


def test_words_are_for_zmnet_where_no_engine_is_named(tmp_path: Path) -> None:
    """However the recipe is given; a name that is given stays."""
    words, pictures = "sky = mosaic + 0.5*word:night", "sky = mosaic"
    for text, engine in ((words, "zmnet"), (pictures, "adaattn")):
        assert given_recipe((text,), None, None).engine == engine
        assert given_recipe((), None, text).engine == engine
        for suffix, content in (
            (".txt", text),
            (".toml", f'[[regions]]\ntarget = "sky"\nstyle = "{text[6:]}"'),
            (".json", f'{{"regions": [{{"target": "sky", "style": "{text[6:]}"}}]}}'),
        ):
            file = tmp_path / f"recipe{suffix}"
            file.write_text(content, encoding="utf-8")
            assert given_recipe((), file, None).engine == engine
    named = parse_recipe(words)
    for suffix, form in ((".json", to_json), (".toml", to_toml)):
        file = tmp_path / f"named{suffix}"
        file.write_text(form(replace(named, engine="adaattn")), encoding="utf-8")
        assert given_recipe((), file, None).engine == "adaattn"
    assert with_flags(named, settings={"engine": "gatys"}).engine == "gatys"


def test_a_word_has_no_part_to_take_from() -> None:
    with pytest.raises(RequestError, match='"word:night" is no picture that "sea"'):
        with_flags(parse_recipe("sky = mosaic + 0.5*word:night"), style_regions=["sea"])
