"""Pixels of 16 bits or floats in, out of PNG and TIFF: Pillow would shorten or refuse them.

libpng and libtiff decode them (through imagecodecs), after all that a header claims was checked.
"""

from __future__ import annotations

import io
import stat
import struct
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin
from PIL.ExifTags import Base

from .errors import RequestError
from .image_header import TIFF_BITS, TIFF_HEADS, check_frames
from .image_metadata import (
    UPRIGHT,
    XMP_TAG,
    density,
    exif_bytes,
    orientation,
    read_info,
    upright_xmp,
)
from .picture import Picture, PictureInfo, full_scale
from .png_chunks import SIGNATURE, chunk, walk
from .profiles import fitting

Directory = TiffImagePlugin.ImageFileDirectory_v2

_SAMPLES_PER_PIXEL, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _PLANAR = 277, 338, 339, 284
_TILE_SIDES, _LARGEST_TILE = (322, 323), 4096
_RESOLUTION_UNIT, _CENTIMETRE = 296, 3
_SUBFILE, _THUMBNAIL = 254, 1
_ICC = 34675
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_ASSOCIATED = 1
_UNSIGNED, _FLOAT = 1, 3
# None, LZW, deflate (twice), PackBits, LZMA, Zstandard
_COMPRESSIONS = (1, 5, 8, 32946, 32773, 34925, 50000)
_OTHERS = {
    3: "has a palette of 16 bits",
    5: "is CMYK of 16 bits",
    6: "is YCbCr of more than 8 bits",
    8: "is Lab",
    9: "is Lab",
    10: "is Lab",
    32803: "holds a camera's raw samples",
    34892: "holds a camera's raw samples",
}
_DEFLATE_LIMIT = 1032  # times smaller than its content, at most, is a deflate stream
_PAGES_COUNTED = 100
_DECODED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})  # chunks of a PNG's samples
_LEFT_OUT = frozenset({b"bKGD", b"sBIT", b"hIST", b"sPLT", b"acTL", b"fcTL", b"fdAT"})


@dataclass(frozen=True)
class DeepHeader:
    """What is known before decoding. size: width and height as stored. tags: a TIFF's."""

    size: tuple[int, int]
    tags: Directory | None = None


def deep_header(stream: BinaryIO) -> DeepHeader | None:
    """The header of a PNG or TIFF of more than 8 bits a sample; None for any other file.

    Raises nearly anything for damaged ones. The stream ends where it began, at 0.
    """
    head = stream.read(32)
    try:
        if head.startswith(SIGNATURE) and head[12:16] == b"IHDR" and len(head) >= 25:
            width, height, depth = struct.unpack_from(">IIB", head, 16)
            return DeepHeader((width, height)) if depth > 8 else None
        if head[:4] in TIFF_HEADS:
            big = b"+" in head[2:4]
            order = "<" if head.startswith(b"II") else ">"
            (at,) = (
                struct.unpack_from(order + "Q", head, 8)
                if big
                else struct.unpack_from(order + "I", head, 4)
            )
            tags = _directory(stream, at, order, big)
            if max(_many(tags, TIFF_BITS, (1,))) > 8:
                return DeepHeader((_one(tags, Base.ImageWidth), _one(tags, Base.ImageLength)), tags)
        return None
    finally:
        stream.seek(0)


def _directory(stream: BinaryIO, at: int, order: str, big: bool) -> Directory:
    """A TIFF's directory. order: "<" or ">". big: BigTIFF, 64-bit offsets."""
    tags = Directory(b"II*\0\0\0\0\0" if order == "<" else b"MM\0*\0\0\0\0")
    tags._bigtiff = big  # a header says so, but not to Pillow where it is big-endian
    stream.seek(at)
    tags.load(stream)
    return tags


