"""`bench masks --phrasecut`: PhraseCut's annotations, by the measures CLIPSeg is published with.

The folder is the data set's (VGPhraseCut_v0, Wu et al. 2020): refer_SPLIT.json, a list of tasks
with image_id, phrase and Polygons (instances, each a list of polygons, each a list of [x, y]), and
images/IMAGE_ID.jpg. The union of all polygons of a task is what its phrase should find.

mIoU: IoU of each phrase, mean over phrases. Foreground IoU: intersection and union pooled over all
phrases. Both at one threshold, at each picture's own size; the published figures were taken at the
network's 352 x 352, which moves them by little.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..errors import RequestError
from ..progress import CancelToken, Progress, silent
from ..segmenter import Segmenter
from .machine import machine, versions
from .masks import bilinear
from .report import Report

if TYPE_CHECKING:
    from rich.table import Table

RAW_THRESHOLD = 0.3  # of the sigmoid, as in the paper's table
SPLITS = ("test", "val", "miniv", "train")  # the first that is there is measured
# Lüddecke and Ecker, arXiv 2112.10003, Table 1: CLIPSeg on PhraseCut test at 0.3, over variants
PUBLISHED = {"miou": (0.43, 0.46), "foreground_iou": (0.54, 0.56)}
SOURCE = "CLIPSeg's paper, Table 1 (arXiv 2112.10003), PhraseCut test, threshold 0.3"


@dataclass(frozen=True)
class Task:
    """A phrase and the polygons, in px of its picture, of all that it names there."""

    phrase: str
    polygons: tuple[tuple[tuple[float, float], ...], ...]

    def mask(self, width: int, height: int) -> NDArray[np.bool_]:
        image = Image.new("1", (width, height))
        draw = ImageDraw.Draw(image)
        for polygon in self.polygons:
            draw.polygon(polygon, fill=1, outline=1)
        return np.asarray(image)


def read_tasks(file: Path) -> dict[int, list[Task]]:
    """image_id -> its tasks. RequestError for a file that is not in PhraseCut's format."""
    tasks: dict[int, list[Task]] = {}
    try:
        for entry in json.loads(file.read_bytes()):
            polygons = tuple(
                tuple((float(x), float(y)) for x, y in polygon)
                for instance in entry["Polygons"]
                for polygon in instance
                if len(polygon) > 1
            )
            task = Task(" ".join(str(entry["phrase"]).split()), polygons)
            if task.phrase:
                tasks.setdefault(int(entry["image_id"]), []).append(task)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RequestError(
            f"{file} is not in PhraseCut's format ({type(error).__name__}: {error}): give the "
            "folder with refer_test.json and images/"
        ) from None
    return tasks


def run(
    segmenter: Segmenter,
    folder: Path,
    *,
    threshold: float = 0.5,
    limit: int = 0,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Report:
    """Every phrase of the folder's best split (SPLITS) through the segmenter.

    threshold: of the segmenter's masks. limit: pictures, 0 for all. RequestError where the folder
    is not PhraseCut's or lacks a picture.
    """
    split = next((s for s in SPLITS if (folder / f"refer_{s}.json").is_file()), None)
    if split is None:
        raise RequestError(
            f"{folder} has no refer_{SPLITS[0]}.json: give PhraseCut's folder, the one with images/"
        )
    tasks = read_tasks(folder / f"refer_{split}.json")
    chosen = sorted(tasks)[: limit or None]
    ious: list[float] = []
    intersections, unions = 0, 0
    for number, image_id in enumerate(chosen):
        progress(f"PhraseCut {split}", number / len(chosen))
        if cancel is not None:
            cancel.check()
        for both, either in _measured(segmenter, folder, image_id, tasks[image_id], threshold):
            ious.append(both / either if either else 1.0)
            intersections, unions = intersections + both, unions + either
    row = {
        "segmenter": segmenter.name,
        "split": split,
        "pictures": len(chosen),
        "phrases": len(ious),
        "miou": float(np.mean(ious)) if ious else float("nan"),
        "foreground_iou": intersections / unions if unions else float("nan"),
    }
    about = {
        "threshold": threshold,
        "limit": limit,
        "weights": dict(segmenter.weights()),
        "published": {name: list(span) for name, span in PUBLISHED.items()},
        "published_source": SOURCE,
    }
    return Report("phrasecut", about, [row], machine(), versions())


def _measured(
    segmenter: Segmenter, folder: Path, image_id: int, tasks: Sequence[Task], threshold: float
) -> Iterable[tuple[int, int]]:
    """Pixels in both and in either of mask and truth, of each task."""
    path = folder / "images" / f"{image_id}.jpg"
    try:
        with Image.open(path) as file:
            pixels = np.asarray(file.convert("RGB"), np.float32) / np.float32(255)
    except OSError as error:
        raise RequestError(
            f"{path} can't be read ({error.strerror or error}): give a folder with its pictures"
        ) from None
    height, width = pixels.shape[:2]
    phrases = sorted({t.phrase for t in tasks if segmenter.knows(t.phrase).kind != "no"})
    masks = segmenter.masks(segmenter.encode(pixels), phrases) if phrases else ()
    bring = bilinear((height, width))
    found = {p: bring(mask) >= threshold for p, mask in zip(phrases, masks, strict=True)}
    nothing = np.zeros((height, width), bool)
    for task in tasks:
        truth, mask = task.mask(width, height), found.get(task.phrase, nothing)
        yield int((truth & mask).sum()), int((truth | mask).sum())


def table(report: Report) -> Table:
    from rich.table import Table

    (row,) = report.rows
    title = f"PhraseCut {row['split']}: {row['phrases']} phrases on {row['pictures']} pictures"
    drawn = Table(title=f"{title}, threshold {report.about['threshold']:g}", caption=_caption(row))
    for head in ("", "mIoU %", "foreground IoU %"):
        drawn.add_column(head, justify="right" if head else "left")
    drawn.add_row(row["segmenter"], *(f"{100 * row[name]:.1f}" for name in PUBLISHED))
    drawn.add_row(
        "published", *(f"{100 * low:.0f} to {100 * high:.0f}" for low, high in PUBLISHED.values())
    )
    return drawn


def _caption(row: Mapping[str, Any]) -> str:
    test = row["split"] == "test" and row["segmenter"] == "clipseg"
    apart = "" if test else "; not to be compared: another split or another segmenter"
    return f"published: {SOURCE}{apart}"
