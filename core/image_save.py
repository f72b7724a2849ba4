"""Pixels out: a picture with all that its file said, written whole or not at all."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from .atomic import check_target, replacing
from .errors import RequestError
from .geometry import Extent
from .image_deep_save import reduced, write_tiff
from .image_metadata import DESCRIPTIVE, XMP_TAG
from .image_png import write_png
from .picture import Picture, Pixels, from_float, has_foreign_profile
from .profiles import to_embed
from .recipe_checks import STYLE_SIDE_LIMIT
from .streams import aside
from .wording import listed, shown, shown_path

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
_LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # px, of libjpeg and of the WebP container
_OPAQUE_ONLY = ("JPEG", "BMP")
_MARKER = 65_533  # bytes that one JPEG marker holds
_XMP_MARKER = _MARKER - 29  # less the name that stands before XMP


def check_output(
    path: str | os.PathLike[str], *, force: bool = False, picture: Picture | None = None
) -> None:
    """RequestError where `save_picture` would refuse; worth calling before the work."""
    _check(path, force, picture)


def save_picture(
    picture: Picture,
    path: str | os.PathLike[str],
    *,
    force: bool = False,
    text: Mapping[str, str] | None = None,
) -> None:
    """Write a picture in the format that the path's suffix names.

    TIFF is lossless for every kind of samples, PNG for 8 and 16 bits; BMP and WebP are for 8.
    Deeper samples are rounded to 8 bits for JPEG, WebP and BMP (see `reduced`). JPEG keeps the
    input's quantisation tables and subsampling where the input was a JPEG, else it has quality
    95 and 4:4:4. A grey picture whose pixels still are grey is written grey. Profile, EXIF, XMP
    and density go along where the format has a place for them; `text` (key to text) goes into a
    PNG only.
    """
    form = _check(path, force, picture)
    if form == "PNG" or (form == "TIFF" and picture.pixels.dtype != np.uint8):
        samples = _samples(picture)
        icc = _profile(picture, form, grey=samples.ndim == 2 or samples.shape[2] == 2)
        with replacing(path, force=force) as stream:
            if form == "PNG":
                aside(lambda: write_png(stream, picture, samples, icc, text or {}))
            else:
                aside(lambda: write_tiff(stream, picture, samples, icc))
        return
    picture = reduced(picture)
    image = _image(picture, alpha=form not in _OPAQUE_ONLY)
    options = _options(picture, form, image.mode)
    with replacing(path, force=force) as stream:
        aside(lambda: image.save(stream, format=form, **options))


def losses(picture: Picture, path: str | os.PathLike[str]) -> list[str]:
    """A line for each thing that a result of this picture can't keep in the file's format."""
    form = FORMATS.get(Path(path).suffix.lower())
    lost = [picture.info.note] if picture.info.note else []
    if picture.pixels.dtype != np.uint8 and form not in ("PNG", "TIFF"):
        kind = "16-bit" if picture.pixels.dtype == np.uint16 else "floating-point"
        better = ".png or .tif" if picture.pixels.dtype == np.uint16 else ".tif"
        lost.append(
            f"{form} holds 8 bits: the {kind} samples were rounded; end the result in {better} "
            "to keep them"
        )
    return lost


def save_mask(mask: NDArray[Any], path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Write a mask, HW in [0, 1] or uint8, as an 8-bit grey PNG."""
    if Path(path).suffix.lower() != ".png":
        raise RequestError(f"a mask is written as PNG: end {shown_path(path)} in .png")
    image = Image.fromarray(_grey(mask))
    with replacing(path, force=force) as stream:
        image.save(stream, format="PNG")


def embed_style(picture: Picture) -> str:
    """Base64 of a PNG for `Source("embedded", ...)`, brought to at most 512 px a side."""
    picture = reduced(picture)
    image = _image(picture)
    size = Extent(*image.size).fitted(STYLE_SIDE_LIMIT)
    if image.size != (size.width, size.height):
        image = image.resize((size.width, size.height), Image.Resampling.LANCZOS)
    return _base64(image, icc_profile=_profile(picture, "TIFF", grey=image.mode in ("L", "LA")))


def embed_mask(mask: NDArray[Any]) -> str:
    """Base64 of an 8-bit grey PNG for `Target("embedded", ...)`; HW in [0, 1] or uint8."""
    return _base64(Image.fromarray(_grey(mask)))


