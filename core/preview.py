"""A small picture and the recipe that makes of it what the large one's result looks like."""

from __future__ import annotations

from dataclasses import replace

from .geometry import Extent
from .picture import Picture
from .pipeline import working_extent
from .recipe import Recipe
from .resample import resized_pixels

BRUSHES = (0.1, 10.0)  # the range of a recipe's style scale


def shrunk(picture: Picture, side: int) -> Picture:
    """The picture with a long side of at most `side` px, its samples of the same kind."""
    extent = picture.extent.fitted(side)
    alpha = None if picture.alpha is None else resized_pixels(picture.alpha, extent)
    return replace(picture, pixels=resized_pixels(picture.pixels, extent), alpha=alpha)


def preview_recipe(recipe: Recipe, full: Extent, small: Extent) -> Recipe:
    """The recipe for a picture made small, from extent `full` to `small`.

    What counts in pixels of the picture shrinks with it, the brush with the size worked at. Grow
    is rounded to whole pixels; a brush below a tenth can't get smaller.
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
        style_scale=min(high, max(low, recipe.style_scale * brush)),
    )
