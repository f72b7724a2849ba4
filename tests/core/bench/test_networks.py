"""Whole networks beside the plain formula, as small as they can be, and a held processor."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from semantic_style.core.bench import networks, processor
from semantic_style.core.bench.report import Report
from semantic_style.core.device import choose_device
from semantic_style.core.errors import RequestError
from semantic_style.core.nets.encoder import VGG19_NORMALISED

SMALL = replace(
    networks.LAYOUT, encoder=replace(VGG19_NORMALISED, widths=(8, 8, 12, 12, 12))
)  # fmt: skip


def small(memory_size: int = 0) -> Report:
    # At 96 px level 5 has 24 positions, whose statistics bfloat16 can move by several percent.
    return networks.run(size=192, memory_size=memory_size, repeats=1, pairs=2, layout=SMALL)


def test_every_network_is_timed_and_agrees_with_its_plain_path() -> None:
    report = small()
    rows = {row["case"]: row for row in report.rows}
    for name in ("published layout", "adaattn-compact"):
        plain, ours = rows[f"{name}, plain formula"], rows[name]
        assert plain["format"] == "float32"
        assert "least_db" not in plain
        assert 40 < ours["least_db"] <= ours["mean_db"] < 200
    assert rows["adaattn-compact, style read before"]["format"] == rows["adaattn-compact"]["format"]
    assert rows["adaattn-compact"]["format"] == choose_device("cpu").dtype_name
    assert report.rows[0]["ratio"] == 1
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(networks.table(report))
    assert "adaattn-compact, plain formula" in console.export_text()


@pytest.mark.skipif(sys.platform == "win32", reason="no peak memory there")
def test_the_plain_formula_takes_the_memory_of_its_matrix(tmp_path: Path) -> None:
    weights = tmp_path / "random.safetensors"
    networks.write_random(SMALL, weights)
    plain, ours = networks._memory(weights, 512, "here")
    # Level 3 has some 11,000 and 13,000 positions: 570 MB a matrix, of which two are held at once.
    # What else a process takes varies by a hundred or two.
    assert plain["peak_mb"] - ours["peak_mb"] > 400
    assert ours["ratio"] < plain["ratio"] == 1


def test_what_does_not_fit_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "free_memory", lambda: 1_000_000)
    with pytest.raises(RequestError, match="more than is free: choose a smaller --size"):
        small()


HELD = """
import sys
from pathlib import Path
from semantic_style.core.bench.machine import machine
from semantic_style.core.bench.processor import form
from semantic_style.core.bench.report import Report
from semantic_style.core.device import choose_device
row = {"processor": form(choose_device("cpu"))}
Report("x", {}, [row], machine(), {}).write(Path(sys.argv[1]))
"""


def test_an_older_processor_has_rows_of_its_own() -> None:
    here = Report("x", {"n": 1}, [{"processor": "here"}], {"instructions": "AVX512"}, {})
    if torch.backends.cpu.get_cpu_capability() == "AVX512":
        both = processor.with_older(here, [sys.executable, "-c", HELD])
        assert [row["processor"] for row in both.rows] == ["here", "AVX2, float32"]
        assert "onnxruntime can't be held" in both.about["older_laptop"]
    with pytest.raises(RequestError, match="held to AVX2: out of luck"):
        processor.with_older(here, [sys.executable, "-c", "raise SystemExit('out of luck')"])
    old = replace(here, machine={"instructions": "AVX2"})
    assert processor.with_older(old, ["never called"]) is old
