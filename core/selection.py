"""Selector: picture + recipe -> where its regions are. Needs a segmenter, no engine, no style."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import PictureCanvas
from .errors import RequestError
from .estimate import selecting
from .finding import Finder, Found
from .masks import Mask, build_masks
from .picture import Picture
from .progress import CancelToken, Progress, Whole, silent
from .recipe import Recipe
from .segmenter import Segmenter
from .wording import shown


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
    """One segmenter, kept warm; the last picture's encoding is kept too."""

    def __init__(self, segmenter: Segmenter) -> None:
        self.finder = Finder(segmenter)

    def select(
        self,
        picture: Picture,
        recipe: Recipe,
        *,
        strict: bool = False,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Selection:
        """The masks of the recipe's regions in this picture.

        RequestError and PhraseNotFound: see Finder.find; also where nothing is left to repaint.
        """
        cancel = cancel or CancelToken()
        whole = Whole(progress or silent, selecting(picture.extent, len(recipe.regions)))
        cancel.check()
        found = self.finder.find(
            picture, recipe, strict=strict, progress=whole.part("finding"), cancel=cancel
        )
        masks = build_masks(
            found.soft,
            found.controls,
            PictureCanvas(picture),
            keep=found.keep,
            progress=whole.part("masks"),
            cancel=cancel,
        )
        warnings = (*found.warnings, *_nothing_left(found, masks))
        return Selection(masks, found.names, found.scores, warnings, found.asked)


_TAKERS = "keep, within, grow or other regions"


def _nothing_left(found: Found, masks: Mask) -> list[str]:
    """A line for each region that is in the picture, but that others or keep took whole."""
    if not masks.any():
        raise RequestError(f"nothing is left to repaint: {_TAKERS} took it all")
    return [
        f"nothing is left of {shown(name)}: {_TAKERS} took it all"
        for name, missing, mask in zip(found.names, found.missing, masks, strict=True)
        if not missing and not mask.any()
    ]
