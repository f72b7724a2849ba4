"""PNG chunks (PNG specification, 5.3 and 11.3.3): what Pillow does not keep, and our recipe."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .atomic import replacing
from .errors import RequestError
from .wording import shown_path

RECIPE_KEY = "semantic-style-recipe"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXT_LIMIT = 256 * 2**20  # bytes of one text
_MEANING = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
_SMALL = 1024  # bytes; all of _MEANING are far smaller


def read_recipe_text(path: str | os.PathLike[str]) -> str:
    """The recipe's JSON that a result carries; RequestError where there is none."""
    name = shown_path(path)
    try:
        with Path(path).open("rb") as stream:
            if stream.read(8) != SIGNATURE:
                raise RequestError(f"{name} is no PNG: only a PNG carries its recipe")
            found = [_text_of(stream, length) for kind, length in walk(stream) if kind == b"iTXt"]
    except (OSError, ValueError, struct.error, zlib.error) as error:
        why = getattr(error, "strerror", None) or "it is damaged"
        raise RequestError(f"can't read {name}: {why}") from None
    texts = [text for key, text in found if key == RECIPE_KEY]
    if not texts:
        raise RequestError(f"{name} carries no recipe: it was not made by semantic-style")
    return texts[-1]


def save_text_chunk(path: str | os.PathLike[str], text: str, key: str = RECIPE_KEY) -> None:
    """Put a text into a PNG that exists, in place of one under the same key. Its samples are
    not coded again; the file is replaced whole or not at all."""
    name = shown_path(path)
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise RequestError(f"can't read {name}: {getattr(error, 'strerror', error)}") from None
    if data[:8] != SIGNATURE or data[12:16] != b"IHDR":
        raise RequestError(f"{name} is no PNG: only a PNG takes a text")
    mark = key.encode("latin-1") + b"\0"
    with replacing(path, force=True) as stream:
        stream.write(SIGNATURE)
        at = 8
        while at + 8 <= len(data):
            (length,) = struct.unpack_from(">I", data, at)
            end = at + 12 + length
            if data[at + 4 : at + 8] != b"iTXt" or not data.startswith(mark, at + 8):
                stream.write(data[at:end])
            if at == 8:
                stream.write(text_chunk(key, text))
            at = end


def chunk(kind: bytes, content: bytes) -> bytes:
    """A whole chunk: length, type, content, checksum."""
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def text_chunk(key: str, text: str) -> bytes:
    """An iTXt chunk (11.3.3.4), not compressed, of no language."""
    return chunk(b"iTXt", key.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8", "replace"))


def meaning_chunks(stream: BinaryIO) -> tuple[tuple[bytes, bytes], ...]:
    """The chunks that say what sample values mean, of a PNG read from its first byte on."""
    stream.seek(8)
    kept = []
    for kind, length in walk(stream):
        if kind == b"IDAT":
            break
        if kind in _MEANING and length <= _SMALL:
            kept.append((kind, stream.read(length)))
    return tuple(kept)


def walk(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """(type, length) of each chunk, the stream at its content; to be read or left."""
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        start = stream.tell()
        yield kind, length
        stream.seek(start + length + 4)


def _text_of(stream: BinaryIO, length: int) -> tuple[str, str]:
    """Key and text of an iTXt chunk (11.3.3.4)."""
    if length > TEXT_LIMIT:
        raise ValueError("the text is too long")
    key, rest = stream.read(length).split(b"\0", 1)
    _language, _translated, text = rest[2:].split(b"\0", 2)
    if rest[:1] == b"\1":
        inflate = zlib.decompressobj()
        text = inflate.decompress(text, TEXT_LIMIT)
        if inflate.unconsumed_tail:
            raise ValueError("the text is too long")
    return key.decode("latin-1"), text.decode("utf-8")
