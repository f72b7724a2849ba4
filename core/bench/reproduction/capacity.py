"""ZM-Net, figures 4 and 5: how well one network of many styles does what networks of one do."""

from __future__ import annotations

from pathlib import Path

from ..methods import engine_method
from .frame import Bench, Cell, Experiment, Outcome, Shown, Table
from .judging import (
    TEN_STYLES,
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
from .scales import CAPACITY, OPTIMISED
from .times import gatys
from .training import described
from .zmnet_runs import cin_run, fst_run, table_method, ten_style_run

PAPER_LOSSES = (157_382.7, 148_374.3)  # ZM-Net with 20,938 styles, CIN


def run(bench: Bench, folder: Path) -> Outcome:
    runs = {"FST": fst_run(bench), "CIN": cin_run(bench), "ZM-Net, 10 styles": ten_style_run(bench)}
    fst, cin = (table_method(name, runs[name]) for name in ("FST", "CIN"))
    ten = network_method("ZM-Net, 10 styles", load_zmnet(runs["ZM-Net, 10 styles"].weights))
    every = network_method("ZM-Net, all styles", load_zmnet(bench.shipped.zmnet_styles))
    slow = engine_method(gatys(bench), "Gatys", 0)
    judge, judge_name = judge_of(bench)
    styles = shipped_styles(TEN_STYLES)
    on_ten = judged(
        [cin, ten, every], held_out(bench, bench.count(CAPACITY.pairs, 2), styles), judge,
        CAPACITY.shown,
    )  # fmt: skip
    few = held_out(bench, bench.count(OPTIMISED.pairs, 2), styles[:1])
    on_one = judged([slow, fst, cin, ten, every], few, judge, OPTIMISED.shown)
    shown = list(zip(shipped_photos(3), [styles[0], styles[0], styles[4]], strict=True))
    sheet([slow, fst, cin, ten, every], shown, folder / "capacity.jpg", size=OPTIMISED.shown)
    more = list(zip(shipped_photos(4), styles[1:5], strict=True))
    sheet([cin, ten, every], more, folder / "ten-styles.jpg", side=110)
    ratio = runs["ZM-Net, 10 styles"].final / runs["CIN"].final
    paper = PAPER_LOSSES[0] / PAPER_LOSSES[1]
    rows: list[tuple[Cell, ...]] = [
        ("FST, one style", runs["FST"].final, None),
        ("CIN, 10 styles", runs["CIN"].final, PAPER_LOSSES[1]),
        ("ZM-Net, 10 styles (paper: 20,938)", runs["ZM-Net, 10 styles"].final, PAPER_LOSSES[0]),
        ("ZM-Net / CIN", ratio, paper),
    ]
    better = means(on_ten[ten.name])["gram"] - means(on_ten[cin.name])["gram"]
    return Outcome(
        about=[
            described(bench, CAPACITY, [*runs.values()]),
            "All three begin with the same TNet. A step of ZM-Net sees a style for each crop, of "
            "the others one for all: ZM-Net got nowhere with so few steps of one style each. Its "
            "TNet is shown the photo in the style's colours, which FST and CIN, whose constants "
            "know no picture, have to learn. Gatys optimises the picture itself. The styles are "
            "ten shipped ones; \"all styles\" is "
            f"{bench.shipped.shown('zmnet_styles')}, which knows the scripted ones' kinds but none "
            f"of the ten pictures. Judged by {judge_name} on held-out photos: "
            f"{len(on_ten[cin.name])} pairs at {CAPACITY.shown} px; with Gatys {len(few)} pairs "
            f"of the first style at {OPTIMISED.shown} px.",
        ],
        tables=[
            Table(("training loss, last 100 steps", "ours", "paper"), rows),
            figures_table(on_ten, "New photos in the ten styles."),
            figures_table(on_one, "New photos in the one style that FST was trained on."),
        ],
        notes=[
            f"The ten-style ZM-Net ends with {ratio:.3f} of CIN's training loss (paper, far more "
            f"styles: {paper:.3f}); on new photos its Gram figure differs from CIN's by "
            f"{better:+.3f}.",
        ],
        pictures=[
            Shown("capacity.jpg", "Photo, style, Gatys, FST (the last row is not its style), CIN, "
                  "ZM-Net with 10 styles, with all (figure 4)"),
            Shown("ten-styles.jpg", "More of the ten styles: CIN, ZM-Net with 10 styles, with all "
                  "(figure 5)"),
        ],
    )  # fmt: skip


EXPERIMENT = Experiment(
    "capacity",
    "Capacity: many styles in one network",
    "ZM-Net, section 4.1, figures 4 and 5",
    "One ZM-Net does what FST and CIN do; its final training loss with 20,938 styles is close to "
    "CIN's (157382.7 against 148374.3).",
    run,
    needs=("content", "test_content"),
    uses=("zmnet_styles",),
)
