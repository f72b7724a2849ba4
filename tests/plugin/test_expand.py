"""expand-styles, as a person types it."""

from __future__ import annotations

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


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    for kind in ("seeds", "content"):
        (tmp_path / kind).mkdir()
        for k in range(12):
            patches = rng.integers(0, 255, (6, 7, 3), np.uint8).repeat(8, 0).repeat(8, 1)
            Image.fromarray(patches).save(tmp_path / kind / f"{k}.png")
    return tmp_path / "seeds", tmp_path / "content"


def given(folders: tuple[Path, Path], out: Path, *more: str) -> tuple[str | Path, ...]:
    return (
        "expand-styles", "--seeds", folders[0], "--content", folders[1], "--out", out,
        "--size", "32", "--iterations", "1", "--device", "cpu", *more,
    )  # fmt: skip


def test_pictures_are_made_once(cli: Callable, folders: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = cli(*given(folders, out, "--count", "3"))
    assert ran.code == 0, ran.err
    assert "3 new pictures, by perceptual-compact" in ran.out
    assert len(list(out.glob("*/*.jpg"))) == 3
    again = cli(*given(folders, out, "--count", "4"))
    assert "1 new pictures" in again.out


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--count", "0"), "count"),
        (("--batch", "0"), "batch"),
        (("--seeds", "gone"), "gone"),
        (("--device", "abacus"), "abacus"),
        (("--vgg16", "gone.safetensors"), "gone.safetensors"),
    ],
)
def test_refusals_are_one_line(
    cli: Callable, folders: tuple[Path, Path], tmp_path: Path, wrong: tuple[str, str], said: str
) -> None:
    ran = cli(*given(folders, tmp_path / "out", *wrong))
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert said in ran.err
    assert not (tmp_path / "out").exists()


def test_ctrl_c_keeps_what_is_done(folders: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "semantic_style.plugin", *map(str, given(folders, out))]
    running = subprocess.Popen(
        [*command, "--count", "100000", "--batch", "2"], stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    until = time.monotonic() + 300
    while not list(out.glob("*/*.jpg")) and time.monotonic() < until:
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == 130, said
    assert said == "semantic-style: stopped; nothing was left half written\n"
    assert list(out.glob("*/*.jpg"))
    assert not list(out.rglob("*.part"))
