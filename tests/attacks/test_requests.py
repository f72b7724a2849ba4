"""Requests that are wrong or can't be met: one line that helps, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from semantic_style.core.recipe import parse_recipe, to_json

from ..zmnet_tiny import tiny_zmnet

Refused = Callable[..., str]


@pytest.fixture
def asked(refused: Refused, castle: Path, tmp_path: Path) -> Callable[..., str]:
    """The line with which `stylize castle -o out.png` refuses further arguments."""
    return lambda *arguments: refused("stylize", castle, "-o", tmp_path / "out.png", *arguments)


def test_a_phrase_of_ten_thousand_characters(asked: Refused) -> None:
    assert "10000 characters" in asked("-r", f"{'sky' * 3333}x=mosaic")
    asked("--keep", "y" * 10_000, "-r", "*=mosaic")


def test_an_empty_phrase(asked: Refused, refused: Refused, castle: Path, tmp_path: Path) -> None:
    for item in ("=mosaic", "  = mosaic", '"" = mosaic', "", ";", "keep ; sky=mosaic"):
        asked("-r", item)
    assert "empty" in refused("mask", castle, "  ", "-o", tmp_path / "mask.png")


def test_an_unknown_word_comes_with_known_ones(asked: Refused) -> None:
    for unknown, known in (("democracy", ""), ("buildng", "building")):
        line = asked("-r", f"{unknown}=mosaic")
        assert f'"{unknown}"' in line
        assert f"try {known}" in line
    asked("-r", "flibbertigibbet=mosaic")


def test_a_known_thing_that_is_not_in_the_picture(asked: Refused) -> None:
    line = asked("-r", "horse=mosaic")
    assert '"horse" was not found' in line
    assert "best score 0." in line


def test_one_missing_region_of_two_with_strict(asked: Refused) -> None:
    assert '"horse"' in asked("-r", "sky=mosaic", "-r", "horse=mosaic", "--strict")


def test_an_unknown_style_comes_with_the_nearest_names(asked: Refused) -> None:
    line = asked("-r", "sky=mosaik")
    assert "mosaik" in line
    assert "mosaic" in line.replace("mosaik", "")


@pytest.mark.parametrize(
    "strength", ["7", "-1", "nan", "inf", "1e9", "one", "", "0.5 @ 0.5", "9" * 5000]
)
def test_a_strength_that_is_none(asked: Refused, strength: str) -> None:
    asked("-r", f"sky=mosaic @ {strength}")


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--size", "0"),
        ("--size", "1e5"),
        ("--style-scale", "0"),
        ("--style-scale", "nan"),
        ("--threshold", "1.5"),
        ("--grow", "100000"),
        ("--feather", "-1"),
        ("--feather", "inf"),
        ("--engine", "adain"),
        ("--segmenter", "clipseg"),
        ("--segmenter", "sam"),
        ("--transfer", "details"),
        ("--device", "tpu"),
        ("--seed", "x"),
        ("--no-such-flag", "1"),
    ],
)
def test_flags_with_values_that_they_cannot_have(asked: Refused, flag: str, value: str) -> None:
    assert value in (line := asked("-r", "sky=mosaic", flag, value)) or flag in line


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks for the engine zmnet."""
    tiny_zmnet(tmp_path / "run")
    monkeypatch.setenv("SEMANTIC_STYLE_WEIGHTS", str(tmp_path / "run"))


@pytest.mark.parametrize("engine", ["adaattn", "gatys"])
def test_words_for_an_engine_that_takes_none(
    asked: Refused, tmp_path: Path, small: None, engine: str
) -> None:
    words = ("-r", "sky = mosaic + 0.5*word:night")
    assert 'use the engine zmnet for word:"night"' in asked(*words, "--engine", engine)
    file = tmp_path / "recipe.json"
    recipe = replace(parse_recipe(words[1]), engine=engine)  # type: ignore[arg-type]
    file.write_text(to_json(recipe), encoding="utf-8")
    assert 'use the engine zmnet for word:"night"' in asked("--recipe", file)


@pytest.mark.parametrize("word", ["nihgt", "flibbertigibbet", "7" * 200, "…"])
def test_a_word_that_is_in_no_table(asked: Refused, small: None, word: str) -> None:
    assert "does not know word:" in asked("-r", f"sky = word:{word}")
    assert "does not know word:" in asked("-r", f"sky = mosaic + 0*word:{word}")


@pytest.mark.parametrize("mixture", ["-1*word:night", "word:night + -0.5*mosaic", "inf*mosaic"])
def test_weights_below_zero(asked: Refused, small: None, mixture: str) -> None:
    assert "a style's weight must be" in asked("-r", f"sky = {mixture}")


