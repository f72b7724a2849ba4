"""Any picture a person may bring: the same look inside the mask, the same samples outside.

{8 bits, 16 bits, floats} x {grey, RGB} x {alpha, none} x {sRGB, AdobeRGB, linear}, through a file
in, Stylist, a file out, and back. The files are written by other hands (Pillow, tifffile), their
values worked out here by the spaces' own formulas.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from semantic_style.core.image import load_picture, save_mask, save_picture
from semantic_style.core.layers import flatten, write_layers
from semantic_style.core.picture import Picture, full_scale, to_float
from semantic_style.core.pipeline import Stylist
from semantic_style.core.recipe import parse_recipe

from .pictures import ADOBE_RGB, SRGB, grey_profile, rgb_profile

Floats = NDArray[np.float64]
GAMMAS = {"AdobeRGB": 563 / 256, "linear": 1.0}
KINDS = {"8": np.uint8, "16": np.uint16, "float": np.float32}
SPACES = ("sRGB", "AdobeRGB", "linear")
MATRIX = list(product(KINDS, ("grey", "RGB"), ("alpha", "opaque"), SPACES))
LIMIT = 2 / 255


def scene(height: int = 60, width: int = 80) -> Floats:
    """HWC sRGB in [0.15, 0.85], smooth."""
    y, x = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    light = np.cos(6 * x - 4 * y)
    colour = [np.sin(5 * x + 2 * y), np.cos(4 * y - x), np.sin(3 * (x + y) + 1)]
    return 0.5 + 0.25 * light[..., None] + 0.1 * np.stack(colour, axis=-1)


def soft_mask(height: int = 60, width: int = 80) -> Floats:
    """HW: an ellipse of 1 that falls off to 0 over many pixels; 0 around it."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot((x - width / 2) / (width / 2), (y - height / 2) / (height / 2))
    return ((0.9 - distance) / 0.5).clip(0, 1)


def to_xyz(primaries: tuple[float, ...]) -> Floats:
    x, y = np.array(primaries[::2]), np.array(primaries[1::2])
    columns = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    return columns * np.linalg.solve(columns, white)


def coded(srgb: Floats, space: str, grey: bool) -> Floats:
    """sRGB values in another space's own values, which can show all of sRGB."""
    if space == "sRGB":
        return srgb
    light = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    if space == "AdobeRGB" and not grey:
        light = light @ np.linalg.solve(to_xyz(ADOBE_RGB), to_xyz(SRGB)).T
    return light.clip(0, 1) ** (1 / GAMMAS[space])


def write(path: Path, kind: str, colours: str, alpha: str, space: str) -> Path:
    """The scene as a file of that kind, floats with values that no screen shows outside the
    mask; the path with its suffix."""
    grey, srgb = colours == "grey", scene()
    values = coded(srgb[..., 1:2] if grey else srgb, space, grey)
    if alpha == "alpha":
        values = np.dstack([values, np.random.default_rng(4).random(values.shape[:2])])
    samples = values * full_scale(KINDS[kind])
    samples = samples if kind == "float" else np.rint(samples)
    samples = samples.astype(KINDS[kind])
    if kind == "float":
        samples[0, :4, 0] = (np.nan, 7.5, -2, np.inf)
    icc = None
    if space != "sRGB":
        icc = grey_profile(GAMMAS[space]) if grey else profile_of(space)
    if kind == "8":
        path = path.with_suffix(".png")
        Image.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples).save(
            path, icc_profile=icc
        )
        return path
    path = path.with_suffix(".tif")
    tifffile.imwrite(
        path,
        samples[..., 0] if samples.shape[2] == 1 else samples,
        photometric="minisblack" if grey else "rgb",
        planarconfig="contig" if samples.shape[2] > 1 else None,
        extrasamples=["unassalpha"] if alpha == "alpha" else None,
        iccprofile=icc,
        metadata=None,
    )
    return path


