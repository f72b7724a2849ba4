"""What travels: a JSON header with its length before it, then raw samples.

4 bytes   length n of the header, big-endian
n bytes   the header, a JSON object in UTF-8
the rest  samples, row by row from the top, channels interleaved, little-endian
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Sequence
from typing import Any

PROTOCOL = 1  # both ends must have the same
MEDIA_TYPE = "application/x-semantic-style"
LONGEST_HEADER = 16_000_000  # bytes; embedded pictures make recipes long
SAMPLE_BYTES = {"u8": 1, "u16": 2, "float": 4}

_LENGTH = struct.Struct(">I")


class WireError(ValueError):
    """What came is not what this module writes."""


def pack(header: dict[str, Any], *samples: bytes | memoryview) -> list[bytes | memoryview]:
    """The parts of a message, in order; nothing large is copied."""
    text = json.dumps(header, ensure_ascii=False, allow_nan=False).encode()
    return [_LENGTH.pack(len(text)), text, *samples]


def unpack(body: bytes | bytearray | memoryview) -> tuple[dict[str, Any], memoryview]:
    """The header and the samples of a message. Raises WireError."""
    view = memoryview(body)
    if len(view) < _LENGTH.size:
        raise WireError("the message is cut short")
    (length,) = _LENGTH.unpack(view[: _LENGTH.size])
    if length > LONGEST_HEADER or length > len(view) - _LENGTH.size:
        raise WireError("the message's header is longer than the message")
    try:
        header = json.loads(bytes(view[_LENGTH.size : _LENGTH.size + length]))
    except (ValueError, RecursionError):
        raise WireError("the message's header is not JSON") from None
    if not isinstance(header, dict):
        raise WireError("the message's header is no JSON object")
    return header, view[_LENGTH.size + length :]


def pack_picture(
    width: int,
    height: int,
    channels: int,
    depth: str,
    samples: bytes | memoryview,
    *,
    icc: bytes = b"",
    grey: bool = False,
) -> list[bytes | memoryview]:
    """A picture (3 channels, 4 with alpha that is not multiplied in) or a mask (1 channel).

    depth: u8, u16 or float (1 = full scale). icc: the profile that says what RGB values mean,
    empty for sRGB. grey: the document is grey, all three channels are equal. Raises WireError
    for a count of samples that does not fit.
    """
    if len(samples) != width * height * channels * SAMPLE_BYTES[depth]:
        raise WireError(f"{len(samples)} bytes are no {width} x {height} x {channels} of {depth}")
    header = {
        "width": width,
        "height": height,
        "channels": channels,
        "depth": depth,
        "icc": len(icc),
        "grey": grey,
    }
    return pack(header, icc, samples)


def digest(parts: Sequence[bytes | memoryview]) -> str:
    """The sha256 of a whole message, by which a picture is named."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part)
    return total.hexdigest()
