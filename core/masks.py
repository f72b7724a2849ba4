"""Masks at full size, out of a segmenter's soft ones and a person's painted ones.

DESIGN's mask order, step by step; a region of several terms is joined after the threshold, and
what bounds it (`within`) has the last word, so that neither invert nor grow nor feather leaves it.
What needs no fine resolution (threshold, invert, grow, keep, overlaps) happens on a grid of at
most GRID_SIDE pixels; refinement along the picture's edges and the feather happen at full size,
one region and one strip at a time. Painted masks never pass through the grid.

Terms are joined by the largest value and bounded by the smaller one. These alone among the ways to
join soft sets leave a mask alone that is named twice or bounded by itself, take terms in any order,
and keep a soft edge as soft as it was painted, an exact 0 or 1 as exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from .canvas import Canvas
from .geometry import Bounds, Extent
from .guided import GuidedFilter
from .progress import CancelToken, Progress, silent
from .resample import Enlarged, extent_of, resized_map, strips

Mask = NDArray[np.float32]

GRID_SIDE = 1024  # px, long side of the grid
STEP = 0.1  # half width of the soft step around the threshold
TAIL = 0.3  # what the guided filter leaves below is 0, above 1 - TAIL it is 1
LEAST = 1 / 255  # a smaller share can't be told from 0 in 8 bits, so it is 0
BLUR_STEP = 8.0  # px; a wider gaussian is made at a smaller size, where it is as smooth


@dataclass(frozen=True, eq=False)
class SoftRegion:
    """Where one region is: soft masks [h, w] in [0, 1] of any size; with none it is nowhere.

    found: by a segmenter, 0.5 its natural threshold; refined along the picture's edges. painted:
    by hand, used as they are, surer than anything found. The region is all that any of these
    shows. whole: the whole picture in their place, as far as no other region claims it. within:
    what bounds the region, found or painted (`within_painted`).
    """

    found: Sequence[Mask] = ()
    painted: Sequence[Mask] = ()
    whole: bool = False
    within: Mask | None = None
    within_painted: bool = False


@dataclass(frozen=True)
class RegionControls:
    """How one region's soft masks become its mask. Pixels are those of the full picture.

    threshold: of the calibrated found masks, None = 0.5; painted masks pass one only where the
    region is made of nothing else and one is given. grow: px outwards, negative shrinks.
    feather: px, twice the gaussian's deviation; the edge widens by at most 1.5 times this, a
    painted bound keeps its own edge. invert: all but the region, within its bound.
    """

    threshold: float | None = None
    grow: int = 0
    feather: float = 2.0
    invert: bool = False


def build_masks(
    soft: Sequence[SoftRegion],
    controls: Sequence[RegionControls],
    guide: Canvas,
    *,
    keep: Sequence[Mask] = (),
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Mask:
    """[P, H, W] in [0, 1]: each region's share of every pixel; the sum is at most 1.

    guide: the picture. keep: soft masks of what stays untouched: where one is sure, every share
    is exactly 0. Where a painted bound is 0, its region's share is exactly 0.
    """
    full = guide.extent
    grid = full.fitted(GRID_SIDE)
    cancel = cancel or CancelToken()
    claims, kept = _shared_out(soft, controls, keep, grid, grid.width / full.width)
    found = [mask for region in soft for mask in region.found]
    found += [r.within for r in soft if r.within is not None and not r.within_painted]
    edges = _Edges(guide, grid, [*found, *keep], cancel) if found or keep else None
    result = np.zeros((len(controls), full.height, full.width), dtype=np.float32)
    # What is bounded comes first: "*" takes the rest, "* within X" would else find nothing left.
    whole = sorted((k for k, r in enumerate(soft) if r.whole), key=lambda k: soft[k].within is None)
    others = [k for k, region in enumerate(soft) if not region.whole]
    for step, k in enumerate([*others, *whole]):
        progress("masks", step / (len(controls) + 1))
        region, control, claim, out = soft[k], controls[k], claims[k], result[k]
        if region.whole and not control.invert:
            for strip in strips(Bounds.whole(full)):
                taken = result[(slice(None), *strip.slices)].sum(axis=0)
                np.subtract(1, np.minimum(taken, 1, out=taken), out=out[strip.slices])
        elif region.painted:
            _by_hand(out, region, control, claim, edges, cancel)
        elif region.found and edges is not None:
            edges.refine(np.minimum(claim.wanted, claim.allowed), out)
        cancel.check()
        if not region.whole:
            feathered(out, control.feather / 2, cancel)
        cancel.check()
        _bound(out, region, control, claim, edges, cancel)
    room = None
    if kept is not None and edges is not None:
        room = np.zeros((full.height, full.width), dtype=np.float32)
        edges.refine(kept, room)
        np.subtract(1, room, out=room)
    limit(result, room, cancel)
    progress("masks", 1.0)
    return result


def calibrated(values: Mask, threshold: float | None) -> Mask:
    """Values remapped so that `threshold` becomes 0.5; monotone, 0 and 1 stay.

    Straight from (0, 0) to (threshold, 0.5) to (1, 1).
    """
    if threshold is None or threshold == 0.5:
        return values
    low = values * np.float32(0.5 / threshold)
    high = 1 - (1 - values) * np.float32(0.5 / (1 - threshold))
    return np.where(values <= threshold, low, high).clip(0, 1).astype(np.float32)


def soft_step(values: Mask, half_width: float = STEP) -> Mask:
    """A smooth step (3t^2 - 2t^3) at 0.5: exactly 0 below 0.5 - half_width, 1 above 0.5 + it."""
    t = ((values - np.float32(0.5 - half_width)) / np.float32(2 * half_width)).clip(0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def grown(mask: Mask, pixels: float) -> Mask:
    """The mask widened by a disc of `pixels`, which may be a fraction; negative shrinks."""
    if pixels == 0:
        return mask
    if pixels < 0:
        return 1 - grown(1 - mask, -pixels)
    outside = mask < 0.5
    if outside.all() or not outside.any():
        return mask
    # The first pixel outside is at distance 1, and a disc of 1 pixel takes it in whole.
    near = pixels + 1 - distance_transform_edt(outside).astype(np.float32)
    return np.maximum(mask, near.clip(0, 1)).astype(np.float32)


def feathered(mask: Mask, deviation: float, cancel: CancelToken | None = None) -> None:
    """A gaussian over the mask, in place; cut at three deviations, so 0 stays 0 beyond."""
    box = box_of(mask)
    if deviation < 0.05 or box is None:
        return
    rows, columns = box.grown(int(3 * deviation) + 2, extent_of(mask)).slices
    crop = mask[rows, columns]
    step = max(1.0, deviation / BLUR_STEP)
    if step == 1:
        _blurred(crop, deviation, cancel)
        return
    extent = extent_of(crop)
    small = resized_map(crop, extent.scaled(1 / step))
    sigma = [deviation * s / c for s, c in zip(small.shape, crop.shape, strict=True)]
    up = Enlarged(gaussian_filter(small, sigma, mode="nearest", truncate=3.0), extent)
    for strip in strips(Bounds.whole(extent)):
        _check(cancel)
        crop[strip.slices] = up.window(strip)


def _blurred(values: Mask, sigma: float, cancel: CancelToken | None) -> None:
    """A gaussian in place, strip by strip; the rows above a strip are kept as they were."""
    reach = int(3 * sigma) + 2
    above = values[:0].copy()
    for strip in strips(Bounds.whole(extent_of(values))):
        _check(cancel)
        seen = np.concatenate([above, values[strip.y : strip.bottom + reach]])
        done = gaussian_filter(seen, sigma, mode="nearest", truncate=3.0)
        before, inner = len(above), strip.slices
        above = np.concatenate([above, values[inner]])[-reach:]
        values[inner] = done[before : before + strip.height]


def _check(cancel: CancelToken | None) -> None:
    if cancel is not None:
        cancel.check()


def limit(masks: Mask, room: Mask | None, cancel: CancelToken | None = None) -> None:
    """In place: shares [P, H, W] so that their sum is at most `room` (None: 1) and at most 1.

    Shares under 1/255 become 0, those within 1e-4 of 1 become 1; a 0 stays 0.
    """
    _, height, width = masks.shape
    for strip in strips(Bounds(0, 0, width, height)):
        _check(cancel)
        # What was never written takes no memory: it is left alone.
        parts = [part for part in masks[(slice(None), *strip.slices)] if part.any()]
        space = np.float32(1) if room is None else room[strip.slices].clip(0, 1)
        total = sum(parts, np.zeros((strip.height, strip.width), dtype=np.float32))
        fitting = np.minimum(1, space / np.maximum(total, np.float32(1e-6)))
        left = np.ones_like(total)
        for part in parts:
            part *= fitting
            part[part > 1 - 1e-4] = 1
            # Rounding may leave a sum a hair above 1; taking turns can't.
            np.minimum(part, left, out=part)
            part[part < LEAST] = 0
            left -= part


@dataclass(frozen=True, eq=False)
class _Claim:
    """One region on the grid, [h, w] in [0, 1]. found: what its found terms show together.
    wanted: the region, inverted and grown, without what is kept. allowed: what other regions
    leave of it, 1 where they leave all. bound: what it lies within."""

    found: Mask
    wanted: Mask
    allowed: Mask
    bound: Mask | None


def _shared_out(
    soft: Sequence[SoftRegion],
    controls: Sequence[RegionControls],
    keep: Sequence[Mask],
    grid: Extent,
    scale: float,
) -> tuple[list[_Claim], Mask | None]:
    """On the grid: each region's claim, and what is kept."""
    kept = None
    if keep:
        kept = np.max([soft_step(resized_map(each, grid)) for each in keep], axis=0)
    parts, bounded, certainty = [], [], []
    for region, control in zip(soft, controls, strict=True):
        found, claim, sure = _joined(region, control, grid)
        if control.invert and (region.found or region.painted):
            claim = 1 - claim
        claim = grown(claim, control.grow * scale)
        claim = claim if kept is None else np.minimum(claim, 1 - kept)
        certainty.append(sure)
        bound = _bound_on(grid, region, control)
        parts.append((found, claim, bound))
        bounded.append(claim if bound is None else np.minimum(claim, bound))
    given = _exclusive(np.array(bounded), np.array(certainty))
    claims = []
    for (found, claim, bound), wish, share in zip(parts, bounded, given, strict=True):
        allowed = np.where(share < wish - 1e-6, share, 1).astype(np.float32)
        claims.append(_Claim(found, claim, allowed, bound))
    return claims, kept


