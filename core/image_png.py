"""PNG out, of 8 or 16 bits, with all that the picture's file said.

By libpng itself: Pillow tries every filter on every row. One filter and runs of equal bytes (what
it leaves of a photograph has no other repetitions) take less than half as long, and at Pillow's own
level of deflate a file took as long to write as a region of a large photo took to repaint. Files
are between 15% smaller and 10% larger for it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import BinaryIO

from .image_metadata import XMP_KEY
from .picture import Picture, Pixels
from .png_chunks import chunk, text_chunk

_INCH = 0.0254  # m
_HEADER_LENGTH = 33  # bytes of a PNG up to the end of IHDR
_PIECE = 1 << 18  # bytes written at once


def write_png(
    stream: BinaryIO, picture: Picture, samples: Pixels, icc: bytes | None, text: Mapping[str, str]
) -> None:
    """A PNG. samples: HW or HWC, uint8 or uint16, alpha last. icc: the profile that fits them."""
    from imagecodecs import PNG, png_encode

    data = png_encode(samples, level=1, strategy=PNG.STRATEGY.RLE, filter=PNG.FILTER.PAETH)
    stream.write(data[:_HEADER_LENGTH])
    info = picture.info
    for kind, content in info.chunks:
        stream.write(chunk(kind, content))
    if icc:
        stream.write(chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc)))
    if info.dpi:
        across, down = (round(each / _INCH) for each in info.dpi)
        stream.write(chunk(b"pHYs", struct.pack(">IIB", across, down, 1)))
    if info.exif:
        stream.write(chunk(b"eXIf", info.exif.removeprefix(b"Exif\0\0")))
    if info.xmp:
        stream.write(text_chunk(XMP_KEY, info.xmp.decode("utf-8", "replace")))
    for key, value in {**info.text, **text}.items():
        stream.write(text_chunk(key, value))
    for start in range(_HEADER_LENGTH, len(data), _PIECE):  # a cancel is heard between two
        stream.write(memoryview(data)[start : start + _PIECE])
