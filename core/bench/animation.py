"""Is an animation smooth, does it get anywhere, and does what is held still stand still?

`python -m semantic_style.core.bench.animation FILM [--mask MASK.png] [--json FILE]`
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..errors import RequestError
from ..film import FORMS, Frame
from ..image import load_mask
from ..wording import shown_path
from .machine import machine, versions
from .report import Report


def measured(frames: Iterable[Frame], mask: NDArray[np.float32] | None = None) -> dict[str, Any]:
    """frames: HWC uint8, taken one at a time. mask: [H, W], 0 where the picture is held still.

    first_last: distance between the first and the last frame. mean_step, largest_step: between
    neighbours. travel: first_last / mean_step, which is the number of steps for a straight way,
    less for a winding one, and 0 for one that comes back. unevenness: largest_step / mean_step.
    held: share of the picture that is the same in all frames; held_identical: whether all of it
    is where the mask is 0.

    A distance is the mean absolute difference of all colours, 1 = full scale. Unlike a root mean
    square it does not take a palette's dithering for motion: of a change by a tenth of the step
    between two colours, a tenth of the pixels makes the whole step.
    """
    steps: list[float] = []
    first = last = None
    still: NDArray[np.bool_] | None = None
    for frame in frames:
        if first is None or last is None or still is None:
            first, still = frame, np.ones(frame.shape[:2], bool)
        else:
            still &= (frame == first).all(axis=2)
            steps.append(distance(last, frame))
        last = frame
    if first is None or last is None or still is None:
        raise ValueError("there are no frames")
    mean, largest = float(np.mean(steps)) if steps else 0.0, max(steps, default=0.0)
    far = distance(first, last)
    result: dict[str, Any] = {
        "frames": len(steps) + 1,
        "first_last": far,
        "mean_step": mean,
        "largest_step": largest,
        "travel": far / mean if mean else 0.0,
        "unevenness": largest / mean if mean else 0.0,
        "held": float(still.mean()),
    }
    if mask is not None:
        result["held_identical"] = bool(still[mask == 0].all())
    return result


def distance(one: Frame, other: Frame) -> float:
    """Mean absolute difference of the colours, 1 = full scale."""
    return float(np.abs(one[..., :3].astype(np.int16) - other[..., :3]).mean()) / 255


def film_frames(path: Path) -> Iterator[Frame]:
    """HWC uint8 of every frame of a film, RGB, or RGBA where it has alpha. RequestError for a
    file that is none."""
    try:
        if FORMS.get(path.suffix.lower()) == "MP4":
            import av

            with av.open(str(path)) as film:
                for frame in film.decode(video=0):
                    yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            return
        with Image.open(path) as file:
            for number in range(getattr(file, "n_frames", 1)):
                file.seek(number)
                yield np.asarray(file.convert("RGBA" if file.mode == "RGBA" else "RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise RequestError(f"{shown_path(path)} can't be read as a film") from error


def run(path: Path, mask: Path | None = None) -> Report:
    """The measures of a film; see `measured`. mask: a file of the film's size, as `mask` writes
    it, black where the picture is held still."""
    row = measured(film_frames(path), None if mask is None else load_mask(mask))
    about = {"film": path.name, "bytes": path.stat().st_size}
    return Report("animation", about, [row], machine(), versions())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m semantic_style.core.bench.animation")
    parser.add_argument("film", type=Path)
    parser.add_argument("--mask", type=Path, help="PNG, black where the picture is held still")
    parser.add_argument("--json", type=Path, help="write the measures here, too")
    given = parser.parse_args(arguments)
    try:
        report = run(given.film, given.mask)
        if given.json:
            report.write(given.json)
    except RequestError as error:
        print(error, file=sys.stderr)
        return 2
    for name, value in report.rows[0].items():
        print(f"{name:15} {value:.5g}" if isinstance(value, float) else f"{name:15} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
