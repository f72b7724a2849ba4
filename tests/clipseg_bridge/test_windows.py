"""The rule by which windows add small things to what the whole picture showed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from semantic_style.clipseg_bridge.windows import MARGIN, MOST, WORTHWHILE, is_small, merged, plan
from semantic_style.core.geometry import Bounds, Extent

SIDES = st.integers(1, 3000)


@given(width=SIDES, height=SIDES, side=st.sampled_from([32, 224, 352]))
def test_windows_cover_the_picture_and_stay_few(width: int, height: int, side: int) -> None:
    windows = plan(Extent(width, height), side)
    if max(width, height) < WORTHWHILE * side:
        assert windows == ()
        return
    assert 2 <= len(windows) <= MOST
    covered = np.zeros((height, width), bool)
    for box in windows:
        assert box.x >= 0
        assert box.y >= 0
        assert box.right <= width
        assert box.bottom <= height
        covered[box.slices] = True
    assert covered.all()


def test_windows_overlap() -> None:
    left, *_ = windows = plan(Extent(1024, 683), 352)
    across = [box for box in windows if box.y == 0]
    assert len(windows) == MOST
    for one, next_one in pairwise(across):
        assert one.right - next_one.x >= 0.2 * left.width


WHOLE = Extent(64, 32)
WINDOWS = (Bounds(0, 0, 40, 32), Bounds(24, 0, 40, 32))


def doubted(chance: float) -> float:
    return float(torch.logit(torch.tensor(chance)).sub(MARGIN).sigmoid())


def test_windows_add_what_they_are_surer_of_and_take_nothing_away() -> None:
    whole = torch.full((1, 32, 64), 0.1)
    whole[0, 0, 0] = 0.9
    left, right = torch.zeros(1, 10, 10), torch.zeros(1, 10, 10)
    left[0, 4:6, 0:3] = 0.95  # where no other window looks
    result = merged(whole, [left, right], WINDOWS, WHOLE)
    assert (result >= whole).all()
    assert result[0, 0, 0] == 0.9
    assert float(result[0, 16, 4]) == pytest.approx(doubted(0.95), abs=1e-4)
    assert (result[0, :, 40:] == whole[0, :, 40:]).all()


def test_windows_must_be_surer_than_the_whole_picture() -> None:
    whole = torch.zeros(1, 32, 64)
    for chance, found in ((0.7, False), (0.75, True)):
        seen = torch.full((1, 8, 8), chance)
        assert bool((merged(whole, [seen, seen], WINDOWS, WHOLE) >= 0.5).all()) is found


def test_where_windows_differ_the_one_that_has_it_in_its_middle_counts_more() -> None:
    whole = torch.zeros(1, 32, 64)
    yes, no = torch.ones(1, 8, 8), torch.zeros(1, 8, 8)
    row = merged(whole, [yes, no], WINDOWS, WHOLE)[0, 16]
    shared = row[24:40]
    assert (shared[1:] < shared[:-1]).all(), "from the one's answer to the other's"
    assert float(shared[0]) > 0.5 > float(shared[-1])


def test_small_is_nothing_or_less_than_a_fiftieth() -> None:
    masks = torch.full((3, 10, 10), 0.3)
    masks[1, 0, 0] = 0.5
    masks[2, 0, :2] = 0.5
    assert is_small(masks).tolist() == [True, True, False]
