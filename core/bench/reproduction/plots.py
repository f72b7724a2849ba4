"""Line plots as pictures; matplotlib comes with the extra `train`."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from PIL import Image

Curve = Sequence[tuple[float, float]]


@contextmanager
def figure(width: float, height: float, panels: int = 1) -> Iterator[tuple[Any, io.BytesIO]]:
    """Axes (several: an array), and a stream that holds a PNG once the block has ended.

    width, height: inches at 110 px.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    drawn, axes = pyplot.subplots(1, panels, figsize=(width, height), dpi=110)
    out = io.BytesIO()
    try:
        yield axes, out
        drawn.tight_layout()
        drawn.savefig(out, format="png")
    finally:
        pyplot.close(drawn)


def lines(panels: Mapping[str, Mapping[str, Curve]], xlabel: str = "step") -> Image.Image:
    """One panel beside the other: title -> name -> points."""
    with figure(4 * len(panels), 3, len(panels)) as (axes, out):
        for place, (title, curves) in zip(
            axes if len(panels) > 1 else [axes], panels.items(), strict=True
        ):
            for name, points in curves.items():
                place.plot([p[0] for p in points], [p[1] for p in points], label=name, linewidth=1)
            place.set(title=title, xlabel=xlabel, ylabel="loss")
            place.legend(fontsize=8)
    return picture_in(out)


def picture_in(out: io.BytesIO) -> Image.Image:
    return Image.open(io.BytesIO(out.getvalue())).convert("RGB")


def smoothed(points: Curve, width: int = 10) -> list[tuple[float, float]]:
    """Means of the last `width` points at each point."""
    found = []
    for index in range(len(points)):
        last = [y for _, y in points[max(0, index - width + 1) : index + 1]]
        found.append((points[index][0], sum(last) / len(last)))
    return found
