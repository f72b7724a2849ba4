"""What a run leaves for people: a loss curve, a table, the settings and the machine."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from .config import TrainConfig


class History:
    """Logged losses: rows of step, seconds and named means."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def add(self, step: int, seconds: float, means: Mapping[str, float]) -> None:
        self.rows.append({"step": step, "seconds": seconds, **means})

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows = list(state["rows"])


def write_report(
    out: Path, name: str, config: TrainConfig, history: History, *, steps: int, seconds: float
) -> None:
    """history.json, loss.png, report.json and report.md in `out`."""
    rows = history.rows
    (out / "history.json").write_text(json.dumps(rows) + "\n", encoding="utf-8")
    last = rows[-max(1, len(rows) // 20) :]  # the last twentieth, against the noise of one batch
    names = [k for k in (rows[-1] if rows else {}) if k not in ("step", "seconds")]
    # A run that was resumed with another loss has it in its later rows alone.
    final = {k: fmean(r[k] for r in last if k in r) for k in names}
    report = {
        "name": name,
        "finished": steps == config.steps,
        "steps": steps,
        "seconds": seconds,
        "losses": final,
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "config": dataclasses.asdict(config),
    }
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    lines = [f"# {name}", "", f"{steps} steps in {seconds:.0f} s.", ""]
    lines += ["| loss | mean of the last twentieth |", "|---|---|"]
    lines += [f"| {k} | {v:.4f} |" for k, v in final.items()]
    lines += ["", "| setting | value |", "|---|---|"]
    lines += [f"| {k} | {v} |" for k, v in dataclasses.asdict(config).items()]
    (out / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if rows:
        _plot(out / "loss.png", rows, names)


def _plot(path: Path, rows: list[dict[str, float]], names: list[str]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), dpi=120)
    for name in names:
        known = [r for r in rows if name in r]
        axes.plot([r["step"] for r in known], [r[name] for r in known], label=name, linewidth=1)
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
