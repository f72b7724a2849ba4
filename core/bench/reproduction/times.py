"""ZM-Net, table 1: seconds of optimisation, of a new style, of a style met before."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from ...engines.adaattn import AdaAttNEngine
from ...engines.zmnet import ZMNetEngine
from ..methods import unit
from .frame import Bench, Cell, Experiment, Outcome, Table
from .judging import UNSEEN_STYLES, opened, shipped_photos, shipped_styles
from .scales import OPTIMISED_STEPS, TIMED_ROUNDS
from .scales import TIMES as SCALE

if TYPE_CHECKING:
    from ...engines.gatys import GatysEngine

PAPER = {"optimisation": 15.86, "new style": 0.038, "style met before": 0.015}  # s


def gatys(bench: Bench) -> GatysEngine:
    from ...engines.gatys import GatysEngine

    return GatysEngine(bench.data.vgg16, "cpu", iterations=bench.count(OPTIMISED_STEPS, 2))


def run(bench: Bench, folder: Path) -> Outcome:
    from ...engines.gatys import ITERATIONS

    photo = unit(opened(shipped_photos(1)[0], SCALE.shown))
    styles = [unit(opened(path, SCALE.shown)) for path in shipped_styles(UNSEEN_STYLES)]
    slow = gatys(bench)
    fast = ZMNetEngine(bench.shipped.zmnet_styles, device="cpu", cached=False)
    attentive = AdaAttNEngine(bench.shipped.adaattn, "cpu")
    rounds = bench.count(TIMED_ROUNDS, 2)
    prepared = fast.prepare(styles[0])
    calls: dict[str, Callable[[int], object]] = {
        "new style": lambda k: fast.stylize(photo, [(fast.prepare(styles[k % len(styles)]), 1.0)]),
        "style met before": lambda k: fast.stylize(photo, [(prepared, 1.0)]),
        "adaattn, new style": lambda k: attentive.stylize(
            photo, [(attentive.prepare(styles[k % len(styles)]), 1.0)]
        ),
    }
    seconds = {name: _timed(call, rounds) for name, call in calls.items()}
    part = _timed(lambda k: slow.stylize(photo, [(slow.prepare(styles[0]), 1.0)]), 1, warm=False)
    # As many iterations as the engine takes by itself: their number is what it costs.
    seconds["optimisation"] = part * ITERATIONS / slow.iterations
    last = seconds["style met before"]
    rows: list[tuple[Cell, ...]] = [
        (name, seconds[name], seconds[name] / last, PAPER.get(name),
         PAPER[name] / PAPER["style met before"] if name in PAPER else None)
        for name in ("optimisation", "new style", "style met before", "adaattn, new style")
    ]  # fmt: skip
    return Outcome(
        about=[
            f"One shipped photo of {SCALE.shown} px on the long side, processor time; median of "
            f"{rounds} rounds by turns with {len(styles)} styles. Optimisation: the engine gatys, "
            f"{slow.iterations} iterations measured once, counted as its usual {ITERATIONS}. Style "
            "pictures are looked at with at most 512 px whatever the photo's size, so that the "
            "ratio of a new style to one met before falls with larger photos.",
        ],
        tables=[
            Table(("", "ours, s", "ratio", "paper, s (GPU)", "paper: ratio"), rows),
        ],
        notes=[
            f"Optimisation : new style : met before = {seconds['optimisation'] / last:.0f} : "
            f"{seconds['new style'] / last:.1f} : 1 (paper: "
            f"{PAPER['optimisation'] / PAPER['style met before']:.0f} : "
            f"{PAPER['new style'] / PAPER['style met before']:.1f} : 1).",
        ],
    )


def _timed(call: Callable[[int], object], rounds: int, *, warm: bool = True) -> float:
    """Median processor seconds of a call, which is told its round."""
    if warm:
        call(0)
    taken: list[float] = []
    for number in range(rounds):
        start = time.process_time()
        call(number)
        taken.append(time.process_time() - start)
    return median(taken)


EXPERIMENT = Experiment(
    "times",
    "Seconds: optimisation, a new style, a style met before",
    "ZM-Net, table 1",
    "15.86 s by optimisation, 0.038 s with a style met for the first time, 0.015 s afterwards.",
    run,
    uses=("zmnet_styles", "adaattn"),
)
