"""The demo, as a stranger runs it, against a mask traced by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from semantic_style.core.image import RECIPE_KEY
from semantic_style.plugin.cli_demo import PHOTO
from semantic_style.plugin.session import Session

TRACED = Path(__file__).parents[1] / "data" / "neuschwanstein-sky.png"


def test_the_demo_repaints_the_sky_and_nothing_else(cli: Callable, tmp_path: Path) -> None:
    out, mask_file = tmp_path / "demo.png", tmp_path / "mask.png"
    ran = cli("demo", "-o", out, "--mask-out", mask_file)
    assert ran.code == 0, ran.err
    assert f"wrote {out}: 960 x 640 pixels" in ran.out
    assert " s\n" in ran.out, "how long it took"

    mask, traced = np.asarray(Image.open(mask_file)), np.asarray(Image.open(TRACED)) > 127
    found = mask > 127
    iou = (found & traced).sum() / (found | traced).sum()
    assert iou >= 0.8, iou

    with Image.open(Session().shipped_photo(PHOTO)) as file:
        photo = np.asarray(file.convert("RGB"))
    with Image.open(out) as file:
        result = np.asarray(file)
        recipe = json.loads(file.text[RECIPE_KEY])
    assert (result[mask == 0] == photo[mask == 0]).all()
    assert np.abs(result[mask == 255].astype(int) - photo[mask == 255]).mean() > 20
    assert recipe["regions"][0]["target"] == {"kind": "phrase", "value": "sky"}


def test_the_demo_does_not_write_over_an_earlier_one(cli: Callable, tmp_path: Path) -> None:
    out = tmp_path / "demo.png"
    out.write_bytes(b"mine")
    assert cli("demo", "-o", out).code == 2
    assert out.read_bytes() == b"mine"
