"""The recipe that makes of a small picture what the large one's result looks like."""

from __future__ import annotations

from dataclasses import replace

from .geometry import Extent
from .pipeline import working_extent
from .recipe import Recipe

MOST_STEPS = 4  # the first ones do the most, and somebody waits
BRUSHES = (0.1, 10.0)  # the range of a recipe's style scale


def preview_recipe(recipe: Recipe, full: Extent, small: Extent) -> Recipe:
    """The recipe for a picture made small, from extent `full` to `small`.

    What counts in pixels of the picture shrinks with it, the brush with the size worked at. Grow
    is rounded to whole pixels; a brush below a tenth can't get smaller. However many steps of
    polishing the result gets, a preview gets no more than MOST_STEPS.
    """
    ratio = small.long_side / full.long_side
    brush = small.long_side / working_extent(full, recipe.size).long_side
    regions = (
        replace(region, grow=round(region.grow * ratio), feather=region.feather * ratio)
        for region in recipe.regions
    )
    low, high = BRUSHES
    return replace(
        recipe,
        regions=tuple(regions),
        size="full",
        polish=recipe.polish if recipe.polish == "auto" else min(recipe.polish, MOST_STEPS),
        style_scale=min(high, max(low, recipe.style_scale * brush)),
    )
