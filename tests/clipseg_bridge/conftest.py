"""CLIPSegs small enough to answer in milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.clipseg_bridge.red_clipseg import make_red_clipseg
from tests.clipseg_tiny import make_tiny_clipseg


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: random weights."""
    return make_tiny_clipseg(tmp_path_factory.mktemp("tiny") / "tiny-clipseg")


@pytest.fixture(scope="session")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: hand-set weights that find what is red."""
    return make_red_clipseg(tmp_path_factory.mktemp("red") / "red-clipseg")


@pytest.fixture
def picture() -> NDArray[np.float32]:
    """HWC, 40 x 44, of 8-bit values: too small for windows."""
    rng = np.random.default_rng(3)
    blocks = rng.integers(0, 256, (10, 11, 3)).repeat(4, axis=0).repeat(4, axis=1)
    return (blocks / np.float32(255)).astype(np.float32)
