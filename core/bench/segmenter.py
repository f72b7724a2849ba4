"""`bench segmenter`: time and memory of a segmenter, each case in a process of its own.

What runs there is handed in as a command that ends in a call of `measure`, since core knows no
particular segmenter.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...weights.clipseg_folder import check_files
from ...weights.style_store import StyleStore
from ..device import cpu_has_bfloat16
from ..errors import RequestError
from ..progress import CancelToken, Progress, silent
from ..segmenter import Segmenter
from .machine import machine, versions
from .memory import launched
from .methods import fitted, unit
from .random_clipseg import WORDS, write_random_clipseg
from .report import Report

if TYPE_CHECKING:
    from rich.table import Table

THREADS = (1, 2)
PHOTO_SIDE = 1024  # px, what a segmenter is shown at most
BATCH = len(WORDS)  # phrases
FIGURES = ("load", "encode", "first_phrase", "phrase", "again", "batch", "windows")

# (folder, number format, repeats, file for the figures) -> what to run
Command = Callable[[Path, str, int, Path], Sequence[str]]


def measure(
    load: Callable[[], Segmenter],
    repeats: int,
    closer: Callable[[Segmenter, NDArray[np.float32]], Callable[[], object]] | None = None,
) -> dict[str, float]:
    """Seconds: load; the first phrase of all; then, warm and as medians, encode a photo of 1024
    px, a new phrase, one asked before, BATCH new phrases at once.

    closer: (segmenter, photo) -> a call that looks at all of the photo's windows, timed once.
    """
    with Image.open(StyleStore().photos()[0].path) as file:
        photo = unit(fitted(file, PHOTO_SIDE))
    seconds: dict[str, list[float]] = {}

    def timed(name: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        seconds.setdefault(name, []).append(time.perf_counter() - start)
        return result

    segmenter = timed("load", load)
    encoding = segmenter.encode(photo)
    timed("first_phrase", lambda: segmenter.masks(encoding, [WORDS[0]]))
    for turn in range(repeats):
        encoding = timed("encode", partial(segmenter.encode, photo))
        new = [f"{word} {turn}" for word in WORDS]  # none that it remembers
        timed("phrase", partial(segmenter.masks, encoding, [f"{WORDS[0]} {WORDS[1]} {turn}"]))
        timed("again", partial(segmenter.masks, encoding, [WORDS[0]]))
        timed("batch", partial(segmenter.masks, encoding, new))
    if closer is not None:
        timed("windows", closer(segmenter, photo))
    return {name: median(values) for name, values in seconds.items()}


def run(
    command: Command,
    checkpoint: Path | None = None,
    *,
    threads: Sequence[int] = THREADS,
    repeats: int = 5,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Report:
    """The command for each number of threads and each number format that the processor has.

    checkpoint: a CLIPSeg's folder; default one of the published configuration with random weights,
    made for the occasion. RequestError where the command fails.
    """
    if sys.platform == "win32":
        raise RequestError("Windows does not tell a process's peak memory: use Linux or macOS")
    formats = ("float32", "bfloat16") if cpu_has_bfloat16() else ("float32",)
    cases = [(count, name) for count in threads for name in formats]
    if checkpoint is not None:
        check_files(checkpoint)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="semantic-style-segmenter-") as scratch:
        folder = checkpoint or Path(scratch) / "clipseg"
        if checkpoint is None:
            progress("making random weights", 0.0)
            write_random_clipseg(folder)
        for number, (count, name) in enumerate(cases):
            if cancel is not None:
                cancel.check()
            progress(f"{name}, {count} threads", number / len(cases))
            figures = Path(scratch) / "figures.json"
            words = command(folder, name, repeats, figures)
            threads_of = {"OMP_NUM_THREADS": str(count), "MKL_NUM_THREADS": str(count)}
            found = launched(words, Path(scratch) / "found.json", threads_of)
            seconds = json.loads(figures.read_text(encoding="utf-8"))
            peak = found["peak_bytes"] / 1e6
            rows.append({"threads": count, "format": name, "peak_mb": peak, **seconds})
    about = {
        "weights": str(checkpoint) if checkpoint else "random, as clipseg-rd64-refined is built",
        "photo_side": PHOTO_SIDE,
        "batch": BATCH,
        "repeats": repeats,
    }
    return Report("segmenter", about, rows, machine(), versions((*_PACKAGES,)))


_PACKAGES = ("semantic-style", "transformers", "numpy", "pillow")


def table(report: Report) -> Table:
    from rich.table import Table

    about = report.about
    drawn = Table(
        title=f"segmenter, weights: {about['weights']}; seconds",
        caption=f"a photo of {about['photo_side']} px; again: a phrase asked before; batch: "
        f"{about['batch']} new phrases; windows: all of them, for a small thing",
    )
    heads = [name.replace("_", " ") for name in FIGURES]
    for head in ("threads", "format", *heads, "peak MB"):
        drawn.add_column(head, justify="left" if head == "format" else "right")
    for row in report.rows:
        figures = [f"{row[name]:.3f}" if name in row else "" for name in FIGURES]
        drawn.add_row(str(row["threads"]), row["format"], *figures, f"{row['peak_mb']:.0f}")
    return drawn
