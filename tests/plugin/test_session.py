"""Sources become style pictures, and what is warm stays warm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from semantic_style.core.engines import Word
from semantic_style.core.errors import RequestError
from semantic_style.core.image import embed_style, load_picture
from semantic_style.core.recipe import Recipe, Source, parse_recipe
from semantic_style.plugin.session import Session
from semantic_style.weights.manifest import file_sha256

from ..zmnet_tiny import tiny_zmnet


def test_every_kind_of_source_becomes_a_picture(photo_file: Path) -> None:
    session = Session()
    shipped = session.style_of(Source("name", "mosaic"))
    assert not isinstance(shipped, Word)
    assert shipped.dtype == np.float32
    assert shipped.shape[2] == 3
    assert 0 <= shipped.min() < shipped.max() <= 1
    file = session.style_of(Source("file", str(photo_file)))
    assert not isinstance(file, Word)
    assert file.shape == (96, 128, 3)
    embedded = Source("embedded", embed_style(load_picture(photo_file)))
    assert np.array_equal(session.style_of(embedded), file)


def test_a_file_that_changed_is_refused(photo_file: Path) -> None:
    session = Session()
    source = Source("file", str(photo_file), sha256=file_sha256(photo_file))
    session.style_of(source)
    photo_file.write_bytes(photo_file.read_bytes() + b"\0")
    with pytest.raises(RequestError, match="has changed"):
        session.style_of(source)


def test_files_are_pinned_and_pins_stay(photo_file: Path) -> None:
    session = Session()
    recipe = parse_recipe(f'sky = mosaic + 0.5*"{photo_file}"')
    pinned = session.pinned(recipe)
    name, file = pinned.regions[0].style
    assert (name.sha256, file.sha256) == (None, file_sha256(photo_file))
    photo_file.write_bytes(b"another")
    assert session.pinned(pinned) == pinned


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        (Recipe(parse_recipe("sky = word:night").regions, engine="adaattn"), "engine zmnet"),
        (Recipe(parse_recipe("sky = 0*word:night + 1*mosaic").regions), "engine zmnet"),
        (parse_recipe("sky = mosaik"), "mosaic"),
        (Recipe(parse_recipe("sky = mosaic").regions, segmenter="clipseg"), "fetch clipseg"),
    ],
)
def test_what_can_be_refused_early_is(recipe: Recipe, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        Session().check(recipe)


def test_an_unknown_device_is_refused_at_once() -> None:
    with pytest.raises(RequestError, match="tpu"):
        Session("tpu")


def test_a_word_is_no_picture() -> None:
    assert Session().style_of(Source("word", "night")) == Word("night")


def test_networks_of_ones_own_answer_in_the_shipped_ones_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the constructor or the environment; what the folder lacks comes from the shipped ones."""
    tiny_zmnet(tmp_path / "run")
    recipe = parse_recipe("sky = word:night")
    by_hand = Session("cpu", tmp_path / "run")
    monkeypatch.setenv("SEMANTIC_STYLE_WEIGHTS", str(tmp_path / "run"))
    for session in (by_hand, Session("cpu")):
        session.check(recipe)
        assert session.weights("zmnet-words") == str(tmp_path / "run" / "zmnet-words.safetensors")
        assert session.weights("adaattn-compact") == "adaattn-compact"
    monkeypatch.setenv("SEMANTIC_STYLE_WEIGHTS", str(tmp_path / "gone"))
    with pytest.raises(RequestError, match=r"no folder .*gone"):
        Session()


def test_a_session_loads_once() -> None:
    session = Session("cpu")
    auto = Recipe(parse_recipe("sky = mosaic").regions)
    builtin = Recipe(parse_recipe("* = batik").regions, segmenter="builtin")
    stylist = session.stylist(auto)
    assert session.stylist(builtin) is stylist
    assert session.engine() is stylist.engine
    assert session.segmenter("builtin") is stylist.segmenter
