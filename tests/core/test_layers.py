"""Layers on disk: what an editor reads back and stacks is the composite."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from semantic_style.core.canvas import PictureCanvas
from semantic_style.core.composite import Repainted, composite
from semantic_style.core.errors import RequestError
from semantic_style.core.geometry import Bounds
from semantic_style.core.image import load_picture
from semantic_style.core.layers import Layer, flatten, layer_masks, write_layers, write_ora
from semantic_style.core.masks import box_of, limit
from semantic_style.core.picture import Picture


@pytest.fixture
def stack() -> tuple[Picture, Picture, tuple[Layer, ...]]:
    """A half-transparent picture, its composite with two soft regions, and their layers."""
    rng = np.random.default_rng(11)
    picture = Picture(
        rng.integers(0, 256, (40, 52, 3), dtype=np.uint8),
        rng.integers(0, 256, (40, 52), dtype=np.uint8),
    )
    masks = np.zeros((2, 40, 52), np.float32)
    masks[0, 4:30, 3:33] = rng.random((26, 30))
    masks[1, 12:38, 20:50] = rng.random((26, 30))
    limit(masks, None)
    regions = []
    for name, mask in zip(("sky & <sea>", "../\u202ehouse"), masks, strict=True):
        box = box_of(mask)
        assert box is not None
        stylised = rng.random((40, 52, 3), dtype=np.float32)
        regions.append(Repainted(name, mask, 0.8, box, stylised, Bounds(0, 0, 52, 40)))
    result, layers = composite(picture, regions, PictureCanvas(picture))
    return picture, result, layers


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_a_stack_of_layer_masks_gives_each_region_its_share(count: int, seed: int) -> None:
    masks = np.random.default_rng(seed).random((count, 4, 5), dtype=np.float32)
    limit(masks, None)
    left = np.ones((4, 5))
    for mask, cover in zip(masks, layer_masks(masks), strict=True):
        assert cover * left == pytest.approx(mask, abs=1e-5)
        left = left * (1 - cover)


def test_a_folder_of_layers_stacks_to_the_composite(
    stack: tuple[Picture, Picture, tuple[Layer, ...]], tmp_path: Path
) -> None:
    picture, result, layers = stack
    folder = tmp_path / "layers"
    write_layers(folder, picture, layers)
    manifest = json.loads((folder / "layers.json").read_text("utf-8"))
    assert [each["name"] for each in manifest["layers"]] == [layer.name for layer in layers]
    assert (manifest["width"], manifest["height"]) == (52, 40)
    read = []
    for each in manifest["layers"]:
        samples = np.asarray(Image.open(folder / each["file"]))
        bounds = Bounds(each["x"], each["y"], each["width"], each["height"])
        read.append(Layer(each["name"], samples[..., :3], samples[..., 3], bounds))
    original = load_picture(folder / manifest["original"])
    flat = flatten(original, read)
    assert np.abs(flat.pixels.astype(int) - result.pixels).max() <= 1
    assert original.alpha is not None
    assert (original.alpha == picture.alpha).all()
    assert sorted(path.name for path in tmp_path.glob("*")) == ["layers"]


def test_an_openraster_file_holds_what_its_specification_asks(
    stack: tuple[Picture, Picture, tuple[Layer, ...]], tmp_path: Path
) -> None:
    picture, result, layers = stack
    path = tmp_path / "stack.ora"
    write_ora(path, picture, layers, result)
    data = path.read_bytes()
    assert data[30:38] == b"mimetype"
    assert data[38:54] == b"image/openraster"  # first, stored, without extra fields
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        root = ElementTree.fromstring(archive.read("stack.xml"))
        assert (root.get("w"), root.get("h")) == ("52", "40")
        entries = root.findall("stack/layer")
        assert [each.get("name") for each in entries] == ["sky & <sea>", "../?house", "original"]
        assert {each.get("composite-op") for each in entries[:-1]} == {"svg:src-atop"}
        read = []
        for each in entries[:-1]:
            with archive.open(str(each.get("src"))) as stream:
                samples = np.asarray(Image.open(stream))
            offset = int(each.get("x", "")), int(each.get("y", ""))
            bounds = Bounds(*offset, samples.shape[1], samples.shape[0])
            read.append(Layer("", samples[..., :3], samples[..., 3], bounds))
        with archive.open("mergedimage.png") as stream:
            merged = np.asarray(Image.open(stream))
        with archive.open("Thumbnails/thumbnail.png") as stream:
            assert max(Image.open(stream).size) <= 256
    assert (merged[..., :3] == result.pixels).all()
    assert np.abs(flatten(picture, read).pixels.astype(int) - result.pixels).max() <= 1


def test_an_opaque_picture_s_layers_are_blended_normally(tmp_path: Path) -> None:
    picture = Picture(np.zeros((20, 20, 3), np.uint8))
    layer = Layer.empty("sky", Bounds(0, 0, 5, 5))
    write_ora(tmp_path / "a.ora", picture, [layer], picture)
    with zipfile.ZipFile(tmp_path / "a.ora") as archive:
        assert b"src-atop" not in archive.read("stack.xml")


def test_nothing_is_replaced_unasked(
    stack: tuple[Picture, Picture, tuple[Layer, ...]], tmp_path: Path
) -> None:
    picture, result, layers = stack
    folder, file = tmp_path / "layers", tmp_path / "a.ora"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    file.write_text("mine")
    with pytest.raises(RequestError, match="not empty"):
        write_layers(folder, picture, layers)
    with pytest.raises(RequestError, match="already exists"):
        write_ora(file, picture, layers, result)
    with pytest.raises(RequestError, match="is a file"):
        write_layers(file, picture, layers)
    with pytest.raises(RequestError, match="no folder"):
        write_layers(tmp_path / "missing" / "layers", picture, layers)
    assert file.read_text() == "mine"
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    write_layers(folder, picture, layers, force=True)
    write_layers(folder, picture, layers, force=True)
    assert (folder / "mine.txt").read_text() == "mine"
    assert (folder / "layers.json").exists()
