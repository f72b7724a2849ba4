"""The engine zmnet in every face's path: words, pictures and mixtures, with small networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from semantic_style.core.recipe import parse_recipe
from semantic_style.plugin.session import Session

from ..zmnet_tiny import TRAINED, tiny_zmnet


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of small networks, which answer in the shipped ones' place."""
    tiny_zmnet(tmp_path / "run")
    monkeypatch.setenv("SEMANTIC_STYLE_WEIGHTS", str(tmp_path / "run"))
    return tmp_path / "run"


@pytest.fixture
def painted(
    cli: Callable, photo_file: Path, tmp_path: Path, own: Path
) -> Callable[..., tuple[NDArray[np.int_], dict[str, Any]]]:
    """The pixels and the summary of a photo that is painted so."""
    numbers = iter(range(100))

    def run(*arguments: str | Path) -> tuple[NDArray[np.int_], dict[str, Any]]:
        out = tmp_path / f"{next(numbers)}.png"
        ran = cli("stylize", photo_file, *arguments, "--json", "-o", out)
        assert ran.code == 0, ran.err
        return np.asarray(Image.open(out), dtype=int), json.loads(ran.out)

    return run


def test_a_word_paints_and_needs_no_engine_named(painted: Callable, photo_file: Path) -> None:
    night, said = painted("* = word:night")
    before = np.asarray(Image.open(photo_file), dtype=int)
    assert night.shape == before.shape
    assert np.abs(night - before).mean() > 5
    assert (said["engine"], said["warnings"]) == ("zmnet", [])
    assert said["recipe"]["regions"][0]["style"][0]["kind"] == "word"
    noon, _ = painted("* = word:noon", "--engine", "zmnet")
    assert np.abs(noon - night).mean() > 2


def test_a_results_recipe_paints_the_same_again(painted: Callable, tmp_path: Path) -> None:
    first, said = painted("-r", "sky = word:night + 0.5*mosaic @ 0.8", "--keep-colors")
    again, _ = painted("--recipe", said["output"])
    assert (first == again).all()


def test_mixtures_of_words_and_pictures(painted: Callable) -> None:
    once, _ = painted("* = word:night")
    twice, _ = painted("* = 0.25*word:night + 0.75*word:night")
    assert (once == twice).all()
    none, _ = painted("* = word:night + 0*word:noon + 0*mosaic")
    assert (once == none).all()
    both, _ = painted("* = word:night + 1*mosaic")
    assert np.abs(both - once).mean() > 1


def test_pins_name_the_words_weights_only_where_words_answered(
    painted: Callable, own: Path, photo_file: Path
) -> None:
    pins = {
        text: set(painted(text, "--engine", "zmnet")[1]["recipe"]["pins"]["weights"])
        for text in ("* = word:night", "* = mosaic", "* = mosaic + 1*word:night")
    }
    words = {"zmnet-styles", "zmnet-words", "style-words"}
    assert list(pins.values()) == [words, {"zmnet-styles"}, words]
    # Also in a session that has met words before, as a server's has.
    session = Session("cpu")
    for text, expected in (("* = word:night", words), ("* = mosaic", {"zmnet-styles"})):
        weights = session.engine("zmnet").weights(words="word" in text)
        session.check(parse_recipe(text))
        assert {name for name, _ in weights} == expected


def test_groups_are_transferred_one_by_one(painted: Callable) -> None:
    word = ("* = word:night",)
    every, _ = painted(*word)
    named, said = painted(*word, "--transfer", "textures,details,colours")
    assert (every == named).all()
    assert said["recipe"]["transfer"] == ["details", "colours", "textures"]
    for group in ("details", "colours", "textures"):
        alone, said = painted(*word, "--transfer", group)
        assert said["recipe"]["transfer"] == [group]
        assert np.abs(every - alone).mean() > 0.5, group


def test_a_word_far_from_all_that_were_trained_is_warned_about(painted: Callable) -> None:
    _, said = painted("* = word:banana")
    assert len(said["warnings"]) == 1
    assert "word:banana is far from every word" in said["warnings"][0]


def test_words_are_listed(cli: Callable, own: Path) -> None:
    ran = cli("styles", "list", "--words")
    assert ran.code == 0, ran.err
    assert ran.out.split() == [f"word:{word}" for word in TRAINED]
    assert json.loads(cli("styles", "list", "--words", "--json").out) == list(TRAINED)
    assert "word:night" in cli("styles", "list").err


def test_doctor_says_whose_networks_answer(cli: Callable, own: Path) -> None:
    facts = {fact["topic"]: fact for fact in json.loads(cli("doctor", "--json").out)}
    assert facts["own weights"]["state"] == "note"
    assert facts["own weights"]["text"].startswith(f"zmnet-styles, zmnet-words of {own}")


def test_bench_measures_it(cli: Callable, tmp_path: Path, own: Path, data_folder: Path) -> None:
    file = tmp_path / "quality.json"
    ran = cli(
        "bench", "quality", "--pairs", "1", "--size", "64", "--no-peer", "--engine", "zmnet",
        "--json", file,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    rows = [row["method"] for row in json.loads(file.read_text(encoding="utf-8"))["rows"]]
    assert rows[0] == "zmnet"


def test_a_first_use_is_timed_as_one(own: Path, data_folder: Path) -> None:
    """No style comes from disk, or goes there."""
    from semantic_style.core.bench import speed

    engine = Session("cpu", remember=False).engine("zmnet")
    report = speed.run([engine], sizes=(64,), attention_sides=(), repeats=2, with_peer=False)
    assert [row["case"] for row in report.rows] == ["zmnet", "zmnet, new style"]
    assert report.rows[1]["ratio"] > 1
    assert not (data_folder / "cache").exists()
    Session("cpu").engine("zmnet").prepare(np.full((64, 64, 3), 0.5, np.float32))
    assert any((data_folder / "cache").rglob("*.safetensors"))
