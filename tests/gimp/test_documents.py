"""All kinds of documents, in a real GIMP: what is repainted, and that nothing else is touched.

Every case is restyled by the procedure with two regions that overlap, neither at full strength,
over a photo with half-transparent pixels. What GIMP then shows is compared with what core makes
of the same samples; that the shell's command makes the same of them has a test of its own.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.image import PictureInfo
from semantic_style.core.layers import Layer
from semantic_style.core.picture import Picture, full_scale, quantised, scaled
from semantic_style.core.pipeline import Result
from semantic_style.core.profiles import decoded
from semantic_style.core.recipe import parse_recipe
from semantic_style.core.selection import ByHand
from semantic_style.plugin.session import Session

from .real_gimp import HERE, RealGimp, Worker

SIZE = (64, 96)  # height, width of the layer
RECIPE = "sky = mosaic @ 0.6; * = batik @ 0.7"
STEPS = {"u8": 255, "half": 2048, "u16": 65535, "u32": 65535, "float": 65535, "double": 65535}
KINDS = {"u8": np.uint8, "u16": np.uint16, "float": np.float32}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "alpha": {"alpha": True},
    "merged": {"alpha": True, "merge": True},
    "u16": {"alpha": True, "precision": "U16_NON_LINEAR", "depth": "u16"},
    "u32": {"alpha": True, "precision": "U32_NON_LINEAR", "depth": "float"},
    "half": {"alpha": True, "precision": "HALF_NON_LINEAR", "depth": "float"},
    "float": {"alpha": True, "precision": "FLOAT_NON_LINEAR", "depth": "float"},
    "double": {"alpha": True, "precision": "DOUBLE_NON_LINEAR", "depth": "float"},
    # inexact: GIMP's library for formats takes the way from linear light that was quickest when it
    # tried, so that two processes may read samples that differ in their last bits. Polishing makes
    # several steps of that; these cases go without.
    "u8 linear": {"alpha": True, "precision": "U8_LINEAR", "depth": "float", "inexact": True},
    "u16 linear": {"alpha": True, "precision": "U16_LINEAR", "depth": "float", "inexact": True},
    "float linear": {
        "alpha": True, "precision": "FLOAT_LINEAR", "depth": "float", "inexact": True,
    },
    "u8 perceptual": {"alpha": True, "precision": "U8_PERCEPTUAL"},
    "profile": {"alpha": True, "profile": "adobe"},
    "profile u16": {
        "alpha": True, "profile": "adobe", "precision": "U16_NON_LINEAR", "depth": "u16",
    },
    "profile perceptual": {
        "alpha": True, "profile": "adobe", "precision": "U16_PERCEPTUAL", "depth": "float",
    },
    "profile in linear light": {
        "alpha": True, "profile": "linear", "precision": "FLOAT_NON_LINEAR", "depth": "float",
    },
    "grey": {"grey": True},
    "grey alpha": {"grey": True, "alpha": True},
    "grey u16": {"grey": True, "alpha": True, "precision": "U16_NON_LINEAR", "depth": "u16"},
    "grey float linear": {
        "grey": True, "precision": "FLOAT_LINEAR", "depth": "float", "inexact": True,
    },
    "grey profile": {"grey": True, "alpha": True, "profile": "grey lab"},
    "smaller than the image": {"image": [200, 150], "offset": [31, 47]},
    "smaller over another": {"image": [200, 150], "offset": [31, 47], "below": True},
    "larger than the image": {"image": [60, 40], "offset": [-17, -9], "alpha": True},
    "in a group": {"groups": ["NORMAL"], "image": [120, 80], "offset": [7, 5], "alpha": True},
    "in a group that passes through": {
        "groups": ["PASS_THROUGH"], "image": [120, 80], "offset": [7, 5], "below": True,
    },
    "deep in groups": {"groups": ["NORMAL", "PASS_THROUGH", "NORMAL"], "alpha": True},
    "between others": {"below": True, "above": True},
    "layer mask": {"mask": True},
    "layer mask u16": {"mask": True, "alpha": True, "precision": "U16_NON_LINEAR", "depth": "u16"},
    "selection": {"selection": "hard"},
    "soft selection": {"selection": "soft", "alpha": True},
    "soft selection merged": {"selection": "soft", "alpha": True, "merge": True},
    "soft selection, layer off the canvas": {
        "selection": "soft", "image": [80, 60], "offset": [-13, 9],
    },
    "soft selection u16": {"selection": "soft", "precision": "U16_NON_LINEAR", "depth": "u16"},
    "locked": {"locked": True, "alpha": True},
    "filter": {"filter": True},
    "over another, with alpha": {"alpha": True, "below": True},
    "over another, with all there is": {
        "alpha": True, "below": True, "mask": True, "selection": "soft",
        "image": [120, 70], "offset": [11, -5], "precision": "U16_NON_LINEAR", "depth": "u16",
    },
}  # fmt: skip


def photo_with_alpha() -> np.ndarray:
    """[64, 96, 4] uint16: a castle below a sky; the right is half transparent, its edge not at
    all there, its alphas many."""
    with Image.open(Session().shipped_photo("neuschwansteinCastle")) as photo:
        small = photo.convert("RGB").resize(SIZE[::-1], Image.Resampling.LANCZOS)
    picture = np.full((*SIZE, 4), 65535, np.uint16)
    picture[..., :3] = np.asarray(small, np.uint16) * 257
    picture[:, 48:72, 3] = 32768
    picture[:, 72:, 3] = np.linspace(65535, 0, SIZE[0]).astype(np.uint16)[:, None]
    picture[:, 92:, 3] = 0
    return picture


@pytest.fixture(scope="module")
def found(real_gimp: RealGimp, shared_worker: Worker) -> dict[str, Any]:
    """What all cases look like before and after, by one GIMP."""
    photo = real_gimp.work / "photo.raw"
    photo.write_bytes(photo_with_alpha().tobytes())
    script = (
        f"{(HERE / 'documents.py').read_text()}\n"
        f"photo = open({str(photo)!r}, 'rb').read()\n"
        f"cases = json.loads({json.dumps(json.dumps(CASES))})\n"
        "for number, (name, case) in enumerate(cases.items()):\n"
        "    verdict[name] = restyled(case, photo, f'case{number}')\n"
    )
    return real_gimp.batch(script, limit=300)  # dozens of runs, on a machine that may be busy


@pytest.fixture(scope="module")
def session() -> Session:
    return Session("cpu")


def samples_of(path: str, kind: type, shape: tuple[int, ...] = (*SIZE, 4)) -> np.ndarray:
    return np.fromfile(path, kind).reshape(shape)


def source_picture(case: dict[str, Any], saw: dict[str, Any]) -> Picture:
    """The samples that the layer showed to its own run, as core takes them."""
    kind = KINDS[case.get("depth", "u8")]
    if case.get("filter"):
        seen = samples_of(saw["samples"], np.float32)
        samples = np.rint(seen * 255).astype(np.uint8)
    else:
        samples = samples_of(saw["samples"], kind)
    icc = Path(saw["icc"]).read_bytes() if "icc" in saw else None
    alpha = np.ascontiguousarray(samples[..., 3]) if case.get("alpha") else None
    return Picture(
        np.ascontiguousarray(samples[..., :3]),
        alpha,
        grey=bool(case.get("grey")),
        info=PictureInfo(icc=icc),
    )


def result_of(session: Session, case: dict[str, Any], saw: dict[str, Any]) -> Result:
    recipe = parse_recipe(RECIPE)
    if case.get("inexact"):
        recipe = replace(recipe, polish=0)
    if case.get("grey"):
        recipe = replace(recipe, keep_colors=True)
    bound = None
    if "selection" in saw:
        bound = scaled(samples_of(saw["selection"], mask_kind(case), SIZE))
    if case.get("below"):  # and where the layer hides nothing of it, nothing is painted
        bound = cover_of(case) * (1 if bound is None else bound)
    picture = source_picture(case, saw)
    return session.stylist(recipe).run(picture, recipe, by_hand=ByHand(bound))


def cover_of(case: dict[str, Any]) -> np.ndarray:
    """[64, 96] in [0, 1]: how much of what lies below the layer hides."""
    cover = scaled(photo_with_alpha()[..., 3]) if case.get("alpha") else np.ones(SIZE, np.float32)
    if case.get("mask"):
        cover = cover * np.minimum(255, 4 * np.arange(SIZE[1], dtype=np.float32)) / 255
    return scaled(quantised(cover, mask_kind(case)))


def mask_kind(case: dict[str, Any]) -> type:
    return np.uint8 if case.get("depth", "u8") == "u8" else np.uint16


def on_canvas(case: dict[str, Any], values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A layer's values [64, 96, ...] where they lie in the image, and whether they are there."""
    width, height = case.get("image", SIZE[::-1])
    x, y = case.get("offset", [0, 0])
    out = np.zeros((height, width, *values.shape[2:]), values.dtype)
    there = np.zeros((height, width), bool)
    top, left = max(0, y), max(0, x)
    bottom, right = min(height, y + SIZE[0]), min(width, x + SIZE[1])
    out[top:bottom, left:right] = values[top - y : bottom - y, left - x : right - x]
    there[top:bottom, left:right] = True
    return out, there


