"""Small pictures as files, made by Pillow."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from imagecodecs import cms_profile
from numpy.typing import NDArray
from PIL import Image, ImageCms


def noise(height: int = 24, width: int = 32, channels: int = 3) -> NDArray[np.uint8]:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)


def smooth(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A colour gradient, which JPEG keeps nearly as it is."""
    rows, columns = np.mgrid[0:height, 0:width]
    parts = (rows * 4, columns * 3, rows + columns)
    return np.stack(parts, axis=2).clip(0, 255).astype(np.uint8)


def write(path: Path, samples: NDArray[Any], **options: Any) -> Path:
    Image.fromarray(samples).save(path, **options)
    return path


@cache  # a new profile holds the time at which it was made
def profile(name: str = "") -> bytes:
    """An RGB profile: sRGB, or with the primaries of a wider space where a name is given."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if not name:
        return srgb
    # Red and green change places: a foreign profile whose effect is easy to see.
    swapped = bytearray(srgb)
    for at in range(132, 132 + 12 * struct.unpack_from(">I", srgb, 128)[0], 12):
        if srgb[at : at + 4] in (b"rXYZ", b"gXYZ"):
            swapped[at] = ord("g") if srgb[at : at + 1] == b"r" else ord("r")
    described = swapped.replace("sRGB".encode("utf-16-be"), name.ljust(4)[:4].encode("utf-16-be"))
    return bytes(described)


ADOBE_RGB = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)  # x, y of its primaries; its gamma: 563/256
SRGB = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_D65 = [0.3127, 0.3290, 1.0]


@cache
def rgb_profile(gamma: float, primaries: tuple[float, ...] = SRGB) -> bytes:
    """A profile of a power curve, made by Little CMS."""
    points = [each for k in (0, 2, 4) for each in (*primaries[k : k + 2], 1.0)]
    return cms_profile("rgb", whitepoint=_D65, primaries=points, gamma=gamma)


@cache
def grey_profile(gamma: float) -> bytes:
    return cms_profile("gray", whitepoint=_D65, gamma=gamma)


def png_claiming(width: int, height: int) -> bytes:
    """A whole PNG whose header claims a size that its samples do not have."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    samples = zlib.compress(b"\0" * 100)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", samples) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
