from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from semantic_style.core.bench import tiles


def test_tiles_show_no_border() -> None:
    report = tiles.run(device="cpu", megapixels=1.3, styles=("mosaic",))
    assert report.about["tiles"] > 1
    (row,) = report.rows
    assert row["psnr_db"] > 40
    assert row["seam_db"] > 40
    assert row["seconds_tiled"] > 0
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(tiles.table(report))
    assert "mosaic" in console.export_text()


def test_psnr_is_of_values_up_to_one() -> None:
    assert tiles.psnr(np.full((3, 4), 0.1, np.float32)) == pytest.approx(20)
    assert tiles.psnr(np.zeros((2, 2), np.float32)) == pytest.approx(200)
