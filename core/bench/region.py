"""`bench region`: a part of a large photo repainted, beside all of it, both by warm processes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..progress import CancelToken, Progress, silent
from .machine import machine, versions
from .memory import check_system, enlarged, launched
from .report import Report

if TYPE_CHECKING:
    from rich.table import Table

MEGAPIXELS = 12.0
SHARE = 0.05
WHOLE, REGION = "whole picture", "region"

# photos, mask, folder of outputs -> what to run; it prints a line of JSON with the "seconds" of
# each photo
Command = Callable[[Sequence[Path], Path | None, Path], Sequence[str]]


def run(
    command: Command,
    *,
    megapixels: float = MEGAPIXELS,
    share: float = SHARE,
    repeats: int = 3,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Report:
    """Seconds and peak memory of the command without a mask, and with one: a rectangle of the
    photo's shape in its middle that covers `share` of it, (0, 1].

    Each is run once a round, and the region once before, which fills the page cache. A process is
    given the same photo twice: the second is what it takes when warm, all else the first in a new
    process. Ratios are medians over the rounds of the region's figure over the whole's.
    RequestError where the system can't tell a process's peak, and where the command fails.
    """
    check_system()
    found: dict[str, list[dict[str, Any]]] = {WHOLE: [], REGION: []}
    with tempfile.TemporaryDirectory(prefix="semantic-style-region-") as name:
        folder = Path(name)
        photos, mask = [folder / "first.jpg", folder / "second.jpg"], folder / "mask.png"
        width, height = enlarged(photos[0], megapixels)
        shutil.copy(photos[0], photos[1])
        covered = write_mask(mask, width, height, share)
        order = [REGION] + [WHOLE, REGION] * repeats
        for done, case in enumerate(order):
            if cancel:
                cancel.check()
            progress(case, done / len(order))
            out = folder / "out"
            out.mkdir()
            words = command(photos, mask if case == REGION else None, out)
            figures = launched(words, folder / "found.json")
            shutil.rmtree(out)
            warm = json.loads(figures["printed"].splitlines()[-1])["seconds"]
            if done:
                found[case].append(
                    {**figures, "seconds": warm, "first_seconds": figures["seconds"] - warm}
                )
    progress(REGION, 1.0)

    def ratio(case: str, key: str) -> float:
        return median(a[key] / b[key] for a, b in zip(found[case], found[WHOLE], strict=True))

    rows = [
        {
            "case": case,
            "share": covered if case == REGION else 1.0,
            "median": median(each["seconds"] for each in all_of),
            "ratio": ratio(case, "seconds"),
            "peak_mb": median(each["peak_bytes"] for each in all_of) / 1e6,
            "peak_ratio": ratio(case, "peak_bytes"),
            "first_median": median(each["first_seconds"] for each in all_of),
            "first_ratio": ratio(case, "first_seconds"),
            "seconds": [each["seconds"] for each in all_of],
            "first_seconds": [each["first_seconds"] for each in all_of],
        }
        for case, all_of in found.items()
    ]
    about = {
        "n": repeats,
        "megapixels": megapixels,
        "size": [width, height],
        "command": [Path(word).name for word in words],
    }
    return Report("region", about, rows, machine(), versions())


def write_mask(path: Path, width: int, height: int, share: float) -> float:
    """A PNG, white in its middle; how much of it is white."""
    inner = round(width * share**0.5), round(height * share**0.5)
    mask = np.zeros((height, width), np.uint8)
    x, y = (width - inner[0]) // 2, (height - inner[1]) // 2
    mask[y : y + inner[1], x : x + inner[0]] = 255
    Image.fromarray(mask).save(path)
    return inner[0] * inner[1] / (width * height)


def table(report: Report) -> Table:
    from rich.table import Table

    about = report.about
    drawn = Table(
        title=f"a region of {about['megapixels']:g} megapixels, {about['n']} paired rounds",
        caption="warm: the second photo of a process, reading and writing included; new: its "
        "start and first photo",
    )
    drawn.add_column("case")
    for column in ("covers", "warm s", "ratio", "new s", "ratio", "peak MB", "ratio"):
        drawn.add_column(column, justify="right")
    for row in report.rows:
        drawn.add_row(
            row["case"],
            f"{row['share']:.1%}",
            f"{row['median']:.2f}",
            f"{row['ratio']:.3f}",
            f"{row['first_median']:.2f}",
            f"{row['first_ratio']:.3f}",
            f"{row['peak_mb']:.0f}",
            f"{row['peak_ratio']:.3f}",
        )
    return drawn
