from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from semantic_style.core.bench import region, start
from semantic_style.core.errors import RequestError


def test_processes_are_timed_from_start_to_end(tmp_path: Path) -> None:
    count = tmp_path / "count"
    code = f"import time; open({str(count)!r}, 'a').write('x'); time.sleep(0.3)"
    report = start.run(
        {"quick": [sys.executable, "-c", ""], "slow": [sys.executable, "-c", code]}, 2
    )
    quick, slow = report.rows
    assert 0 < quick["min"] <= quick["median"]
    assert min(slow["seconds"]) > 0.3
    assert len(slow["seconds"]) == 2
    assert count.read_text() == "xxx", "a first round goes before"
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(start.table(report))
    assert "doctor 5 s" in " ".join(console.export_text().split())


def test_a_process_that_fails_is_an_error() -> None:
    with pytest.raises(RequestError, match="failed: out of luck"):
        start.run({"bad": [sys.executable, "-c", "raise SystemExit('out of luck')"]}, 1)


def test_measured_processes_keep_bytecode_as_an_installed_program_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    start.run({"new": [sys.executable, "-c", "import sys; assert not sys.dont_write_bytecode"]}, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="no peak memory there")
def test_a_region_is_measured_beside_the_whole(tmp_path: Path) -> None:
    seen: list[Path | None] = []

    def command(photos: Sequence[Path], mask: Path | None, out: Path) -> list[str]:
        seen.append(mask)
        assert len(photos) == 2
        assert all(photo.is_file() for photo in photos)
        assert out.is_dir()
        if mask is not None:
            with Image.open(mask) as file:
                assert (np.asarray(file) > 127).mean() == pytest.approx(0.05, abs=0.003)
        work = "time.sleep(0.6)" if mask else "time.sleep(1.5); x = bytearray(b'1') * 300_000_000"
        told = "".join(f"""; print('{{"seconds": {s}}}')""" for s in (7.0, 0.25 if mask else 0.5))
        return [sys.executable, "-c", f"import time; {work}{told}"]

    report = region.run(command, megapixels=0.1, repeats=2)
    assert [mask is None for mask in seen] == [False, True, False, True, False]
    whole, part = report.rows
    assert (whole["case"], part["case"]) == ("whole picture", "region")
    assert whole["ratio"] == whole["peak_ratio"] == 1
    assert (whole["median"], part["median"], part["ratio"]) == (0.5, 0.25, 0.5)
    assert whole["first_median"] > 1.0  # all that the process took but the second photo
    assert part["first_median"] > 0.35
    assert part["first_ratio"] < 1
    assert part["peak_ratio"] < 0.5
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(region.table(report))
    assert "100.0%" in console.export_text()
