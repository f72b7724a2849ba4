"""Boxes, samples laid over others, and regions that are found again in a changed recipe."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_style.plugin.gimp.semantic_style.document.placing import (
    Box,
    at_depth,
    carried_over,
    laid_over,
)

PLACE = st.integers(-6, 6)
SIDE = st.integers(0, 7)
BOXES = st.builds(Box, PLACE, PLACE, SIDE, SIDE)


def cells(box: Box) -> set[tuple[int, int]]:
    return {(x, y) for x in range(box.x, box.right) for y in range(box.y, box.bottom)}


@given(BOXES, BOXES)
def test_what_two_boxes_share_is_what_lies_in_both(one: Box, other: Box) -> None:
    both = one.shared_with(other)
    assert cells(both) == cells(one) & cells(other)
    assert both.empty == (not cells(both))


@given(BOXES, PLACE, PLACE)
def test_a_box_relative_to_another_is_moved_back_by_it(box: Box, x: int, y: int) -> None:
    assert box.moved(x, y).relative_to(Box(x, y, 1, 1)) == box


@given(BOXES, BOXES, st.sampled_from([1, 2, 6]), st.booleans())
def test_samples_keep_their_place_in_the_image(
    here: Box, there: Box, size: int, filled: bool
) -> None:
    """Compared with NumPy on one canvas that holds both boxes."""
    canvas = np.zeros((20, 20, size), np.uint8)
    rows = {
        box: np.s_[box.y + 6 : box.bottom + 6, box.x + 6 : box.right + 6] for box in (here, there)
    }
    generator = np.random.default_rng(5)
    below = generator.integers(0, 255, canvas.shape, np.uint8) if filled else canvas.copy()
    samples = generator.integers(0, 255, (here.height, here.width, size), np.uint8)
    canvas[...] = below
    canvas[rows[here]] = samples
    under = below[rows[there]].tobytes() if filled else b""
    given_back = laid_over(samples.tobytes(), here, there, size, under)
    assert given_back == canvas[rows[there]].tobytes()


def test_samples_that_do_not_fit_their_box_are_refused() -> None:
    with pytest.raises(ValueError, match="no 3 x 2"):
        laid_over(b"12345", Box(0, 0, 3, 2), Box(0, 0, 1, 1), 1)
    with pytest.raises(ValueError, match="no 4 x 4"):
        laid_over(b"123456", Box(0, 0, 3, 2), Box(0, 0, 4, 4), 1, b"0")


@given(st.binary(max_size=20))
def test_a_mask_changes_its_depth_and_comes_back(mask: bytes) -> None:
    deep = at_depth(mask, len(mask), 2)
    assert list(np.frombuffer(deep, "<u2")) == [257 * value for value in mask]
    assert at_depth(deep, len(mask), 2) == deep
    assert at_depth(deep, len(mask), 1) == mask


def test_a_mask_of_another_size_is_none() -> None:
    with pytest.raises(ValueError, match="no mask of 7 pixels"):
        at_depth(b"12345", 7, 1)


def region(value: str, **more: object) -> dict[str, object]:
    return {"target": {"kind": "phrase", "value": value}, "strength": 1.0, **more}


def test_a_region_is_known_again_by_where_it_is_not_by_its_style() -> None:
    before = [region("sky"), region("house", strength=0.5)]
    now = [region("tree"), region("house"), region("sky", style=["ink"])]
    assert carried_over(before, now) == {0: 2, 1: 1}


def test_of_regions_alike_the_first_is_the_first() -> None:
    alike = [region("sky"), region("sky"), region("sky")]
    assert carried_over(alike, alike[:2]) == {0: 0, 1: 1}


def test_a_bound_makes_another_region() -> None:
    within = {"kind": "phrase", "value": "window"}
    assert carried_over([region("sky")], [region("sky", within=within)]) == {}
