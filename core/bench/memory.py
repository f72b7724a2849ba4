"""`bench memory`: the peak of a fresh process that stylises 1, 3, 6 and 12 megapixels.

`python -m semantic_style.core.bench.memory PHOTO OUT WEIGHTS` is the process that is measured
where no other command is given.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...weights.style_store import StyleStore
from ..errors import RequestError
from ..progress import CancelToken, Progress, silent
from .machine import environment, machine, versions
from .methods import unit
from .report import Report

if TYPE_CHECKING:
    from rich.table import Table

MEGAPIXELS = (1.0, 3.0, 6.0, 12.0)
LAUNCH = Path(__file__).with_name("launch.py")

Command = Callable[[Path, Path], Sequence[str]]  # (photo, output) -> what to run


def engine_command(photo: Path, out: Path, weights: str = "adaattn-compact") -> list[str]:
    """The engine adaattn alone on the whole picture, at full size."""
    return [sys.executable, "-m", f"{__package__}.memory", str(photo), str(out), weights]


def run(
    command: Command = engine_command,
    megapixels: Sequence[float] = MEGAPIXELS,
    *,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Report:
    """A shipped photo, enlarged to each size, through the command in a process of its own.

    Raises RequestError where the system can't tell a process's peak, and where the command fails.
    """
    check_system()
    rows: list[dict[str, Any]] = []
    arguments: Sequence[str] = ()
    with tempfile.TemporaryDirectory(prefix="semantic-style-memory-") as name:
        folder = Path(name)
        for done, size in enumerate(megapixels):
            if cancel:
                cancel.check()
            progress("measuring memory", done / len(megapixels))
            photo = folder / f"photo-{size}.jpg"
            width, height = enlarged(photo, size)
            arguments = command(photo, folder / f"out-{size}.png")
            found = launched(arguments, folder / "found.json")
            rows.append(
                {
                    "megapixels": size,
                    "width": width,
                    "height": height,
                    "peak_mb": found["peak_bytes"] / 1e6,
                    "seconds": found["seconds"],
                }
            )
    progress("measuring memory", 1.0)
    about = {
        "n": len(rows),
        "size": list(megapixels),
        "command": [Path(word).name for word in arguments],  # of the last picture
        **growth(rows),
    }
    return Report("memory", about, rows, machine(), versions())


def check_system() -> None:
    """RequestError where the system can't tell a process's peak."""
    if sys.platform == "win32":
        raise RequestError("Windows does not tell a process's peak memory: use Linux or macOS")


def growth(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """slope, time_slope: of the logarithm of peak and of seconds over that of size (1 = in
    proportion, 0 = bounded). mb_per_megapixel, seconds_per_megapixel: straight lines' slopes."""
    if len(rows) < 2:
        return {}
    sizes, peaks, seconds = (
        np.array([row[key] for row in rows]) for key in ("megapixels", "peak_mb", "seconds")
    )

    def slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
        return float(np.polyfit(x, y, 1)[0])

    return {
        "slope": slope(np.log(sizes), np.log(peaks)),
        "mb_per_megapixel": slope(sizes, peaks),
        "time_slope": slope(np.log(sizes), np.log(seconds)),
        "seconds_per_megapixel": slope(sizes, seconds),
    }


def table(report: Report) -> Table:
    from rich.table import Table

    about = report.about
    grown = (
        f"log-log slope {about['slope']:.2f}, {about['mb_per_megapixel']:.0f} MB a megapixel; "
        f"of time {about['time_slope']:.2f}, {about['seconds_per_megapixel']:.1f} s"
        if "slope" in about
        else ""
    )
    drawn = Table(title="peak memory, a fresh process each", caption=grown)
    for column in ("megapixels", "px", "peak MB", "s"):
        drawn.add_column(column, justify="right")
    for row in report.rows:
        drawn.add_row(
            f"{row['megapixels']:g}",
            f"{row['width']} x {row['height']}",
            f"{row['peak_mb']:.0f}",
            f"{row['seconds']:.1f}",
        )
    return drawn


def enlarged(path: Path, megapixels: float) -> tuple[int, int]:
    """Writes a shipped photo, enlarged, to `path` (JPEG); its width and height."""
    with Image.open(StyleStore().photos()[0].path) as photo:
        factor = math.sqrt(megapixels * 1e6 / (photo.width * photo.height))
        size = round(photo.width * factor), round(photo.height * factor)
        photo.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(path, quality=92)
    return size


def launched(
    command: Sequence[str], result: Path, added: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """peak_bytes, seconds and what was printed of a command, by way of `result`, a file to be
    written.

    added: to its environment. RequestError where the command fails.
    """
    done = subprocess.run(
        [sys.executable, "-I", str(LAUNCH), str(result), *command],
        env=environment(added),
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, Any] = (
        json.loads(result.read_text(encoding="utf-8")) if not done.returncode else {}
    )
    if found.get("code") != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RequestError(f"the measured command failed: {last}")
    return {**found, "printed": done.stdout}


def stylise(photo: Path, out: Path, weights: str) -> None:
    """The engine alone, at the picture's own size, in the first shipped style."""
    from ..engines.adaattn import AdaAttNEngine

    engine = AdaAttNEngine(weights)
    with Image.open(StyleStore().list()[0].path) as file:
        style = unit(file)
    with Image.open(photo) as file:
        content = unit(file)
    painted = engine.stylize(content, [(engine.prepare(style), 1.0)])
    Image.fromarray((painted * 255 + 0.5).astype(np.uint8)).save(out)


if __name__ == "__main__":
    stylise(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
