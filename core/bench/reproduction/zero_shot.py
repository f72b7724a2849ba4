"""ZM-Net, figure 6: ten styles against all, on styles that neither has seen."""

from __future__ import annotations

from pathlib import Path

from ...nets.zmnet import ZMNet
from ..methods import Method, colour_matching, photo_method
from .frame import Bench, Experiment, Outcome, Shown
from .judging import (
    TEN_STYLES,
    UNSEEN_STYLES,
    figures_table,
    held_out,
    judge_of,
    judged,
    load_zmnet,
    means,
    network_method,
    sheet,
    shipped_photos,
    shipped_styles,
)
from .scales import CAPACITY, ZERO_SHOT
from .training import described
from .zmnet_runs import fst_run, table_method, ten_style_run


def run(bench: Bench, folder: Path) -> Outcome:
    run = ten_style_run(bench)
    ten, every = load_zmnet(run.weights), load_zmnet(bench.shipped.zmnet_styles)
    one = fst_run(bench)
    methods = [table_method("FST", one), _named("10 styles", ten), _named("all styles", every)]
    judge, judge_name = judge_of(bench)
    count = bench.count(ZERO_SHOT.pairs, 2)
    unseen = judged(
        [*methods, colour_matching(), photo_method()], held_out(bench, count), judge,
        ZERO_SHOT.shown,
    )  # fmt: skip
    seen = judged(
        methods[1:], held_out(bench, count, shipped_styles(TEN_STYLES)), judge, ZERO_SHOT.shown
    )
    shown = list(zip(shipped_photos(4), shipped_styles(UNSEEN_STYLES[:4]), strict=True))
    sheet(methods, shown, folder / "zero-shot.jpg")
    gram = {
        name: (means(seen[name])["gram"], means(unseen[name])["gram"])
        for name in ("10 styles", "all styles")
    }
    (own, a), (theirs, b) = gram.values()
    return Outcome(
        about=[
            f"{described(bench, CAPACITY, [one, run])} \"All styles\" is "
            f"{bench.shipped.shown('zmnet_styles')}, trained at far greater length, which counts "
            "in its favour beside the number of its styles. Judged by "
            f"{judge_name} on {count} held-out photos with as many held-out paintings, "
            f"{ZERO_SHOT.shown} px; below on the ten styles.",
        ],
        tables=[
            figures_table(unseen, "Paintings that no network was trained on."),
            figures_table(seen, "The ten styles that the first network was trained on."),
        ],
        notes=[
            f"Gram figures, ten styles against all: on the ten styles {own:.3f} against "
            f"{theirs:.3f}, on unseen ones {a:.3f} against {b:.3f}.",
        ],
        pictures=[
            Shown("zero-shot.jpg", "Photo, unseen style, fast style transfer of another style, ten "
                  "styles, all styles (figure 6)")
        ],
    )  # fmt: skip


def _named(name: str, network: ZMNet) -> Method:
    return network_method(name, network)


EXPERIMENT = Experiment(
    "zero-shot",
    "Zero-shot: ten styles against all",
    "ZM-Net, section 4.1, figure 6",
    "The ten-style network overfits its styles and generalises poorly to unseen ones; with 20,938 "
    "styles it transfers unseen styles well; a network of one style can't.",
    run,
    needs=("content", "test_content", "test_style"),
    uses=("zmnet_styles",),
)
