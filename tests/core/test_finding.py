"""What a recipe's targets are in a picture: words, painted masks, picture prompts, joined."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.errors import PhraseNotFound, RequestError
from semantic_style.core.finding import Finder
from semantic_style.core.image import embed_mask
from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist
from semantic_style.core.recipe import Recipe, Region, Source, Target, parse_recipe
from semantic_style.core.resample import shrunk

from .tiny import ColourSegmenter, PromptSegmenter, TintEngine, is_tinted, segmenter_of, style_of


def test_a_region_is_all_that_its_terms_show(stylist: Stylist, picture: Picture) -> None:
    result = stylist.run(picture, parse_recipe("red + green = ochre"))
    assert is_tinted(result.picture, "ochre")
    assert (result.mask[40:] == 1).all()
    assert (result.picture.pixels[:30, 40:] == picture.pixels[:30, 40:]).all()
    assert set(result.scores) == {"red", "green"}
    assert [layer.name for layer in result.layers] == ["red + green"]


def test_a_term_that_is_missing_leaves_the_rest_of_its_region(
    stylist: Stylist, picture: Picture
) -> None:
    recipe = parse_recipe("yellow + red = ochre")
    result = stylist.run(picture, recipe)
    assert is_tinted(result.picture, "ochre")
    assert len(result.warnings) == 1
    assert result.warnings[0].startswith('"yellow" was not found in the picture')
    with pytest.raises(PhraseNotFound, match="yellow"):
        stylist.run(picture, recipe, strict=True)
    pale = Picture(np.full((40, 40, 3), 128, np.uint8))
    with pytest.raises(PhraseNotFound, match=r'"yellow" was not found.*"red" was not found'):
        stylist.run(pale, recipe)


def test_a_bound_that_is_missing_makes_the_region_missing(
    stylist: Stylist, picture: Picture
) -> None:
    with pytest.raises(PhraseNotFound, match='"yellow" was not found'):
        stylist.run(picture, parse_recipe("red within yellow = ochre"))
    recipe = parse_recipe("red within yellow = ochre; blue = ink")
    result = stylist.run(
        picture, Recipe((replace(recipe.regions[0], invert=True), *recipe.regions[1:]))
    )
    assert not result.region_masks[0].any()
    assert result.region_masks[1].any()


def selection_file(folder: Path) -> Path:
    """The upper left quarter of `fields`, with a soft edge to the right."""
    values = np.zeros((48, 64), np.uint8)
    values[:24, :16] = 255
    values[:24, 16] = 128
    path = folder / "sel within.png"
    Image.fromarray(values).save(path)
    return path


def test_words_within_a_selection(stylist: Stylist, picture: Picture, tmp_path: Path) -> None:
    file = selection_file(tmp_path)
    for words in ("red", "*", "red + green", "blue + red"):
        recipe = parse_recipe(f'{words} within mask:"{file}" = ochre')
        region = replace(recipe.regions[0], grow=5, feather=8)
        result = stylist.run(picture, Recipe((region,)))
        assert (result.mask[:14, :16] == 1).all()
        assert result.mask[:14, 16] == pytest.approx(128 / 255, abs=1e-3)
        assert (result.mask[24:] == 0).all()
        assert (result.mask[:, 17:] == 0).all()
        assert (result.picture.pixels[:, 17:] == picture.pixels[:, 17:]).all()
    with pytest.raises(RequestError, match="nothing is left to repaint: keep, within"):
        stylist.run(picture, parse_recipe(f'blue within mask:"{file}" = ochre'))


def test_words_and_a_selection(stylist: Stylist, picture: Picture, tmp_path: Path) -> None:
    recipe = parse_recipe(f'green + mask:"{selection_file(tmp_path)}" = ochre')
    result = stylist.run(picture, Recipe((replace(recipe.regions[0], feather=0),)))
    assert (result.mask[:24, :16] == 1).all()
    assert result.mask[:24, 16] == pytest.approx(128 / 255, abs=1e-3)
    assert (result.mask[40:] == 1).all()
    assert (result.mask[:32, 20:] == 0).all()
    # What is not found leaves the selection as it is.
    recipe = parse_recipe(f'yellow + mask:"{selection_file(tmp_path)}" = ochre')
    result = stylist.run(picture, recipe)
    assert result.mask[:20, :12].min() == 1
    assert '"yellow" was not found' in result.warnings[0]


def test_an_empty_selection_is_refused(stylist: Stylist, picture: Picture, tmp_path: Path) -> None:
    Image.new("L", (64, 48)).save(tmp_path / "black.png")
    Image.new("RGBA", (64, 48), (255, 255, 255, 0)).save(tmp_path / "clear.png")
    for name in ("black", "clear"):
        file = tmp_path / f"{name}.png"
        for text in (f"mask:{file} = ochre", f"red + mask:{file} = ochre"):
            with pytest.raises(RequestError, match=rf"{name}\.png\" is black or transparent all"):
                stylist.run(picture, parse_recipe(text))
    assert segmenter_of(stylist).encoded == 0


def test_a_selection_exported_with_transparency(
    stylist: Stylist, picture: Picture, tmp_path: Path
) -> None:
    alpha = Image.fromarray((np.indices((48, 64))[1] < 20).astype(np.uint8) * 255)
    for mode, white in (("RGBA", (255, 255, 255, 255)), ("LA", (255, 255))):
        layer = Image.new(mode, (64, 48), white)
        layer.putalpha(alpha)
        layer.save(tmp_path / "sel.png")
        recipe = parse_recipe(f"* within mask:{tmp_path / 'sel.png'} = ochre")
        mask = stylist.run(picture, recipe).mask
        assert (mask[:, :20] == 1).all()
        assert (mask[:, 20:] == 0).all()


def test_a_mask_file_and_an_embedded_mask_are_used_as_painted(
    stylist: Stylist, picture: Picture, tmp_path: Path
) -> None:
    values = np.zeros((24, 32), np.uint8)
    values[:, :10] = 255
    path = tmp_path / "mask.png"
    Image.fromarray(values).save(path)
    style = (Source("name", "ochre"),)
    for target in (Target("mask", str(path)), Target("embedded", embed_mask(values))):
        result = stylist.run(picture, Recipe((Region(target, style, feather=0),)))
        assert result.mask[:, :16].min() == 1
        assert result.mask[:, 24:].max() == 0
        assert result.warnings == ()
        assert result.recipe.pins is not None
        assert result.recipe.pins.weights == (("tint", "e" * 64),)  # no segmenter answered
    assert segmenter_of(stylist).encoded == 0


def test_a_mask_of_16_bits_keeps_its_softness(
    stylist: Stylist, picture: Picture, tmp_path: Path
) -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (48, 1))
    Image.fromarray(ramp).save(tmp_path / "m.png")
    result = stylist.run(picture, parse_recipe(f"* within mask:{tmp_path / 'm.png'} = ochre"))
    values = ramp / 65535
    assert np.abs(result.mask - np.where(values < 1 / 255, 0, values)).max() < 1e-3


def test_a_mask_of_another_shape_is_stretched_with_a_warning(
    stylist: Stylist, picture: Picture, tmp_path: Path
) -> None:
    Image.fromarray(np.full((40, 20), 255, np.uint8)).save(tmp_path / "m.png")
    recipe = Recipe((Region(Target("mask", str(tmp_path / "m.png")), (Source("name", "ink"),)),))
    assert "another shape" in stylist.run(picture, recipe).warnings[0]


def test_picture_prompts_need_a_segmenter_that_takes_them(
    stylist: Stylist, picture: Picture, tmp_path: Path
) -> None:
    path = tmp_path / "swatch.png"
    Image.fromarray(picture.pixels[:20, :20]).save(path)
    recipe = Recipe((Region(Target("image", str(path)), (Source("name", "ochre"),)),))
    with pytest.raises(RequestError, match="colours segmenter can't take picture prompts"):
        stylist.run(picture, recipe)
    result = Stylist(PromptSegmenter(), TintEngine(), style_of).run(picture, recipe)
    assert is_tinted(result.picture, "ochre")
    assert (result.picture.pixels[:, 40:] == picture.pixels[:, 40:]).all()
    assert result.scores == {f"image:{path}": pytest.approx(1, abs=0.02)}


def test_a_picture_prompt_that_finds_nothing_or_is_none(picture: Picture, tmp_path: Path) -> None:
    segmenter = PromptSegmenter()
    stylist = Stylist(segmenter, TintEngine(), style_of)
    (tmp_path / "words.png").write_text("no picture")
    for name, said in (("gone.png", "there is no file"), ("words.png", "words.png")):
        recipe = parse_recipe(f"red + image:{tmp_path / name} = ochre")
        with pytest.raises(RequestError, match=said):
            stylist.run(picture, recipe)
    assert segmenter.encoded == 0
    Image.new("RGB", (20, 20), (230, 230, 26)).save(tmp_path / "yellow.png")
    recipe = parse_recipe(f"image:{tmp_path / 'yellow.png'} = ochre")
    with pytest.raises(
        PhraseNotFound, match=r'what ".*yellow\.png" shows was not found .*another picture'
    ):
        stylist.run(picture, recipe)


def test_encodings_of_several_pictures_are_kept_where_that_is_wanted(picture: Picture) -> None:
    segmenter, recipe = ColourSegmenter(), parse_recipe("red = ochre")
    small = shrunk(picture, 32)
    for keep, encoded in ((1, 4), (2, 2)):
        segmenter.encoded = 0
        finder = Finder(segmenter, keep)
        for each in (picture, small, picture, small):
            finder.find(each, recipe)
        assert segmenter.encoded == encoded
