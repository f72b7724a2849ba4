"""Samples out of a document and into it, in its own values: nothing is converted on the way."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

from gi.repository import Babl, Gegl, Gimp

from ..link.wire import SAMPLE_BYTES, pack_picture
from .faults import Refused
from .placing import Box


@dataclass(frozen=True)
class Picture:
    """A layer's samples on their way to the worker. box: the layer's place in the image.
    parts: see Client.put_picture. depth: u8, u16 or float. grey: the image is. samples: row by
    row, 4 channels with alpha or 3."""

    box: Box
    parts: list[bytes | memoryview]
    depth: str
    grey: bool
    samples: bytes
    channels: int

    def alpha(self, layer: Any) -> bytes | None:
        """One channel of mask_depth_of; None for a layer that has none."""
        if self.channels == 3:
            return None
        if self.depth == "u8":
            return self.samples[3::4]
        if self.depth == "u16":  # a few times faster than what GIMP has for it
            return memoryview(self.samples).cast("H")[3::4].tobytes()
        return read(layer, self.box.at_origin, "A u16", 2)


def box_of(drawable: Any) -> Box:
    """Where a drawable is in its image."""
    _, x, y = drawable.get_offsets()
    return Box(x, y, drawable.get_width(), drawable.get_height())


def depth_of(image: Any) -> str:
    """u8 and u16 where the image's own samples are these, on the curve of its profile; floats
    on that curve carry all others."""
    kinds = Gimp.Precision
    own = {kinds.U8_NON_LINEAR: "u8", kinds.U16_NON_LINEAR: "u16"}
    if image.get_color_profile() is None:  # then the perceptual curve is that of the profile
        own |= {kinds.U8_PERCEPTUAL: "u8", kinds.U16_PERCEPTUAL: "u16"}
    return own.get(image.get_precision(), "float")


def mask_depth_of(image: Any) -> str:
    """u8 or u16: the depth of masks that go to the worker and come from it."""
    return "u8" if depth_of(image) == "u8" else "u16"


def read_picture(layer: Any) -> Picture:
    """The whole layer as it is seen: with its filters, without its mask, mode and opacity.

    Must run where PDB calls do. Refused for a layer that can't be read.
    """
    image = layer.get_image()
    depth, box = depth_of(image), box_of(layer)
    channels = 4 if layer.has_alpha() else 3
    model = "R'G'B'A" if channels == 4 else "R'G'B'"
    samples = _seen(layer, f"{model} {depth}", channels * SAMPLE_BYTES[depth])
    profile = image.get_color_profile()
    grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
    parts = pack_picture(
        box.width,
        box.height,
        channels,
        depth,
        samples,
        icc=bytes(profile.get_icc_profile()) if profile is not None else b"",
        grey=grey,
    )
    return Picture(box, parts, depth, grey, samples, channels)


def _seen(layer: Any, form: str, size: int) -> bytes:
    """The layer's samples with its filters, which are merged in a copy in an image of its own."""
    box = Box(0, 0, layer.get_width(), layer.get_height())
    if not any(each.get_visible() for each in layer.get_filters()):
        return read(layer, box, form, size)
    image = layer.get_image()
    aside = Gimp.Image.new_with_precision(
        box.width, box.height, image.get_base_type(), image.get_precision()
    )
    try:
        profile = image.get_color_profile()
        if profile is not None:
            aside.set_color_profile(profile)
        copy = Gimp.Layer.new_from_drawable(layer, aside)
        if copy is None or not aside.insert_layer(copy, None, 0) or not copy.merge_filters():
            raise Refused(f"the filters of {layer.get_name()} can't be merged: merge them first")
        # A filter may make a layer larger: its pixels stay where they were in the image.
        return read(copy, box_of(layer).relative_to(box_of(copy)), form, size)
    finally:
        aside.delete()


def read(drawable: Any, box: Box, form: str, size: int) -> bytes:
    """Samples of a box in the drawable's coordinates, 0 outside it; in the drawable's own space,
    so that none are converted but for their depth. form: of Babl, such as "Y u8"; size: bytes a
    pixel. Refused where GIMP gives none."""
    own = Babl.get_name(Babl.format_with_space(form, drawable.get_format()))
    return read_as(drawable, box, own, size)


def read_as(drawable: Any, box: Box, form: str, size: int) -> bytes:
    """Like `read`, in the space that the format itself names: sRGB where it names none."""
    place = Gegl.Rectangle.new(box.x, box.y, box.width, box.height)
    samples = drawable.get_buffer().get(place, 1.0, form, Gegl.AbyssPolicy.NONE)
    if samples is None or len(samples) != box.width * box.height * size:
        raise Refused(f"{drawable.get_name()} can't be read")
    return bytes(samples)


def write(drawable: Any, form: str, size: int, samples: bytes | memoryview) -> None:
    """Fill a drawable that is in no image yet; what is written into others can't be undone.
    Refused for a count of samples that does not fit: GIMP itself would only drop them."""
    width, height = drawable.get_width(), drawable.get_height()
    if len(samples) != width * height * size:
        raise Refused("the worker's layer has another size than it says: update semantic-style")
    own = Babl.get_name(Babl.format_with_space(form, drawable.get_format()))
    buffer = drawable.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, width, height), own, bytes(samples))
    buffer.flush()


def png(width: int, height: int, channels: int, samples: bytes) -> bytes:
    """A PNG of 8-bit samples, grey (1 channel) or RGB (3)."""
    row = width * channels
    if len(samples) != row * height:
        raise ValueError(f"{len(samples)} bytes are no {width} x {height} x {channels}")
    packer, packed = zlib.compressobj(6), []
    for y in range(height):
        packed.append(packer.compress(b"\0" + samples[y * row : (y + 1) * row]))
    packed.append(packer.flush())
    head = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    pieces = [(b"IHDR", head), (b"IDAT", b"".join(packed)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in pieces
    )