def _joined(region: SoftRegion, control: RegionControls, grid: Extent) -> tuple[Mask, Mask, Mask]:
    """On the grid: what the found terms show, what all terms show, and how sure that is."""
    found = np.zeros((grid.height, grid.width), dtype=np.float32)
    sure, painted = found.copy(), found.copy()
    for values in region.found:
        each = calibrated(resized_map(values, grid), control.threshold)
        np.maximum(sure, each, out=sure)
        np.maximum(found, soft_step(each), out=found)
    for values in region.painted:
        each = resized_map(values, grid)
        np.maximum(painted, _cut(each, region, control), out=painted)
        np.maximum(sure, each, out=sure)
    if control.invert:
        sure = 1 - sure
    by_hand = painted > 0 if region.found else np.full(painted.shape, bool(region.painted))
    return found, np.maximum(found, painted), sure + by_hand


def _bound_on(grid: Extent, region: SoftRegion, control: RegionControls) -> Mask | None:
    if region.within is None:
        return None
    bound = resized_map(region.within, grid)
    return bound if region.within_painted else soft_step(calibrated(bound, control.threshold))


def _cut(painted: Mask, region: SoftRegion, control: RegionControls) -> Mask:
    """A painted mask as it is, or at the threshold that was meant for it."""
    if control.threshold is None or region.found:
        return painted
    return soft_step(calibrated(painted, control.threshold))


