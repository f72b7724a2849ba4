"""Pixels in: a file becomes an upright picture, or one line that says why it can't."""

from __future__ import annotations

import base64
import io
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageFile

from .errors import Cancelled, RequestError
from .image_deep_load import deep_header, load_deep
from .image_header import PIXEL_LIMIT, SMALLEST_SIDE, check_kind, check_size, open_file, read_header
from .image_metadata import UPRIGHT, orientation, read_info
from .picture import Floats, Picture, PictureInfo, Pixels, scaled
from .profiles import fitting, profile_space
from .recipe_checks import STYLE_SIDE_LIMIT
from .streams import aside
from .wording import shown_path

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_WAS_CMYK = "the picture is CMYK: the result is RGB, in sRGB"
_REC601 = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_pillow = threading.Lock()


def load_picture(
    path: str | os.PathLike[str],
    *,
    pixel_limit: int = PIXEL_LIMIT,
    smallest_side: int = SMALLEST_SIDE,
) -> Picture:
    """A PNG, JPEG, WebP, TIFF or BMP, turned as its EXIF orientation says, in its own samples:
    8 bits or less, 16 bits (PNG, TIFF) or floats (TIFF).

    RequestError for whatever else it is, for more than `pixel_limit` pixels and for a side
    under `smallest_side` px; size and kind are looked at before anything is decoded.
    """
    with open_file(Path(path)) as stream:
        return _load(stream, shown_path(path), pixel_limit, smallest_side)


def load_mask(path: str | os.PathLike[str], *, pixel_limit: int = PIXEL_LIMIT) -> Floats:
    """HW float32 in [0, 1], 1 = repaint: the luminance (ITU-R 601) of a picture of any size,
    times its alpha."""
    return _as_mask(load_picture(path, pixel_limit=pixel_limit, smallest_side=1))


def load_embedded(value: str) -> Picture:
    """The style picture of a recipe's embedded source (base64 of a PNG)."""
    return _embedded(value, "the embedded style", SMALLEST_SIDE, STYLE_SIDE_LIMIT**2)


def load_embedded_mask(value: str) -> Floats:
    """The hand-painted mask of a recipe's embedded target: HW float32 in [0, 1]."""
    return _as_mask(_embedded(value, "the embedded mask", 1))


def _embedded(value: str, name: str, smallest_side: int, pixel_limit: int = PIXEL_LIMIT) -> Picture:
    try:
        data = base64.b64decode(value, validate=True)
    except ValueError:
        raise RequestError(f"{name} is no base64 of a PNG") from None
    # A PNG can say twice how large it is; the recipe's check read the first only.
    return _load(io.BytesIO(data), name, pixel_limit, smallest_side)


def _as_mask(picture: Picture) -> Floats:
    if picture.grey:
        mask = _within(picture.pixels[..., 0])
    elif picture.pixels.dtype == np.uint8:
        mask = scaled(np.asarray(Image.fromarray(picture.pixels).convert("L")))
    else:
        mask = _within(picture.pixels) @ _REC601
    return mask if picture.alpha is None else mask * _within(picture.alpha)


def _within(samples: Pixels) -> Floats:
    """In [0, 1]; what is no number, which only floats can hold, is 0."""
    values = scaled(samples)
    return values if samples.dtype.kind == "u" else np.nan_to_num(values, nan=0).clip(0, 1)


def _load(stream: BinaryIO, name: str, pixel_limit: int, smallest_side: int) -> Picture:
    try:
        with _quiet_pillow():
            deep = deep_header(stream)
            if deep is not None:
                check_size(deep.size, name, pixel_limit, smallest_side)
                return aside(lambda: load_deep(deep, stream, name))
            image = read_header(stream, name)
            check_size(image.size, name, pixel_limit, smallest_side)
            check_kind(image, name)
            aside(image.load)
            return _picture(image, stream)
    except (RequestError, Cancelled):
        raise
    except MemoryError:
        raise RequestError(f"there is not enough memory for {name}: make it smaller") from None
    except Exception as error:
        # Readers of hostile files raise nearly anything: SyntaxError, struct.error, KeyError ...
        raise RequestError(f"{name} is damaged or cut off: save it again") from error


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Pillow without its warnings and without its own pixel limit, which sizes here replace.

    Both are state of the whole process, hence one thread at a time.
    """
    with _pillow, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _picture(image: ImageFile.ImageFile, stream: BinaryIO) -> Picture:
    plain = _plain(image)
    # A TIFF comes out of Pillow upright already, its orientation taken off.
    turn = orientation(image)
    if turn != UPRIGHT:
        plain = plain.transpose(_TURNS[turn])
    info = read_info(image, stream, plain.size)
    samples = np.asarray(plain)
    grey = plain.mode in ("L", "LA")
    channels = samples[..., None] if plain.mode == "L" else samples
    alpha = np.ascontiguousarray(channels[..., -1]) if plain.mode in ("LA", "RGBA") else None
    colours = channels[..., :1] if grey else channels[..., :3]
    pixels = np.repeat(colours, 3, axis=2) if grey else np.array(colours)
    return Picture(pixels, alpha, grey, _fitting(info, image.mode, grey))


def _fitting(info: PictureInfo, mode: str, grey: bool) -> PictureInfo:
    """Without what speaks of the channels that the file had, and the picture has not."""
    info = replace(info, icc=fitting(info.icc, grey=grey))
    return replace(info, jpeg=None, note=_WAS_CMYK) if mode == "CMYK" else info


def _from_cmyk(image: Image.Image) -> Image.Image:
    """sRGB through the file's profile (relative colorimetric, black point compensation); where
    there is none, by the plain rule (1 - ink) * (1 - black)."""
    icc = image.info.get("icc_profile")
    if isinstance(icc, bytes) and profile_space(icc) == "CMYK":
        try:
            done = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(icc)),
                ImageCms.createProfile("sRGB"),
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                "RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            assert done is not None  # None only comes back when told to work in place
            return done
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a damaged profile says nothing
    return image.convert("RGB")


def _plain(image: Image.Image) -> Image.Image:
    """The same samples as L, LA, RGB or RGBA."""
    clear = "transparency" in image.info
    match image.mode:
        case "1" | "L":
            return image.convert("LA" if clear else "L")
        case "La":
            return image.convert("LA")
        case "P":
            through = clear or (image.palette is not None and image.palette.mode == "RGBA")
            return image.convert("RGBA" if through else "RGB")
        case "PA" | "RGBa":
            return image.convert("RGBA")
        case "RGB" if clear:
            return image.convert("RGBA")
        case "CMYK":
            return _from_cmyk(image)
        case "RGBX" | "YCbCr":
            return image.convert("RGB")
        case _:
            return image
