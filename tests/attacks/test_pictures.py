"""Files that are no picture, or not the picture that they claim to be."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

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
