"""A result as a stack of layers over the untouched photo, to be taken apart in an editor."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from .atomic import replacing
from .errors import RequestError
from .geometry import Bounds
from .image import PictureInfo, save_picture
from .image_deep_save import reduced
from .picture import Picture, Pixels, full_scale, scaled
from .resample import shrunk, strips
from .wording import shown_path

Floats = NDArray[np.float32]
THUMBNAIL_SIDE = 256  # px, as the OpenRaster specification asks
MANIFEST = "layers.json"


@dataclass(frozen=True, eq=False)
class Layer:
    """pixels: [h, w, 3] samples of the picture's own kind and profile, strength and kept colours
    included. mask: [h, w], uint8 over a picture of 8 bits, else uint16. bounds: where in the
    picture. number: of its region in the recipe. A layer is blended atop, in own values as an
    editor does it: it covers colours and leaves the alpha below it as it is (Porter and Duff
    1984, "atop").

    The mask is m / (1 - sum of the masks above), m being the region's. What its rounding costs,
    that of the layers below, and that own values may be other than sRGB's, in which the picture
    itself was blended, the layer's pixels make up for. Where they would have to lie out of range
    for it the mask is raised, so that the stack flattens to the composite within one step of
    8 or 16 bits (floats: of 16), whatever the number of layers.
    """

    name: str
    pixels: Pixels
    mask: Pixels
    bounds: Bounds
    number: int = 0

    @classmethod
    def empty(
        cls, name: str, bounds: Bounds, kind: np.dtype[Any] | type = np.uint8, number: int = 0
    ) -> Layer:
        """A layer of `bounds` that covers nothing yet."""
        shape = (bounds.height, bounds.width)
        depth = np.uint8 if np.dtype(kind) == np.uint8 else np.uint16
        return cls(name, np.zeros((*shape, 3), kind), np.zeros(shape, depth), bounds, number)

    def lay(
        self,
        window: tuple[slice, slice],
        cover: Floats,
        repainted: Floats,
        wanted: Floats,
        below: Floats,
    ) -> Floats:
        """Fill a window of the layer; what the stack up to this layer then shows.

        cover: [rows, columns, 1], the mask in [0, 1]. repainted, wanted, below: [rows, columns,
        3] own samples: what was painted, what the stack is to show, what it shows without this
        layer.
        """
        kind, before = self.pixels.dtype, below
        if kind == np.float32:
            broken = ~np.isfinite(below)
            below = np.where(broken, wanted, below)
            low, high = np.minimum(wanted, 0), np.maximum(wanted, 1)
            slack = 1e-5
        else:
            broken = np.zeros_like(below, dtype=bool)
            low, high = np.zeros((), np.float32), np.full((), full_scale(kind), np.float32)
            wanted = wanted.clip(low, high)
            slack = 0.7  # with less of a step missing, both round to neighbours
        change = wanted - below
        room = np.where(change > 0, high - below, below - low)
        needed = np.where(np.abs(change) > slack, np.abs(change) / np.maximum(room, 1e-9), 0)
        needed = np.where(broken, 1, needed).max(axis=-1, keepdims=True)
        steps = np.float32(full_scale(self.mask.dtype))
        # Float32's own rounding must not count as a step more.
        raised = np.ceil(np.maximum(cover, needed) * steps - np.float32(2e-7) * steps)
        mask = np.where(cover > 0, raised.clip(0, steps), 0).astype(np.float32)
        share = mask / steps
        making_up = below + change / np.maximum(share, 1 / steps)
        pixels = np.where(mask > 0, making_up, repainted).astype(np.float32)
        if kind != np.float32:
            pixels = np.rint(pixels).clip(low, high)
        self.pixels[window] = pixels.astype(kind)
        self.mask[window] = mask[..., 0].astype(self.mask.dtype)
        # What a layer does not cover stays what it is, also no number.
        return np.where(mask > 0, below + share * (pixels - below), before).astype(np.float32)


def layer_masks(masks: Floats) -> Floats:
    """[P, H, W] shares, topmost first -> the masks of a stack that shows the same.

    Mask k is m_k / (1 - sum of the masks above): a layer below only shows through by what the
    layers above leave. Where they leave nothing it is 0.
    """
    result = np.empty_like(masks)
    left = np.ones(masks.shape[1:], dtype=np.float32)
    for k, mask in enumerate(masks):
        result[k] = np.where(left > 1e-6, mask / np.maximum(left, np.float32(1e-6)), 0).clip(0, 1)
        left -= mask
    return result


def merged(name: str, picture: Picture, result: Picture, mask: Floats, bounds: Bounds) -> Layer:
    """All regions as one layer that flattens to the result. mask: [H, W], their sum; bounds: of
    the picture, around all of it that is not 0."""
    layer = Layer.empty(name, bounds, picture.pixels.dtype)
    for strip in strips(Bounds.whole(bounds.extent), 1 << 18):
        place = strip.moved(bounds.x, bounds.y).slices
        wanted = result.pixels[place].astype(np.float32)
        below = picture.pixels[place].astype(np.float32)
        layer.lay(strip.slices, mask[place][..., None], wanted, wanted, below)
    return layer


def flatten(picture: Picture, layers: Sequence[Layer]) -> Picture:
    """What an editor shows for the stack over the picture: blended in own values, rounded once."""
    stack = picture.pixels.astype(np.float32)
    for layer in reversed(layers):
        below = stack[layer.bounds.slices]
        mask = layer.mask[..., None]
        share = mask / np.float32(full_scale(layer.mask.dtype))
        with np.errstate(invalid="ignore"):  # what is no number shows where nothing covers it
            mixed = below + share * (layer.pixels - below)
        below[...] = np.where(mask == 0, below, np.where(share == 1, layer.pixels, mixed))
    if picture.pixels.dtype == np.float32:
        return picture.with_pixels(stack)
    high = full_scale(picture.pixels.dtype)
    return picture.with_pixels(np.rint(stack).clip(0, high).astype(picture.pixels.dtype))


def write_layers(
    folder: Path, picture: Picture, layers: Sequence[Layer], *, force: bool = False
) -> None:
    """A picture per layer (its mask as alpha), the original, and layers.json, topmost first:
    PNG for 8 and 16 bits, TIFF for floats.

    A folder that holds anything is only written to with `force`, and then keeps what else is
    in it. Nothing appears in the folder before everything is written. RequestError.
    """
    folder = Path(folder)
    if not folder.absolute().parent.is_dir():
        raise RequestError(f"there is no folder to put {shown_path(folder)} into: make it first")
    if folder.exists() and not folder.is_dir():
        raise RequestError(f"{shown_path(folder)} is a file, not a folder for layers")
    if folder.exists() and any(folder.iterdir()) and not force:
        raise RequestError(f"{shown_path(folder)} is not empty: name another folder or use --force")
    parent = folder.absolute().parent
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=parent) as temporary:
        files, original = _write_pictures(Path(temporary), picture, layers)
        entries = [
            {
                "name": layer.name,
                "file": file,
                "x": layer.bounds.x,
                "y": layer.bounds.y,
                "width": layer.bounds.width,
                "height": layer.bounds.height,
                "composite": "src-atop",
            }
            for layer, file in zip(layers, files, strict=True)
        ]
        extent = picture.extent
        manifest = {
            "schema": 1,
            "width": extent.width,
            "height": extent.height,
            "layers": entries,
            "original": original,
        }
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        (Path(temporary) / MANIFEST).write_text(text, encoding="utf-8")
        folder.mkdir(exist_ok=True)
        for file in [*files, original, MANIFEST]:
            (Path(temporary) / file).replace(folder / file)


def check_ora(path: Path, picture: Picture) -> None:
    """RequestError where `write_ora` would refuse the picture; worth calling before the work."""
    if picture.pixels.dtype == np.float32:
        raise RequestError(
            f"OpenRaster can't hold this picture's floats: name a folder instead of "
            f"{shown_path(path)}"
        )


def write_ora(
    path: Path,
    picture: Picture,
    layers: Sequence[Layer],
    merged: Picture,
    *,
    force: bool = False,
) -> None:
    """The stack as one OpenRaster file (specification 0.0.6, openraster.org), topmost first.

    OpenRaster has no layer masks, so a mask is its layer's alpha. Over a picture that is not
    opaque the layers are blended "src-atop", which leaves its alpha alone. RequestError, also
    for floats, which its PNGs can't hold.
    """
    check_ora(path, picture)
    blend = "svg:src-over" if picture.opaque else "svg:src-atop"
    extent = picture.extent
    image = ElementTree.Element("image", version="0.0.6", w=str(extent.width), h=str(extent.height))
    stack = ElementTree.SubElement(image, "stack")
    with replacing(path, force=force) as stream, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files, original = _write_pictures(folder, picture, layers)
        for layer, file in zip(layers, files, strict=True):
            _entry(stack, layer.name, file, layer.bounds.x, layer.bounds.y, blend)
        _entry(stack, "original", original, 0, 0, "svg:src-over")
        save_picture(merged, folder / "mergedimage.png")
        save_picture(_thumbnail(merged), folder / "thumbnail.png")
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(zipfile.ZipInfo("mimetype"), "image/openraster")
            archive.writestr(
                zipfile.ZipInfo("stack.xml"),
                ElementTree.tostring(image, encoding="UTF-8", xml_declaration=True),
                zipfile.ZIP_DEFLATED,
            )
            for file in [*files, original]:
                archive.write(folder / file, f"data/{file}")
            archive.write(folder / "mergedimage.png", "mergedimage.png")
            archive.write(folder / "thumbnail.png", "Thumbnails/thumbnail.png")


def _entry(stack: ElementTree.Element, name: str, file: str, x: int, y: int, blend: str) -> None:
    readable = "".join(each if each.isprintable() else "?" for each in name)
    attributes = {
        "name": readable,
        "src": f"data/{file}",
        "x": str(x),
        "y": str(y),
        "opacity": "1.0",
        "visibility": "visible",
        "composite-op": blend,
    }
    ElementTree.SubElement(stack, "layer", attributes)


def _write_pictures(
    folder: Path, picture: Picture, layers: Sequence[Layer]
) -> tuple[list[str], str]:
    """The layers' files and the original's into an empty folder; their names."""
    plain = PictureInfo(icc=picture.info.icc, chunks=picture.info.chunks)
    kind = picture.pixels.dtype
    suffix = ".tif" if kind == np.float32 else ".png"
    files = []
    for number, layer in enumerate(layers, start=1):
        word = re.sub(r"[^\w]+", "-", layer.name).strip("-").casefold()[:40]
        files.append(f"{number:02d}-{word or 'region'}{suffix}")
        mask = layer.mask if layer.mask.dtype == kind else scaled(layer.mask)
        save_picture(Picture(layer.pixels, mask, info=plain), folder / files[-1])
    save_picture(picture, folder / f"original{suffix}")
    return files, f"original{suffix}"


def _thumbnail(picture: Picture) -> Picture:
    """At most 256 px a side, 8 bits."""
    info = PictureInfo(icc=picture.info.icc, chunks=picture.info.chunks)
    return reduced(replace(shrunk(picture, THUMBNAIL_SIDE), info=info))
