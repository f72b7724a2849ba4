"""PhraseCut's format and measures, on a data set of two pictures."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from semantic_style.core.bench.phrasecut import PUBLISHED, Task, read_tasks, run, table
from semantic_style.core.errors import RequestError
from semantic_style.core.segmenter import Knowledge


def box(x: int, y: int, width: int, height: int) -> list[list[float]]:
    """A polygon, corners within the box."""
    right, bottom = x + width - 1, y + height - 1
    return [[x, y], [right, y], [right, bottom], [x, bottom]]


def task(image: int, phrase: str, *instances: list[list[list[float]]]) -> dict[str, Any]:
    return {
        "task_id": f"{image}__{phrase}",
        "image_id": image,
        "ann_ids": [1],
        "instance_boxes": [[0, 0, 1, 1] for _ in instances],
        "Polygons": list(instances),
        "phrase": phrase,
        "phrase_structure": {"name": phrase, "attributes": []},
    }


@pytest.fixture
def phrasecut(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder as PhraseCut's: bright boxes on black pictures of 20 x 10."""

    def make(tasks: Sequence[Any], split: str = "test") -> Path:
        folder = tmp_path / "VGPhraseCut_v0"
        (folder / "images").mkdir(parents=True, exist_ok=True)
        for image in (7, 12):
            pixels = np.zeros((10, 20), np.uint8)
            pixels[2:6, 4:14] = 255  # 40 px
            Image.fromarray(pixels).save(folder / "images" / f"{image}.jpg", quality=100)
        (folder / f"refer_{split}.json").write_text(json.dumps(tasks), encoding="utf-8")
        return folder

    return make


class Bright:
    """Finds what is bright; knows every word but one."""

    name = "clipseg"

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        self.encoded += 1
        return image.mean(axis=2)

    def masks(self, encoding: NDArray[np.float32], phrases: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([encoding * np.float32(0.4) for _ in phrases])

    def knows(self, phrase: str) -> Knowledge:
        return Knowledge("no" if phrase == "unknown" else "yes")

    def weights(self) -> tuple[tuple[str, str], ...]:
        return (("bright", "0" * 64),)


def test_the_union_of_a_tasks_polygons_is_its_mask() -> None:
    polygons = tuple(tuple((x, y) for x, y in box(*b)) for b in ((0, 0, 4, 2), (2, 0, 4, 2)))
    mask = Task("two", polygons).mask(20, 10)
    assert mask.shape == (10, 20)
    assert mask.sum() == 12
    assert mask[:2, :6].all()


def test_measures_are_the_mean_over_phrases_and_the_pooled_one(phrasecut: Callable) -> None:
    whole, half = box(4, 2, 10, 4), box(4, 2, 5, 4)
    folder = phrasecut(
        [
            task(7, "bright thing", [whole]),  # 40 of 40
            task(7, "left half", [half]),  # 20 of 40
            task(12, "two halves", [half], [box(9, 2, 5, 4)]),  # 40 of 40
            task(12, "unknown", [whole]),  # 0 of 40
        ]
    )
    segmenter = Bright()
    report = run(segmenter, folder, threshold=0.3)
    (row,) = report.rows
    assert (row["pictures"], row["phrases"], row["split"]) == (2, 4, "test")
    assert segmenter.encoded == 2
    assert row["miou"] == pytest.approx((1 + 0.5 + 1 + 0) / 4)
    assert row["foreground_iou"] == pytest.approx((40 + 20 + 40 + 0) / 160)
    assert run(segmenter, folder, threshold=0.45).rows[0]["miou"] == 0
    assert run(segmenter, folder, threshold=0.3, limit=1).rows[0]["phrases"] == 2


def test_the_table_shows_the_published_ranges_and_what_they_are_of(phrasecut: Callable) -> None:
    from rich.console import Console

    console = Console(width=150, record=True, file=io.StringIO())
    for split in ("val", "test"):
        console.print(table(run(Bright(), phrasecut([task(7, "it", [box(4, 2, 10, 4)])], split))))
    other, own = console.export_text().split("PhraseCut test: 1 phrases")
    assert "43 to 46" in own
    assert "54 to 56" in own
    assert "not to be compared" in other
    assert "not to be compared" not in own
    assert PUBLISHED["miou"] == (0.43, 0.46)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "7",
        "[1]",
        '[{"image_id": 7}]',
        '[{"image_id": 7, "phrase": "a", "Polygons": [[[1, 2]]]}]',
    ],
)
def test_another_format_is_refused_in_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "refer_test.json").write_text(content, encoding="utf-8")
    with pytest.raises(RequestError, match="not in PhraseCut's format") as caught:
        read_tasks(tmp_path / "refer_test.json")
    assert "\n" not in str(caught.value)


def test_missing_parts_are_named(phrasecut: Callable, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"refer_test\.json"):
        run(Bright(), tmp_path)
    folder = phrasecut([task(99, "gone", [box(0, 0, 2, 2)])])
    with pytest.raises(RequestError, match=r"99\.jpg"):
        run(Bright(), folder)