def test_weights_that_are_all_zero(asked: Refused, small: None) -> None:
    for mixture in ("0*word:night", "0*word:night + 0.0*mosaic"):
        assert "all 0" in asked("-r", f"sky = {mixture}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--engine", "zmnet", "--transfer", "colors"), "use colours"),
        (("--engine", "zmnet", "--transfer", ""), "transfer group"),
        (("--engine", "zmnet", "--transfer", "details,,colours"), "transfer group"),
        (("--engine", "adaattn", "--transfer", "details"), "zmnet only"),
        (("--engine", "gatys", "--transfer", "colours"), "zmnet only"),
        (("--transfer", "colours,textures"), "zmnet only"),
    ],
)
def test_groups_that_cannot_be_transferred(
    asked: Refused, small: None, arguments: tuple[str, ...], said: str
) -> None:
    assert said in asked("-r", "sky = mosaic", *arguments)


def test_a_part_of_a_word(asked: Refused, small: None) -> None:
    assert "is no picture" in asked("-r", "sky = word:night from sky")
    assert "is no picture" in asked("-r", "sky = word:night", "--style-region", "sky")


def test_networks_of_ones_own_that_are_none(
    asked: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMANTIC_STYLE_WEIGHTS", str(tmp_path / "gone"))
    assert "no folder" in asked("-r", "sky = mosaic")
    styles, words = tiny_zmnet(tmp_path / "run")
    monkeypatch.setenv("SEMANTIC_STYLE_WEIGHTS", str(tmp_path / "run"))
    tiny_zmnet(tmp_path / "other", seed=1)[1].replace(words)
    assert "do not go together" in asked("-r", "sky = word:night")
    words.write_bytes(words.read_bytes()[:1000])
    assert "zmnet-words.safetensors" in asked("-r", "sky = word:night")
    words.replace(styles)
    asked("-r", "sky = mosaic", "--engine", "zmnet")


def test_a_missing_output_folder(refused: Refused, castle: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    sky = ("-r", "sky=mosaic", "-o")
    assert "nowhere" in refused("stylize", castle, *sky, nowhere / "out.png")
    assert "nowhere" in refused("stylize", castle, castle, *sky, nowhere)
    out = tmp_path / "out.png"
    assert "nowhere" in refused("stylize", castle, *sky, out, "--mask-out", nowhere / "m.png")
    assert "nowhere" in refused("stylize", castle, *sky, out, "--layers-out", nowhere / "a" / "b")
    assert "nowhere" in refused("mask", castle, "sky", "-o", nowhere / "mask.png")
    assert "nowhere" in refused("demo", "-o", nowhere / "demo.png")


def test_output_over_the_input_or_another_file(
    refused: Refused, castle: Path, tmp_path: Path
) -> None:
    assert "--force" in refused("stylize", castle, "-r", "sky=mosaic", "-o", castle)
    link = tmp_path / "link.png"
    link.symlink_to(castle)
    assert "--force" in refused("stylize", castle, "-r", "sky=mosaic", "-o", link)
    assert "--force" in refused("demo", "-o", castle)
    assert "--force" in refused("mask", castle, "sky", "-o", castle)


def test_outputs_that_are_no_picture(refused: Refused, castle: Path, tmp_path: Path) -> None:
    sky = ("stylize", castle, "-r", "sky=mosaic", "-o")
    assert ".exe" in refused(*sky, tmp_path / "out.exe")
    assert ".jpg" in refused("mask", castle, "sky", "-o", tmp_path / "mask.jpg")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.json", b"{"),
        ("r.json", b'{"regions": [], "schema": 99}'),
        ("r.json", b"\xff\xfe\x00"),
        ("r.json", b"[" * 100_000),
        ("r.toml", b"regions = 3"),
        ("r.yaml", b"regions: []"),
        ("r.png", b"no PNG"),
    ],
)
def test_recipe_files_that_are_none(
    asked: Refused, tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    asked("--recipe", file)


def test_a_photo_that_carries_no_recipe(asked: Refused, castle: Path) -> None:
    assert "no recipe" in asked("--recipe", castle)


def test_usage_errors_are_one_line_too(refused: Refused, tmp_path: Path) -> None:
    for arguments in (
        ("no-such-command",),
        ("stylize",),
        ("stylize", "a.jpg"),
        ("weights",),
        ("weights", "fetch"),
        ("weights", "fetch", "no-such-weights"),
        ("styles", "remove", "no-such-style"),
        ("styles", "remove", "mosaic"),
        ("train", "no-such-network", "--out", tmp_path / "run"),
        ("train", "adaattn", "--content", tmp_path / "gone", "--out", tmp_path / "run"),
        ("train", "adaattn", "--set", "no_such_setting=1", "--out", tmp_path / "run"),
        ("bench", "no-such-bench"),
    ):
        refused(*arguments)
