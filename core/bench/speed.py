"""`bench speed`: warm, and paired, so that what else the machine does hits both sides alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ...weights.style_store import StyleStore
from ..canvas import stored
from ..device import Device, DeviceName, choose_device
from ..engines import Engine, polisher, usual_steps
from ..nets.attention import attention_moments, plain_attention_moments
from ..progress import CancelToken, Progress, silent
from ..segmenter import Segmenter
from .machine import machine, versions
from .methods import PEER_SIDE, fitted, peer, unit
from .processor import form
from .report import Report

if TYPE_CHECKING:
    from rich.table import Table

SIZES = (256, PEER_SIDE, 512, 1024)  # px, long side
ATTENTION_SIDES = (32, 64, 96)  # positions a side; level 3_1 of a 256 px picture has 64
KEYS, VALUES = 160, 96  # channels of keys and values at level 3_1 of encoder-compact
SEGMENTER_SIZE = 512  # px, long side
PHRASES = ("sky", "building")

Call = Callable[[], object]


def paired(
    calls: Mapping[str, Call], repeats: int, cancel: CancelToken | None = None
) -> dict[str, list[float]]:
    """Seconds of each call in each round; a round runs every call once.

    One round goes before, untimed: it loads, allocates, and fills the caches. Every other
    round goes backwards, so that no call always runs in another's wake.
    """
    for call in calls.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for index in range(repeats):
        order = list(calls) if index % 2 == 0 else list(calls)[::-1]
        for name in order:
            if cancel:
                cancel.check()
            start = time.perf_counter()
            calls[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def run(
    engines: Sequence[Engine],
    segmenter: Segmenter | None = None,
    *,
    sizes: Sequence[int] = SIZES,
    attention_sides: Sequence[int] = ATTENTION_SIDES,
    repeats: int = 5,
    with_peer: bool = True,
    device: DeviceName = "auto",
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Report:
    """Attention against its plain formula; engines and peer at each size; encode and phrase.

    An engine's plain row is what a picture costs once its style is prepared; "new style" prepares
    it, too, and must not find it in a cache: engines come without one on disk; "polished" polishes
    the picture as much as the engine does by itself. The peer's work with a style picture is the
    same at every size, and at PEER_SIDE it is not enlarged.

    device: of the engines, and where attention is timed. Ratios are medians over the rounds of
    "this one's seconds over the first one's" of its group.
    """
    place = choose_device(device)
    groups: list[tuple[str, Callable[[], dict[str, Call]]]] = []
    for side in attention_sides:
        groups.append((f"attention, {side * side} positions", partial(_attention, side, place)))
    for size in sizes:
        groups.append((f"{size} px", partial(_stylising, engines, size, with_peer)))
    if segmenter:
        groups.append((f"words to masks, {SEGMENTER_SIZE} px", partial(_segmenting, segmenter)))
    rows: list[dict[str, Any]] = []
    for done, (group, make) in enumerate(groups):
        progress("timing", done / len(groups))
        seconds = paired(make(), repeats, cancel)
        rows += rows_of(group, seconds, form(place))
    progress("timing", 1.0)
    about = {
        "n": repeats,
        "size": list(sizes),
        "attention": f"{KEYS} key channels, {VALUES} value channels, float32",
        "ratio_is": "median over rounds of the case's seconds over its group's first",
        "peer": f"with a style picture it works at {PEER_SIDE} px and enlarges; its 26 styles are "
        "worked at the full size",
        "engines": [f"{e.name} ({e.dtype})" for e in engines],
        "segmenter": segmenter.name if segmenter else "",
    }
    return Report("speed", about, rows, machine(), versions())


def rows_of(
    group: str, seconds: Mapping[str, Sequence[float]], processor: str
) -> list[dict[str, Any]]:
    """A report's rows: what `paired` found, each case beside the group's first. processor: what
    worked, as `form` says it."""
    first = next(iter(seconds.values()), [])
    return [
        {
            "processor": processor,
            "group": group,
            "case": name,
            "min": min(times),
            "median": median(times),
            "ratio": median(t / f for t, f in zip(times, first, strict=True)),
            "seconds": times,
        }
        for name, times in seconds.items()
    ]


def table(report: Report) -> Table:
    from rich.table import Table

    drawn = Table(title=f"speed, warm, {report.about['n']} paired rounds")
    for column in ("processor", "group", "case"):
        drawn.add_column(column)
    for column in ("min s", "median s", "ratio"):
        drawn.add_column(column, justify="right")
    for row in report.rows:
        figures = (f"{row['min']:.4f}", f"{row['median']:.4f}", f"{row['ratio']:.2f}")
        drawn.add_row(row["processor"], row["group"], row["case"], *figures)
    return drawn


def _attention(side: int, place: Device) -> dict[str, Call]:
    """The same random query, key and value through both forms."""
    device = place.place
    source = torch.Generator().manual_seed(0)

    def drawn(channels: int) -> Tensor:
        return torch.randn(1, channels, side * side, generator=source).to(device)

    query, key, value = drawn(KEYS), drawn(KEYS), drawn(VALUES)

    def timed(form: Callable[..., object]) -> Call:
        @torch.inference_mode()
        def call() -> None:
            form(query, key, value, scaled=True)
            if device.type == "cuda":
                torch.cuda.synchronize()

        return call

    return {"plain formula": timed(plain_attention_moments), "ours": timed(attention_moments)}


def _stylising(engines: Sequence[Engine], size: int, with_peer: bool) -> dict[str, Call]:
    store = StyleStore()
    with Image.open(store.photos()[0].path) as file:
        photo = fitted(file, size)
    with Image.open(store.list()[0].path) as file:
        style = fitted(file, 512)
    content, pattern = unit(photo), unit(style)
    calls: dict[str, Call] = {}
    for engine in engines:
        prepared = engine.prepare(pattern)
        calls[engine.name] = partial(engine.stylize, content, [(prepared, 1.0)])
        calls[f"{engine.name}, new style"] = partial(_both, engine, content, pattern)
        if usual_steps(engine):  # as it answers where a recipe does not say otherwise
            calls[f"{engine.name}, polished"] = partial(
                _polished, engine, content, pattern, prepared
            )
    rival = peer() if with_peer else None
    if rival:
        stylise = rival.method.stylise
        calls[f"{rival.method.name}, new style"] = lambda: stylise(photo, style)
        calls[f"{rival.method.name}, one of its 26"] = partial(rival.built_in, photo)
    return calls


def _both(
    engine: Engine, content: NDArray[np.float32], pattern: NDArray[np.float32]
) -> NDArray[np.float32]:
    return stored(engine.stylize(content, [(engine.prepare(pattern), 1.0)]))


def _polished(
    engine: Engine, content: NDArray[np.float32], pattern: NDArray[np.float32], prepared: Any
) -> NDArray[np.float32]:
    mixture = polisher(engine).polish(
        content, [(prepared, 1.0)], [(pattern, None)], steps=usual_steps(engine)
    )
    return stored(engine.stylize(content, mixture))


def _segmenting(segmenter: Segmenter) -> dict[str, Call]:
    with Image.open(StyleStore().photos()[0].path) as file:
        photo = unit(fitted(file, SEGMENTER_SIZE))
    encoding = segmenter.encode(photo)
    return {
        "encode": lambda: segmenter.encode(photo),
        "a further phrase": lambda: segmenter.masks(encoding, PHRASES[:1]),
        f"{len(PHRASES)} phrases": lambda: segmenter.masks(encoding, PHRASES),
    }
