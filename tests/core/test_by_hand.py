"""What a person set in an editor beside the recipe: a selection, and masks painted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from semantic_style.core.errors import RequestError
from semantic_style.core.geometry import Extent
from semantic_style.core.layers import flatten, merged
from semantic_style.core.masks import box_of
from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist
from semantic_style.core.preview import preview_recipe
from semantic_style.core.recipe import parse_recipe
from semantic_style.core.resample import shrunk
from semantic_style.core.selection import ByHand

from .tiny import segmenter_of


def half(picture: Picture, value: float = 1.0) -> np.ndarray:
    """The left half of the picture."""
    mask = np.zeros(picture.pixels.shape[:2], np.float32)
    mask[:, : mask.shape[1] // 2] = value
    return mask


def test_a_selection_bounds_what_is_touched(stylist: Stylist, picture: Picture) -> None:
    bound = half(picture, 0.5)
    free = stylist.run(picture, parse_recipe("* = ochre"))
    result = stylist.run(picture, parse_recipe("* = ochre"), by_hand=ByHand(bound))
    right = bound == 0
    assert (result.picture.pixels[right] == picture.pixels[right]).all()
    assert np.allclose(result.mask, free.mask * bound)
    between = picture.pixels * 0.5 + free.picture.pixels * 0.5
    assert np.abs(result.picture.pixels - between)[~right].max() <= 1


def test_a_selection_that_misses_the_region_is_said(stylist: Stylist, picture: Picture) -> None:
    nowhere = np.zeros(picture.pixels.shape[:2], np.float32)
    with pytest.raises(RequestError, match="the selection"):
        stylist.run(picture, parse_recipe("red = ochre"), by_hand=ByHand(nowhere))


def test_a_painted_mask_is_taken_as_it_is_and_its_phrase_is_not_asked(
    stylist: Stylist, picture: Picture
) -> None:
    painted = half(picture)
    painted[:20] = 0.25
    recipe = parse_recipe("green = ink; red = ochre")
    result = stylist.run(picture, recipe, by_hand=ByHand(painted={1: painted}))
    assert segmenter_of(stylist).asked == [("green",)]
    above, layer = result.layers
    assert (above.number, layer.number) == (0, 1)
    assert np.abs(layer.mask / 255 - painted[layer.bounds.slices]).max() <= 1 / 255
    flat = flatten(picture, result.layers)
    assert np.abs(flat.pixels.astype(int) - result.picture.pixels).max() <= 1


def test_where_all_is_painted_nothing_is_asked(stylist: Stylist, picture: Picture) -> None:
    by_hand = ByHand(painted={0: half(picture)})
    result = stylist.run(picture, parse_recipe("blue = ink"), by_hand=by_hand)
    assert segmenter_of(stylist).asked == []
    assert (result.mask == half(picture)).all()


def test_one_merged_layer_shows_what_all_of_them_show(stylist: Stylist, picture: Picture) -> None:
    result = stylist.run(picture, parse_recipe("red = ochre @ 0.7; * = ink; keep green"))
    box = box_of(result.mask)
    assert box is not None
    layer = merged("both", picture, result.picture, result.mask, box)
    shown = flatten(picture, [layer]).pixels.astype(int)
    assert np.abs(shown - result.picture.pixels).max() <= 1
    outside = result.mask == 0
    assert (shown[outside] == picture.pixels[outside]).all()


def test_a_preview_is_the_same_recipe_made_small(picture: Picture) -> None:
    recipe = replace(parse_recipe("red = ochre"), polish=20)
    small = preview_recipe(recipe, Extent(4096, 2048), Extent(512, 256))
    assert small.polish == 4  # all of them would take longer than anybody waits
    for polish in ("auto", 0, 2):
        as_wished = replace(recipe, polish=polish)
        assert preview_recipe(as_wished, Extent(4096, 2048), Extent(512, 256)).polish == polish
    assert small.style_scale == 512 / 2048  # what is worked at 2048 px has its brush there
    assert small.regions[0].feather == 2 / 8
    little = shrunk(picture, 16)
    assert little.extent.long_side == 16
    assert little.pixels.dtype == picture.pixels.dtype
    assert shrunk(picture, 5000).pixels is picture.pixels
