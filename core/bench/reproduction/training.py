"""Short training runs: once each, kept, shared by the experiments that need the same one."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ...errors import Cancelled
from ...train.config import TrainConfig
from ...train.data import OneStyle, RandomCrops
from ...train.loop import Task, fit
from .frame import Bench
from .scales import Scale

LAST_STEPS = 100  # a final loss is the mean of so many (ZM-Net, section 4.1)
C = TypeVar("C", bound=TrainConfig)
NEVER = 2**31
TEST_SEED = 1000  # no training crop is drawn by it


@dataclass(frozen=True)
class Trained:
    """history: one row a step: step, seconds, loss and its parts. seconds: of processor time,
    since the machine may have had more to do."""

    folder: Path
    weights: Path
    steps: int
    seconds: float
    history: list[dict[str, float]]

    @property
    def final(self) -> float:
        return fmean(row["loss"] for row in self.history[-LAST_STEPS:])


# Of ZM-Net's runs: the paper's two losses. Today's defaults of `train zmnet` ask for more.
PAPER_LOSSES = {
    "style_weight": 1.0,
    "gram_weight": 1.0,
    "content_weight": 0.15,
    "grid_weight": 0.0,
    "fine_weight": 0.0,
    "smallest_crop": 0.4,
}


def settings(kind: type[C], bench: Bench, scale: Scale, **more: Any) -> C:
    """What all runs have in common: few steps, hence no moving average and a short warm-up; one
    logged row a step; one seed, so that all runs of one scale see the same crops."""
    values: dict[str, Any] = {
        "content": bench.data.content,
        "style": bench.data.style,
        "vgg16": bench.data.vgg16,
        "size": scale.size,
        "batch": scale.batch,
        "steps": bench.count(scale.steps),
        "loss_scale": 1,
        "ema": 0.0,
        "warmup": 20,
        "workers": 0,
        "log_every": 1,
        "sample_every": NEVER,
        **more,
    }
    names = {f.name for f in dataclasses.fields(kind)}
    return kind(**{k: v for k, v in values.items() if k in names})


def trained(
    bench: Bench, name: str, make: Callable[[], Task], config: TrainConfig, **more: Any
) -> Trained:
    """The run of that name, from where it was left; from its start where settings have changed.

    more: other things that the run depends on, in JSON. Raises Cancelled where Ctrl+C ended it.
    """
    folder = bench.folder("runs") / name
    asked = json.loads(json.dumps({**dataclasses.asdict(config), **more}))
    record = folder.with_name(f"{name}.asked.json")
    known = record.is_file() and json.loads(record.read_text(encoding="utf-8")) == asked
    if not known:
        shutil.rmtree(folder, ignore_errors=True)
        record.write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")
    spent = folder.with_name(f"{name}.seconds")
    report = _report(folder)
    if not (report and report["finished"]):
        # Every network begins from the same numbers, however many were made before it.
        torch.manual_seed(config.seed)
        task = make()
        start = time.process_time() - (_seconds(spent) if known else 0.0)
        fit(task, config, folder, resume=(folder / "checkpoint").exists())
        spent.write_text(str(time.process_time() - start), encoding="utf-8")
        report = _report(folder)
        assert report is not None
        if not report["finished"]:
            raise Cancelled("stopped on request: the same command goes on")
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    (weights,) = folder.glob("*.safetensors")
    return Trained(folder, weights, report["steps"], _seconds(spent), history)


def fixed_crops(
    content: list[Path], style: list[Path], size: int, batches: int, batch: int = 4
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Fixed crops, the same for every network: batches of content and style, uint8 [B, 3, S, S],
    a batch sharing one style; zeros [B], the row of a table of one style."""
    photos = RandomCrops(content, size, 0.8, TEST_SEED)
    data = OneStyle(photos, RandomCrops(style, size, 0.8, TEST_SEED + 1), batch)
    found = []
    for number in range(batches):
        items = [data[number * batch + k] for k in range(batch)]
        crops, styles = (torch.stack(x) for x in zip(*items, strict=True))
        found.append((crops, styles, torch.zeros(batch, dtype=torch.long)))
    return found


@torch.no_grad()
def mean_loss(task: Task, model: nn.Module, batches: Sequence[Any]) -> dict[str, float]:
    """Means over the batches: loss and its parts."""
    rows: list[dict[str, Tensor]] = []
    for batch in batches:
        loss, parts = task.loss(model, batch)
        rows.append({"loss": loss, **parts})
    return {key: fmean(float(row[key]) for row in rows) for key in rows[0]}


def _seconds(path: Path) -> float:
    return float(path.read_text(encoding="utf-8")) if path.is_file() else 0.0


def _report(folder: Path) -> dict[str, Any] | None:
    path = folder / "report.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def described(bench: Bench, scale: Scale, runs: Sequence[Trained] = ()) -> str:
    """What the runs of a scale are, in a sentence."""
    seconds = ", ".join(f"{run.seconds:.0f}" for run in runs)
    return (
        f"Training: {bench.count(scale.steps)} steps of {scale.batch} crops of {scale.size} x "
        f"{scale.size} px, one seed, the same photos in every run"
        + (f"; {seconds} s of one processor core." if runs else ".")
    )