def holds_floats(path: Path) -> bool:
    """Whether a file's header says that its samples are floats; False where it says nothing."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False  # opening a pipe would wait for ever
        with path.open("rb") as stream:
            header = deep_header(stream)
    except Exception:  # what is wrong with the file is said where it is read
        return False
    tags = None if header is None else header.tags
    return tags is not None and _FLOAT in _many(tags, _SAMPLE_FORMAT, (_UNSIGNED,))


def load_deep(header: DeepHeader, stream: BinaryIO, name: str) -> Picture:
    """Decode a file whose size was checked. RequestError for kinds that are not read; nearly
    anything for damaged ones."""
    if header.tags is None:
        return _png(stream, header.size, name)
    return _tiff(stream, header.size, header.tags, name)


def _png(stream: BinaryIO, size: tuple[int, int], name: str) -> Picture:
    from imagecodecs import png_decode

    stream.seek(8)
    described = [SIGNATURE, chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))]
    coded, packed, kind = [SIGNATURE], 0, b""
    for kind, length in walk(stream):
        if kind == b"acTL" and not packed:
            check_frames(struct.unpack(">I", stream.read(4))[0], name)
        elif kind in _DECODED:
            if kind == b"IDAT" and not packed:
                described.append(chunk(kind, zlib.compress(b"\0\0")))
            packed += length if kind == b"IDAT" else 0
            stream.seek(-8, 1)
            coded.append(stream.read(length + 12))
        elif kind not in _LEFT_OUT:
            described.append(chunk(kind, stream.read(length)))
    if kind != b"IEND" or packed * _DEFLATE_LIMIT < size[0] * size[1]:
        raise ValueError("cut off")
    # libpng gets the samples alone: of the rest, it would complain on stderr.
    samples = _stacked(png_decode(b"".join(coded)))
    # All that describes the picture, around a single pixel: Pillow can read that.
    stand_in = io.BytesIO(b"".join([*described, chunk(b"IEND", b"")]))
    with Image.open(stand_in, formats=["PNG"]) as image:
        image.load()
        turn = orientation(image)
        width, height = size if turn < 5 else size[::-1]
        info = read_info(image, stand_in, (width, height))
    return _picture(samples, turn, info)


def _tiff(stream: BinaryIO, size: tuple[int, int], tags: Directory, name: str) -> Picture:
    from imagecodecs import tiff_decode

    kind, colours, alpha = _tiff_kind(tags, name)
    for tag, side in zip(_TILE_SIDES, size, strict=True):
        if _one(tags, tag, 0) > max(side, _LARGEST_TILE):
            raise ValueError("a tile takes memory that the picture does not need")
    check_frames(_pages(stream, tags), name)
    turn = _one(tags, Base.Orientation, UPRIGHT)
    turn = turn if turn in range(1, 9) else UPRIGHT
    upright = size if turn < 5 else size[::-1]
    info = PictureInfo(
        format="TIFF",
        icc=_bytes(tags, _ICC),
        exif=exif_bytes(_exif(stream, tags), upright, whole=False),
        xmp=upright_xmp(_bytes(tags, XMP_TAG)),
        dpi=_tiff_density(tags),
    )
    channels = colours + (alpha is not None)
    planes = channels > 1 and _one(tags, _PLANAR, 1) == 2
    shape = (channels, size[1], size[0]) if planes else (size[1], size[0], channels)
    # What a damaged strip leaves out must be black, not what was in the memory.
    samples = np.zeros(shape if channels > 1 else shape[:2], kind)
    stream.seek(0)
    samples = _stacked(tiff_decode(stream.read(), out=samples))
    samples = np.moveaxis(samples, 0, -1) if planes else samples
    samples = samples.astype(np.float32 if kind.kind == "f" else np.uint16, copy=False)
    if _one(tags, Base.PhotometricInterpretation) == _WHITE_IS_ZERO:
        samples[..., 0] = full_scale(samples.dtype) - samples[..., 0]
    if alpha == _ASSOCIATED:
        samples = _divided(samples, name)
    return _picture(samples, turn, info)


def _tiff_kind(tags: Directory, name: str) -> tuple[np.dtype[Any], int, int | None]:
    """The samples' kind as stored, the number of colours, and what ExtraSamples says of a last
    channel (TIFF 6.0, section 18), 0 where it says nothing; None where there is none."""
    meaning = _one(tags, Base.PhotometricInterpretation)
    if meaning not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB):
        what = _OTHERS.get(meaning, "has colours of a rare kind")
        raise RequestError(f"{name} {what}, which is not read: save it as RGB")
    colours = 3 if meaning == _RGB else 1
    channels = _one(tags, _SAMPLES_PER_PIXEL, 1)
    if channels not in (colours, colours + 1):
        raise RequestError(
            f"{name} has {channels} channels: save it with its colours and at most one alpha"
        )
    bits, forms = set(_many(tags, TIFF_BITS, (1,))), set(_many(tags, _SAMPLE_FORMAT, (1,)))
    kinds = {(16, _UNSIGNED): "u2", (16, _FLOAT): "f2", (32, _FLOAT): "f4"}
    found = kinds.get((bits.pop(), forms.pop()))
    if found is None or bits or forms or (found[0] == "f" and meaning == _WHITE_IS_ZERO):
        raise RequestError(
            f"{name} has samples of a rare kind: save it with 16-bit integers or 32-bit floats"
        )
    if _one(tags, Base.Compression, 1) not in _COMPRESSIONS:
        raise RequestError(
            f"{name} is compressed in a way that is not read: save it with LZW or ZIP"
        )
    if channels == colours:
        return np.dtype(found), colours, None
    return np.dtype(found), colours, _many(tags, _EXTRA_SAMPLES, (0,))[0]


def _divided(samples: NDArray[Any], name: str) -> NDArray[Any]:
    """Associated alpha (premultiplied) made unassociated. Multiplied and rounded again it is
    what was stored; where it could not be, as in light that glows without covering, RequestError.
    """
    colours, alpha = samples[..., :-1], samples[..., -1:]
    whole = samples.dtype.kind == "u"
    if ((colours > alpha) if whole else (colours != 0) & (alpha <= 0)).any():
        raise RequestError(
            f"{name} has colours brighter than their premultiplied alpha allows: "
            "save it with plain (unassociated) alpha"
        )
    high = full_scale(samples.dtype)
    divided = np.divide(
        colours * np.float64(high), alpha, out=np.zeros(colours.shape), where=alpha > 0
    )
    plain = np.rint(divided) if whole else divided
    return np.concatenate([plain.astype(samples.dtype), alpha], axis=2)


def _picture(samples: NDArray[Any], turn: int, info: PictureInfo) -> Picture:
    """samples: HWC with 1 to 4 channels, as stored. turn: EXIF's orientation."""
    samples = _turned(samples, turn)
    channels = samples.shape[2]
    grey = channels < 3
    alpha = np.ascontiguousarray(samples[..., -1]) if channels in (2, 4) else None
    pixels = np.repeat(samples[..., :1], 3, axis=2) if grey else samples[..., :3]
    info = replace(info, icc=fitting(info.icc, grey=grey))
    return Picture(np.ascontiguousarray(pixels), alpha, grey, info)


