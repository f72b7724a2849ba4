"""What a picture file's header claims, looked at before anything is decoded.

Pillow's readers are called one by one instead of through `Image.open`, whose own guard against
huge pictures warns on stderr and can't name the size.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from PIL import (
    BmpImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from .errors import RequestError
from .streams import hearing
from .wording import shown_path

PIXEL_LIMIT = 200_000_000
SMALLEST_SIDE = 16
_KNOWN = "PNG, JPEG, WebP, TIFF and BMP are read"
TIFF_BITS = 258  # TIFF 6.0: BitsPerSample
TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_RARE = "has samples of a rare kind: save it as 8-bit RGB"
_MODES_WITHOUT = {"LAB": "is Lab, which is not read: save it as RGB"}
_READABLE = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr"})


def open_file(path: Path) -> BinaryIO:
    """The file's stream; RequestError where there is none, or it is no regular file."""
    name = shown_path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise RequestError(f"{name} is a folder: name a picture in it")
        if not stat.S_ISREG(mode):
            # Opening a pipe would wait for ever.
            raise RequestError(f"{name} is not a regular file: save the picture first")
        return hearing(path.open("rb"))
    except FileNotFoundError:
        raise RequestError(f"there is no file {name}") from None
    except PermissionError:
        raise RequestError(f"{name} may not be read: change its permissions") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a file name"
        raise RequestError(f"can't read {name}: {why}") from None


def read_header(stream: BinaryIO, name: str) -> ImageFile.ImageFile:
    """Pillow's reader, its header read and its samples not; any error of its own goes through.

    name: as messages show it. RequestError for what is no picture of a known kind.
    """
    head = stream.read(32)
    stream.seek(0)
    if not head:
        raise RequestError(f"{name} is empty")
    factory = _factory(head)
    if factory is None:
        raise RequestError(f"{name} is no picture that can be read: {_KNOWN}")
    if factory is WebPImagePlugin.WebPImageFile:
        # Its reader sets up the whole canvas at once, so the size comes first.
        check_size(_webp_size(head), name, PIXEL_LIMIT, 1)
    return factory(stream, "")


def check_size(size: tuple[int, int], name: str, limit: int, smallest: int) -> None:
    """RequestError for a picture of too many pixels, or of a side that is too short."""
    width, height = size
    if width * height > limit:
        raise RequestError(
            f"{name} is {width} x {height} pixels, more than {limit / 1e6:g} megapixels: "
            "make it smaller first"
        )
    if min(size) < smallest:
        raise RequestError(
            f"{name} is {width} x {height} pixels: each side needs at least {smallest}"
        )


def check_kind(image: ImageFile.ImageFile, name: str) -> None:
    """RequestError for what is not read: Lab and rarer colours, several frames."""
    if image.mode not in (*_READABLE, "CMYK"):
        raise RequestError(f"{name} {_MODES_WITHOUT.get(image.mode, _RARE)}")
    check_frames(getattr(image, "n_frames", 1), name)


def check_frames(frames: int, name: str) -> None:
    """RequestError for more than one frame or page."""
    if frames > 1:
        raise RequestError(
            f"{name} holds {frames} frames or pages: save the one you mean as its own file"
        )


def _factory(head: bytes) -> Callable[[BinaryIO, str], ImageFile.ImageFile] | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile
    if head.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    if head[:4] in TIFF_HEADS:
        return TiffImagePlugin.TiffImageFile
    if head.startswith(b"BM"):
        return BmpImagePlugin.BmpImageFile
    return None


def _webp_size(head: bytes) -> tuple[int, int]:
    """Width and height out of a WebP's first chunk (WebP container specification)."""
    kind = head[12:16]
    if kind == b"VP8X" and len(head) >= 30:
        return (
            1 + int.from_bytes(head[24:27], "little"),
            1 + int.from_bytes(head[27:30], "little"),
        )
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(head) >= 30:
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("no WebP picture")
