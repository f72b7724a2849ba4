"""`bench masks`: words asked of held-out, labelled pictures.

Each word of a set is asked on every held-out picture of that set, also where it is absent. Pixels
with label 255 don't count. Intersection and union at threshold 0.5 are pooled over the set's
pictures, so a word that is claimed where it is absent loses by it. Of photographs that show
nothing built, the share that words of streets claim all the same is a row of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import RequestError
from ..progress import CancelToken, Progress, silent
from ..segmenter import Segmenter
from .machine import machine, versions
from .quality import pictures_in
from .report import Report

if TYPE_CHECKING:
    from rich.table import Table

IGNORE = 255
THRESHOLD = 0.5
LEVELS = 1000  # score steps of the average precision
BOUNDARY = 2  # pixels
LEAST = 10  # held-out pictures that must show a word for it to count in a set's mean
FIGURES = ("iou", "average_precision", "boundary")
BACKGROUND = "background"  # the rest of a picture is no thing to point at: listed, not counted

Mask = NDArray[np.bool_]


@dataclass
class Tally:
    """Counts of one word, pooled over pictures."""

    shown: int = 0  # pictures with the word
    intersection: int = 0
    union: int = 0
    hits: NDArray[np.int64] = field(default_factory=lambda: np.zeros(LEVELS + 1, np.int64))
    misses: NDArray[np.int64] = field(default_factory=lambda: np.zeros(LEVELS + 1, np.int64))
    claimed_edge: int = 0  # edge pixels of the found mask, and those of them near a true edge
    claimed_right: int = 0
    true_edge: int = 0
    true_found: int = 0
    absent_areas: list[float] = field(default_factory=list)

    def add(self, scores: NDArray[np.float32], truth: Mask, valid: Mask) -> None:
        """scores: [H, W] in [0, 1]; truth, valid: [H, W]."""
        truth = truth & valid
        found = (scores >= THRESHOLD) & valid
        self.intersection += int((found & truth).sum())
        self.union += int((found | truth).sum())
        level = (scores * LEVELS).astype(np.int64)
        self.hits += np.bincount(level[truth], minlength=LEVELS + 1)
        self.misses += np.bincount(level[valid & ~truth], minlength=LEVELS + 1)
        if truth.any():
            self.shown += 1
            self._add_edges(found, truth, valid)
        else:
            self.absent_areas.append(float(found.sum() / max(1, valid.sum())))
            self.claimed_edge += int(edges(found, valid).sum())

    def _add_edges(self, found: Mask, truth: Mask, valid: Mask) -> None:
        claimed, true = edges(found, valid), edges(truth, valid)
        self.claimed_edge += int(claimed.sum())
        self.true_edge += int(true.sum())
        self.claimed_right += int((claimed & near(true)).sum())
        self.true_found += int((true & near(claimed)).sum())

    @property
    def iou(self) -> float:
        return self.intersection / self.union if self.union else 1.0

    @property
    def average_precision(self) -> float:
        """Mean precision over the recall that each lower score level adds; nan without a truth."""
        hits, misses = self.hits[::-1].cumsum(), self.misses[::-1].cumsum()
        if not hits[-1]:
            return float("nan")
        precision = hits / np.maximum(1, hits + misses)
        gained = np.diff(hits, prepend=0) / hits[-1]
        return float((precision * gained).sum())

    @property
    def boundary(self) -> float:
        """F-score of edge pixels that have their counterpart within 2 pixels."""
        if not self.true_edge or not self.claimed_edge:
            return 0.0
        precision = self.claimed_right / self.claimed_edge
        recall = self.true_found / self.true_edge
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    @property
    def absent_area(self) -> float | None:
        return fmean(self.absent_areas) if self.absent_areas else None


def edges(mask: Mask, valid: Mask) -> Mask:
    """Pixels of the mask beside a valid pixel outside it (4 neighbours)."""
    edge = np.zeros_like(mask)
    outside = ~mask & valid
    edge[1:] |= outside[:-1]
    edge[:-1] |= outside[1:]
    edge[:, 1:] |= outside[:, :-1]
    edge[:, :-1] |= outside[:, 1:]
    return edge & mask


def near(mask: Mask, distance: int = BOUNDARY) -> Mask:
    """Pixels within `distance` (Euclidean) of the mask."""
    if not mask.any():
        return mask
    from scipy.ndimage import distance_transform_edt

    result: Mask = distance_transform_edt(~mask) <= distance
    return result


def read_synonyms(file: Path) -> dict[str, str]:
    """word -> synonym, of a tab-separated file with a line of column names."""
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return {r["word"]: r["synonym"] for r in csv.DictReader(stream, delimiter="\t")}
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise RequestError(f"{file} is no list of synonyms (word, tab, synonym): {error}") from None


def run(
    segmenter: Segmenter,
    data: Path,
    synonyms: Path | None = None,
    *,
    refine: bool = False,
    limit: int = 0,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Report:
    """Measure on every data/seg/SET/holdout.

    synonyms: also ask each word by its synonym. refine: masks are brought up along the picture's
    edges (guided filter) instead of bilinearly. limit: pictures a set, 0 for all. Raises
    RequestError if there is no set with held-out pictures.
    """
    from ..train import unbuilt
    from ..train.segmenter_data import read_labels

    folders = sorted(p.parent.parent for p in (data / "seg").glob("*/holdout/masks"))
    folders = [p for p in folders if p.name != "stamps"]
    if not folders:
        raise RequestError(f"no held-out sets under {data / 'seg'}: give the folder that has seg/")
    other = read_synonyms(synonyms) if synonyms else {}
    sets = [(p.name, read_labels(p), pictures_in(p / "holdout" / "images")) for p in folders]
    if photographs := unbuilt.unbuilt_pictures(data, held_out=True):
        sets.append((unbuilt.NAME, dict(enumerate(unbuilt.WORDS, start=1)), photographs))
    rows, details = [], []
    for name, labels, pictures in sets:
        asked = {word: word for word in labels.values()}
        asked |= {
            f"{word} = {other[word]}": other[word] for word in labels.values() if word in other
        }
        tallies = {key: Tally() for key in asked}
        pictures = pictures[:limit] if limit else pictures
        for number, picture in enumerate(pictures):
            progress(name, number / len(pictures))
            if cancel is not None:
                cancel.check()
            labelled = name != unbuilt.NAME
            _measure(segmenter, picture, labels, asked, tallies, refine, labelled)
        mine = [_detail(segmenter, name, k, asked[k], t) for k, t in tallies.items()]
        details += mine
        rows.append(_row(name, len(pictures), mine))
    about = {"refine": refine, "threshold": THRESHOLD, "least": LEAST, "segmenter": segmenter.name}
    return Report("masks", about, rows, machine(), versions(), details)


def _measure(
    segmenter: Segmenter,
    picture: Path,
    labels: Mapping[int, str],
    asked: Mapping[str, str],
    tallies: Mapping[str, Tally],
    refine: bool,
    labelled: bool,
) -> None:
    """labelled: False for a photograph that shows none of the words."""
    image = np.asarray(Image.open(picture).convert("RGB"), np.float32) / np.float32(255)
    if labelled:
        ids = np.asarray(Image.open(picture.parent.parent / "masks" / (picture.stem + ".png")))
    else:
        ids = np.zeros(image.shape[:2], np.uint8)
    valid = ids != IGNORE
    phrases = sorted({p for p in asked.values() if segmenter.knows(p).kind != "no"})
    small = segmenter.masks(segmenter.encode(image), phrases) if phrases else ()
    bring = _refined(image) if refine else bilinear(ids.shape)
    scores = {phrase: bring(mask) for phrase, mask in zip(phrases, small, strict=True)}
    unknown = np.zeros(ids.shape, np.float32)
    members: dict[str, list[int]] = {}
    for label, word in labels.items():
        members.setdefault(word, []).append(label)
    for key, phrase in asked.items():
        truth = np.isin(ids, members[key.split(" = ")[0]])
        tallies[key].add(scores.get(phrase, unknown), truth, valid)


def bilinear(shape: tuple[int, ...]) -> Any:
    def bring(mask: NDArray[np.float32]) -> NDArray[np.float32]:
        size = (shape[1], shape[0])
        enlarged = Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR)
        return np.asarray(enlarged).clip(0, 1)

    return bring


def _refined(image: NDArray[np.float32]) -> Any:
    from ..guided import GuidedFilter

    height, width = image.shape[:2]
    guides: dict[tuple[int, ...], GuidedFilter] = {}
    plain = bilinear((height, width))

    def bring(mask: NDArray[np.float32]) -> NDArray[np.float32]:
        radius = max(1, round(width / mask.shape[1]))
        if mask.shape not in guides:
            guides[mask.shape] = GuidedFilter(image, radius)
        slope, offset = guides[mask.shape].coefficients(plain(mask))
        return ((slope * image).sum(axis=-1) + offset).clip(0, 1)

    return bring


def _detail(segmenter: Segmenter, name: str, key: str, phrase: str, tally: Tally) -> dict[str, Any]:
    word, _, synonym = key.partition(" = ")
    knowledge = segmenter.knows(phrase)
    return {
        "set": name,
        "word": word,
        "synonym": synonym,
        "knows": knowledge.kind,
        "answered_by": knowledge.word or "",
        "pictures": tally.shown,
        "iou": tally.iou,
        "average_precision": tally.average_precision,
        "boundary": tally.boundary,
        "absent_area": tally.absent_area,
    }


def _row(name: str, pictures: int, details: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over the words that enough pictures show; over all that any shows if none does. Of
    a set that shows none of its words there is only the share that they claim."""
    named = [d for d in details if not d["synonym"] and d["word"] != BACKGROUND and d["pictures"]]
    counted = [d for d in named if d["pictures"] >= LEAST] or named
    words = {d["word"] for d in counted}
    twins = [d for d in details if d["synonym"] and d["word"] in words]
    twinned = {d["word"] for d in twins}
    areas = [d["absent_area"] for d in counted or details if d["absent_area"] is not None]
    ground = next((d["iou"] for d in details if d["word"] == BACKGROUND and d["pictures"]), None)
    return {
        "set": name,
        "pictures": pictures,
        "words": len(counted),
        "least": min((d["pictures"] for d in counted), default=0),
        **{key: fmean(d[key] for d in counted) if counted else None for key in FIGURES},
        "absent_area": fmean(areas) if areas else None,
        "background_iou": ground,
        "twins": len(twins),
        "twin_names_iou": fmean(d["iou"] for d in counted if d["word"] in twinned)
        if twins
        else None,
        "twin_synonyms_iou": fmean(d["iou"] for d in twins) if twins else None,
    }


def table(report: Report) -> Table:
    from rich.table import Table

    result = Table(title="masks at threshold 0.5, held-out pictures")
    heads = ("set", "pictures", "words", "IoU", "AP", "edge F", "absent %", "names", "synonyms")
    for head in heads:
        result.add_column(head, justify="left" if head == "set" else "right")
    for row in report.rows:
        absent = "" if row["absent_area"] is None else f"{100 * row['absent_area']:.1f}"
        twins = ["", ""]
        if row["twins"]:
            twins = [f"{row['twin_names_iou']:.2f}", f"{row['twin_synonyms_iou']:.2f}"]
        figures = ["" if row[key] is None else f"{row[key]:.2f}" for key in FIGURES]
        result.add_row(
            row["set"], str(row["pictures"]), str(row["words"]), *figures, absent, *twins
        )
    return result
