"""Soft masks become masks at full size that follow the picture and never overlap too much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import ndtr

from semantic_style.core.canvas import Canvas, PictureCanvas
from semantic_style.core.errors import Cancelled
from semantic_style.core.geometry import Bounds, Extent
from semantic_style.core.guided import GuidedFilter
from semantic_style.core.masks import (
    RegionControls,
    SoftRegion,
    build_masks,
    calibrated,
    feathered,
    grown,
    soft_step,
)
from semantic_style.core.picture import Picture
from semantic_style.core.progress import CancelToken
from semantic_style.core.resample import BICUBIC, Enlarged, resized_map, strips

from .tiny import fields

Mask = NDArray[np.float32]
HARD = RegionControls(feather=0)
WHOLE = SoftRegion(whole=True)


def found(*masks: Mask) -> SoftRegion:
    return SoftRegion(found=masks)


def square(side: int, box: tuple[int, int, int, int], value: float = 1.0) -> Mask:
    """[side, side], `value` in rows top:bottom and columns left:right, else 0."""
    top, bottom, left, right = box
    mask = np.zeros((side, side), np.float32)
    mask[top:bottom, left:right] = value
    return mask


def seen(pixels: NDArray[np.uint8]) -> Canvas:
    return PictureCanvas(Picture(pixels))


def flat(height: int, width: int) -> Canvas:
    return seen(np.full((height, width, 3), 128, np.uint8))


@given(st.floats(0.02, 0.98), st.lists(st.floats(0, 1, width=32), min_size=2, max_size=30))
def test_calibration_moves_the_threshold_to_a_half_and_keeps_order(
    threshold: float, values: list[float]
) -> None:
    ordered = np.array(sorted(values), dtype=np.float32)
    result = calibrated(ordered, threshold)
    assert (np.diff(result) >= -1e-6).all()
    ends = calibrated(np.array([0, threshold, 1], dtype=np.float32), threshold)
    assert ends == pytest.approx([0, 0.5, 1], abs=1e-5)


def test_the_step_is_exact_away_from_the_threshold() -> None:
    values = np.array([0, 0.3, 0.5, 0.7, 1], dtype=np.float32)
    assert soft_step(values) == pytest.approx([0, 0, 0.5, 1, 1])
    assert soft_step(values)[[0, 1, 3, 4]].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(("pixels", "side"), [(3, 16), (1, 12), (0, 10), (-1, 8), (-3, 4)])
def test_grow_moves_the_edge_by_its_pixels(pixels: int, side: int) -> None:
    result = grown(square(40, (15, 25, 15, 25)), pixels)
    assert result[20].sum() == pytest.approx(side)  # across the middle
    assert result[:, 20].sum() == pytest.approx(side)


def test_grow_by_a_fraction_covers_a_fraction() -> None:
    result = grown(square(40, (15, 25, 15, 25)), 0.5)
    assert result[20].sum() == pytest.approx(11)


def test_shrinking_takes_nothing_off_at_the_picture_s_border() -> None:
    assert grown(np.ones((8, 8), np.float32), -2).min() == 1


@pytest.mark.parametrize("deviation", [1.0, 5.0, 20.0])
def test_a_feather_is_soft_at_the_edge_and_exact_beyond_it(deviation: float) -> None:
    mask = np.zeros((200, 300), np.float32)
    mask[:, :150] = 1
    feathered(mask, deviation)
    assert mask[100, 149:151].mean() == pytest.approx(0.5, abs=0.02)
    away = round(deviation)
    assert mask[100, 150 + away] == pytest.approx(ndtr(-(away + 0.5) / deviation), abs=0.01)
    assert (mask[:, 150 + int(3.3 * deviation) + 8 :] == 0).all()
    assert mask[100, max(0, 140 - int(3.3 * deviation))] == pytest.approx(1, abs=1e-5)


def test_a_coarse_mask_snaps_to_the_edges_of_the_picture() -> None:
    picture = np.full((120, 160, 3), 40, np.uint8)
    picture[30:90, 43:117] = (220, 200, 180)  # its sides lie between the network's cells
    truth = picture[..., 0] > 100
    soft = truth.reshape(12, 10, 16, 10).mean(axis=(1, 3)).astype(np.float32)
    mask = build_masks([found(soft)], [HARD], seen(picture))[0]
    stretched = soft_step(
        np.asarray(Enlarged(soft, Extent(160, 120)).window(Bounds(0, 0, 160, 120)))
    )
    assert np.abs(mask - truth).mean() < 0.3 * np.abs(stretched - truth).mean()
    assert (mask[:, :20] == 0).all()
    assert (mask[50:70, 60:100] == 1).all()


def test_constant_and_linear_maps_pass_the_guided_filter() -> None:
    guide = np.random.default_rng(3).random((30, 40, 3), dtype=np.float32)
    values = (guide @ np.array([0.5, 0.3, -0.2], np.float32)) + np.float32(0.2)
    slope, offset = GuidedFilter(guide, 3, epsilon=1e-6).coefficients(values)
    assert np.abs((slope * guide).sum(axis=-1) + offset - values).max() < 1e-3


def test_keep_wins_over_every_target() -> None:
    keep = square(64, (20, 44, 20, 44))
    soft = [found(np.ones((64, 64), np.float32)), WHOLE]
    how = [RegionControls(grow=5, feather=8), RegionControls()]
    masks = build_masks(soft, how, flat(64, 64), keep=[keep])
    assert (masks[:, 25:39, 25:39] == 0).all()
    assert masks[0, :6].min() == 1


def test_an_overlap_goes_to_the_more_certain_region() -> None:
    left = square(64, (0, 64, 0, 44), 0.7)
    right = square(64, (0, 64, 20, 64), 0.9)
    masks = build_masks([found(left), found(right)], [HARD, HARD], flat(64, 64))
    assert (masks[0, :, 26:38] == 0).all()
    assert (masks[1, :, 26:38] == 1).all()
    assert (masks[0, :, :14] == 1).all()


def test_the_whole_picture_takes_what_other_regions_leave() -> None:
    sky = square(64, (0, 30, 0, 64))
    masks = build_masks([WHOLE, found(sky)], [HARD, HARD], flat(64, 64))
    assert masks.sum(axis=0) == pytest.approx(np.ones((64, 64)), abs=1e-6)
    assert (masks[1, :20] == 1).all()
    assert (masks[0, 40:] == 1).all()


def test_a_painted_mask_is_used_as_it_is() -> None:
    painted = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))
    region = SoftRegion(painted=[painted])
    mask = build_masks([region], [HARD], seen(fields(48, 64)))[0]
    assert mask == pytest.approx(np.where(painted < 1 / 255, 0, painted), abs=1e-6)
    cut = RegionControls(0.8, feather=0)
    hard = build_masks([region], [cut], seen(fields()))[0]
    assert (hard[:, :40] == 0).all()
    assert (hard[:, 60:] == 1).all()


def test_inverting_selects_the_rest() -> None:
    sky = square(64, (0, 32, 0, 64))
    mask = build_masks([found(sky)], [RegionControls(feather=0, invert=True)], flat(64, 64))[0]
    assert (mask[:24] == 0).all()
    assert (mask[40:] == 1).all()


@st.composite
def terms(draw: st.DrawFn, height: int, width: int, shape: tuple[int, int] | None = None) -> Mask:
    """A soft mask with much that is exactly 0 or 1, as networks and people make them: of the
    picture's own size, or as coarse as a network's."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    coarse = draw(st.integers(2, 24)), draw(st.integers(2, 24))
    shape = shape or draw(st.sampled_from([(height, width), coarse]))
    mask = rng.random(shape, dtype=np.float32) * 2 - 0.5
    if draw(st.booleans()):
        mask[:, shape[1] // 2 :] = 0
    return mask.clip(0, 1).astype(np.float32)


@st.composite
def soft_regions(draw: st.DrawFn, height: int, width: int) -> SoftRegion:
    if draw(st.integers(0, 3)) == 0:
        region = WHOLE
    else:
        some = st.lists(terms(height, width), max_size=2)
        region = SoftRegion(draw(some), draw(some))
    within = draw(st.none() | terms(height, width))
    return replace(region, within=within, within_painted=draw(st.booleans()))


controls = st.builds(
    RegionControls,
    st.none() | st.floats(0.05, 0.95),
    st.integers(-6, 6),
    st.floats(0, 12),
    st.booleans(),
)
PIXELS = np.random.default_rng(5).integers(0, 256, (30, 40, 3), dtype=np.uint8)


def alone(region: SoftRegion, control: RegionControls) -> Mask:
    """The mask of one region in a picture of 30 x 40 pixels."""
    return build_masks([region], [control], seen(PIXELS))[0]


@settings(max_examples=40, deadline=None)
@given(soft_regions(30, 40), terms(30, 40), controls)
def test_a_region_never_leaves_a_painted_bound(
    region: SoftRegion, bound: Mask, control: RegionControls
) -> None:
    mask = alone(replace(region, within=bound, within_painted=True), control)
    limit = resized_map(bound, Extent(40, 30))
    assert (mask <= limit + 1e-4).all()
    assert (mask[limit == 0] == 0).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(terms(30, 40, (9, 12)), max_size=2), terms(30, 40, (9, 12)), controls)
