"""Plans of tiles: every pixel once, with its context, on the poolings' grid."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from semantic_style.core.geometry import Bounds, Extent
from semantic_style.core.tiling import plan_tiles, tile_side


@st.composite
def plans(draw: st.DrawFn) -> tuple[Extent, Bounds, int, int]:
    extent = Extent(draw(st.integers(1, 700)), draw(st.integers(1, 700)))
    x, y = draw(st.integers(0, extent.width - 1)), draw(st.integers(0, extent.height - 1))
    width = draw(st.integers(1, extent.width - x))
    height = draw(st.integers(1, extent.height - y))
    side, margin = draw(st.sampled_from([64, 128, 512])), draw(st.sampled_from([0, 16, 96]))
    return extent, Bounds(x, y, width, height), side, margin


@given(plans())
def test_inner_boxes_cover_the_wanted_box_once(plan: tuple[Extent, Bounds, int, int]) -> None:
    extent, wanted, side, margin = plan
    count = np.zeros((extent.height, extent.width), int)
    for tile in plan_tiles(extent, wanted, side=side, margin=margin, align=16):
        count[tile.inner.slices] += 1
    assert (count[wanted.slices] == 1).all()
    assert count.sum() == wanted.extent.pixels


@given(plans())
def test_outer_boxes_hold_the_margin_and_lie_on_the_grid(
    plan: tuple[Extent, Bounds, int, int],
) -> None:
    extent, wanted, side, margin = plan
    for tile in plan_tiles(extent, wanted, side=side, margin=margin, align=16):
        outer, inner = tile.outer, tile.inner
        assert outer.x % 16 == 0
        assert outer.y % 16 == 0
        assert inner.width <= side + 16
        assert inner.height <= side + 16
        for near, far in ((outer.x, inner.x), (outer.y, inner.y)):
            assert near == 0 or far - near >= margin
        for near, far, edge in (
            (inner.right, outer.right, extent.width),
            (inner.bottom, outer.bottom, extent.height),
        ):
            assert far == edge or far - near >= margin
        rows, columns = tile.crop
        assert (rows.stop - rows.start, columns.stop - columns.start) == (
            inner.height,
            inner.width,
        )


@given(st.integers(0, 10**12), st.integers(1, 10_000))
def test_less_memory_never_means_larger_tiles(free: int, per_pixel: int) -> None:
    sizes = {"margin": 96, "align": 16, "most": 1024}
    side = tile_side(free, per_pixel, **sizes)
    assert 64 <= side <= 1024
    assert side % 16 == 0
    assert tile_side(free // 2, per_pixel, **sizes) <= side