def _exclusive(claims: Mask, certainty: Mask) -> Mask:
    """Claims [P, h, w] cut so that the surest region takes what it wants, the next what is left.

    Of equally sure regions the one named first comes first.
    """
    order = np.argsort(-certainty, axis=0, kind="stable")
    sorted_claims = np.take_along_axis(claims, order, axis=0)
    left = np.ones(claims.shape[1:], dtype=np.float32)
    for rank in sorted_claims:
        np.minimum(rank, left, out=rank)
        left -= rank
    result = np.empty_like(claims)
    np.put_along_axis(result, order, sorted_claims, axis=0)
    return result


def _by_hand(
    out: Mask,
    region: SoftRegion,
    control: RegionControls,
    claim: _Claim,
    edges: _Edges | None,
    cancel: CancelToken,
) -> None:
    """A region with painted terms at full size, within what other regions leave of it."""
    full = extent_of(out)
    if edges is not None:
        edges.refine(claim.found, out)
    for values in region.painted:
        cancel.check()
        values = _cut(resized_map(values, full), region, control)
        box = box_of(values)
        if box is not None:  # what is never written takes no memory
            np.maximum(out[box.slices], values[box.slices], out=out[box.slices])
    if control.invert:
        np.subtract(1, out, out=out)
    cancel.check()
    values = grown(out, control.grow)
    if values is out and claim.allowed.min() >= 1:
        return
    room = Enlarged(claim.allowed, full)
    for strip in strips(Bounds.whole(full)):
        cancel.check()
        out[strip.slices] = np.minimum(values[strip.slices], room.window(strip))


