"""Files that are no pictures: refused in one line by the field, and the page goes on."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from .visitor import Visitor

Visit = Callable[..., Visitor]


def _png(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, and that holds nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def _coded(form: str, size: tuple[int, int] = (64, 64)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "teal").save(stream, form)
    return stream.getvalue()


HOSTILE = {
    "text.png": (b"<script>alert(1)</script>", "is no PNG, JPEG, WebP or TIFF"),
    "huge.png": (_png(60_000, 60_000), "more than 200 megapixels"),
    "cut.png": (_coded("PNG", (300, 300))[:200], "is damaged or cut off"),
    "cut.jpg": (_coded("JPEG", (300, 300))[:300], "is damaged or cut off"),
    "bitmap.png": (_coded("BMP"), "is no PNG, JPEG, WebP or TIFF"),
    "film.webp": (_coded("GIF"), "is no PNG, JPEG, WebP or TIFF"),
    "tiny.png": (_coded("PNG", (4, 4)), "needs at least 16"),
    "empty.jpg": (b"", "is no PNG, JPEG, WebP or TIFF"),
    "list.json": (b"[" * 100_000, "no valid JSON"),
    "other.json": (b'{"regions": 3}', "regions must be a list"),
    "words.txt": (b"\xff\xfe\xff", "is no text"),
    "<img src=x onerror=alert(1)>.png": (b"?", "is no PNG, JPEG, WebP or TIFF"),
}


def test_what_is_no_picture_is_refused_in_a_line(visit: Visit, tmp_path: Path) -> None:
    me = visit()
    me.page.on("dialog", lambda dialog: pytest.fail("a file's name was run as a script"))
    for name, (data, expected) in HOSTILE.items():
        path = tmp_path / name
        path.write_bytes(data)
        me.bring(path)
        line = me.page.locator("#ss-start .ss-error").filter(has_text=expected)
        line.wait_for()
        said = line.inner_text()
        assert "\n" not in said
        assert len(said) < 200
        assert "/tmp" not in said
    me.example()  # and everything goes on


def test_what_ends_in_another_way_is_not_even_sent(visit: Visit, tmp_path: Path) -> None:
    me = visit()
    (tmp_path / "page.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    me.bring(tmp_path / "page.svg")
    me.page.wait_for_timeout(1000)
    assert not me.page.locator(".ss-frame").is_visible()
    me.example()
