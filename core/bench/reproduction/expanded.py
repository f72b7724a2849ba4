"""ZM-Net, section 4.1: trained on expanded styles against their seeds alone."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

from ...errors import RequestError
from ...nets.zmnet import ZMNet
from ...train.data import find_pictures
from ...train.zmnet import ZMNetTask
from .frame import Bench, Cell, Experiment, Outcome, Shown, Table
from .judging import (
    UNSEEN_STYLES,
    figures_table,
    held_out,
    judge_of,
    judged,
    load_zmnet,
    network_method,
    sheet,
    shipped_photos,
    shipped_styles,
)
from .scales import EXPANDED as SCALE
from .training import Trained, described, fixed_crops, mean_loss, trained
from .zmnet_runs import zmnet_settings

PAPER_LOSSES = {"seeds": 58_342.2, "expanded": 31_860.4}
TEST_BATCHES = 12  # of four photos and one style


def run(bench: Bench, folder: Path) -> Outcome:
    root = Path(bench.data.expanded)
    sets = {"seeds": _seeds(bench, root, "train"), "expanded": root / "train"}
    counts = {name: len(find_pictures([str(path)])) for name, path in sets.items()}
    photos = find_pictures(bench.data.test_content)
    tests = {"expanded": root / "test", "seeds": _seeds(bench, root, "test")}
    tested = {name: find_pictures([str(path)]) for name, path in tests.items()}
    runs: dict[str, Trained] = {}
    losses: dict[str, dict[str, float]] = {}
    networks: dict[str, ZMNet] = {}
    for name, path in sets.items():
        config = zmnet_settings(bench, SCALE, (str(path),))
        task = partial(ZMNetTask, config)
        # The folder may have grown since the last call.
        runs[name] = trained(bench, f"zmnet-{name}", task, config, pictures=counts[name])
        networks[name] = load_zmnet(runs[name].weights)
        judge_task = task()
        losses[name] = {
            test: mean_loss(
                judge_task,
                networks[name],
                [b[:2] for b in fixed_crops(photos, files, SCALE.size, TEST_BATCHES)],
            )["loss"]
            for test, files in tested.items()
        }
    judge, judge_name = judge_of(bench)
    pairs = held_out(bench, bench.count(SCALE.pairs, 2))
    methods = [network_method(name, network) for name, network in networks.items()]
    found = judged(methods, pairs, judge, SCALE.shown)
    shown = list(zip(shipped_photos(3), shipped_styles(UNSEEN_STYLES[:3]), strict=True))
    sheet(methods, shown, folder / "expanded.jpg", size=SCALE.shown)
    rows: list[tuple[Cell, ...]] = [
        (f"{name}, {counts[name]} pictures", losses[name]["expanded"], losses[name]["seeds"],
         runs[name].final, PAPER_LOSSES[name])
        for name in sets
    ]  # fmt: skip
    ratios = [
        losses["expanded"]["expanded"] / losses["seeds"]["expanded"],
        losses["expanded"]["seeds"] / losses["seeds"]["seeds"],
        runs["expanded"].final / runs["seeds"].final,
        PAPER_LOSSES["expanded"] / PAPER_LOSSES["seeds"],
    ]
    rows.append(("expanded / seeds", *ratios))
    return Outcome(
        about=[
            described(bench, SCALE, [*runs.values()]),
            "The seeds were split before they were expanded. Test losses are of held-out photos "
            f"with the test split's {len(tested['expanded'])} expanded pictures and with its "
            f"{len(tested['seeds'])} seeds. Judged by "
            f"{judge_name} on {len(pairs)} held-out photos and paintings, {SCALE.shown} px.",
        ],
        tables=[
            Table(
                (
                    "trained on",
                    "test loss",
                    "test loss, seeds",
                    "training loss",
                    "paper: test loss",
                ),
                rows,
            ),
            figures_table(found, "Held-out paintings, of whatever source."),
        ],
        notes=[
            f"Expanding the styles brings the test loss to {ratios[0]:.3f} of what seeds alone "
            f"reach (paper: {ratios[-1]:.3f}), on the test split's seeds to {ratios[1]:.3f}.",
        ],
        pictures=[
            Shown("expanded.jpg", "Photo, unseen style, trained on the seeds, on the expanded set")
        ],
    )


def _seeds(bench: Bench, root: Path, split: str) -> Path:
    """A folder of links to the seeds of a split that pictures were made of."""
    try:
        listed = _rows(root / "split.tsv")
        used = {row["seed_sha256"] for row in _rows(root / "made.tsv")}
    except (OSError, KeyError) as error:
        raise RequestError(f"{root} is no folder of expand-styles: it lacks its lists") from error
    folder = bench.folder(f"seeds-{split}")
    for row in listed:
        if row["kind"] == "seed" and row["split"] == split and row["sha256"] in used:
            path = Path(row["file"]).resolve()
            link = folder / f"{row['sha256'][:12]}{path.suffix}"
            if not link.is_symlink():
                link.symlink_to(path)
    return folder


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


EXPERIMENT = Experiment(
    "expanded",
    "Expanded styles against their seeds",
    "ZM-Net, section 4.1",
    "Training on 23,307 pictures made out of 984 seed paintings cuts the test loss from 58342.2 to "
    "31860.4.",
    run,
    needs=("content", "test_content", "test_style", "expanded"),
)
