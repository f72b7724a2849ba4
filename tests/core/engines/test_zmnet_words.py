"""Words as styles in the engine zmnet: what they do, which are known, whom they go with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from semantic_style.core.engines import Word
from semantic_style.core.engines.zmnet import ZMNetEngine
from semantic_style.core.errors import RequestError

from ...zmnet_tiny import TRAINED, tiny_zmnet

Floats = NDArray[np.float32]
Files = tuple[Path, Path]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return tiny_zmnet(tmp_path_factory.mktemp("weights"))


def made(files: Files) -> ZMNetEngine:
    return ZMNetEngine(*files, "cpu", exact=True)


def picture(height: int, width: int, seed: int) -> Floats:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


def far(a: Floats, b: Floats) -> float:
    return float(np.abs(a - b).max())


def test_a_word_is_a_style_and_words_and_pictures_mix(files: Files) -> None:
    engine, content = made(files), picture(64, 80, 0)
    night, noon = engine.prepare(Word("night")), engine.prepare(Word("noon"))
    style = engine.prepare(picture(64, 64, 1))
    painted = [engine.stylize(content, [(each, 1.0)]) for each in (night, noon, style)]
    assert far(painted[0], painted[1]) > 0.02
    mixed = engine.stylize(content, [(night, 0.5), (style, 0.5)])
    assert far(mixed, painted[0]) > 0.01
    assert far(mixed, painted[2]) > 0.01
    assert engine.prepare(Word("the NIGHT")).gamma.equal(night.gamma)
    assert engine.prepare(Word("nights")).gamma.shape == night.gamma.shape


def test_one_signal_twice_is_that_signal_once(files: Files) -> None:
    engine, content = made(files), picture(48, 48, 0)
    for signal in (Word("sunset"), picture(40, 40, 1)):
        style, again = engine.prepare(signal), engine.prepare(signal)
        other = engine.prepare(Word("noon"))
        once = engine.stylize(content, [(style, 1.0)])
        assert far(engine.stylize(content, [(style, 0.3), (again, 0.7)]), once) < 1e-3
        assert far(engine.stylize(content, [(style, 1.0), (other, 0.0)]), once) == 0


def test_words_are_checked_before_anything_is_painted(files: Files) -> None:
    engine = made(files)
    for word in (*TRAINED, "Night", "the nights", "dusk"):
        assert engine.check_word(word) == ()
    (warning,) = engine.check_word("banana")
    assert "far from every word" in warning
    for unknown in ("zyxquorb", "night zyxquorb", "", "x" * 5000, "nigth\nzyxquorb"):
        with pytest.raises(RequestError, match="does not know") as caught:
            engine.check_word(unknown)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300
        with pytest.raises(RequestError):
            engine.prepare(Word(unknown))
    with pytest.raises(RequestError, match="is mosaic"):
        engine.check_word("mosaik")


def test_a_word_has_no_parts(files: Files) -> None:
    with pytest.raises(RequestError, match="no parts"):
        made(files).prepare(Word("night"), region=np.ones((4, 4), np.float32))


def test_words_are_loaded_when_one_is_met(files: Files, tmp_path: Path) -> None:
    engine = made((files[0], tmp_path / "missing.safetensors"))
    engine.stylize(picture(32, 32, 0), [(engine.prepare(picture(32, 32, 1)), 1.0)])
    with pytest.raises(RequestError, match=r"missing\.safetensors"):
        engine.check_word("night")
    with pytest.raises(RequestError, match=r"missing\.safetensors"):
        engine.prepare(Word("night"))


def test_words_of_another_network_are_refused(files: Files, tmp_path: Path) -> None:
    _, words = tiny_zmnet(tmp_path, seed=5)
    with pytest.raises(RequestError, match="do not go together"):
        made((files[0], words)).check_word("night")
    with pytest.raises(RequestError, match="not style pictures"):
        made((files[1], files[1]))
    with pytest.raises(RequestError, match="not words"):
        made((files[0], files[0])).check_word("night")


@pytest.mark.parametrize("about", [{"words": "night"}, {"words": "3"}, {"far": "near"}])
def test_a_file_of_words_that_does_not_say_which(
    files: Files, tmp_path: Path, about: dict[str, str]
) -> None:
    with safe_open(files[1], "pt") as file:
        metadata = file.metadata()
    path = tmp_path / "words.safetensors"
    save_file(load_file(files[1]), path, {**metadata, **about})
    with pytest.raises(RequestError, match="what words"):
        made((files[0], path)).check_word("night")
