"""`bench networks`: whole networks beside the plain formula, with a new style each time, and ours
with one that was read before, too, as for every further photo.

Four: AdaAttN in the published layout (VGG-19, all style positions) and adaattn-compact, each with
attention by its plain formula and PyTorch's own convolutions in float32, and as it ships: the
former's encoder and attention in float32, its decoder as the device has it, the latter all as the
device has it. The published layout has random weights, as none may ship. Its logits run to several
hundred as those of the released ones do, on which it depends how few keys attention has to weigh.

`python -m semantic_style.core.bench.networks WEIGHTS SIZE plain|ours` is the process whose memory
is measured.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from ...weights.style_store import StyleStore
from ..device import choose_device, free_memory
from ..engines.adaattn import STYLE_SIDE, AdaAttNEngine
from ..errors import RequestError
from ..nets.adaattn import AdaAttN, AdaAttNConfig, published
from ..nets.decoder import Decoder
from ..progress import CancelToken, Progress, silent
from .machine import machine, versions
from .memory import check_system, launched
from .methods import fitted, unit
from .processor import form
from .report import Report
from .speed import Call, paired, rows_of
from .tiles import psnr

if TYPE_CHECKING:
    from rich.table import Table

SIZE, MEMORY_SIZE = 512, 768  # px, long side of photo and style
LAYOUT = replace(published(), style_positions=0)
COMPACT = "adaattn-compact"
PUBLISHED = "published layout"
PLAIN = ", plain formula"
READ = ", style read before"
PAIRS = 6
LEAST_DB = 40  # what ours should agree with the plain path by
HELD = 2  # matrices of attention that the plain formula holds at once: logits and weights

Floats = NDArray[np.float32]


def run(
    *,
    size: int = SIZE,
    memory_size: int = MEMORY_SIZE,
    repeats: int = 5,
    pairs: int = PAIRS,
    layout: AdaAttNConfig = LAYOUT,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Report:
    """Seconds on the processor, warm, in paired rounds; agreement over `pairs` shipped photos and
    styles; peak memory of a process each.

    Rows of the group "SIZE px" have `least_db` and `mean_db`, the PSNR against the plain path with
    the same weights, over pictures in [0, 1]; those of "peak memory" have `peak_mb`. Ratios are to
    the first of the group. memory_size: 0 leaves memory out. Raises RequestError where the plain
    formula's matrix does not fit into memory.
    """
    if memory_size:
        check_system()
    _check_memory(max(size, memory_size))
    processor = form(choose_device("cpu"))
    with tempfile.TemporaryDirectory(prefix="semantic-style-networks-") as folder:
        weights = Path(folder) / "random.safetensors"
        write_random(layout, weights)
        progress("timing", 0.0)
        engines = cases(weights)
        photo, style = _pair(0, size)
        calls: dict[str, Call] = {}
        for name, engine in engines.items():
            calls[name] = partial(painted, engine, photo, style)
            if not name.endswith(PLAIN):
                calls[name + READ] = partial(engine.stylize, photo, [(_read(engine, style), 1.0)])
        rows = rows_of(f"{size} px", paired(calls, repeats, cancel), processor)
        progress("comparing", 0.6)
        agreed = agreement(engines, size, pairs, cancel)
        for row in rows:
            row["format"] = engines[row["case"].removesuffix(READ)].dtype
            row.update(agreed.get(row["case"], {}))
        if memory_size:
            progress("measuring memory", 0.8)
            rows += _memory(weights, memory_size, processor)
    progress("measuring memory", 1.0)
    about = {
        "n": repeats,
        "size": size,
        "pairs": pairs,
        "measured": "prepare the style (but where it was read before) and repaint the photo, both "
        "of this size; the published "
        "layout has random weights, the last layer scaled so that its pictures fill [0, 1]",
        "ratio_is": "median over rounds of the case's seconds over its group's first; of memory, "
        "of the peaks of whole processes",
        "db_is": "PSNR against the plain path with the same weights, least and mean over pairs",
    }
    return Report("networks", about, rows, machine(), versions())


def write_random(layout: AdaAttNConfig, path: Path) -> None:
    """A network of random weights. Its decoder's last layer is scaled so that a shipped pair comes
    out with mean 0.5 and deviation 0.2, as pictures have: else agreement would say nothing."""
    torch.manual_seed(0)
    network = AdaAttN(layout)
    last = cast("nn.Conv2d", cast("Decoder", network.decoder).convs[-1])
    assert last.bias is not None
    with torch.no_grad():
        painted = network(*(torch.from_numpy(x).permute(2, 0, 1)[None] for x in _pair(0, 128)))
        mean, deviation = painted.mean((0, 2, 3)), painted.std((0, 2, 3))
        last.weight *= (0.2 / deviation).view(-1, 1, 1, 1)
        last.bias.copy_((last.bias - mean) * 0.2 / deviation + 0.5)
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, path, {"config": layout.to_json()})


def cases(weights: Path) -> dict[str, AdaAttNEngine]:
    """Engines by the names of their rows. weights: of the published layout."""
    return {
        PUBLISHED + PLAIN: AdaAttNEngine(weights, "cpu", plain=True),
        PUBLISHED: AdaAttNEngine(weights, "cpu"),
        COMPACT + PLAIN: AdaAttNEngine(COMPACT, "cpu", plain=True),
        COMPACT: AdaAttNEngine(COMPACT, "cpu"),
    }


def painted(engine: AdaAttNEngine, photo: Floats, style: Floats) -> Floats:
    """HWC in [0, 1]."""
    return np.asarray(engine.stylize(photo, [(_read(engine, style), 1.0)]), np.float32)


def _read(engine: AdaAttNEngine, style: Floats) -> Any:
    """The style, looked at in its own size."""
    return engine.prepare(style, scale=max(style.shape[:2]) / STYLE_SIDE)


def agreement(
    engines: Mapping[str, AdaAttNEngine], size: int, pairs: int, cancel: CancelToken | None = None
) -> dict[str, dict[str, float]]:
    """least_db and mean_db of every case that is not the plain path itself."""
    decibels: dict[str, list[float]] = {n: [] for n in engines if not n.endswith(PLAIN)}
    for number in range(pairs):
        if cancel:
            cancel.check()
        photo, style = _pair(number, size)
        truth = {n: painted(e, photo, style) for n, e in engines.items() if n.endswith(PLAIN)}
        for name, found in decibels.items():
            plain = (PUBLISHED if name.startswith(PUBLISHED) else COMPACT) + PLAIN
            found.append(psnr(painted(engines[name], photo, style) - truth[plain]))
    return {n: {"least_db": min(f), "mean_db": fmean(f)} for n, f in decibels.items() if f}


def table(report: Report) -> Table:
    from rich.table import Table

    about = report.about
    drawn = Table(
        title=f"networks, {about['n']} paired rounds",
        caption=f"dB: agreement with the plain path of the same weights, least and mean of "
        f"{about['pairs']} pairs ({LEAST_DB} or more is alike)",
    )
    for column in ("processor", "group", "case", "format"):
        drawn.add_column(column)
    for column in ("median s", "peak MB", "ratio", "1 / ratio", "dB"):
        drawn.add_column(column, justify="right")
    for row in report.rows:
        drawn.add_row(
            row["processor"], row["group"], row["case"], row["format"],
            f"{row['median']:.3f}" if "median" in row else "",
            f"{row['peak_mb']:.0f}" if "peak_mb" in row else "",
            f"{row['ratio']:.3f}",
            f"{1 / row['ratio']:.1f}",
            f"{row['least_db']:.1f}, {row['mean_db']:.1f}" if "least_db" in row else "",
        )  # fmt: skip
    return drawn


def _pair(number: int, size: int) -> tuple[Floats, Floats]:
    """A shipped photo and a shipped style, every fourth of them, both with that long side."""
    store = StyleStore()
    photos, styles = store.photos(), [each for each in store.list() if each.origin == "shipped"]
    paths = photos[number % len(photos)].path, styles[4 * number % len(styles)].path
    found = []
    for path in paths:
        with Image.open(path) as file:
            found.append(unit(fitted(file, size)))
    return found[0], found[1]


def _check_memory(size: int) -> None:
    photo, style = ((side // 4 for side in each.shape[:2]) for each in _pair(0, size))  # level 3
    wanted = HELD * math.prod(photo) * math.prod(style) * 4
    if wanted > free_memory():
        raise RequestError(
            f"the plain formula takes {wanted / 1e9:.1f} GB at {size} px, more than is free: "
            "choose a smaller --size, or --memory-size"
        )


def _memory(weights: Path, size: int, processor: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for kind, name in (("plain", PUBLISHED + PLAIN), ("ours", PUBLISHED)):
        command = [sys.executable, "-m", f"{__package__}.networks", str(weights), str(size), kind]
        peak = launched(command, weights.with_name("found.json"))["peak_bytes"] / 1e6
        rows.append(
            {
                "processor": processor,
                "group": f"peak memory, {size} px",
                "case": name,
                "format": "float32",
                "peak_mb": peak,
                "ratio": peak / rows[0]["peak_mb"] if rows else 1.0,
            }
        )
    return rows


def main(weights: str, size: str, kind: str) -> None:
    engine = AdaAttNEngine(weights, "cpu", plain=kind == "plain")
    painted(engine, *_pair(0, int(size)))


if __name__ == "__main__":
    main(*sys.argv[1:])
