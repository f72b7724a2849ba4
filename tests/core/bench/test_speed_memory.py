from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from semantic_style.core.bench import memory, speed
from semantic_style.core.errors import RequestError


def test_rounds_are_warm_paired_and_turned_around() -> None:
    order: list[str] = []
    seconds = speed.paired({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3)
    assert order == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3}


def test_attention_is_timed_against_its_plain_formula() -> None:
    report = speed.run([], sizes=(), attention_sides=(4, 6), repeats=2, with_peer=False)
    assert [(r["group"], r["case"]) for r in report.rows] == [
        (f"attention, {n} positions", case) for n in (16, 36) for case in ("plain formula", "ours")
    ]
    for row in report.rows:
        assert 0 < row["min"] <= row["median"] <= max(row["seconds"])
    assert report.rows[0]["ratio"] == 1
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(speed.table(report))
    assert "plain formula" in console.export_text()


@pytest.mark.skipif(sys.platform == "win32", reason="no peak memory there")
def test_a_peak_is_the_commands_own_and_grows_with_it() -> None:
    def hungry(photo: Path, out: Path) -> list[str]:
        megabytes = round(float(photo.stem.removeprefix("photo-")) * 1000)
        code = f"x = bytearray({megabytes} * 1_000_000); x[::4096] = b'1' * len(x[::4096])"
        return [sys.executable, "-c", code]

    report = memory.run(hungry, megapixels=(0.03, 0.12))
    small, large = (row["peak_mb"] for row in report.rows)
    assert large - small == pytest.approx(90, abs=12)
    assert small < 90  # this very process holds PyTorch, which must not count
    assert report.rows[1]["width"] * report.rows[1]["height"] == pytest.approx(120_000, rel=0.02)
    assert report.about["mb_per_megapixel"] == pytest.approx(1000, rel=0.15)
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(memory.table(report))
    assert "log-log slope" in console.export_text()


@pytest.mark.skipif(sys.platform == "win32", reason="no peak memory there")
def test_a_command_that_fails_is_an_error() -> None:
    with pytest.raises(RequestError, match="out of luck"):
        memory.run(lambda p, o: [sys.executable, "-c", "raise SystemExit('out of luck')"], (0.01,))
    with pytest.raises(RequestError, match="failed"):
        memory.run(lambda p, o: [str(p.parent / "no-such-command")], (0.01,))


def test_growth_is_the_power_of_size() -> None:
    rows = [
        {"megapixels": size, "peak_mb": 100 * size**0.5, "seconds": 3 * size}
        for size in (1.0, 3.0, 6.0, 12.0)
    ]
    grown = memory.growth(rows)
    assert grown["slope"] == pytest.approx(0.5)
    assert grown["time_slope"] == pytest.approx(1)
    assert grown["seconds_per_megapixel"] == pytest.approx(3)
    flat = memory.growth([{**row, "peak_mb": 700.0} for row in rows])
    assert flat["slope"] == pytest.approx(0)
    assert flat["mb_per_megapixel"] == pytest.approx(0, abs=1e-9)
    assert memory.growth(rows[:1]) == {}