def whole(layer: Layer, values: np.ndarray) -> np.ndarray:
    """A layer's values as those of the whole source, 0 elsewhere."""
    out = np.zeros((*SIZE, values.shape[2]), np.float32)
    out[layer.bounds.slices] = values
    return out


def seen(case: dict[str, Any], saw: dict[str, Any], stage: str) -> np.ndarray:
    width, height = case.get("image", SIZE[::-1])
    return samples_of(saw[stage], np.float32, (height, width, 4))


def covered(case: dict[str, Any], saw: dict[str, Any]) -> np.ndarray:
    """Where any layer mask is not 0, in the image."""
    width, height = case.get("image", SIZE[::-1])
    margin = 200
    cover = np.zeros((height + 2 * margin, width + 2 * margin), bool)
    for layer in saw["layers"]:
        x, y, w, h = layer["box"]
        mask = samples_of(layer["mask"], np.uint16, (h, w))
        cover[y + margin : y + margin + h, x + margin : x + margin + w] |= mask > 0
    return cover[margin : margin + height, margin : margin + width]


@pytest.mark.parametrize("name", CASES)
def test_the_run_succeeds_and_the_layer_itself_is_untouched(
    found: dict[str, Any], name: str
) -> None:
    saw = found[name]
    assert saw["status"] == "SUCCESS", saw["message"]
    assert saw["untouched"]
    assert saw["holder"] == "Semantic Style: sky, whole picture"
    assert len(saw["layers"]) == (1 if CASES[name].get("merge") else 2)


