"""Selector: picture + recipe -> where its regions are. Needs a segmenter, no engine, no style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .canvas import PictureCanvas
from .errors import RequestError
from .estimate import selecting
from .finding import Finder, name_of
from .masks import Mask, build_masks
from .picture import Picture
from .progress import CancelToken, Progress, Whole, silent
from .recipe import Recipe
from .segmenter import Segmenter
from .wording import shown


@dataclass(frozen=True, eq=False)
class ByHand:
    """What a person set in an editor, beside the recipe.

    bound: [H, W] in [0, 1], an editor's selection: every mask is multiplied by it. painted:
    [H, W] in [0, 1] by a region's number: the mask of that region's layer (see
    layers.layer_masks), taken as it is in place of what would be found, and not bound.
    """

    bound: Mask | None = None
    painted: Mapping[int, Mask] = field(default_factory=dict)


NOTHING_BY_HAND = ByHand()


@dataclass(frozen=True, eq=False)
class Selection:
    """Where a recipe's regions are in one picture.

    region_masks: [P, H, W] in [0, 1], one a region in the recipe's order, sum at most 1; all 0
    for a region that the picture does not show. scores: best calibrated score of each phrase and
    image:FILE.
    """

    region_masks: Mask
    names: tuple[str, ...]
    scores: dict[str, float]
    warnings: tuple[str, ...]
    asked: bool

    @property
    def mask(self) -> Mask:
        """[H, W]: all regions together."""
        return together(self.region_masks)


def together(masks: Mask) -> Mask:
    """[P, H, W] -> [H, W]: their sum, at most 1."""
    total: Mask = masks.sum(axis=0)
    return np.minimum(total, 1, out=total)


class Selector:
    """One segmenter, kept warm; the encodings of the last pictures are kept too, `keep` of them."""

    def __init__(self, segmenter: Segmenter, keep: int = 1) -> None:
        self.finder = Finder(segmenter, keep)

    def select(
        self,
        picture: Picture,
        recipe: Recipe,
        *,
        strict: bool = False,
        by_hand: ByHand = NOTHING_BY_HAND,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Selection:
        """The masks of the recipe's regions in this picture.

        RequestError and PhraseNotFound: see Finder.find; also where nothing is left to repaint.
        """
        cancel = cancel or CancelToken()
        whole = Whole(progress or silent, selecting(picture.extent, len(recipe.regions)))
        cancel.check()
        sought = [k for k in range(len(recipe.regions)) if k not in by_hand.painted]
        names = tuple(name_of(region) for region in recipe.regions)
        masks = np.zeros((len(names), picture.extent.height, picture.extent.width), np.float32)
        found, missing = None, [False] * len(names)
        if sought:
            asked = replace(recipe, regions=tuple(recipe.regions[k] for k in sought))
            found = self.finder.find(
                picture, asked, strict=strict, progress=whole.part("finding"), cancel=cancel
            )
            built = build_masks(
                found.soft,
                found.controls,
                PictureCanvas(picture),
                keep=found.keep,
                progress=whole.part("masks"),
                cancel=cancel,
            )
            if len(sought) == len(names):
                masks = built
            else:
                masks[sought] = built
            for k, gone in zip(sought, found.missing, strict=True):
                missing[k] = gone
        _by_hand(masks, by_hand)
        warnings = found.warnings if found else ()
        return Selection(
            region_masks=masks,
            names=names,
            scores=found.scores if found else {},
            warnings=(*warnings, *_nothing_left(names, missing, masks)),
            asked=found is not None and found.asked,
        )


def _by_hand(masks: Mask, by_hand: ByHand) -> None:
    """What a person set, worked into [P, H, W] in place; the sum stays at most 1."""
    if by_hand.bound is not None:
        masks *= by_hand.bound
    if not by_hand.painted:
        return
    left = np.ones(masks.shape[1:], np.float32)
    for k, mask in enumerate(masks):
        painted = by_hand.painted.get(k)
        mask[...] = np.minimum(mask, left) if painted is None else painted * left
        left -= mask


_TAKERS = "keep, within, grow, the selection or other regions"


def _nothing_left(names: Sequence[str], missing: Sequence[bool], masks: Mask) -> list[str]:
    """A line for each region that is in the picture, but that others or keep took whole."""
    if not masks.any():
        raise RequestError(f"nothing is left to repaint: {_TAKERS} took it all")
    return [
        f"nothing is left of {shown(name)}: {_TAKERS} took it all"
        for name, gone, mask in zip(names, missing, masks, strict=True)
        if not gone and not mask.any()
    ]
