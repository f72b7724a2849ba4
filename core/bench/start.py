"""`bench start`: how long a new process takes, from the first instruction to the last."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from ..errors import RequestError
from ..progress import CancelToken, Progress, silent
from .machine import environment, machine, versions
from .report import Report
from .speed import Call, paired

if TYPE_CHECKING:
    from rich.table import Table


def run(
    commands: Mapping[str, Sequence[str]],
    repeats: int = 5,
    *,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Report:
    """Seconds of each command, a new process each time, all of them in turn in every round.

    A first round is not counted: it fills the page cache. RequestError where a command fails.
    """
    progress("starting processes", 0.0)
    calls: dict[str, Call] = {name: partial(_started, words) for name, words in commands.items()}
    seconds = paired(calls, repeats, cancel)
    progress("starting processes", 1.0)
    rows = [
        {"case": name, "min": min(times), "median": median(times), "seconds": times}
        for name, times in seconds.items()
    ]
    shown = {name: [Path(word).name for word in words] for name, words in commands.items()}
    about = {"n": repeats, "commands": shown}
    return Report("start", about, rows, machine(), versions())


def table(report: Report) -> Table:
    from rich.table import Table

    drawn = Table(
        title=f"new processes, warm page cache, {report.about['n']} rounds",
        caption="to reach: help 0.5 s, doctor 5 s, first result 8 s",
    )
    drawn.add_column("case")
    for column in ("min s", "median s"):
        drawn.add_column(column, justify="right")
    for row in report.rows:
        drawn.add_row(row["case"], f"{row['min']:.2f}", f"{row['median']:.2f}")
    return drawn


def _started(command: Sequence[str]) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RequestError(f"the measured command failed: {last}")
