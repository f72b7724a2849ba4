"""16 bits, floats and colour spaces through the command line, with the networks that ship."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from imagecodecs import cms_profile, png_encode
from numpy.typing import NDArray
from PIL import Image

from semantic_style.core.geometry import Bounds
from semantic_style.core.image import (
    from_float,
    load_mask,
    load_picture,
    read_recipe_text,
    save_picture,
)
from semantic_style.core.layers import Layer, flatten
from semantic_style.core.picture import Picture, to_float
from semantic_style.core.recipe import from_json

_LINEAR = cms_profile(
    "rgb",
    whitepoint=[0.3127, 0.3290, 1.0],
    primaries=[0.64, 0.33, 1.0, 0.30, 0.60, 1.0, 0.15, 0.06, 1.0],
    gamma=1.0,
)


def linear(samples: NDArray[np.uint8]) -> NDArray[np.float64]:
    values = samples / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def as_floats(castle: Path, path: Path) -> Path:
    """The photo as a float TIFF of linear light, with a sun far beyond white on the ground."""
    with Image.open(castle) as photo:
        values = linear(np.asarray(photo)).astype(np.float32)
    values[-4:, :4] = 90
    tifffile.imwrite(path, values, photometric="rgb", iccprofile=_LINEAR, compression="zlib")
    return path


def as_sixteen_bits(castle: Path, path: Path) -> Path:
    with Image.open(castle) as photo:
        values = np.rint(linear(np.asarray(photo)) * 65535).astype(np.uint16)
    tifffile.imwrite(path, values, photometric="rgb", iccprofile=_LINEAR)
    return path


def as_rgb48(castle: Path, path: Path) -> Path:
    with Image.open(castle) as photo:
        path = path.with_suffix(".png")
        path.write_bytes(png_encode(np.asarray(photo).astype(np.uint16) * 257))
    return path


def run(cli: Callable, photo: Path, out: Path, *more: str | Path) -> tuple[Picture, Picture]:
    ran = cli("stylize", photo, "-r", "sky=mosaic", *more, "-o", out)
    assert ran.code == 0, ran.err
    return load_picture(photo), load_picture(out)


@pytest.mark.parametrize("made", [as_floats, as_sixteen_bits, as_rgb48])
def test_a_deep_photo_looks_as_its_8_bit_copy(
    cli: Callable, castle: Path, tmp_path: Path, made: Callable
) -> None:
    photo = made(castle, tmp_path / "deep.tif")
    mask_file, again = tmp_path / "mask.png", tmp_path / f"again{photo.suffix}"
    source, result = run(cli, photo, tmp_path / f"out{photo.suffix}", "--mask-out", mask_file)
    mask = load_mask(mask_file)
    assert result.pixels.dtype == source.pixels.dtype
    assert 0.2 < (mask == 0).mean() < 0.8
    assert np.array_equal(result.pixels[mask == 0], source.pixels[mask == 0])
    assert result.info.icc == source.info.icc

    copy, recipe = tmp_path / "copy.png", f'mask:"{mask_file}"=mosaic'
    save_picture(Picture(from_float(to_float(source))), copy)
    for each, out in ((copy, tmp_path / "plain.png"), (photo, again)):
        # Unpolished: of a rounding in the photograph each step of polishing makes more.
        ran = cli("stylize", each, "-r", recipe, "--polish", "0", "-o", out)
        assert ran.code == 0, ran.err
    plain = to_float(load_picture(tmp_path / "plain.png"))
    apart = np.abs(to_float(load_picture(again)) - plain)[mask > 0]
    # Not quite the 8-bit copy's values, and where TNet computes in bfloat16 it answers a hundredth
    # of an 8-bit step with one on average, and now and then with ten (in float32 with 0.02). What
    # is read in the wrong depth or colour space is further off everywhere.
    assert apart.mean() < 2 / 255
    assert np.quantile(apart, 0.99) < 10 / 255


def test_a_sixteen_bit_png_carries_its_recipe_and_its_layers(
    cli: Callable, castle: Path, tmp_path: Path
) -> None:
    photo, out = as_sixteen_bits(castle, tmp_path / "deep.tif"), tmp_path / "out.png"
    source, result = run(cli, photo, out, "--layers-out", tmp_path / "layers")
    assert result.pixels.dtype == np.uint16
    assert from_json(read_recipe_text(out)).regions[0].target.value == "sky"
    assert (result.pixels != source.pixels).any(axis=-1).mean() > 0.2
    entry = json.loads((tmp_path / "layers" / "layers.json").read_text("utf-8"))["layers"][0]
    layer = load_picture(tmp_path / "layers" / entry["file"])
    assert layer.alpha is not None
    bounds = Bounds(entry["x"], entry["y"], entry["width"], entry["height"])
    shown = flatten(source, [Layer("sky", layer.pixels, layer.alpha, bounds)])
    assert np.abs(shown.pixels.astype(int) - result.pixels).max() <= 1


def test_results_in_a_folder_are_tiffs_for_floats(
    cli: Callable, castle: Path, tmp_path: Path
) -> None:
    floats, folder = as_floats(castle, tmp_path / "light.tif"), tmp_path / "results"
    folder.mkdir()
    ran = cli("stylize", castle, floats, "-r", "sky=mosaic", "-o", folder)
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in folder.iterdir()) == ["castle.png", "light.tif"]
    assert load_picture(folder / "light.tif").pixels.dtype == np.float32


def test_what_a_format_cannot_keep_is_said(cli: Callable, castle: Path, tmp_path: Path) -> None:
    deep = as_sixteen_bits(castle, tmp_path / "deep.tif")
    ran = cli("stylize", deep, "-r", "sky=mosaic", "-o", tmp_path / "out.jpg")
    assert ran.code == 0, ran.err
    assert "JPEG holds 8 bits" in ran.err
    assert load_picture(tmp_path / "out.jpg").pixels.dtype == np.uint8
    with Image.open(castle) as photo:
        photo.convert("CMYK").save(tmp_path / "print.tif")
    ran = cli("stylize", tmp_path / "print.tif", "-r", "sky=mosaic", "-o", tmp_path / "out.png")
    assert ran.code == 0, ran.err
    assert "CMYK" in ran.err


def test_floats_are_refused_where_no_float_fits(
    cli: Callable, castle: Path, tmp_path: Path
) -> None:
    floats, out = as_floats(castle, tmp_path / "light.tif"), tmp_path / "out.tif"
    for more, said in (
        (["-o", tmp_path / "out.png"], ".tif"),
        (["--layers-out", tmp_path / "stack.ora", "-o", out], "name a folder"),
    ):
        ran = cli("stylize", floats, "-r", "sky=mosaic", *more)
        assert ran.code == 2
        assert said in ran.err
        assert ran.err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["castle.png", "light.tif"]