def _bound(
    out: Mask,
    region: SoftRegion,
    control: RegionControls,
    claim: _Claim,
    edges: _Edges | None,
    cancel: CancelToken,
) -> None:
    """In place: nothing of the region outside of what it lies within, at full size."""
    if region.within_painted and region.within is not None:
        np.minimum(out, resized_map(region.within, extent_of(out)), out=out)
    elif claim.bound is not None and edges is not None:
        bound = np.zeros_like(out)
        edges.refine(claim.bound, bound)
        feathered(bound, control.feather / 2, cancel)
        np.minimum(out, bound, out=out)


class _Edges:
    """Brings grid masks to full size along the edges of one picture."""

    def __init__(
        self, guide: Canvas, grid: Extent, soft: Sequence[Mask], cancel: CancelToken
    ) -> None:
        # An edge is off by about a pixel of the network that drew it; a wider window rounds
        # off what is thin (tried on downsampled and displaced hand-made masks).
        cell = max(grid.width / each.shape[1] for each in soft)
        radius = max(1, round(min(cell, 24)), round(grid.long_side / 256))
        cancel.check()
        small = guide.fitted(grid.long_side)
        cancel.check()
        self._filter = GuidedFilter(small, radius)
        self._guide, self._grid, self._reach, self._cancel = guide, grid, 2 * radius + 1, cancel

    def refine(self, claim: Mask, out: Mask) -> None:
        """The claim [h, w] into out [H, W]; exactly 0 and 1 away from its edges."""
        box = box_of(claim)
        if box is None:
            return
        if claim.min() >= 1:
            out[...] = 1
            return
        slope, offset = self._filter.coefficients(claim)
        model = np.concatenate([slope, offset[..., None]], axis=-1)
        full = extent_of(out)
        enlarged = Enlarged(model, full)
        box = box.grown(self._reach, self._grid).scaled(self._grid, full)
        for strip in strips(box):
            self._cancel.check()
            terms = enlarged.window(strip)
            fitted = (terms[..., :3] * self._guide.window(strip)).sum(axis=-1) + terms[..., 3]
            step = soft_step(fitted, 0.5 - TAIL)
            if step.any():  # what is never written takes no memory
                out[strip.slices] = step


def box_of(mask: Mask) -> Bounds | None:
    """The smallest box around all that is not 0; None where all is."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    x, y = int(columns[0]), int(rows[0])
    return Bounds(x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y)
