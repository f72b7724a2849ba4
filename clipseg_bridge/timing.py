"""The process that `bench segmenter` measures: `python -m semantic_style.clipseg_bridge.timing
FOLDER FORMAT REPEATS FILE` writes the figures of one CLIPSeg on the processor to FILE."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.segmenter import Segmenter
from .clipseg import ClipSegSegmenter


def command(folder: Path, number_format: str, repeats: int, figures: Path) -> Sequence[str]:
    """What to run for core.bench.segmenter.run."""
    module = f"{__package__}.timing"
    return [sys.executable, "-m", module, str(folder), number_format, str(repeats), str(figures)]


def main(folder: Path, number_format: str, repeats: int, figures: Path) -> None:
    # Imports are a second of any start; they are not what is measured here.
    from transformers import CLIPSegForImageSegmentation, CLIPSegProcessor  # noqa: F401

    from ..core.bench.segmenter import measure

    # Without windows: what random weights answer is small or not by chance.
    seconds = measure(
        lambda: ClipSegSegmenter(
            folder, device="cpu", exact=number_format == "float32", windows=False
        ),
        repeats,
        _closer,
    )
    figures.write_text(json.dumps(seconds), encoding="utf-8")


def _closer(segmenter: Segmenter, photo: NDArray[np.float32]) -> Callable[[], object]:
    assert isinstance(segmenter, ClipSegSegmenter)
    segmenter.windows = True
    return partial(segmenter.look_closer, segmenter.encode(photo))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
