"""What a person sees while a command works: lines, warnings, a bar where there is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..core.progress import Progress, silent


def say(line: str, *, quiet: bool = False) -> None:
    """A line of the result, on stdout."""
    if not quiet:
        print(line, flush=True)


def warn(line: str) -> None:
    """A line that does not end the work, on stderr."""
    print(f"semantic-style: warning: {' '.join(line.split())}", file=sys.stderr, flush=True)


def note(line: str) -> None:
    """A line worth knowing, on stderr, where nothing is wrong."""
    print(f"semantic-style: note: {' '.join(line.split())}", file=sys.stderr, flush=True)


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Progress as a bar on stderr while the block runs; silent where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Bars(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(title, total=1.0)

        def show(stage: str, fraction: float) -> None:
            bars.update(task, description=f"{title}: {stage}", completed=fraction)

        yield show


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Left-aligned columns as plain text, which can be cut, sorted and searched."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, *rows)
    ]
    return "\n".join(lines)