def _check(path: str | os.PathLike[str], force: bool, picture: Picture | None) -> str:
    name, suffix = shown_path(path), Path(path).suffix.lower()
    form = FORMATS.get(suffix)
    if form is None:
        ending = f"the suffix {shown(suffix, 12)}" if suffix else "no suffix"
        raise RequestError(f"{name} has {ending}: end it in {listed(FORMATS)}")
    check_target(path, force=force)
    if picture is None:
        return form
    if form == "PNG" and picture.pixels.dtype == np.float32:
        raise RequestError(f"PNG can't hold this picture's floats: end {name} in .tif")
    if form in _OPAQUE_ONLY and not picture.opaque:
        raise RequestError(
            f"{form} can't hold this picture's transparency: end {name} in .png or .webp"
        )
    if form == "BMP" and has_foreign_profile(picture):
        raise RequestError(
            f"BMP can't hold this picture's colour profile: end {name} in .png or .tif"
        )
    longest = _LONGEST_SIDE.get(form)
    if longest and picture.extent.long_side > longest:
        raise RequestError(f"{form} holds at most {longest} pixels a side: end {name} in .png")
    return form


def _image(picture: Picture, *, alpha: bool = True) -> Image.Image:
    """L, LA, RGB or RGBA of an 8-bit picture; see `_samples`."""
    return Image.fromarray(_samples(picture, alpha=alpha))


def _samples(picture: Picture, *, alpha: bool = True) -> Pixels:
    """HW or HWC, one colour or three, then alpha: also that of an opaque picture, unless `alpha`
    is False."""
    pixels = picture.pixels
    if picture.grey and _still_grey(pixels):
        pixels = pixels[..., :1]
    if alpha and picture.alpha is not None:
        pixels = np.concatenate([pixels, picture.alpha[..., None]], axis=2)
    return np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _still_grey(pixels: Pixels) -> bool:
    first = pixels[..., :1]
    same = pixels == first
    if pixels.dtype == np.float32:  # what is no number does not even equal itself
        same |= np.isnan(pixels) & np.isnan(first)
    return bool(same.all())


def _options(picture: Picture, form: str, mode: str) -> dict[str, Any]:
    info = picture.info
    icc = _profile(picture, form, grey=mode in ("L", "LA"))
    options: dict[str, Any] = {"icc_profile": icc, "dpi": info.dpi}
    match form:
        case "JPEG":
            options |= _jpeg_options(picture, mode)
        case "WEBP":
            options |= {"lossless": True, "exact": True, "exif": info.exif or b""}
            options |= {"xmp": info.xmp or b""}
        case "TIFF":
            options |= _tiff_options(picture)
    return {name: value for name, value in options.items() if value is not None}


def _profile(picture: Picture, form: str, *, grey: bool) -> bytes | None:
    info = picture.info
    return to_embed(info.icc, info.chunks, grey=grey, beside_chunks=form == "PNG")


def _jpeg_options(picture: Picture, mode: str) -> dict[str, Any]:
    info, coding = picture.info, picture.info.jpeg
    options: dict[str, Any] = {"subsampling": 0}
    if coding is None:
        options["quality"] = 95
    else:
        options |= {"qtables": [list(table) for table in coding.tables]}
        options |= {"progressive": coding.progressive}
        if coding.subsampling is not None and mode == "RGB":
            options["subsampling"] = coding.subsampling
    # What is too long for its marker stays out: a picture without it is better than none.
    if info.exif and len(info.exif) <= _MARKER:
        options["exif"] = info.exif
    if info.xmp and len(info.xmp) <= _XMP_MARKER:
        options["xmp"] = info.xmp
    if info.comment and len(info.comment) <= _MARKER:
        options["comment"] = info.comment
    return options


def _tiff_options(picture: Picture) -> dict[str, Any]:
    """A TIFF's own directory holds the EXIF, so only tags that describe may enter it."""
    tags = Image.Exif()
    if picture.info.exif:
        stored = Image.Exif()
        stored.load(picture.info.exif)
        for tag in DESCRIPTIVE:
            if tag in stored:
                tags[tag] = stored[tag]
        for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            if values := stored.get_ifd(directory):
                tags[directory] = dict(values)
    if picture.info.xmp:
        tags[XMP_TAG] = picture.info.xmp
    # Pillow can't hand directories within the directory to libtiff, which does the deflating.
    nested = ExifTags.IFD.Exif in tags or ExifTags.IFD.GPSInfo in tags
    return {"exif": tags.tobytes(), "compression": "raw" if nested else "tiff_adobe_deflate"}


def _grey(mask: NDArray[Any]) -> Pixels:
    if mask.ndim != 2:
        raise ValueError(f"a mask is HW, not {mask.shape}")
    return np.ascontiguousarray(mask if mask.dtype == np.uint8 else from_float(mask))


def _base64(image: Image.Image, **options: Any) -> str:
    stream = io.BytesIO()
    image.save(stream, format="PNG", **{k: v for k, v in options.items() if v is not None})
    return base64.b64encode(stream.getvalue()).decode("ascii")
