"""The engine gatys by way of the command line: what it will take is said, and progress is seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.geometry import Extent
from semantic_style.core.image import load_picture
from semantic_style.core.recipe import parse_recipe
from semantic_style.core.recipe_data import Recipe
from semantic_style.plugin.session import Session

RECIPE = Recipe(parse_recipe("* = mosaic").regions, engine="gatys")


@pytest.fixture
def stamp(photo_file: Path, tmp_path: Path) -> Path:
    """The photo, 64 x 48."""
    path = tmp_path / "stamp.png"
    with Image.open(photo_file) as photo:
        photo.resize((64, 48), Image.Resampling.LANCZOS).save(path)
    return path


def test_it_paints(cli: Callable, stamp: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    ran = cli("stylize", stamp, "* = mosaic", "--engine", "gatys", "--json", "-o", out)
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert said["engine"] == said["recipe"]["pins"]["engine"] == "gatys"
    before, after = (np.asarray(Image.open(path), dtype=int) for path in (stamp, out))
    assert np.abs(after - before).mean() > 5


def test_progress_is_seen_all_the_way(stamp: Path) -> None:
    seen: list[float] = []
    Session("cpu").stylist(RECIPE).run(
        load_picture(stamp), RECIPE, progress=lambda stage, fraction: seen.append(fraction)
    )
    assert seen == sorted(seen)
    assert len({round(fraction, 2) for fraction in seen}) > 40


def test_minutes_are_said_beforehand() -> None:
    """As measured: a photo at the defaults, by what a few iterations took here and now."""
    stylist = Session("cpu").stylist(RECIPE)
    large = stylist.estimate(Extent(2048, 1365), RECIPE)
    small = stylist.estimate(Extent(512, 341), RECIPE)
    assert large.seconds > 3 * small.seconds > 3
    assert large.parts["styling 0"] > 0.5 * large.seconds
    assert stylist.engine.pace() > 0
