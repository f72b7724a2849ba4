"""stylize and mask, on real photos with the networks that ship."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from semantic_style.core.geometry import Bounds
from semantic_style.core.image import load_picture, read_recipe_text
from semantic_style.core.layers import Layer, flatten
from semantic_style.core.perceptual_weights import STAND_IN
from semantic_style.core.recipe import from_json
from semantic_style.plugin.session import Session

ORIENTATION = 0x0112


def samples(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def with_alpha(image: Image.Image, path: Path) -> Path:
    ramp = np.linspace(0, 255, image.width).astype(np.uint8)
    clear = image.convert("RGBA")
    clear.putalpha(Image.fromarray(np.broadcast_to(ramp, (image.height, image.width)).copy()))
    clear.save(path.with_suffix(".png"))
    return path.with_suffix(".png")


def turned(image: Image.Image, path: Path) -> Path:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    stored = image.transpose(Image.Transpose.ROTATE_90)
    stored.save(path.with_suffix(".jpg"), exif=exif, quality=92)
    return path.with_suffix(".jpg")


def with_profile(image: Image.Image, path: Path) -> Path:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.save(path.with_suffix(".png"), icc_profile=profile)
    return path.with_suffix(".png")


def grey(image: Image.Image, path: Path) -> Path:
    image.convert("L").save(path.with_suffix(".png"))
    return path.with_suffix(".png")


@pytest.mark.parametrize("made", [with_alpha, turned, with_profile, grey])
def test_where_the_mask_is_zero_every_sample_is_the_photos(
    cli: Callable, castle_image: Image.Image, tmp_path: Path, made: Callable
) -> None:
    photo = made(castle_image, tmp_path / "photo")
    out, mask_file = tmp_path / "out.png", tmp_path / "m.png"
    ran = cli("stylize", photo, "-r", "sky=mosaic", "--mask-out", mask_file, "-o", out)
    assert ran.code == 0, ran.err
    mask = samples(mask_file)
    with Image.open(photo) as file:
        upright = ImageOps.exif_transpose(file)
        result = Image.open(out)
        assert result.size == upright.size == castle_image.size
        assert result.info.get("icc_profile") == file.info.get("icc_profile")
        if made is with_alpha:
            assert (np.asarray(result.getchannel("A")) == np.asarray(upright.getchannel("A"))).all()
        before = np.asarray(upright.convert("RGBA"))
        after = np.asarray(result.convert("RGBA"))
    assert 0.2 < (mask > 127).mean() < 0.7
    assert 0.2 < (mask == 0).mean() < 0.8
    assert (after[mask == 0] == before[mask == 0]).all()
    changed = np.abs(after[mask == 255].astype(int) - before[mask == 255]).mean()
    assert changed > 5


def test_two_regions_and_something_kept(cli: Callable, castle: Path, tmp_path: Path) -> None:
    out, mask_file = tmp_path / "out.png", tmp_path / "m.png"
    ran = cli(
        "stylize", castle, "sky = mosaic; building = pen-hatching @ 0.5; keep tree",
        "-o", out, "--mask-out", mask_file, "--layers-out", tmp_path / "layers",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    before, after, mask = samples(castle), samples(out), samples(mask_file)
    assert (after[mask == 0] == before[mask == 0]).all()
    assert (before[:20] != after[:20]).mean() > 0.5, "the sky was to be repainted"
    stack = read_layers(tmp_path / "layers")
    assert len(stack) == 2
    shown = flatten(load_picture(castle), stack).pixels
    assert np.abs(shown.astype(int) - after).max() <= 1


def test_what_is_kept_stays(cli: Callable, castle: Path, tmp_path: Path) -> None:
    out, mask_file = tmp_path / "out.png", tmp_path / "m.png"
    flags = ("--keep", "sky", "--feather", "0", "--mask-out", mask_file)
    ran = cli("stylize", castle, "* = mosaic", *flags, "-o", out)
    assert ran.code == 0, ran.err
    before, after, mask = samples(castle), samples(out), samples(mask_file)
    assert (mask[:15, 60:] < 10).mean() > 0.9, "the sky was to be kept"
    assert (mask[-40:] > 245).mean() > 0.9, "the rest was to be repainted"
    assert (after[mask == 0] == before[mask == 0]).all()


def read_layers(folder: Path) -> list[Layer]:
    """What an editor would read back: the PNGs that layers.json names, topmost first."""
    layers = []
    for entry in json.loads((folder / "layers.json").read_text(encoding="utf-8"))["layers"]:
        rgba = samples(folder / entry["file"])
        bounds = Bounds(entry["x"], entry["y"], entry["width"], entry["height"])
        layers.append(Layer(entry["name"], rgba[..., :3], rgba[..., 3], bounds))
    return layers


def test_an_openraster_file_and_the_summary_for_machines(
    cli: Callable, castle: Path, tmp_path: Path
) -> None:
    out, stack = tmp_path / "out.png", tmp_path / "stack.ora"
    ran = cli("stylize", castle, "-r", "sky=mosaic", "--layers-out", stack, "--json", "-o", out)
    assert ran.code == 0, ran.err
    assert stack.read_bytes()[30:38] == b"mimetype"
    summary = json.loads(ran.out)
    assert summary["output"] == str(out)
    assert summary["size"] == [320, 213]
    assert summary["seconds"] > 0
    assert (summary["segmenter"], summary["engine"]) == ("builtin", "adaattn")
    assert 0.5 < summary["scores"]["sky"] <= 1
    assert summary["warnings"] == []
    assert summary["recipe"]["pins"]["weights"].keys() >= {"adaattn-compact", "word-segmenter"}


def test_a_result_carries_its_recipe_and_can_be_made_again(
    cli: Callable, castle: Path, photo_file: Path, tmp_path: Path
) -> None:
    first, again = tmp_path / "first.png", tmp_path / "again.png"
    flags = ("--keep-colors", "--feather", "4", "--size", "160")
    assert cli("stylize", castle, "-r", f"sky={photo_file}", *flags, "-o", first).code == 0
    recipe = from_json(read_recipe_text(first))
    assert recipe.keep_colors
    assert (recipe.size, recipe.regions[0].feather) == (160, 4)
    assert recipe.pins is not None
    ran = cli("stylize", castle, "--recipe", first, "-o", again)
    assert ran.code == 0, ran.err
    assert "warning" not in ran.err
    assert (samples(first) == samples(again)).all()

    Image.open(photo_file).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(photo_file)
    again.unlink()
    ran = cli("stylize", castle, "--recipe", first, "-o", again)
    assert ran.code == 2
    assert "has changed" in ran.err
    assert not again.exists()


def test_polishing_is_left_to_the_engine(cli: Callable, castle: Path, tmp_path: Path) -> None:
    outs = {}
    for flags in ((), ("--polish", "auto"), ("--polish", "4"), ("--polish", "0")):
        out = outs[flags[-1:]] = tmp_path / f"out{'-'.join(flags)}.png"
        assert cli("stylize", castle, "* = mosaic", *flags, "-o", out).code == 0
    usual, auto, four, none = (samples(out) for out in outs.values())
    assert (usual == auto).all()
    assert (usual == four).all()
    assert np.abs(usual.astype(int) - none).mean() > 1
    recipes = [from_json(read_recipe_text(out)) for out in outs.values()]
    assert [recipe.polish for recipe in recipes] == ["auto", "auto", 4, 0]
    pinned = [STAND_IN in dict(recipe.pins.weights) for recipe in recipes if recipe.pins]
    assert pinned == [True, True, True, False]


def test_a_polished_result_can_be_made_again(cli: Callable, castle: Path, tmp_path: Path) -> None:
    plain, first, again = (tmp_path / f"{name}.png" for name in ("plain", "first", "again"))
    assert cli("stylize", castle, "* = mosaic", "--polish", "0", "-o", plain).code == 0
    assert cli("stylize", castle, "* = mosaic", "--polish", "3", "-o", first).code == 0
    recipe = from_json(read_recipe_text(first))
    assert recipe.polish == 3
    assert recipe.pins is not None
    assert STAND_IN in dict(recipe.pins.weights)
    assert np.abs(samples(first).astype(int) - samples(plain)).mean() > 1
    ran = cli("stylize", castle, "--recipe", first, "-o", again)
    assert ran.code == 0, ran.err
    assert "warning" not in ran.err
    assert (samples(first) == samples(again)).all()


def test_words_are_painted_as_they_are_beside_what_is_polished(
    cli: Callable, castle: Path, tmp_path: Path
) -> None:
    plain, out = tmp_path / "plain.png", tmp_path / "out.png"
    flags = ("--engine", "zmnet", "--segmenter", "builtin")
    assert cli("stylize", castle, "* = word:night", *flags, "-o", plain).code == 0
    ran = cli("stylize", castle, "* = word:night", *flags, "--polish", "9", "-o", out)
    assert ran.code == 0
    assert "word:night: no picture to polish towards" in ran.err
    assert (samples(plain) == samples(out)).all()
    ran = cli("stylize", castle, "* = mosaic", "--engine", "gatys", "--polish", "9", "-o", out)
    assert ran.code == 2
    assert "adaattn and zmnet only" in ran.err


def test_several_photos_of_which_one_has_no_sky(
    cli: Callable, castle_image: Image.Image, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        castle_image.save(tmp_path / f"{name}.jpg")
    with Image.open(Session().shipped_photo("coffee")) as coffee:
        coffee.convert("RGB").resize((300, 200)).save(tmp_path / "three.jpg")
    photos = [tmp_path / f"{name}.jpg" for name in ("one", "three", "two")]
    results = tmp_path / "results"
    results.mkdir()
    ran = cli("stylize", *photos, "-r", "sky=mosaic", "--strict", "-o", results)
    assert ran.code == 2
    assert sorted(path.name for path in results.iterdir()) == ["one.png", "two.png"]
    assert "three.jpg" in ran.err
    assert ran.err.splitlines()[-1] == (
        "semantic-style: 1 of 3 photos were not done, as said above"
    )


def test_a_region_that_is_missing_is_a_warning_beside_one_that_is_there(
    cli: Callable, castle: Path, tmp_path: Path
) -> None:
    ran = cli("stylize", castle, "sky = mosaic; horse = mosaic", "-o", tmp_path / "out.png")
    assert ran.code == 0
    assert ran.err.startswith('semantic-style: warning: "horse" was not found')
    assert "wrote" in ran.out


def test_a_synonym_is_carried_to_the_word_that_answers(
    cli: Callable, castle: Path, tmp_path: Path
) -> None:
    ran = cli("stylize", castle, "-r", "trees=mosaic", "-o", tmp_path / "out.png")
    assert ran.code == 0, ran.err
    assert "tree" in ran.out


def test_a_mask_and_its_inverse_share_the_picture(
    cli: Callable, castle: Path, tmp_path: Path
) -> None:
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    assert cli("mask", castle, "sky", "--feather", "0", "-o", one).code == 0
    ran = cli("mask", castle, "sky", "--feather", "0", "--invert", "-o", other)
    assert ran.code == 0
    assert "of the picture" in ran.out
    total = samples(one).astype(int) + samples(other)
    assert abs(total - 255).mean() < 4
    wider = tmp_path / "wider.png"
    assert cli("mask", castle, "sky", "--feather", "0", "--grow", "12", "-o", wider).code == 0
    assert samples(wider).mean() > samples(one).mean() + 3
    assert cli("mask", castle, "sky", "-o", one).code == 2, "the file is there already"
    assert cli("mask", castle, "sky", "-o", one, "--force").code == 0
