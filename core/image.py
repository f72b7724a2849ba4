"""Pixels in and out: orientation, alpha, profile and metadata kept.

The picture itself is in picture.py, what its values mean in profiles.py. Reading is in
image_load.py (headers first: image_header.py; what else a file says: image_metadata.py), writing
in image_save.py; 16 bits and floats in image_deep_load.py and image_deep_save.py; a PNG's chunks
and recipe in png_chunks.py.
"""

from __future__ import annotations

from .image_deep_load import holds_floats
from .image_header import PIXEL_LIMIT, SMALLEST_SIDE
from .image_load import load_embedded, load_embedded_mask, load_mask, load_picture
from .image_save import (
    FORMATS,
    check_output,
    embed_mask,
    embed_style,
    losses,
    save_mask,
    save_picture,
)
from .picture import JpegCoding, Picture, PictureInfo, from_float, from_srgb, to_float
from .png_chunks import RECIPE_KEY, read_recipe_text, save_text_chunk

__all__ = [
    "FORMATS",
    "PIXEL_LIMIT",
    "RECIPE_KEY",
    "SMALLEST_SIDE",
    "JpegCoding",
    "Picture",
    "PictureInfo",
    "check_output",
    "embed_mask",
    "embed_style",
    "from_float",
    "from_srgb",
    "holds_floats",
    "load_embedded",
    "load_embedded_mask",
    "load_mask",
    "load_picture",
    "losses",
    "read_recipe_text",
    "save_mask",
    "save_picture",
    "save_text_chunk",
    "to_float",
]
