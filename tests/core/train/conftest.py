"""What all tests of training share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.train import adaattn


@pytest.fixture(autouse=True)
def own_accelerator() -> Iterator[None]:
    """Accelerate keeps its state in the class: each run of a test starts without one."""
    from accelerate.state import AcceleratorState, GradientState

    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


@pytest.fixture(autouse=True)
def few_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight crops tell enough of what the made style pictures are like."""
    monkeypatch.setattr(adaattn, "FITTED", 8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of four photographs: noise of middling brightness, in patches."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for k in range(4):
        patches = rng.integers(60, 200, (12, 15, 3), np.uint8).repeat(4, 0).repeat(4, 1)
        Image.fromarray(patches).save(folder / f"{k}.png")
    return folder
