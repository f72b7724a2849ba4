"""Checks of single values of a recipe. Each returns the value in its canonical type, or raises
RequestError with one line that names the field, what is allowed and what came instead."""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
import unicodedata
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

from .errors import RequestError
from .wording import listed, nearest, shown

PHRASE_LIMIT = 200  # characters
PATH_LIMIT = 4096  # characters, Linux's PATH_MAX
STYLE_SIDE_LIMIT = 512  # px, of an embedded style picture
MASK_SIDE_LIMIT = 32768  # px, of an embedded mask
EMBEDDED_LIMIT = 32 * 2**20  # characters of base64
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Controls, lone surrogates, line and paragraph separators: none can be typed as one line.
_UNTYPABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def number(name: str, value: object, low: float, high: float = math.inf) -> float:
    """A finite float in [low, high]; whole numbers are taken too, True and text are not."""
    span = f"{low:g} or more" if high == math.inf else f"from {low:g} to {high:g}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise RequestError(f"{name} must be a number {span}, not {shown(value)}")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result) or not low <= result <= high:
        raise RequestError(f"{name} must be {span}, not {result:g}")
    return result + 0.0  # -0.0 would make two equal recipes differ as text


def whole(name: str, value: object, low: int, high: int) -> int:
    """An int in [low, high]; 3.0 counts as 3, since JSON does not tell them apart."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    result = int(value) if isinstance(value, Integral) else None
    if isinstance(value, bool) or result is None or not low <= result <= high:
        raise RequestError(
            f"{name} must be a whole number from {low} to {high}, not {shown(value)}"
        )
    return result


def flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise RequestError(f"{name} must be true or false, not {shown(value)}")
    return value


def choice(name: str, value: object, known: Sequence[str]) -> str:
    """One of the known words; the error names the nearest of them."""
    if not isinstance(value, str) or value not in known:
        like = nearest(value, known) if isinstance(value, str) else listed(known)
        raise RequestError(f"{name} {shown(value)} is not known: use {like}")
    return value


def phrase(name: str, value: object) -> str:
    """1 to 200 characters, blanks at the ends taken off and each run of blanks made one."""
    text = " ".join(_text(name, value).split())
    if not text:
        raise RequestError(f"{name} is empty: name something in the picture, such as sky")
    if len(text) > PHRASE_LIMIT:
        raise RequestError(
            f"{name} is {len(text)} characters long, at most {PHRASE_LIMIT} are taken: "
            f"{shown(text, 30)}"
        )
    return _typable(name, text)


def path(name: str, value: object) -> str:
    """A file's path as text; it is not looked at whether the file is there."""
    text = _text(name, value)
    if not text.strip():
        raise RequestError(f"{name} is empty: name a picture file")
    if len(text) > PATH_LIMIT:
        raise RequestError(f"{name} is longer than {PATH_LIMIT} characters: {shown(text, 30)}")
    return _typable(name, text)


def reads_as_file(value: str) -> bool:
    """Whether a source as typed is a file: it has a path separator or a picture's suffix."""
    return "/" in value or "\\" in value or value.lower().endswith(PICTURE_SUFFIXES)


def sha256(name: str, value: object) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise RequestError(f"{name} must be a sha256 of 64 hex digits, not {shown(value, 30)}")
    return value


def embedded_png(name: str, value: object, side_limit: int) -> str:
    """Base64 of a PNG whose header claims sides of at most `side_limit` px; not decoded."""
    text = _text(name, value)
    if len(text) > EMBEDDED_LIMIT:
        raise RequestError(f"{name} is larger than {EMBEDDED_LIMIT >> 20} MiB: name a file instead")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if data[:8] != _PNG_SIGNATURE or data[12:16] != b"IHDR" or len(data) < 24:
        raise RequestError(f"{name} must be a PNG in base64")
    width, height = struct.unpack(">II", data[16:24])
    if not 1 <= max(width, height) <= side_limit:
        raise RequestError(
            f"{name} is {width} x {height} pixels, at most {side_limit} a side can be embedded: "
            "make it smaller or name a file instead"
        )
    return text


def sequence(name: str, value: Any, most: int) -> tuple[Any, ...]:
    """A tuple of at most `most` things; text is refused, since it is a sequence of letters."""
    if isinstance(value, str | bytes | dict) or not isinstance(value, Iterable):
        raise RequestError(f"{name} must be a list, not {shown(value)}")
    items = tuple(value)
    if len(items) > most:
        raise RequestError(f"{name} has {len(items)} entries, at most {most} are taken")
    return items


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise RequestError(f"{name} must be text, not {shown(value)}")
    return value


def _typable(name: str, text: str) -> str:
    if any(unicodedata.category(each) in _UNTYPABLE for each in text):
        raise RequestError(f"{name} holds a control character: {shown(text, 30)}")
    return text