def test_a_region_never_leaves_a_found_bound(
    parts: list[Mask], bound: Mask, control: RegionControls
) -> None:
    region = replace(found(*parts) if parts else WHOLE, within=bound)
    limit = alone(found(bound), replace(control, grow=0, invert=False))
    assert (alone(region, control) <= limit + 1e-4).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(terms(30, 40), min_size=2, max_size=3), controls, st.data())
def test_a_union_of_painted_terms_is_all_of_them_in_any_order(
    parts: list[Mask], control: RegionControls, data: st.DataObject
) -> None:
    control = replace(control, invert=False)
    union = alone(SoftRegion(painted=parts), control)
    for part in parts:
        assert (union >= alone(SoftRegion(painted=[part]), control) - 1e-4).all()
    other = data.draw(st.permutations(parts))
    assert (alone(SoftRegion(painted=other), control) == union).all()
    assert (alone(SoftRegion(painted=[*parts, parts[0]]), control) == union).all()


@settings(max_examples=40, deadline=None)
@given(soft_regions(30, 40), controls, st.data())
def test_the_order_of_terms_and_naming_one_twice_do_not_matter(
    region: SoftRegion, control: RegionControls, data: st.DataObject
) -> None:
    mask = alone(region, control)
    turned = replace(
        region,
        found=[*data.draw(st.permutations(region.found)), *region.found[:1]],
        painted=[*data.draw(st.permutations(region.painted)), *region.painted[:1]],
    )
    assert (alone(turned, control) == mask).all()


