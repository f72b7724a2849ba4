"""Pictures of a single colour, which hold nothing that could be normalised by."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from semantic_style.core.engines.adaattn import AdaAttNEngine
from semantic_style.core.engines.tiled import varies
from semantic_style.core.engines.zmnet import ZMNetEngine

Floats = NDArray[np.float32]


@pytest.fixture(scope="module")
def style() -> Floats:
    return np.random.default_rng(0).random((9, 12, 3), np.float32).repeat(8, 0).repeat(8, 1)


@pytest.fixture(scope="module", params=[AdaAttNEngine, ZMNetEngine])
def engine(request: pytest.FixtureRequest) -> AdaAttNEngine | ZMNetEngine:
    if request.param is ZMNetEngine:
        return ZMNetEngine(device="cpu", cached=False)
    return AdaAttNEngine(device="cpu")


@pytest.mark.parametrize("size", [(1, 1), (90, 120), (1200, 1300), (3, 2000)])
def test_a_blank_picture_is_painted_in_one_colour(
    engine: AdaAttNEngine | ZMNetEngine, style: Floats, size: tuple[int, int]
) -> None:
    """A white page, new and empty; also polished, and where only a part shall look as the style."""
    mixture = [(engine.prepare(style), 1.0)]
    page = np.ones((*size, 3), np.float32)
    nearer = engine.polish(page, mixture, [(style, None)], steps=1)
    for each, region in ((mixture, None), (nearer, None), (mixture, np.ones(size, np.float32))):
        painted = engine.stylize(page, each, region=region)
        assert np.isfinite(painted).all()
        assert (painted.std(axis=(0, 1)) < 0.02).all()


def test_one_pixel_is_enough_to_vary() -> None:
    page = np.full((50, 70, 3), 0.5, np.float32)
    assert not varies(page)
    page[3, 5, 1] += 1 / 255
    assert varies(page)
    assert varies(np.random.default_rng(0).random((4, 4, 3), np.float32))


def test_frames_of_a_blank_picture_are_what_each_is_alone(style: Floats) -> None:
    zmnet = ZMNetEngine(device="cpu", cached=False)
    page, one = np.ones((90, 120, 3), np.float32), zmnet.prepare(style)
    mixtures = [[(one, 1.0)], [(one, 0.5), (zmnet.prepare(style[::-1].copy()), 0.5)]]
    for frame, mixture in zip(zmnet.batch(page, mixtures), mixtures, strict=True):
        assert (frame.std(axis=(0, 1)) < 0.02).all()
        assert np.array_equal(frame, zmnet.stylize(page, mixture))