def profile_of(space: str) -> bytes:
    return rgb_profile(GAMMAS[space], ADOBE_RGB if space == "AdobeRGB" else SRGB)


def painted(stylist: Stylist, photo: Path, out: Path) -> tuple[Picture, Picture, Any]:
    """What was read, what the written result reads as, and what the pipeline gave."""
    mask = photo.with_name("mask.png")
    save_mask(soft_mask(), mask, force=True)
    recipe = parse_recipe(f'mask:"{mask}" = ochre @ 0.9')
    source = load_picture(photo)
    result = stylist.run(source, recipe)
    save_picture(result.picture, out)
    return source, load_picture(out), result


def own_step(picture: Picture) -> NDArray[np.float32]:
    """By how much sRGB may differ where every own value is within a step of 8 bits."""
    whole, here = picture.pixels.astype(int), to_float(picture)
    result = np.zeros_like(here)
    for changed in [(0, 1, 2)] if picture.grey else [(0,), (1,), (2,)]:
        step = np.isin(np.arange(3), changed)
        away = [(whole + sign * step).clip(0, 255).astype(np.uint8) for sign in (-1, 1)]
        shown = [np.abs(to_float(picture.with_pixels(each)) - here) for each in away]
        result += np.maximum(*shown)
    return result


@pytest.mark.parametrize(("kind", "colours", "alpha", "space"), MATRIX)
def test_matrix(
    stylist: Stylist, tmp_path: Path, kind: str, colours: str, alpha: str, space: str
) -> None:
    reference = write(tmp_path / "reference", "8", colours, alpha, "sRGB")
    _, expected, _ = painted(stylist, reference, tmp_path / "expected.png")
    photo = write(tmp_path / "photo", kind, colours, alpha, space)
    source, read, result = painted(stylist, photo, tmp_path / f"out{photo.suffix}")

    outside = result.mask == 0
    assert 0.2 < outside.mean() < 0.8
    assert ((result.mask > 0.05) & (result.mask < 0.95)).mean() > 0.1, "no soft edge"
    bits = f"u{source.pixels.itemsize}"
    assert read.pixels.dtype == KINDS[kind]
    assert np.array_equal(read.pixels[outside].view(bits), source.pixels[outside].view(bits))
    assert (read.alpha is not None) == (alpha == "alpha")
    if read.alpha is not None and source.alpha is not None:
        assert np.array_equal(read.alpha.view(bits), source.alpha.view(bits))

    inside = ~outside
    limit = np.full(read.pixels.shape, LIMIT)
    if kind == "8" and space != "sRGB":
        # 8 bits of linear light are coarser than that in the darks, and of AdobeRGB in strong
        # colours. At best they are half a step away where they are read and where they are
        # written; and so is the reference.
        coarse = np.maximum(own_step(read), own_step(source))
        limit = np.maximum(limit, coarse + 1 / 255)
    difference = np.abs(to_float(read) - to_float(expected))
    assert (difference <= limit)[inside].all(), (difference * 255)[inside].max()
    changed = np.abs(to_float(read) - to_float(source))[result.mask > 0.9]
    assert changed.mean() > 0.05, "nothing was painted"

    flat = flatten(source, result.layers).pixels
    high = 255 if kind == "8" else 65535
    apart = np.abs(flat[inside].astype(float) - result.picture.pixels[inside])
    assert apart.max() / full_scale(flat.dtype) * high <= 1
    assert np.array_equal(flat[outside].view(bits), source.pixels[outside].view(bits))
    for layer in result.layers:
        assert not layer.mask[outside[layer.bounds.slices]].any()
    write_layers(tmp_path / "layers", source, result.layers)
    first = load_picture(next((tmp_path / "layers").glob("01-*")))
    assert np.array_equal(first.pixels, result.layers[0].pixels)
    assert first.alpha is not None
    high = full_scale(result.layers[0].mask.dtype)
    again = first.alpha / full_scale(first.alpha.dtype) * high
    assert np.array_equal(np.rint(again), result.layers[0].mask)
