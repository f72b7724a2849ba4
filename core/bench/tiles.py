"""`bench tiles`: does a picture cut into tiles look as one that is painted in one piece?"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...weights.style_store import StyleStore
from ..canvas import stored
from ..device import DeviceName
from ..engines.adaattn import AdaAttNEngine
from ..geometry import Extent
from ..progress import CancelToken, Progress, Whole, silent
from ..resample import extent_of
from .machine import machine, versions
from .methods import unit
from .report import Report

if TYPE_CHECKING:
    from rich.table import Table

MEGAPIXELS = 6.0
STYLES = ("mosaic", "van-gogh-night-cafe", "great-waves")


def run(
    weights: str = "adaattn-compact",
    device: DeviceName = "auto",
    *,
    megapixels: float = MEGAPIXELS,
    styles: Sequence[str] = STYLES,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Report:
    """A shipped photo, enlarged, in the tiles that the engine would take and in a single one.

    In one piece it takes about a gigabyte a megapixel. Statistics are taken of the whole picture
    both times, as the engine always does it. psnr_db: over all pixels and channels, range 1.
    seam_db: over the pixels on either side of the tiles' inner borders alone.
    """
    store = StyleStore()
    photo = _photo(megapixels)
    extent = extent_of(photo)
    tiled, whole = (AdaAttNEngine(weights, device, tile=side) for side in (None, extent.long_side))
    plan = tiled.plan(extent)
    rows: list[dict[str, Any]] = []
    kinds = ("tiled", "whole")
    work = Whole(progress, {f"{name} {kind}": 1.0 for name in styles for kind in kinds})
    for name in styles:
        with Image.open(store.get(name).path) as file:
            style = unit(file)
        answers, seconds = [], []
        for kind, engine in zip(kinds, (tiled, whole), strict=True):
            mixture = [(engine.prepare(style), 1.0)]
            start = time.perf_counter()
            part = work.part(f"{name} {kind}", f"{name}, {kind}")
            answers.append(stored(engine.stylize(photo, mixture, progress=part, cancel=cancel)))
            seconds.append(time.perf_counter() - start)
        difference = np.abs(answers[0] - answers[1])
        borders = np.zeros(difference.shape[:2], bool)
        for tile in plan.tiles:
            rows_, columns = tile.inner.slices
            borders[rows_.start, columns] = borders[rows_.stop - 1, columns] = True
            borders[rows_, columns.start] = borders[rows_, columns.stop - 1] = True
        rows.append(
            {
                "style": name,
                "psnr_db": psnr(difference),
                "seam_db": psnr(difference[borders]),
                "largest": float(difference.max()),
                "seconds_tiled": seconds[0],
                "seconds_whole": seconds[1],
            }
        )
    about = {
        "n": len(rows),
        "size": [extent.width, extent.height],
        "megapixels": extent.pixels / 1e6,
        "tiles": len(plan.tiles),
        "engine": f"{tiled.name} ({tiled.dtype})",
        "least_psnr_db": min(row["psnr_db"] for row in rows),
    }
    return Report("tiles", about, rows, machine(), versions())


def psnr(difference: NDArray[np.float32]) -> float:
    """Decibels, of differences of values in [0, 1]; 200 where there is none."""
    error = float(np.square(difference, dtype=np.float64).mean())
    return -10 * math.log10(max(error, 1e-20))


def table(report: Report) -> Table:
    from rich.table import Table

    about = report.about
    width, height = about["size"]
    title = f"{about['tiles']} tiles against one piece, {width} x {height} px, {about['engine']}"
    drawn = Table(title=title)
    drawn.add_column("style")
    for column in ("PSNR dB", "at borders dB", "largest difference", "s tiled", "s whole"):
        drawn.add_column(column, justify="right")
    for row in report.rows:
        drawn.add_row(
            row["style"],
            f"{row['psnr_db']:.1f}",
            f"{row['seam_db']:.1f}",
            f"{row['largest']:.4f}",
            f"{row['seconds_tiled']:.1f}",
            f"{row['seconds_whole']:.1f}",
        )
    return drawn


def _photo(megapixels: float) -> NDArray[np.float32]:
    with Image.open(StyleStore().photos()[0].path) as photo:
        own = Extent(*photo.size)
        size = own.scaled(math.sqrt(megapixels * 1e6 / own.pixels))
        bicubic = Image.Resampling.BICUBIC
        return unit(photo.convert("RGB").resize((size.width, size.height), bicubic))