def test_a_union_of_found_terms_is_all_of_them() -> None:
    left, right = square(64, (0, 64, 0, 20)), square(64, (0, 24, 10, 64))
    union = build_masks([found(left, right)], [HARD], flat(64, 64))[0]
    for part in (left, right):
        assert (build_masks([found(part)], [HARD], flat(64, 64))[0] <= union + 1e-6).all()
    assert (union[40:, 30:] == 0).all()


def test_a_painted_term_keeps_its_values_beside_a_found_one() -> None:
    ramp = np.zeros((64, 64), np.float32)
    ramp[40:] = np.linspace(0, 1, 64)
    sky = square(64, (0, 20, 0, 64))
    mask = build_masks([SoftRegion([sky], [ramp])], [HARD], flat(64, 64))[0]
    assert mask[40:] == pytest.approx(np.where(ramp[40:] < 1 / 255, 0, ramp[40:]), abs=1e-4)
    assert (mask[:12] == 1).all()
    assert (mask[30:40] == 0).all()
    # A threshold is for what is found.
    cut = build_masks([SoftRegion([sky], [ramp])], [replace(HARD, threshold=0.9)], flat(64, 64))
    assert cut[0, 40:] == pytest.approx(mask[40:], abs=1e-6)


def test_a_soft_selection_is_kept_as_it_was_painted() -> None:
    soft = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    control = RegionControls(feather=6, grow=3)
    for region in (WHOLE, found(np.ones((8, 8), np.float32))):
        bounded = replace(region, within=soft, within_painted=True)
        mask = build_masks([bounded], [control], flat(64, 64))[0]
        assert mask == pytest.approx(np.where(soft < 1 / 255, 0, soft), abs=1e-3)


