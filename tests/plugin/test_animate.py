"""animate, on a real photo: small networks of our own for zmnet, the shipped one for adaattn."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.bench.animation import film_frames, measured

from ..zmnet_tiny import tiny_zmnet

SIZE = ("--size", "128")


@pytest.fixture(autouse=True)
def own_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_zmnet(tmp_path / "weights")
    monkeypatch.setenv("SEMANTIC_STYLE_WEIGHTS", str(tmp_path / "weights"))


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".mp4"])
def test_a_day_in_the_sky(cli: Callable, castle: Path, tmp_path: Path, suffix: str) -> None:
    out, mask_file = tmp_path / f"day{suffix}", tmp_path / "mask.png"
    ran = cli(
        "animate", castle, "--through", "word:noon, word:sunset, word:night", "--region", "sky",
        "--frames", 12, *SIZE, "-o", out,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "12 frames of 128 x 85 pixels" in ran.out
    assert "sky" in ran.out
    frames = list(film_frames(out))
    assert len(frames) == 12
    assert frames[0].shape[:2] == ((86, 128) if suffix == ".mp4" else (85, 128))
    small = tmp_path / "small.png"
    Image.open(castle).resize((128, 85), Image.Resampling.LANCZOS).save(small)
    assert cli("mask", small, "sky", "-o", mask_file).code == 0
    mask = np.asarray(Image.open(mask_file)).astype(np.float32)
    assert 0.2 < (mask == 0).mean() < 0.8
    if suffix != ".mp4":
        measures = measured(frames, mask)
        assert measures["held_identical"]
        assert measures["held"] < 0.9
    assert (frames[0] != frames[-1]).any()


def test_the_first_frame_is_what_stylize_gives(cli: Callable, castle: Path, tmp_path: Path) -> None:
    film, alone = tmp_path / "film.png", tmp_path / "alone.png"
    ran = cli(
        "animate", castle, "--through", "0.5*mosaic + 0.5*word:night, aurora", "-r", "sky",
        "--frames", 3, "--size", "full", "--transfer", "colours", "-o", film,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    ran = cli(
        "stylize", castle, "-r", "sky = 0.5*mosaic + 0.5*word:night", "--engine", "zmnet",
        "--transfer", "colours", "-o", alone,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    first = next(film_frames(film))
    expected = np.asarray(Image.open(alone).convert("RGB"))
    # Painted in a batch and in bfloat16, single pixels of the random network round otherwise.
    apart = np.abs(first.astype(int) - expected)
    assert apart.mean() < 0.5
    last = list(film_frames(film))[-1]
    assert apart.mean() < 0.05 * np.abs(last.astype(int) - expected).mean()


def test_other_engines_animate_too(cli: Callable, castle: Path, tmp_path: Path) -> None:
    ran = cli(
        "animate", castle, "--through", "mosaic, aurora", "--engine", "adaattn", "--cyclic",
        "--frames", 4, "--fps", 5, "--once", *SIZE, "-o", tmp_path / "film.webp", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["engine"] == "adaattn"
    assert told["through"] == ["mosaic", "aurora"]
    assert (told["frames"], told["fps"], told["lasts"]) == (4, 5, 0.8)
    assert (told["motion"], told["endless"], told["format"]) == ("cyclic", False, "WEBP")
    assert told["size"] == [128, 85]
    assert told["bytes"] == (tmp_path / "film.webp").stat().st_size
    assert [recipe["regions"][0]["style"][0]["value"] for recipe in told["recipes"]] == [
        "mosaic",
        "aurora",
    ]
    assert len(list(film_frames(tmp_path / "film.webp"))) == 4


BAD = {
    "no frames": (("--frames", "0"), "number of frames"),
    "less than none": (("--frames", "-3"), "number of frames"),
    "an unknown word": (("--through", "word:noon, word:xyzzyplugh"), "xyzzyplugh"),
    "an unknown style": (("--through", "mosaic, no-such-style"), "no-such-style"),
    "a file that is not there": (("--through", "mosaic, gone.jpg"), "gone.jpg"),
    "a negative weight": (("--through", "mosaic, -1*aurora"), "weight"),
    "weights of 0": (("--through", "mosaic, 0*aurora + 0*mosaic"), "all 0"),
    "a style that is missing": (("--through", "mosaic,,aurora"), "missing"),
    "a recipe in place of styles": (("--through", "sky = mosaic"), "style"),
    "a type that nobody can write": (("-o", "film.avi"), ".mp4"),
    "no type": (("-o", "film"), ".mp4"),
    "a folder that is not there": (("-o", "nowhere/film.gif"), "folder"),
    "too many frames a second": (("--fps", "60"), "50"),
    "no frames a second": (("--fps", "0"), "frame rate"),
    "both ways back": (("--cyclic", "--ping-pong"), "choose one"),
    "an unknown engine": (("--engine", "zmnot"), "zmnot"),
    "words for pictures": (("--engine", "adaattn", "--through", "word:noon"), "zmnet"),
    "a part of a word": (("--style-region", "sky"), "word:noon"),
    "an unknown size": (("--size", "big"), "--size"),
    "a phrase that is not there": (("-r", "giraffe"), "giraffe"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_are_one_line_and_write_nothing(
    cli: Callable, castle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    changes, word = BAD[name]
    given = ["--through", "word:noon, mosaic", "--frames", "4", "-o", "film.gif", *SIZE]
    ran = cli("animate", castle, *given, *changes)
    assert ran.code == 2, ran.err
    assert len([line for line in ran.err.splitlines() if "note:" not in line]) == 1, ran.err
    assert word in ran.err
    assert ran.out == ""
    assert not list(Path().iterdir())


def test_a_word_unlike_the_trained_ones_is_warned_about(
    cli: Callable, castle: Path, tmp_path: Path
) -> None:
    ran = cli(
        "animate", castle, "--through", "word:noon, word:sauce", "--frames", 2, *SIZE,
        "-o", tmp_path / "film.gif",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.err.count("sauce") == 1
    assert "warning" in ran.err


def test_an_existing_film_is_replaced_with_force_alone(
    cli: Callable, castle: Path, tmp_path: Path
) -> None:
    film = tmp_path / "film.gif"
    film.write_text("mine")
    given = ("animate", castle, "--through", "word:noon", "--frames", 1, *SIZE, "-o", film)
    ran = cli(*given)
    assert ran.code == 2
    assert "--force" in ran.err
    assert film.read_text() == "mine"
    assert cli(*given, "--force").code == 0
    assert len(list(film_frames(film))) == 1


def test_transparency_and_films_that_cannot_hold_it(
    cli: Callable, castle_image: Image.Image, tmp_path: Path
) -> None:
    clear = castle_image.convert("RGBA")
    clear.putalpha(128)
    clear.save(tmp_path / "clear.png")
    given = ("--through", "word:noon, word:night", "--frames", 2, *SIZE)
    ran = cli("animate", tmp_path / "clear.png", *given, "-o", tmp_path / "film.mp4")
    assert ran.code == 2
    assert ".webp" in ran.err
    ran = cli("animate", tmp_path / "clear.png", *given, "-o", tmp_path / "film.webp")
    assert ran.code == 0, ran.err
    assert all((frame[..., 3] == 128).all() for frame in film_frames(tmp_path / "film.webp"))


def test_a_film_that_memory_cannot_hold_is_refused(
    cli: Callable, castle: Path, tmp_path: Path
) -> None:
    given = ("animate", castle, "--through", "word:noon, word:night", "--frames", 100_000)
    ran = cli(*given, "--size", "full", "-o", tmp_path / "film.gif")
    assert ran.code == 2
    assert "GB" in ran.err
    assert ".webp" in ran.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("suffix", [".gif", ".webp", ".mp4"])
def test_ctrl_c_ends_it_at_once_and_leaves_nothing(
    castle: Path, tmp_path: Path, suffix: str
) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    command = [
        sys.executable, "-m", "semantic_style.plugin", "animate", castle, "--through",
        "word:noon, word:night", "--frames", "9000", *SIZE, "-o", folder / f"film{suffix}",
    ]  # fmt: skip
    running = subprocess.Popen(
        list(map(str, command)), stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    deadline = time.monotonic() + 60
    while not any(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130, said
    assert said.strip().splitlines()[-1].startswith("semantic-style: stopped")
    assert not list(folder.iterdir())
