"""Boxes stay within their picture and cover what they covered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_style.core.geometry import Bounds, Extent

SIDES = st.integers(1, 5000)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[Extent, Bounds]:
    extent = Extent(draw(SIDES), draw(SIDES))
    x, y = draw(st.integers(0, extent.width - 1)), draw(st.integers(0, extent.height - 1))
    width, height = draw(st.integers(1, extent.width - x)), draw(st.integers(1, extent.height - y))
    return extent, Bounds(x, y, width, height)


@given(boxes(), st.integers(0, 300))
def test_a_grown_box_stays_in_the_picture_and_holds_the_old_one(
    case: tuple[Extent, Bounds], margin: int
) -> None:
    extent, box = case
    grown = box.grown(margin, extent)
    assert 0 <= grown.x <= box.x
    assert 0 <= grown.y <= box.y
    assert box.right <= grown.right <= extent.width
    assert box.bottom <= grown.bottom <= extent.height
    assert box.relative_to(grown).extent == box.extent


@given(boxes(), SIDES, SIDES)
def test_a_scaled_box_covers_the_old_one_in_the_new_picture(
    case: tuple[Extent, Bounds], width: int, height: int
) -> None:
    extent, box = case
    after = Extent(width, height)
    scaled = box.scaled(extent, after)
    assert scaled.x * extent.width <= box.x * width
    assert scaled.right * extent.width >= box.right * width
    assert 0 <= scaled.y < scaled.bottom <= height
    assert scaled.right <= width


@given(SIDES, SIDES, st.integers(1, 6000))
def test_fitted_keeps_the_shape_and_never_enlarges(width: int, height: int, side: int) -> None:
    extent = Extent(width, height)
    fitted = extent.fitted(side)
    assert fitted.long_side == min(side, extent.long_side)
    assert fitted.width <= width
    assert fitted.height <= height
    assert abs(fitted.width * height - fitted.height * width) <= max(width, height)


def test_no_picture_has_a_side_of_nothing() -> None:
    with pytest.raises(ValueError, match="positive sides"):
        Extent(0, 5)
