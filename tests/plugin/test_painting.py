"""What a person is told while, and before, a photo is repainted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from PIL import Image

from semantic_style.core.progress import Progress
from semantic_style.plugin import painting


def test_the_bar_never_goes_back_nor_leaps(
    cli: Callable, castle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, float]] = []

    @contextmanager
    def bar(title: str) -> Iterator[Progress]:
        yield lambda stage, fraction: seen.append((stage, fraction))

    monkeypatch.setattr(painting, "progress_bar", bar)
    with Image.open(castle) as small:
        small.resize((960, 640)).save(castle)
    flags = ("--mask-out", tmp_path / "m.png", "--size", "full")
    assert cli("stylize", castle, "sky = mosaic", *flags, "-o", tmp_path / "out.png").code == 0
    stages = list(dict.fromkeys(stage for stage, _ in seen))
    assert stages == ["loading", "finding", "masks", "styling sky", "compositing", "saving"]
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    leaps = {after[0]: after[1] - before[1] for before, after in pairwise(seen)}
    assert max(leaps.values()) < 0.2, leaps


def test_what_takes_long_is_said_before(
    cli: Callable, castle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "tile" not in cli("stylize", castle, "* = mosaic", "-o", tmp_path / "a.png").err
    monkeypatch.setattr(painting, "LONG", 0.0)
    ran = cli("stylize", castle, "* = mosaic", "-o", tmp_path / "b.png")
    said = r"note: castle.png: 320 x 213 px in 1 tile, about \d+ s and \d\.\d GB\n"
    assert re.search(said, ran.err)
    assert ran.out.startswith("wrote")


def test_machines_are_told_the_estimate_too(cli: Callable, castle: Path, tmp_path: Path) -> None:
    ran = cli("stylize", castle, "sky = mosaic", "--json", "-o", tmp_path / "out.png")
    estimate = json.loads(ran.out)["estimate"]
    assert estimate["tiles"] == 1
    assert 0 < estimate["seconds"] < 60
    # Of this very process, which has run other tests before.
    assert 1e8 < estimate["peak_bytes"] < psutil.Process().memory_info().rss + 3e9
    assert estimate["free_bytes"] > 0