@pytest.mark.parametrize("name", CASES)
def test_outside_the_masks_no_sample_of_the_image_changes(found: dict[str, Any], name: str) -> None:
    case, saw = CASES[name], found[name]
    outside = ~covered(case, saw)
    if case.get("selection"):
        assert outside.any()
    before, after = (
        np.fromfile(saw[f"{stage} native"], np.uint8).reshape(*outside.shape, -1)
        for stage in ("before", "after")
    )
    assert (before[outside] == after[outside]).all()


@pytest.mark.parametrize("name", CASES)
def test_the_stack_shows_what_core_makes_in_the_same_place(
    found: dict[str, Any], session: Session, name: str
) -> None:
    case, saw = CASES[name], found[name]
    result = result_of(session, case, saw)
    before, after = seen(case, saw, "before"), seen(case, saw, "after")
    if case.get("below"):  # the stack, over what is seen without it
        wanted = before[..., :3].copy()
        for layer in reversed(result.layers):
            pixels, there = on_canvas(case, whole(layer, scaled(layer.pixels)))
            share, _ = on_canvas(case, whole(layer, scaled(layer.mask)[..., None]))
            wanted += share * (pixels - wanted)
    else:
        wanted, there = on_canvas(case, scaled(result.picture.pixels))
    # Alpha stays what it was. Where nothing is seen of the layer its colours are not, either.
    assert np.abs(after[..., 3] - before[..., 3]).max() <= 1e-6
    visible = there & (after[..., 3] > 0)
    if case.get("above"):
        visible[:10, :10] = False
    repainted = np.abs(after[..., :3] - before[..., :3])[visible]
    assert repainted.max() > 0.2
    shown, wanted = after[..., :3][visible], wanted[visible]
    if case.get("precision") == "U8_LINEAR":  # the image itself has no finer steps in the darks
        shown, wanted = decoded(shown), decoded(wanted)
    if "U8" in case.get("precision", "U8"):
        shown, wanted = quantised(shown, np.uint8) / 255, quantised(wanted, np.uint8) / 255
    assert np.abs(shown - wanted).max() <= 1 / 255 + 1e-6


@pytest.mark.parametrize("name", [name for name in CASES if not CASES[name].get("merge")])
def test_layers_lie_where_core_puts_them(
    found: dict[str, Any], session: Session, name: str
) -> None:
    case, saw = CASES[name], found[name]
    x, y = case.get("offset", [0, 0])
    layers = result_of(session, case, saw).layers
    for layer, given in zip(layers, saw["layers"], strict=True):
        bounds = layer.bounds
        assert given["box"] == [bounds.x + x, bounds.y + y, bounds.width, bounds.height]
        mask = samples_of(given["mask"], np.uint16, (bounds.height, bounds.width))
        steps = STEPS[given["precision"].split()[1].split("-")[0]]
        off = np.abs(mask / 65535 - layer.mask / full_scale(layer.mask.dtype))
        # One step: what differs in a float's last bit may be rounded to the other side. And a
        # network's sums differ by 1e-5 with the number of threads.
        assert off.max() <= 1.1 / steps + 5e-5
