"""Kept answers -> docs/reproduction.md, its pictures, docs/bench/reproduction.json."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...atomic import replacing
from ..machine import machine, versions
from ..report import Report
from .frame import Answer, Bench, Cell, Experiment, Table

HEAD = """# The papers' experiments, again

Made by `python -m semantic_style.core.bench.reproduction`; nothing here is typed by hand. Two
papers stand behind the two engines: ZM-Net (Wang et al., *ZM-Net: Real-time Zero-shot Image
Manipulation Network*) and AdaAttN as H. Pawar et al. examined it (*Zero-Shot Semantic Neural Style
Transfer for Images*; the method is that of Liu et al., ICCV 2021).

The runs are small: one processor core, crops of about a hundred pixels, a few hundred steps, where
the papers trained for tens of thousands on large graphics cards. What compares is directions and
ratios, not absolute figures. Each section says what was run; training that two sections share is
counted where it was done first. All pictures shown are shipped photos and styles.

Figures of style and gram: 1 nothing transferred, 0 the style's own; content: 0 all kept, 1 all
lost; SSIM: 1 the photo; colour: 0 the style's histogram (see core/bench/measures.py). ± is a
standard error of the mean over pairs. A training loss is the sum of the style, Gram and content
shares that training minimises (core/train/style_losses.py), not the papers' absolute unit.
"""


def render(
    bench: Bench, experiments: Mapping[str, Experiment], answers: Mapping[str, Answer], out: Path
) -> list[Path]:
    """Write what there is; experiments without an answer are named as missing. The files."""
    pictures = out / "reproduction"
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    (out / "bench").mkdir(exist_ok=True)
    written: list[Path] = []
    parts = [HEAD]
    if bench.scale != 1:
        parts.append(f"**A trial run: all counts are multiplied by {bench.scale:g}.**\n")
    missing = [e.title for name, e in experiments.items() if name not in answers]
    if missing:
        parts.append(f"Not run yet: {'; '.join(missing)}.\n")
    for name, experiment in experiments.items():
        if name not in answers:
            continue
        outcome = answers[name].outcome
        parts.append(section(experiment, answers[name]))
        for shown in outcome.pictures:
            target = pictures / shown.file
            shutil.copyfile(bench.work / "pictures" / name / shown.file, target)
            written.append(target)
        for file, text in outcome.attached.items():
            written.append(_write(pictures / file, text))
    written.append(_write(out / "reproduction.md", "\n".join(parts)))
    report = out / "bench" / "reproduction.json"
    _report(bench, answers).write(report)
    return [*written, report]


def section(experiment: Experiment, answer: Answer) -> str:
    """One experiment as Markdown."""
    outcome = answer.outcome
    lines = [f"## {experiment.title}", "", f"{experiment.source}. {experiment.claim}", ""]
    lines += [
        *outcome.about,
        f"In all {_duration(answer.seconds)} of processor time on {_where(answer)}.",
    ]
    lines.append("")
    for table in outcome.tables:
        lines += [*markdown(table), ""]
    lines += [f"- {note}" for note in outcome.notes]
    lines += [""] if outcome.notes else []
    for shown in outcome.pictures:
        lines += [f"![{shown.caption}](reproduction/{shown.file})", "", f"*{shown.caption}.*", ""]
    return "\n".join(lines)


def markdown(table: Table) -> list[str]:
    aligned = ["---"] + ["---:"] * (len(table.columns) - 1)
    rows = [table.columns, aligned, *([cell(c) for c in row] for row in table.rows)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [table.caption, "", *lines] if table.caption else lines


def cell(value: Cell) -> str:
    """Four significant figures; a dash for what is not there."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _where(answer: Answer) -> str:
    found = answer.machine
    threads = f"{found['threads']} thread{'s' if found['threads'] != 1 else ''}"
    return f"{found['processor']}, {threads}, torch {answer.versions['torch']}"


def _write(path: Path, text: str) -> Path:
    with replacing(path, force=True) as file:
        file.write(text.encode())
    return path


def _report(bench: Bench, answers: Mapping[str, Answer]) -> Report:
    rows: Sequence[dict[str, Any]] = [
        {"experiment": name, **dataclasses.asdict(answer)} for name, answer in answers.items()
    ]
    for row in rows:
        row["outcome"].pop("attached")
    return Report("reproduction", {"scale": bench.scale}, rows, machine(), versions())
