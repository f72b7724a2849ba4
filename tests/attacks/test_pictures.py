"""Files that are no picture, or not the picture that they claim to be."""

from __future__ import annotations

import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.image import Picture, load_picture, save_picture

Refused = Callable[..., str]


@pytest.fixture
def stylized(refused: Refused, tmp_path: Path) -> Callable[[Path], str]:
    """The line with which `stylize` refuses a photo."""
    return lambda photo: refused("stylize", photo, "-r", "*=mosaic", "-o", tmp_path / "out.png")


def test_a_missing_file(stylized: Refused, tmp_path: Path) -> None:
    assert "gone.jpg" in stylized(tmp_path / "gone.jpg")


def test_a_folder(stylized: Refused, tmp_path: Path) -> None:
    folder = tmp_path / "photos.jpg"
    folder.mkdir()
    assert "is a folder" in stylized(folder)


def test_a_text_file_named_jpg(stylized: Refused, tmp_path: Path) -> None:
    path = tmp_path / "letter.jpg"
    path.write_text("Dear Sir or Madam,\n" * 50, encoding="utf-8")
    assert "letter.jpg" in stylized(path)


def test_an_empty_file(stylized: Refused, tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    path.touch()
    assert "empty.png" in stylized(path)


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
def test_a_truncated_png(stylized: Refused, castle: Path, kept: float) -> None:
    data = castle.read_bytes()
    castle.write_bytes(data[: int(len(data) * kept)])
    assert "castle.png" in stylized(castle)


def test_a_picture_of_one_pixel(stylized: Refused, tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    Image.new("RGB", (1, 1)).save(path)
    assert "1 x 1" in stylized(path)


def test_a_header_that_claims_ten_thousand_megapixels(stylized: Refused, tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )
    line = stylized(path)
    assert "100000 x 100000" in line.replace(",", "")


def test_a_named_pipe_does_not_hang(stylized: Refused, tmp_path: Path) -> None:
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    assert "pipe.png" in stylized(path)


def test_a_name_that_no_file_can_have(stylized: Refused) -> None:
    stylized(Path("x" * 5000 + ".jpg"))
    assert "\x1b" not in stylized(Path("\x1b[2J.jpg"))


def test_transparency_that_the_output_cannot_hold(
    refused: Refused, castle: Path, tmp_path: Path
) -> None:
    with Image.open(castle) as photo:
        clear = photo.convert("RGBA")
    clear.putalpha(100)
    clear.save(castle)
    line = refused("stylize", castle, "-r", "*=mosaic", "-o", tmp_path / "out.jpg")
    assert "transparency" in line


def test_bad_pictures_as_styles_and_masks(refused: Refused, castle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear Sir", encoding="utf-8")
    assert "letter.jpg" in refused("stylize", castle, "-r", f"*={letter}", "-o", out)
    assert "gone.png" in refused("stylize", castle, "-r", f"*={tmp_path / 'gone.png'}", "-o", out)
    assert "letter.jpg" in refused("stylize", castle, "-r", f"mask:{letter}=mosaic", "-o", out)
    assert "letter.jpg" in refused("styles", "add", letter)


def test_deep_bombs_are_refused_by_their_headers(stylized: Refused, tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 16, 6, 0, 0, 0)
    png = tmp_path / "bomb.png"
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(10**6))), (b"IEND", b"")
    png.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    tiff = tmp_path / "bomb.tif"
    tiff.write_bytes(tiff_of(width=100_000, height=100_000, bits=32, form=3))
    tracemalloc.start()
    for path in (png, tiff):
        assert "100000 x 100000 pixels, more than" in stylized(path)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def tiff_of(*, width: int, height: int, bits: int, form: int, **more: int) -> bytes:
    """A little-endian grey TIFF of one strip (or tile) of a few bytes, whatever it claims."""
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 277: 1, 339: form}
    tags |= {273: 8, 278: height, 279: 16}
    tags |= {int(name.removeprefix("tag")): value for name, value in more.items()}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    content = bytes(range(16))
    head = struct.pack("<2sHI", b"II", 42, 8 + len(content))
    return head + content + struct.pack("<H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize(
    "claims",
    [
        {"tag278": 2**32 - 1},  # rows in a strip
        {"tag279": 2**32 - 1},  # bytes in it
        {"tag273": 2**32 - 1},  # where it is
        {"tag322": 10**6, "tag323": 10**6, "tag324": 8, "tag325": 16},  # a tile's sides
        {"tag277": 65535, "tag338": 0},  # channels
        {"tag259": 8},  # deflated, so it says
        {"tag259": 7},  # JPEG
        {"tag262": 65535},  # a colour space of its own
        {"tag274": 99},  # an orientation that there is not
        {"tag34675": 2**31, "tag700": 2**31},  # profile and XMP
        {"tag34665": 8, "tag34853": 2**31},  # EXIF's directories
    ],
)
def test_deep_tiffs_that_lie(stylized: Refused, tmp_path: Path, claims: dict[str, int]) -> None:
    path = tmp_path / "lie.tif"
    path.write_bytes(tiff_of(width=64, height=64, bits=16, form=1, **claims))
    assert "lie.tif" in stylized(path)


def test_a_directory_that_leads_to_itself(stylized: Refused, tmp_path: Path) -> None:
    data = bytearray(tiff_of(width=64, height=64, bits=16, form=1))
    data[-4:] = struct.pack("<I", 24)
    path = tmp_path / "ring.tif"
    path.write_bytes(data)
    assert "ring.tif" in stylized(path)


def test_a_strip_that_unpacks_to_a_gigabyte(stylized: Refused, tmp_path: Path) -> None:
    packed = zlib.compress(bytes(2**30), 9)
    tags = {256: 64, 257: 64, 258: 16, 259: 8, 262: 1, 273: 8, 277: 1, 278: 64, 279: len(packed)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    path = tmp_path / "deflated.tif"
    head = struct.pack("<2sHI", b"II", 42, 8 + len(packed))
    path.write_bytes(head + packed + struct.pack("<H", len(tags)) + entries + bytes(4))
    picture = load_picture(path)  # only what the header claims is unpacked: black
    assert picture.pixels.shape == (64, 64, 3)
    assert not picture.pixels.any()


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.95])
def test_truncated_deep_pictures(stylized: Refused, tmp_path: Path, kept: float) -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (64, 80, 3)).astype(np.uint16)
    for name, picture in (
        ("deep.png", Picture(samples)),
        ("deep.tif", Picture(samples)),
        ("light.tif", Picture((samples / 65535).astype(np.float32))),
    ):
        path = tmp_path / name
        save_picture(picture, path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * kept)])
        assert name in stylized(path)
