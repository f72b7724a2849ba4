"""Reading and writing pictures can be stopped half way, whoever does it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from semantic_style.core.errors import Cancelled
from semantic_style.core.image import load_picture, save_mask, save_picture
from semantic_style.core.picture import Picture
from semantic_style.core.streams import aside, heard

SIDE = 900
PIECE = 1 << 20  # bytes of samples; between two checks there is never more


@pytest.fixture(scope="module")
def noise() -> Picture:
    rng = np.random.default_rng(0)
    return Picture(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8))


def after(pieces: int) -> tuple[list[int], Callable[[int], None]]:
    """A listener that cancels after so many pieces, and what it was told."""
    told: list[int] = []

    def listen(passed: int) -> None:
        told.append(passed)
        if len(told) > pieces:
            raise Cancelled("stopped on request")

    return told, listen


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_cancel_is_heard_between_the_pieces(noise: Picture, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    told, listen = after(10**6)
    with heard(listen):
        save_picture(noise, path)
    size = path.stat().st_size
    assert np.diff([*told, size]).max() <= PIECE
    read, listen = after(10**6)
    with heard(listen):
        load_picture(path)
    assert np.diff(read).max() <= PIECE

    with pytest.raises(Cancelled), heard(after(len(read) // 2)[1]):
        load_picture(path)
    load_picture(path)  # the block is left: nobody listens


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "bmp"])
def test_what_was_stopped_leaves_nothing(noise: Picture, tmp_path: Path, suffix: str) -> None:
    with pytest.raises(Cancelled), heard(after(0)[1]):
        save_picture(noise, tmp_path / f"a.{suffix}")
    with pytest.raises(Cancelled), heard(after(1)[1]):
        save_mask(noise.pixels[..., 0], tmp_path / "m.png")
    assert list(tmp_path.iterdir()) == []


def test_another_error_of_the_listener_comes_through_too(noise: Picture, tmp_path: Path) -> None:
    """Ctrl+C is such a one."""

    def interrupt(passed: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), heard(interrupt):
        save_picture(noise, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["webp", "16-bit png", "16-bit tif"])
def test_one_long_call_is_not_waited_for(noise: Picture, tmp_path: Path, kind: str) -> None:
    depth, _, suffix = kind.rpartition(" ")
    pixels = np.tile(noise.pixels, (3, 3, 1))  # seconds of coding
    picture = Picture(pixels.astype(np.uint16) * 257 if depth else pixels)
    path = tmp_path / f"a.{suffix}"
    told, listen = after(1)
    with pytest.raises(Cancelled), heard(listen):
        save_picture(picture, path)
    assert len(told) == 2
    assert not list(tmp_path.iterdir())


def test_work_aside_gives_its_result_and_its_errors() -> None:
    _, listen = after(10**6)
    with heard(listen):
        assert aside(lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            aside(lambda: 1 // 0)
    here = threading.get_ident()
    assert aside(threading.get_ident) == here  # nobody listens: no thread
    with heard(listen):
        assert aside(threading.get_ident) != here