def _turned(samples: NDArray[Any], orientation: int) -> NDArray[Any]:
    """HWC samples, upright (EXIF 2.32, tag 274)."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    down = {3: -1, 4: -1, 7: -1, 8: -1}.get(orientation, 1)
    across = {2: -1, 3: -1, 6: -1, 7: -1}.get(orientation, 1)
    return samples[::down, ::across]


def _pages(stream: BinaryIO, tags: Directory) -> int:
    """How many pages a TIFF has; reduced copies of another one do not count."""
    pages, at = 1, tags.next
    seen: set[int] = set()
    while at and at not in seen and len(seen) < _PAGES_COUNTED:
        seen.add(at)
        page = _directory(stream, at, tags._endian, tags._bigtiff)
        pages += not _one(page, _SUBFILE, 0) & _THUMBNAIL
        at = page.next
    return pages


def _exif(stream: BinaryIO, tags: Directory) -> Image.Exif:
    exif = Image.Exif()
    exif.endian, exif.bigtiff = tags._endian, tags._bigtiff
    try:
        exif.load_from_fp(stream, tags.offset)
    except Exception:  # Pillow can't read it in a big-endian BigTIFF; damaged ones raise anything
        return Image.Exif()
    return exif


def _tiff_density(tags: Directory) -> tuple[float, float] | None:
    if not {Base.XResolution, Base.YResolution} <= set(tags):
        return None
    inches = 2.54 if _one(tags, _RESOLUTION_UNIT, 2) == _CENTIMETRE else 1.0
    try:
        found = [float(tags[tag]) * inches for tag in (Base.XResolution, Base.YResolution)]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return density(found)


def _stacked(samples: NDArray[Any]) -> NDArray[Any]:
    return samples[..., None] if samples.ndim == 2 else samples


def _many(tags: Directory, tag: int, default: tuple[int, ...]) -> tuple[int, ...]:
    value = tags.get(tag, default)
    found = value if isinstance(value, tuple) else (value,)
    return tuple(int(each) for each in found) or default


def _one(tags: Directory, tag: int, default: int | None = None) -> int:
    return _many(tags, tag, () if default is None else (default,))[0]


def _bytes(tags: Directory, tag: int) -> bytes | None:
    value = tags.get(tag)
    return value if isinstance(value, bytes) and value else None
