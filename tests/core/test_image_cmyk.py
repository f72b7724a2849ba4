"""CMYK is read as RGB: through its own profile, or by the plain rule; and people are told."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.image import load_picture, losses

from .pictures import profile


def test_cmyk_becomes_rgb_and_says_so(tmp_path: Path) -> None:
    inks = np.random.default_rng(1).integers(0, 256, (24, 32, 4), dtype=np.uint8)
    inks[0, 0] = (255, 0, 0, 0)
    path = tmp_path / "p.tif"
    Image.fromarray(inks, "CMYK").save(path, dpi=(300, 300))
    picture = load_picture(path)
    plain = (255.0 - inks[..., :3]) * (255 - inks[..., 3:]) / 255
    assert np.abs(picture.pixels - plain).max() <= 1
    assert picture.info.dpi == pytest.approx((300, 300))
    assert "CMYK" in losses(picture, tmp_path / "o.png")[0]
    Image.fromarray(inks, "CMYK").save(tmp_path / "p.jpg", icc_profile=red_for_cyan(), quality=95)
    picture = load_picture(tmp_path / "p.jpg")
    assert picture.info.icc is None
    assert picture.info.jpeg is None
    Image.fromarray(inks, "CMYK").save(path, icc_profile=red_for_cyan())
    picture = load_picture(path)
    assert picture.pixels[0, 0, 0] > 200
    assert picture.pixels[0, 0, 1:].max() < 60
    Image.fromarray(inks, "CMYK").save(path, icc_profile=profile())  # of other channels
    assert np.abs(load_picture(path).pixels - plain).max() <= 1


def red_for_cyan() -> bytes:
    """A CMYK profile (ICC.1:2001, lut8Type) of two points an ink, in which cyan is a strong red."""
    inks = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    lab = np.full((16, 3), (255, 128, 128))
    lab[inks[:, 0] == 1] = (int(0.54 * 255), 128 + 80, 128 + 67)
    lab[inks[:, 3] == 1] = (0, 128, 128)
    lut = struct.pack(">4s4xBBBx", b"mft1", 4, 3, 2)
    lut += struct.pack(">9i", *(65536 if k % 4 == 0 else 0 for k in range(9)))
    lut += bytes(range(256)) * 4 + lab.astype(np.uint8).tobytes() + bytes(range(256)) * 3
    lut += bytes(-len(lut) % 4)
    described = struct.pack(">4s4xI5s", b"desc", 5, b"inks\0") + bytes(78) + bytes(1)
    white = struct.pack(">4s4x3i", b"XYZ ", 63190, 65536, 54061)
    tags = {b"A2B0": lut, b"desc": described + bytes(-len(described) % 4), b"wtpt": white}
    at, body = 132 + 12 * len(tags), b""
    table = struct.pack(">I", len(tags))
    for name, content in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(content))
        body += content
    header = struct.pack(">I4sI4s4s4s", 132 + len(table) - 4 + len(body), b"lcms", 0x02100000,
                         b"prtr", b"CMYK", b"Lab ")  # fmt: skip
    header += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + body
