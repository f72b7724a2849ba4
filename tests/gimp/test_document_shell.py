"""The procedure and the shell's command, asked for the same, show the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.image import load_picture, save_picture
from semantic_style.core.picture import Picture, scaled
from semantic_style.plugin.cli import main
from semantic_style.plugin.session import Session

from .real_gimp import RealGimp, Worker

OVERLAPPING = "sky = mosaic @ 0.6; * = batik @ 0.7"
FILES = "mask:{mask} = {style} @ 0.8; sky = 0.5*{style} + 0.5*mosaic"
# suffix and kind of the photo, recipe, the procedure's arguments, the shell's
CASES: dict[str, tuple[str, str, str, dict[str, Any], list[str]]] = {
    "half-transparent": ("png", "u8", OVERLAPPING, {}, []),
    "16 bits": ("png", "u16", OVERLAPPING, {}, []),
    "floats": ("tif", "float", OVERLAPPING, {}, []),
    "grey": ("png", "grey", OVERLAPPING, {}, ["--keep-colors"]),
    "files": ("png", "u8", FILES, {}, []),
    "kept": ("png", "u8", "* = mosaic; keep sky", {}, []),
    "words and groups": (
        "png", "u8", "* = word:night",
        {"engine": "zmnet", "transfer": "colours"}, ["--transfer", "colours"],
    ),
    "every flag": (
        "png", "u8", "sky = mosaic",
        {"size": 80, "style_scale": 1.5, "threshold": 0.4, "grow": 3, "feather": 1.0,
         "invert": "yes", "keep_colors": "yes", "segmenter": "builtin", "seed": 3},
        ["--size", "80", "--style-scale", "1.5", "--threshold", "0.4", "--grow", "3",
         "--feather", "1", "--invert", "--keep-colors", "--segmenter", "builtin", "--seed", "3"],
    ),
}  # fmt: skip

SCRIPT = """
for name, (photo, recipe, options) in json.loads(CASES).items():
    image = opened(photo)
    (layer,) = image.get_layers()
    answer = call("python-fu-semantic-style", image=image, drawables=[layer], recipe=recipe,
                  **options)
    flat = Gimp.Layer.new_from_visible(image, image, "flat")
    form = "R'G'B'A float" if image.get_base_type() == Gimp.ImageBaseType.RGB else "R'G'B'A u8"
    verdict[name] = {
        "answer": [answer["status"], answer["message"]],
        "shows": kept(f"shell {name}", samples(flat, form)),
        "recipe": bytes(image.get_layers()[0].get_parasite("semantic-style").get_data()).decode()
        if len(image.get_layers()) > 1 else "",
    }
    image.delete()
"""


def photo_of(kind: str) -> Picture:
    """64 x 96: a castle, the right of it half transparent."""
    with Image.open(Session().shipped_photo("neuschwansteinCastle")) as photo:
        small = np.asarray(photo.convert("RGB").resize((96, 64), Image.Resampling.LANCZOS))
    alpha = np.full(small.shape[:2], 255, np.uint8)
    alpha[:, 48:] = 128
    alpha[:, 80:] = np.linspace(255, 1, 64).astype(np.uint8)[:, None]
    if kind == "grey":
        grey = np.ascontiguousarray(small[..., :1].repeat(3, axis=2))
        return Picture(grey, grey=True)
    if kind == "u16":
        return Picture(small.astype(np.uint16) * 257 + 11, alpha.astype(np.uint16) * 257)
    if kind == "float":
        return Picture(scaled(small), scaled(alpha))
    return Picture(small, alpha)


def names_of(folder: Path) -> dict[str, str]:
    """A style and a mask as files: recipes name them."""
    generator = np.random.default_rng(7)
    style = generator.integers(0, 255, (12, 15, 3), np.uint8).repeat(10, 0).repeat(10, 1)
    mask = np.zeros((64, 96), np.uint8)
    mask[20:50, 10:60] = np.linspace(0, 255, 50).astype(np.uint8)
    Image.fromarray(style).save(folder / "a style.png")
    Image.fromarray(mask).save(folder / "a mask.png")
    return {"style": f'"{folder}/a style.png"', "mask": f'"{folder}/a mask.png"'}


@pytest.fixture(scope="module")
def asked(real_gimp: RealGimp) -> dict[str, tuple[Path, str]]:
    """Each case's photo as a file, and its recipe."""
    names = names_of(real_gimp.work)
    photos = {}
    for number, (name, (suffix, kind, recipe, _, _)) in enumerate(CASES.items()):
        path = real_gimp.work / f"shell-{number}.{suffix}"
        save_picture(photo_of(kind), path, force=True)
        photos[name] = (path, recipe.format(**names))
    return photos


@pytest.fixture(scope="module")
def found(
    real_gimp: RealGimp, shared_worker: Worker, asked: dict[str, tuple[Path, str]]
) -> dict[str, Any]:
    cases = {name: [str(photo), recipe, CASES[name][3]] for name, (photo, recipe) in asked.items()}
    return real_gimp.batch(f"CASES = {json.dumps(cases)!r}\n{SCRIPT}")


@pytest.mark.parametrize("name", CASES)
def test_both_show_the_same(
    found: dict[str, Any], asked: dict[str, tuple[Path, str]], tmp_path: Path, name: str
) -> None:
    assert found[name]["answer"] == ["SUCCESS", ""]
    photo, recipe = asked[name]
    out = tmp_path / f"out{photo.suffix}"
    assert main(["stylize", str(photo), recipe, "-o", str(out), *CASES[name][4]]) == 0
    wanted = load_picture(out)
    kind = np.uint8 if name == "grey" else np.float32
    shows = scaled(np.fromfile(found[name]["shows"], kind).reshape(64, 96, 4))
    off = np.abs(shows[..., :3] - scaled(wanted.pixels))
    assert off.max() <= 1 / 255 + 1e-5
    assert np.abs(shows[..., :3] - scaled(load_picture(photo).pixels)).max() > 0.1
    if wanted.alpha is not None:
        assert np.abs(shows[..., 3] - scaled(wanted.alpha)).max() <= 1e-6


def test_a_recipe_in_a_document_holds_its_pictures_itself(found: dict[str, Any]) -> None:
    regions = json.loads(found["files"]["recipe"])["recipe"]["regions"]
    assert regions[0]["target"]["kind"] == "embedded"
    assert [source["kind"] for source in regions[1]["style"]] == ["embedded", "name"]
