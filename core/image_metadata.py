"""What a file says beside its samples, cleaned of what no longer holds once it is upright."""

from __future__ import annotations

import math
import re
from typing import BinaryIO

from PIL import ExifTags, Image, ImageFile, JpegImagePlugin, PngImagePlugin

from .picture import JpegCoding, PictureInfo
from .png_chunks import RECIPE_KEY, meaning_chunks

UPRIGHT = 1
# Tags of a TIFF's first directory that describe the picture; the others describe the file.
DESCRIPTIVE = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.HostComputer,
    ExifTags.Base.Copyright,
)
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_STALE = (ExifTags.Base.Orientation, ExifTags.Base.ImageWidth, ExifTags.Base.ImageLength)
XMP_KEY = "XML:com.adobe.xmp"  # of a PNG's text
XMP_TAG = 700  # of a TIFF
_XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:="|>))[2-8]')
# Held elsewhere in PictureInfo, or true only of the file that was read.
_NO_TEXT = (XMP_KEY, "Raw profile type exif", "Raw profile type xmp", RECIPE_KEY)


def orientation(image: ImageFile.ImageFile) -> int:
    """EXIF's orientation, 1 to 8 (EXIF 2.32, tag 274); 1 where there is none or it is damaged."""
    value = _exif(image).get(ExifTags.Base.Orientation, UPRIGHT)
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def read_info(image: ImageFile.ImageFile, stream: BinaryIO, size: tuple[int, int]) -> PictureInfo:
    """The metadata of a decoded picture. size: width and height once it is upright."""
    is_png = isinstance(image, PngImagePlugin.PngImageFile)
    icc = image.info.get("icc_profile")
    comment = image.info.get("comment")
    return PictureInfo(
        format=image.format or "PNG",
        icc=icc if isinstance(icc, bytes) and icc else None,
        exif=exif_bytes(_exif(image), size, whole=image.format != "TIFF"),
        xmp=upright_xmp(image.info.get("xmp") or image.info.get(XMP_KEY)),
        dpi=density(image.info.get("dpi")),
        comment=comment if isinstance(comment, bytes) and comment else None,
        text=_text(image) if is_png else {},
        chunks=meaning_chunks(stream) if is_png else (),
        jpeg=_jpeg(image),
    )


def _exif(image: ImageFile.ImageFile) -> Image.Exif:
    try:
        return image.getexif()
    except Exception:
        # Damaged EXIF raises nearly anything; the picture is still good.
        return Image.Exif()


def exif_bytes(source: Image.Exif, size: tuple[int, int], *, whole: bool) -> bytes | None:
    """EXIF to be written again, orientation and thumbnail taken out; None where there is none.

    size: width and height of the upright picture. whole: all tags of the first directory, not
    only those that describe the picture (a TIFF's own directory describes the file, too).
    """
    kept = Image.Exif()
    try:
        for tag in source if whole else DESCRIPTIVE:
            if tag in source and tag not in _DIRECTORIES and tag not in _STALE:
                kept[tag] = source[tag]
        for directory in _DIRECTORIES:
            if values := dict(source.get_ifd(directory)):
                _resize(values, size)
                kept[directory] = values
        return kept.tobytes() if len(kept) else None
    except Exception:
        return None


def _resize(values: dict[int, object], size: tuple[int, int]) -> None:
    """EXIF tells the size too; a turned picture has its sides swapped."""
    tags = (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight)
    for tag, side in zip(tags, size, strict=True):
        if tag in values:
            values[tag] = side


def upright_xmp(value: object) -> bytes | None:
    """XMP as bytes, its orientation taken out; None for what is no XMP."""
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    if not isinstance(value, bytes) or not value:
        return None
    return _XMP_ORIENTATION.sub(rb"\g<1>1", value)


def density(value: object) -> tuple[float, float] | None:
    """Dots an inch, across and down; None for what can't be true."""
    try:
        across, down = (float(each) for each in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    usable = all(math.isfinite(each) and 1 <= each < 65536 for each in (across, down))
    return (across, down) if usable else None


def _text(image: ImageFile.ImageFile) -> dict[str, str]:
    assert isinstance(image, PngImagePlugin.PngImageFile)
    return {key: str(value) for key, value in image.text.items() if key not in _NO_TEXT}


def _jpeg(image: ImageFile.ImageFile) -> JpegCoding | None:
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return None
    found = image.quantization
    tables = tuple(tuple(int(each) for each in found[key]) for key in sorted(found))
    sampling = JpegImagePlugin.get_sampling(image)
    return JpegCoding(
        tables=tables,
        subsampling=sampling if sampling in (0, 1, 2) else None,
        progressive=bool(image.info.get("progressive")),
    )
