"""What is said beforehand against what a process really takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.bench.memory import LAUNCH
from semantic_style.core.estimate import NOMINAL_PACES, Estimate
from semantic_style.core.geometry import Extent
from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist
from semantic_style.core.recipe import Recipe, parse_recipe
from semantic_style.plugin.session import Session

from .tiny import ColourSegmenter, TintEngine, fields, painting

FACTOR = 1.3  # either way, of the memory that a process takes

CHILD = """
import json, sys
from dataclasses import replace
from semantic_style.core.image import load_picture, save_picture
from semantic_style.core.recipe import parse_recipe
from semantic_style.plugin.session import Session

recipe = replace(parse_recipe(sys.argv[2]), size="full")
stylist, picture, plans, tiles = Session("cpu").stylist(recipe), load_picture(sys.argv[1]), [], []
paint = stylist.engine._painted
def counted(*rest):
    tiles.append(rest[0].shape)
    return paint(*rest)
stylist.engine.pace()
stylist.engine._painted = counted
result = stylist.run(picture, recipe, layers=False, planned=plans.append)
save_picture(result.picture, sys.argv[1] + ".png")
plan = plans[0]
print(json.dumps(dict(tiles=plan.tiles, painted=len(tiles), said=plan.peak_bytes)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a process's peak")
@pytest.mark.parametrize(
    ("width", "height", "text"), [(700, 500, "* = mosaic"), (1500, 900, "sky = mosaic")]
)
def test_memory_and_tiles_are_as_said(tmp_path: Path, width: int, height: int, text: str) -> None:
    path = tmp_path / "photo.jpg"
    with Image.open(Session().shipped_photo("neuschwansteinCastle")) as photo:
        photo.convert("RGB").resize((width, height)).save(path)
    # By way of a small process: one that pytest starts itself counts pytest's memory as its own.
    peak = tmp_path / "peak.json"
    command = [sys.executable, str(LAUNCH), str(peak), sys.executable, "-c", CHILD, str(path), text]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout.splitlines()[-1])
    took = json.loads(peak.read_text())["peak_bytes"]
    assert said["tiles"] == said["painted"]
    assert 1 / FACTOR < said["said"] / took < FACTOR, (said, took)


SHORT = """
import resource, sys
import numpy as np, psutil
from dataclasses import replace
from semantic_style.core.errors import RequestError
from semantic_style.core.picture import Picture
from semantic_style.core.recipe import parse_recipe
from semantic_style.plugin.session import Session

recipe = replace(parse_recipe("* = mosaic"), size="full")
stylist = Session("cpu").stylist(recipe)
stylist.engine.pace()
picture = Picture(np.random.default_rng(0).integers(0, 256, (1100, 2400, 3), np.uint8))
held = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (held + 60_000_000, resource.RLIM_INFINITY))
try:
    stylist.run(picture, recipe)
except RequestError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space are Linux's")
def test_memory_that_does_not_suffice_is_one_line_with_a_way_out() -> None:
    done = subprocess.run([sys.executable, "-c", SHORT], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "there is not enough memory to work at 2400 px: close other programs, or work at a "
        "smaller size, such as 1200 px\n"
    )


@pytest.fixture
def stylist() -> Stylist:
    return Stylist(ColourSegmenter(), TintEngine(), lambda source: painting((0.5, 0.5, 0.5)))


def test_it_is_said_without_a_picture_and_without_running(stylist: Stylist) -> None:
    recipe = parse_recipe("red = ochre; blue = ink")
    small = stylist.estimate(Extent(1000, 500), recipe)
    large = stylist.estimate(Extent(8000, 4000), recipe)
    assert (small.tiles, small.work) == (2, Extent(1000, 500))
    assert large.work == Extent(2048, 1024)
    assert large.seconds > small.seconds > 0
    assert large.peak_bytes > small.peak_bytes
    full = stylist.estimate(Extent(8000, 4000), Recipe(recipe.regions, size="full"))
    assert full.seconds > large.seconds
    engine, segmenter = stylist.engine, stylist.segmenter
    assert isinstance(engine, TintEngine)
    assert isinstance(segmenter, ColourSegmenter)
    assert (engine.contents, segmenter.encoded) == ([], 0)


def test_found_regions_take_less_than_the_whole_picture(stylist: Stylist) -> None:
    picture, recipe = Picture(fields(480, 640)), parse_recipe("blue = ochre")
    selection = stylist.masks(picture, recipe)
    known, unknown = stylist.estimate(picture, recipe, selection), stylist.estimate(picture, recipe)
    assert known.parts["styling 0"] < 0.7 * unknown.parts["styling 0"]
    told: list[Estimate] = []
    stylist.run(picture, recipe, layers=False, planned=told.append)
    assert told[0].parts == known.parts


def test_a_slow_engine_is_tried_and_does_not_slow_the_rest(
    stylist: Stylist, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes minutes of a small picture is said, and compositing stays as quick as it was."""
    photo, recipe = Extent(500, 400), parse_recipe("* = ochre")
    quick = stylist.estimate(photo, recipe)
    monkeypatch.setitem(NOMINAL_PACES, "tint", 1e-3)
    monkeypatch.setattr(TintEngine, "pace", lambda self: 2e-3)
    slow = stylist.estimate(photo, recipe)
    assert slow.parts["styling 0"] == pytest.approx(2e-3 * photo.pixels)
    assert slow.parts["compositing"] == pytest.approx(2 * quick.parts["compositing"])


def test_deep_pictures_and_layers_count(stylist: Stylist) -> None:
    recipe = parse_recipe("* = ochre")
    eight = Picture(np.zeros((1500, 1500, 3), np.uint8))
    sixteen = Picture(np.zeros((1500, 1500, 3), np.uint16))
    said = [stylist.estimate(p, recipe) for p in (eight, sixteen)]
    said.append(stylist.estimate(sixteen, recipe, layers=True))
    added = [each.peak_bytes - each.held_bytes for each in said]
    assert added == sorted(added)
    assert added[2] > added[1] > added[0]


def test_words_for_it() -> None:
    some = Estimate(Extent(4000, 3000), 12, {"a": 30, "b": 10.2}, 2_100_000_000, 0, 9 * 10**9)
    assert str(some) == "4000 x 3000 px in 12 tiles, about 40 s and 2.1 GB"
    assert not some.short
    assert (
        Estimate(Extent(400, 300), 1, {"a": 9000}, 10**9, 0, 10**9)
        .about()
        .startswith("about 2 h and")
    )
    tight = Estimate(Extent(400, 300), 1, {"a": 200}, 10**9, 0, 5 * 10**8)
    assert tight.short
    assert str(tight) == (
        "400 x 300 px in 1 tile, about 3 min and 1.0 GB; only 0.5 GB more are free"
    )
