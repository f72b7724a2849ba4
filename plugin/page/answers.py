"""What the worker answers, as pictures and files; and pictures as it takes them."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...core.errors import RequestError
from ...core.film import write_film
from ...core.geometry import Bounds
from ...core.image import RECIPE_KEY, Picture, save_picture
from ...core.layers import Layer, check_ora, write_ora
from ...core.picture import to_screen
from ...core.recipe import from_data, to_json
from ...core.resample import shrunk
from ..gimp.semantic_style.link.wire import pack_picture

KINDS = {"u8": np.uint8, "u16": np.uint16, "float": np.float32}
NAMES = {"uint8": "u8", "uint16": "u16", "float32": "float"}
SHOWN_SIDE = 1600  # px of a result on the page; the file has them all

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Files:
    """What can be downloaded. layers: None for a picture of floats, which .ora can't hold."""

    picture: Path
    layers: Path | None
    recipe: Path


def packed(picture: Picture) -> list[bytes | memoryview]:
    """The picture as the worker takes it: its own samples, depth and profile."""
    planes = picture.pixels
    if picture.alpha is not None:
        planes = np.concatenate([planes, picture.alpha[..., None]], axis=2)
    little: Any = np.ascontiguousarray(planes.astype(planes.dtype.newbyteorder("<"), copy=False))
    extent, depth = picture.extent, NAMES[picture.pixels.dtype.name]
    return pack_picture(
        extent.width, extent.height, planes.shape[2], depth, memoryview(little).cast("B"),
        icc=picture.info.icc or picture.profile or b"", grey=picture.grey,
    )  # fmt: skip


def masks_of(header: dict[str, Any], samples: memoryview) -> list[Pixels]:
    """A mask [h, w] a region."""
    shape = header["height"], header["width"]
    return [_array(samples, entry["offset"], "u8", shape) for entry in header["regions"]]


def preview_of(header: dict[str, Any], samples: memoryview) -> Pixels:
    """[h, w, 4]."""
    shape = header["height"], header["width"], 4
    return _array(samples, header["picture"], "u8", shape)


def frames_of(header: dict[str, Any], samples: memoryview) -> list[Pixels]:
    """[h, w, 4] each."""
    shape = header["height"], header["width"], 4
    size = header["height"] * header["width"] * 4
    return [_array(samples, k * size, "u8", shape) for k in range(header["frames"])]


def result_of(picture: Picture, header: dict[str, Any], samples: memoryview) -> Picture:
    """The picture, repainted: with all that its file said."""
    whole = header["whole"]
    return picture.with_pixels(
        _array(samples, whole["offset"], whole["depth"], picture.pixels.shape)
    )


def layers_of(header: dict[str, Any], samples: memoryview) -> list[Layer]:
    """Topmost first."""
    layers = []
    for entry in header["layers"]:
        shape = entry["height"], entry["width"]
        layers.append(
            Layer(
                entry["name"],
                _array(samples, entry["offset"], entry["depth"], (*shape, 3)),
                _array(samples, entry["mask_offset"], entry["mask_depth"], shape),
                Bounds(entry["x"], entry["y"], entry["width"], entry["height"]),
                entry["region"],
            )
        )
    return layers


def write_result(
    folder: Path, name: str, picture: Picture, header: dict[str, Any], samples: memoryview
) -> Files:
    """The result's files, as the command writes them. folder: empty. name: of the photo."""
    stem = f"{_plain(name)}-styled"
    recipe, result = from_data(header["recipe"]), result_of(picture, header, samples)
    suffix = ".tif" if picture.pixels.dtype == np.float32 else ".png"
    files = Files(folder / f"{stem}{suffix}", folder / f"{stem}.ora", folder / f"{stem}.json")
    text = to_json(recipe)
    save_picture(result, files.picture, text={RECIPE_KEY: text})
    files.recipe.write_text(text + "\n", encoding="utf-8")
    assert files.layers is not None
    try:
        check_ora(files.layers, picture)
    except RequestError:
        return Files(files.picture, None, files.recipe)
    write_ora(files.layers, picture, layers_of(header, samples), result)
    return files


def write_frames(path: Path, frames: Sequence[Pixels], opaque: bool, fps: float) -> None:
    """A film in the format that the path's suffix names. RequestError."""
    pictures = (frame[..., :3] if opaque else frame for frame in frames)
    write_film(path, map(np.ascontiguousarray, pictures), len(frames), fps=fps)


def on_screen(picture: Picture, side: int = SHOWN_SIDE) -> str:
    """A data URL of the picture in sRGB, made small."""
    return data_url(to_screen(shrunk(picture, side)))


def data_url(samples: Pixels) -> str:
    """PNG for a mask [h, w] and for [h, w, 4] that is not opaque, else JPEG."""
    clear = samples.ndim == 3 and samples.shape[2] == 4 and not (samples[..., 3] == 255).all()
    stream = io.BytesIO()
    if samples.ndim == 2 or clear:
        Image.fromarray(samples).save(stream, "PNG", compress_level=1)
        kind = "png"
    else:
        opaque = np.ascontiguousarray(samples[..., :3])
        Image.fromarray(opaque).save(stream, "JPEG", quality=90)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _array(samples: memoryview, offset: int, depth: str, shape: tuple[int, ...]) -> Any:
    kind = np.dtype(KINDS[depth]).newbyteorder("<")
    count = int(np.prod(shape))
    flat = np.frombuffer(samples, kind, count, offset)
    return flat.reshape(shape).astype(KINDS[depth], copy=False)


def _plain(name: str) -> str:
    """A name that any system takes for a file."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "picture"
