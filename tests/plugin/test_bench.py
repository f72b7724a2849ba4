"""bench, as small as it can be asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def test_quality_prints_a_table_and_writes_its_report(cli: Callable, tmp_path: Path) -> None:
    file = tmp_path / "quality.json"
    ran = cli("bench", "quality", "--pairs", "3", "--size", "256", "--no-peer", "--json", file)
    assert ran.code == 0, ran.err
    report = json.loads(file.read_text(encoding="utf-8"))
    rows = {row["method"]: row for row in report["rows"]}
    assert rows["photo"]["content"] < 0.1 < rows["adaattn"]["content"]
    assert rows["adaattn"]["style"] < rows["photo"]["style"]
    assert report["about"]["network"] == "perceptual-compact (distilled from VGG-16)"
    assert "adaattn" in ran.out
    assert "…" not in ran.out, "a table that is not on a terminal is not cut"


def test_masks_on_a_set_of_one_picture(
    cli: Callable, castle_image: Image.Image, tmp_path: Path
) -> None:
    holdout = tmp_path / "seg" / "own" / "holdout"
    for folder in ("images", "masks"):
        (holdout / folder).mkdir(parents=True)
    castle_image.save(holdout / "images" / "a.jpg")
    traced = Image.open(Path(__file__).parents[1] / "data" / "neuschwanstein-sky.png")
    sky = np.asarray(traced.resize(castle_image.size, Image.Resampling.NEAREST)) > 127
    Image.fromarray(sky.astype(np.uint8)).save(holdout / "masks" / "a.png")
    labels = {"set": "own", "ids": {"0": "building", "1": "sky"}}
    (tmp_path / "seg" / "own" / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    file = tmp_path / "masks.json"
    ran = cli("bench", "masks", "--data", tmp_path, "--json", file)
    assert ran.code == 0, ran.err
    details = json.loads(file.read_text(encoding="utf-8"))["details"]
    assert {row["word"]: row["iou"] for row in details}["sky"] > 0.7


def test_memory_of_a_small_photo(cli: Callable, tmp_path: Path) -> None:
    file = tmp_path / "memory.json"
    ran = cli("bench", "memory", "--megapixels", "0.05", "--json", file)
    assert ran.code == 0, ran.err
    (row,) = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert 100 < row["peak_mb"] < 4000


@pytest.mark.parametrize(
    "command",
    [
        ("networks", "--size", "64", "--memory-size", "0", "--pairs", "1"),
        ("speed", "--size", "64", "--engine", "adaattn", "--no-peer"),
    ],
)
def test_the_processor_as_it_is_and_held_to_an_older_form(
    cli: Callable, tmp_path: Path, command: tuple[str, ...]
) -> None:
    file, drawing = tmp_path / "report.json", tmp_path / "report.svg"
    ran = cli("bench", *command, "--repeats", "1", "--json", file)
    assert ran.code == 0, ran.err
    report = json.loads(file.read_text(encoding="utf-8"))
    forms = [row["processor"] for row in report["rows"]]
    if report["machine"]["instructions"] == "AVX512":
        assert "AVX2, float32" in forms
        assert "can't be held" in report["about"]["older_laptop"]
    assert len(set(forms)) <= 2
    assert "plain formula" in ran.out
    drawn = cli("bench", "draw", file, "-o", drawing, "--group", "64 px")
    assert drawn.code == 0, drawn.err
    assert f"64 px, {forms[0]}" in drawing.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="no peak memory there")
def test_a_region_of_a_small_photo(cli: Callable, tmp_path: Path) -> None:
    file = tmp_path / "region.json"
    ran = cli("bench", "region", "--megapixels", "0.05", "--repeats", "1", "--json", file)
    assert ran.code == 0, ran.err
    whole, region = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert region["share"] == pytest.approx(0.05, abs=0.005)
    # Of so small a photo a region may take longer than the whole.
    assert region["ratio"] == pytest.approx(region["seconds"][0] / whole["seconds"][0])
    assert whole["peak_mb"] > 100


def test_new_processes_are_timed(cli: Callable, tmp_path: Path) -> None:
    file = tmp_path / "start.json"
    ran = cli("bench", "start", "--repeats", "1", "--json", file)
    assert ran.code == 0, ran.err
    seconds = {r["case"]: r["median"] for r in json.loads(file.read_text("utf-8"))["rows"]}
    assert list(seconds) == ["--help", "doctor", "first result"]
    assert 0 < seconds["--help"] < seconds["first result"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("quality", "--pairs", "0"),
        ("quality", "--size", "0"),
        ("quality", "--photos", "gone"),
        ("speed", "--size", "1"),
        ("memory", "--megapixels", "nan"),
        ("masks", "--data", "gone"),
        ("networks", "--size", "5000"),
        ("networks", "--memory-size", "1"),
        ("region", "--share", "0"),
        ("start", "--json", "gone/report.json"),
        ("draw", "gone.json", "-o", "figures.svg"),
        ("draw", "gone.json", "-o", "gone/figures.svg"),
        ("quality", "--json", "gone/report.json"),
    ],
)
def test_what_cannot_be_measured_is_refused(cli: Callable, arguments: tuple[str, ...]) -> None:
    ran = cli("bench", *arguments)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
