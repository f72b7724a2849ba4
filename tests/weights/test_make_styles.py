from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.errors import RequestError
from semantic_style.weights.contact_sheet import contact_sheet
from semantic_style.weights.make_styles import draw, main, scripted
from semantic_style.weights.style_scripts import canvas
from semantic_style.weights.style_store import StyleStore


def test_at_least_twelve_styles_have_a_script() -> None:
    assert len(scripted()) >= 12


def test_a_script_draws_what_ships() -> None:
    style = StyleStore().get("cross-stitch")
    with Image.open(style.path) as picture:
        shipped = np.asarray(picture.convert("RGB"), dtype=float)
    apart = (draw(style) - shipped).reshape(64, 8, 64, 8, 3).mean(axis=(1, 3))
    assert np.abs(apart).mean() < 2  # what JPEG takes away


def test_pictures_without_a_script_are_not_drawn(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="not made by a script"):
        main(["van-gogh-night-cafe", "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_the_sheet_shows_every_shipped_style(tmp_path: Path) -> None:
    main(["--sheet", str(tmp_path / "sheet.jpg")])
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.width == 7 * 156 + 6
        assert sheet.height == -(-len(StyleStore().list()) // 7) * 174 + 6


def test_a_sheet_places_tiles_in_reading_order() -> None:
    tiles = [("", Image.new("RGB", (30, 10), colour)) for colour in ("red", "lime", "blue")]
    sheet = np.asarray(contact_sheet(tiles, columns=2, side=20))
    assert sheet[16, 16].tolist() == [255, 0, 0]
    assert sheet[16, 42].tolist() == [0, 255, 0]
    assert sheet[42, 16].tolist() == [0, 0, 255]


def test_noise_is_repeatable_and_normed() -> None:
    a, b = (canvas.noise(np.random.default_rng(1), 20, 3, 64) for _ in range(2))
    assert np.array_equal(a, b)
    assert abs(a.mean()) < 1e-9
    assert abs(a.std() - 1) < 1e-9


def test_cells_know_their_border() -> None:
    index, border = canvas.cells(np.array([[2.0, 8.0], [12.0, 8.0]]), 16)
    assert index[8, 3] == 0
    assert index[8, 11] == 1
    assert border[8, 7] == pytest.approx(0)
    assert border[8, 2] == pytest.approx(5)


def test_a_flat_relief_is_lit_evenly_and_slopes_are_not() -> None:
    assert np.allclose(canvas.light(np.zeros((4, 4))), 1)
    rising = canvas.light(np.add.outer(np.arange(8.0), np.arange(8.0)))
    assert np.allclose(rising, rising[0, 0])
    assert rising[0, 0] > 1  # it faces the light, top left