def test_inverting_stays_within_the_bound() -> None:
    house = square(64, (20, 40, 20, 40))
    bound = square(64, (10, 50, 10, 50))
    region = SoftRegion([house], within=bound, within_painted=True)
    mask = build_masks([region], [RegionControls(feather=0, invert=True)], flat(64, 64))[0]
    assert (mask[bound == 0] == 0).all()
    assert (mask[24:36, 24:36] == 0).all()
    assert (mask[10:14, 10:50] == 1).all()


def test_a_region_that_is_nowhere_stays_nowhere() -> None:
    control = RegionControls(grow=5, feather=4, invert=True)
    assert not build_masks([SoftRegion()], [control], flat(64, 64)).any()


def test_a_bound_leaves_the_rest_to_others() -> None:
    sky, sel = square(64, (0, 40, 0, 64), 0.9), square(64, (0, 64, 0, 32))
    inside = SoftRegion([sky], within=sel, within_painted=True)
    masks = build_masks([inside, found(sky * 0.8)], [HARD, HARD], flat(64, 64))
    assert (masks[0, :30, :28] == 1).all()
    assert (masks[1, :30, 36:] == 1).all()
    both = [WHOLE, replace(WHOLE, within=sel, within_painted=True)]
    rest, chosen = build_masks(both, [HARD, HARD], flat(64, 64))
    assert (chosen == sel).all()
    assert (rest == 1 - sel).all()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_shares_never_exceed_one_and_are_zero_or_visible(data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    count = data.draw(st.integers(1, 4))
    height, width = data.draw(st.integers(16, 50)), data.draw(st.integers(16, 50))
    soft = [data.draw(soft_regions(height, width)) for _ in range(count)]
    how = [data.draw(controls) for _ in range(count)]
    keep = [rng.random((9, 11), dtype=np.float32)] if data.draw(st.booleans()) else []
    guide = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    masks = build_masks(soft, how, seen(guide), keep=keep)
    assert masks.shape == (count, height, width)
    assert masks.dtype == np.float32
    assert np.isfinite(masks).all()
    assert masks.sum(axis=0).max() <= 1 + 1e-6
    assert ((masks == 0) | (masks >= 1 / 256)).all()
    assert masks.max() <= 1


def test_windows_of_an_enlarged_array_join_without_a_seam() -> None:
    small = np.random.default_rng(1).random((9, 13, 2), dtype=np.float32)
    full = Extent(101, 77)
    enlarged = Enlarged(small, full, kernel=BICUBIC)
    whole = enlarged.window(Bounds.whole(full))
    pieces = [enlarged.window(strip) for strip in strips(Bounds.whole(full), pixels=1000)]
    assert len(pieces) > 3
    assert np.concatenate(pieces) == pytest.approx(whole, abs=1e-6)


def test_part_of_an_array_enlarges_as_the_whole_does() -> None:
    small = np.random.default_rng(1).random((20, 30), dtype=np.float32)
    full, part = Extent(90, 60), Bounds(8, 4, 14, 12)
    whole = Enlarged(small, full).window(Bounds(33, 21, 20, 15))
    cut = Enlarged(small[part.slices], full, part=part, of=Extent(30, 20))
    assert cut.window(Bounds(33, 21, 20, 15)) == pytest.approx(whole, abs=1e-6)


def test_a_cancelled_token_stops_the_masks() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        build_masks([found(square(8, (0, 4, 0, 8)))], [HARD], flat(32, 32), cancel=token)


@pytest.mark.parametrize("deviation", [0.4, 2.0, 7.9])
def test_a_feather_has_no_seam_between_its_strips(deviation: float) -> None:
    """As long as BLUR_STEP allows, it is the gaussian of the whole mask."""
    mask = np.zeros((1100, 1300), np.float32)
    mask[100:900, 150:1000] = np.random.default_rng(0).random((800, 850), np.float32)
    expected = gaussian_filter(mask, deviation, mode="nearest", truncate=3.0)
    feathered(mask, deviation)
    assert np.abs(mask - expected).max() < 1e-6
