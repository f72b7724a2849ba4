"""Pixels of 16 bits or floats out, as 8 bits and as TIFF, with all that their file said."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin, TiffTags

from . import profiles
from .geometry import Bounds
from .image_metadata import DESCRIPTIVE, XMP_TAG
from .picture import Picture, Pixels, quantised, scaled
from .resample import strips

_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)


def reduced(picture: Picture) -> Picture:
    """The same picture in 8 bits, rounded to the nearest; floats outside of [0, 1] are clipped.

    It keeps its profile, unless that is linear light, or nearly: 8 bits are too coarse for it,
    so it becomes sRGB.
    """
    if picture.pixels.dtype == np.uint8:
        return picture
    profile, info = picture.profile, picture.info
    becomes_srgb = profiles.is_coarse(profile)
    pixels = np.empty(picture.pixels.shape, np.uint8)
    for strip in strips(Bounds.whole(picture.extent)):
        values = scaled(picture.pixels[strip.slices])
        known = profiles.to_srgb(values, profile if becomes_srgb else None)
        pixels[strip.slices] = quantised(known, np.uint8)
    alpha = picture.alpha
    if alpha is not None:
        alpha = quantised(profiles.to_srgb(scaled(alpha), None), np.uint8)
    if becomes_srgb:
        info = replace(info, icc=None, chunks=())
    return Picture(pixels, alpha, picture.grey, info)


def write_tiff(stream: BinaryIO, picture: Picture, samples: Pixels, icc: bytes | None) -> None:
    """A TIFF of 16 bits or floats, deflated. samples: HW or HWC, alpha last, unassociated.

    stream: readable, too. EXIF's directories are put behind the file, since tifffile has no place
    for them.
    """
    from tifffile import imwrite

    info, exif = picture.info, Image.Exif()
    if info.exif:
        exif.load(info.exif)
    nested = {tag: values for tag in _DIRECTORIES if (values := exif.get_ifd(tag))}
    tags: list[tuple[Any, ...]] = [
        (int(tag), "s", 0, str(exif[tag]).encode("utf-8", "replace"), True)
        for tag in DESCRIPTIVE
        if tag in exif
    ]
    if info.xmp:
        tags.append((XMP_TAG, "B", len(info.xmp), info.xmp, True))
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    imwrite(
        stream,
        samples,
        byteorder="<",
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        compression="zlib",
        predictor=True,
        resolution=info.dpi,
        resolutionunit="INCH" if info.dpi else None,
        iccprofile=icc,
        software=False,
        metadata=None,
        extratags=tags,
    )
    _append(stream, nested)


def _append(stream: BinaryIO, directories: dict[ExifTags.IFD, dict[int, Any]]) -> None:
    """EXIF's directories behind a little-endian TIFF, and a first directory that knows them in
    the place of the one that it has; its values stay where they are (TIFF 6.0, section 2)."""
    if not directories:
        return
    stream.seek(4)
    stream.seek(*struct.unpack("<I", stream.read(4)))
    (count,) = struct.unpack("<H", stream.read(2))
    entries = [stream.read(12) for _ in range(count)]
    end = stream.seek(0, 2)
    for tag, values in directories.items():
        end += stream.write(bytes(end % 2))
        entries.append(struct.pack("<HHII", tag, TiffTags.LONG, 1, end))
        directory = TiffImagePlugin.ImageFileDirectory_v2(group=tag)
        for each, value in values.items():
            directory[each] = value
        end += stream.write(directory.tobytes(end))
    end += stream.write(bytes(end % 2))
    entries.sort(key=lambda entry: struct.unpack_from("<H", entry))
    stream.write(struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4))
    stream.seek(4)
    stream.write(struct.pack("<I", end))
