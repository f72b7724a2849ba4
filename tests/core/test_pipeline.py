"""The way from words and a picture to a repainted picture, with a real tiny back-end and engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from semantic_style.core.errors import Cancelled, PhraseNotFound, RequestError
from semantic_style.core.geometry import Extent
from semantic_style.core.layers import flatten
from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist, working_extent
from semantic_style.core.progress import CancelToken
from semantic_style.core.recipe import Recipe, Region, Source, Target, parse_recipe

from .tiny import COLOURS, engine_of, fields, is_tinted, segmenter_of, tinted


def test_only_the_named_region_is_repainted(stylist: Stylist, picture: Picture) -> None:
    result = stylist.run(picture, parse_recipe("red = ochre"))
    assert is_tinted(result.picture, "ochre")
    assert (result.picture.pixels[:, 40:] == picture.pixels[:, 40:]).all()
    untouched = result.mask == 0
    assert untouched.mean() > 0.5
    assert (result.picture.pixels[untouched] == picture.pixels[untouched]).all()
    assert result.scores == {"red": pytest.approx(1, abs=0.02)}
    assert result.warnings == ()


def test_every_region_gets_its_own_style_and_keep_stays(stylist: Stylist, picture: Picture) -> None:
    result = stylist.run(picture, parse_recipe("red = ochre; * = ink @ 0.5; keep green"))
    assert is_tinted(result.picture, "ochre")
    half = (picture.pixels[10, 50].astype(float) + tinted("blue", "ink")) / 2
    assert np.abs(result.picture.pixels[5:30, 40:] - half).max() <= 1.5
    assert (result.picture.pixels[42:] == picture.pixels[42:]).all()
    assert result.region_masks.sum(axis=0).max() <= 1
    assert [layer.name for layer in result.layers] == ["red", "whole picture"]
    flat = flatten(picture, result.layers)
    assert np.abs(flat.pixels.astype(int) - result.picture.pixels).max() <= 1


def test_a_mixture_is_taken_in_its_proportions(stylist: Stylist, picture: Picture) -> None:
    result = stylist.run(picture, parse_recipe("red = 3 * ochre + 1 * ink"))
    expected = 0.75 * tinted("red", "ochre") + 0.25 * tinted("red", "ink")
    assert np.abs(result.picture.pixels[10, 10] - expected).max() <= 1.5


def test_all_phrases_are_asked_in_one_call_and_a_picture_is_encoded_once(
    stylist: Stylist, picture: Picture
) -> None:
    stylist.run(picture, parse_recipe("red = ochre; blue = ink; keep green"))
    again = Picture(picture.pixels.copy())
    stylist.run(again, parse_recipe("blue = ochre"))
    segmenter = segmenter_of(stylist)
    assert segmenter.encoded == 1
    assert segmenter.asked == [("red", "blue", "green"), ("blue",)]
    stylist.run(Picture(picture.pixels[::-1].copy()), parse_recipe("blue = ochre"))
    assert segmenter.encoded == 2


def test_a_style_is_prepared_once_for_each_brush_size(stylist: Stylist, picture: Picture) -> None:
    stylist.run(picture, parse_recipe("red = ochre; blue = ochre"))
    stylist.run(picture, parse_recipe("green = ochre"))
    assert engine_of(stylist).prepared == 1
    recipe = parse_recipe("green = ochre")
    stylist.run(picture, Recipe(recipe.regions, style_scale=0.5))
    assert engine_of(stylist).prepared == 2


def test_a_word_is_a_style_like_any_other(stylist: Stylist, picture: Picture) -> None:
    """ "ink" is the picture of what word:night names: alone, mixed, and with all controls."""
    for pictures, words in (
        ("red = ink", "red = word:night"),
        ("red = ochre + 2*ink @ 0.6; keep green", "red = ochre + 2*word:night @ 0.6; keep green"),
        ("red + blue within red = ink; * = ochre", "red + blue within red = word:night; * = ochre"),
        ("red = 1*ink", "red = 0.3*word:night + 0.7*word:night"),
        ("red = 1*ink", "red = 0*word:dusk + 1*word:night"),
    ):
        for keep_colors in (False, True):
            shown, named = (
                stylist.run(picture, replace(parse_recipe(text), keep_colors=keep_colors))
                for text in (pictures, words)
            )
            apart = shown.picture.pixels.astype(int) - named.picture.pixels
            assert np.abs(apart).max() <= 1
            assert (shown.region_masks == named.region_masks).all()
    assert is_tinted(stylist.run(picture, parse_recipe("red = word:night")).picture, "ink")


def test_a_word_that_the_engine_does_not_know_is_refused_before_the_search(
    stylist: Stylist, picture: Picture
) -> None:
    with pytest.raises(RequestError, match="does not know midnite: use night or dusk"):
        stylist.run(picture, parse_recipe("red = ochre + 0.5*word:midnite"))
    assert segmenter_of(stylist).encoded == 0


def test_what_the_engine_warns_of_a_word_is_said_first(stylist: Stylist, picture: Picture) -> None:
    recipe = parse_recipe("crimson = word:dusk; blue = word:dusk + 1*word:night")
    assert stylist.run(picture, recipe).warnings == (
        "dusk is a guess",
        '"crimson" is not known: "red" is used',
    )


def test_groups_are_transferred_as_the_recipe_says(stylist: Stylist, picture: Picture) -> None:
    """And a style that was prepared for one choice does not answer for another."""
    recipe = replace(parse_recipe("red = ochre"), engine="zmnet")
    some = replace(recipe, transfer=("details", "textures"))
    for each in (recipe, some, recipe, some):
        result = stylist.run(picture, each)
        assert is_tinted(result.picture, "ochre") == (each is recipe)
        assert result.recipe.transfer == each.transfer
    assert engine_of(stylist).prepared == 2


def test_the_engine_is_given_the_whole_picture_and_the_region_s_box(
    stylist: Stylist, picture: Picture
) -> None:
    stylist.run(picture, parse_recipe("blue = ochre"))
    assert engine_of(stylist).contents == [(48, 64)]
    bounds = engine_of(stylist).bounds[0]
    assert bounds.x >= 32 - 16
    assert bounds.right == 64
    assert bounds.width < 64


def test_an_unknown_word_names_the_nearest(stylist: Stylist, picture: Picture) -> None:
    with pytest.raises(RequestError, match=r'does not know "unicorn": try green or red'):
        stylist.run(picture, parse_recipe("red = ochre; keep unicorn"))
    assert segmenter_of(stylist).encoded == 0


def test_a_near_word_is_used_with_a_warning(stylist: Stylist, picture: Picture) -> None:
    result = stylist.run(picture, parse_recipe("crimson = ochre"))
    assert result.warnings == ('"crimson" is not known: "red" is used',)
    assert is_tinted(result.picture, "ochre")


def test_a_phrase_that_is_not_in_the_picture_says_its_best_score(
    stylist: Stylist, picture: Picture
) -> None:
    with pytest.raises(PhraseNotFound, match=r'"yellow".*best score 0\.\d\d, threshold 0\.50'):
        stylist.run(picture, parse_recipe("yellow = ochre"))


def test_a_missing_region_among_several_is_a_warning_unless_strict(
    stylist: Stylist, picture: Picture
) -> None:
    recipe = parse_recipe("yellow = ochre; red = ink")
    result = stylist.run(picture, recipe)
    assert len(result.warnings) == 1
    assert '"yellow"' in result.warnings[0]
    assert not result.region_masks[0].any()
    assert is_tinted(result.picture, "ink")
    with pytest.raises(PhraseNotFound, match="yellow"):
        stylist.run(picture, recipe, strict=True)


def test_a_missing_region_that_is_inverted_is_not_everything(
    stylist: Stylist, picture: Picture
) -> None:
    gone = Region(Target("phrase", "yellow"), (Source("name", "ink"),), invert=True)
    red = parse_recipe("red = ochre").regions[0]
    result = stylist.run(picture, Recipe((gone, red)))
    assert (result.picture.pixels[:30, 40:] == picture.pixels[:30, 40:]).all()


def test_a_speck_is_not_a_region(stylist: Stylist) -> None:
    pixels = np.full((160, 160, 3), 128, np.uint8)
    pixels[80, 80:83] = np.rint(np.array(COLOURS["red"]) * 255)
    with pytest.raises(PhraseNotFound, match="speck"):
        stylist.run(Picture(pixels), parse_recipe("red = ochre"))


def test_a_lower_threshold_finds_more(stylist: Stylist) -> None:
    shade = np.array(COLOURS["red"]) + np.array((0.0, 0.3, 0.0))  # scores 0.4
    picture = Picture(np.tile(np.rint(shade * 255).astype(np.uint8), (40, 40, 1)))
    region = parse_recipe("red = ochre").regions[0]
    with pytest.raises(PhraseNotFound):
        stylist.run(picture, Recipe((region,)))
    lower = Region(region.target, region.style, threshold=0.3)
    assert stylist.run(picture, Recipe((lower,))).mask.min() == 1


def test_nothing_left_to_repaint_is_an_error(stylist: Stylist, picture: Picture) -> None:
    with pytest.raises(RequestError, match="nothing is left"):
        stylist.run(picture, parse_recipe("red = ochre; keep red"))
    result = stylist.run(picture, parse_recipe("red = ochre; blue = ink; keep red"))
    assert any("nothing is left of" in line for line in result.warnings)


def test_an_unknown_style_is_found_out_before_the_search(
    stylist: Stylist, picture: Picture
) -> None:
    with pytest.raises(RequestError, match="no style velvet"):
        stylist.run(picture, parse_recipe("red = velvet"))
    assert segmenter_of(stylist).encoded == 0


def test_a_result_says_what_answered(stylist: Stylist, picture: Picture) -> None:
    pins = stylist.run(picture, parse_recipe("red = ochre")).recipe.pins
    assert pins is not None
    assert (pins.segmenter, pins.engine, pins.dtype) == ("colours", "tint", "float32")
    assert pins.weights == (("colours", "c" * 64), ("tint", "e" * 64))


def test_the_weights_for_words_are_pinned_where_a_word_was_asked_for(
    stylist: Stylist, picture: Picture
) -> None:
    for text, words in (
        ("* = ochre + 1*word:night", True),
        ("* = ochre", False),
        ("* = ochre + 0*word:night", False),
    ):
        pins = stylist.run(picture, parse_recipe(text)).recipe.pins
        assert pins is not None
        assert ("tint-words" in dict(pins.weights)) == words


def test_progress_is_one_fraction_of_all_stages(stylist: Stylist, picture: Picture) -> None:
    seen: list[tuple[str, float]] = []
    stylist.run(
        picture,
        parse_recipe("red = ochre; * = ink"),
        progress=lambda stage, fraction: seen.append((stage, fraction)),
    )
    stages, fractions = zip(*seen, strict=True)
    assert list(dict.fromkeys(stages)) == [
        "finding", "masks", "styling red", "styling whole picture", "compositing"
    ]  # fmt: skip
    assert list(fractions) == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)


@pytest.mark.parametrize("where", ["finding", "masks", "styling red", "compositing"])
def test_work_can_be_stopped_in_every_stage(stylist: Stylist, picture: Picture, where: str) -> None:
    token = CancelToken()
    seen: list[str] = []

    def watch(stage: str, fraction: float) -> None:
        seen.append(stage)
        if stage == where:
            token.cancel()

    tall = Picture(np.tile(picture.pixels, (64, 4, 1)))  # enough for several strips
    with pytest.raises(Cancelled):
        stylist.run(tall, parse_recipe("red = ochre"), progress=watch, cancel=token)
    assert seen[-1] == where


def test_the_longer_the_work_the_more_often_a_cancel_is_heard(stylist: Stylist) -> None:
    """In every stage that looks at all pixels: at least once a half megapixel."""
    heard: dict[str, int] = {}
    stage = "finding"

    class Counting(CancelToken):
        def check(self) -> None:
            heard[stage] = heard.get(stage, 0) + 1

    def watch(now: str, fraction: float) -> None:
        nonlocal stage
        stage = now

    large = Picture(np.tile(fields(), (32, 32, 1)))  # 1536 x 2048
    recipe = Recipe(parse_recipe("red = ochre").regions, size="full")
    stylist.run(large, recipe, layers=False, progress=watch, cancel=Counting())
    pieces = large.extent.pixels // (1 << 19)
    assert heard["masks"] >= 2 * pieces  # refined and feathered
    assert heard["compositing"] >= pieces
    assert heard["finding"] >= 3


def test_working_smaller_keeps_the_picture_s_size_and_what_is_untouched(
    stylist: Stylist,
) -> None:
    picture = Picture(fields(150, 200))
    recipe = parse_recipe("red = ochre")
    result = stylist.run(picture, Recipe(recipe.regions, size=100))
    assert result.work == Extent(100, 75)
    assert engine_of(stylist).contents == [(75, 100)]
    assert result.picture.extent == picture.extent
    untouched = result.mask == 0
    assert (result.picture.pixels[untouched] == picture.pixels[untouched]).all()
    inner = result.picture.pixels[20:90, 10:85].astype(int)
    assert np.abs(inner - tinted("red", "ochre")).max() <= 2


def test_the_working_size_is_the_picture_s_own_up_to_a_limit() -> None:
    large = Extent(4000, 3000)
    assert working_extent(large, None) == Extent(2048, 1536)
    assert working_extent(large, "full") == large
    assert working_extent(large, 1000) == Extent(1000, 750)
    assert working_extent(Extent(640, 480), 1000) == Extent(640, 480)


def test_masks_alone_need_no_style(stylist: Stylist, picture: Picture) -> None:
    selection = stylist.masks(picture, parse_recipe("red = velvet"))
    assert selection.mask[10, 10] == 1
    assert selection.mask[10, 50] == 0
    assert engine_of(stylist).prepared == 0
