"""What a file holds is what the picture holds; what can't be read is one line."""

from __future__ import annotations

import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.errors import RequestError
from semantic_style.core.image import load_mask, load_picture, to_float

from .pictures import noise, png_claiming, profile, smooth, write
from .test_recipe import one_line

LOSSLESS = [(".png", {}), (".tif", {}), (".bmp", {}), (".webp", {"lossless": True, "exact": True})]


@pytest.mark.parametrize(("suffix", "options"), LOSSLESS)
def test_colour_samples_are_the_file_s(
    tmp_path: Path, suffix: str, options: dict[str, Any]
) -> None:
    samples = noise()
    picture = load_picture(write(tmp_path / f"p{suffix}", samples, **options))
    assert np.array_equal(picture.pixels, samples)
    assert picture.alpha is None
    assert not picture.grey
    assert (picture.extent.width, picture.extent.height) == (32, 24)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_alpha_is_kept_also_under_what_is_clear(tmp_path: Path, suffix: str) -> None:
    samples = noise(channels=4)
    samples[:8, :, 3] = 0
    options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    picture = load_picture(write(tmp_path / f"p{suffix}", samples, **options))
    assert np.array_equal(picture.pixels, samples[..., :3])
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, samples[..., 3])


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_grey_is_three_equal_channels(tmp_path: Path, suffix: str) -> None:
    samples = noise(channels=1)
    picture = load_picture(write(tmp_path / f"p{suffix}", samples))
    assert picture.grey
    assert np.array_equal(picture.pixels, np.repeat(samples[..., None], 3, axis=2))


def test_grey_with_alpha_and_bitmaps(tmp_path: Path) -> None:
    samples = noise(channels=2)
    Image.fromarray(samples).save(tmp_path / "la.png")
    picture = load_picture(tmp_path / "la.png")
    assert picture.grey
    assert picture.alpha is not None
    assert np.array_equal(picture.pixels[..., 0], samples[..., 0])
    assert np.array_equal(picture.alpha, samples[..., 1])
    bits = noise(channels=1) > 127
    Image.fromarray(bits).save(tmp_path / "one.png")
    assert np.array_equal(load_picture(tmp_path / "one.png").pixels[..., 1], bits * np.uint8(255))


def test_palettes_with_and_without_clear_entries(tmp_path: Path) -> None:
    indices = Image.new("P", (32, 24))
    indices.putdata([each % 4 for each in range(32 * 24)])
    indices.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7])
    indices.save(tmp_path / "p.png")
    indices.save(tmp_path / "t.png", transparency=bytes([255, 128, 0, 255]))
    plain, clear = load_picture(tmp_path / "p.png"), load_picture(tmp_path / "t.png")
    assert plain.alpha is None
    assert plain.pixels[0, :4].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 8, 7]]
    assert np.array_equal(plain.pixels, clear.pixels)
    assert clear.alpha is not None
    assert clear.alpha[0, :4].tolist() == [255, 128, 0, 255]


def test_one_colour_may_stand_for_clear(tmp_path: Path) -> None:
    samples = noise()
    samples[0, 0] = (1, 2, 3)
    picture = load_picture(write(tmp_path / "p.png", samples, transparency=(1, 2, 3)))
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == 0
    assert np.array_equal(picture.pixels, samples)


def turned(upright: np.ndarray[Any, Any], orientation: int) -> np.ndarray[Any, Any]:
    """How a camera stores an upright picture under an EXIF orientation (EXIF 2.32, tag 274)."""
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    return np.ascontiguousarray(stored[orientation])


@pytest.mark.parametrize("suffix", [".png", ".tif", ".lzw.tif", ".webp", ".jpg"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path: Path, suffix: str, orientation: int) -> None:
    upright = smooth()
    exif = Image.Exif()
    exif[274] = orientation
    options: dict[str, Any] = {
        ".webp": {"lossless": True},
        ".jpg": {"quality": 100, "subsampling": 0},
        ".lzw.tif": {"compression": "tiff_lzw"},
    }.get(suffix, {})
    file = write(tmp_path / f"p{suffix}", turned(upright, orientation), exif=exif, **options)
    picture = load_picture(file)
    assert picture.pixels.shape == upright.shape
    assert np.abs(picture.pixels.astype(int) - upright).max() <= (6 if suffix == ".jpg" else 0)


def test_a_foreign_profile_is_applied_for_the_models_only(tmp_path: Path) -> None:
    samples = np.zeros((24, 32, 3), np.uint8)
    samples[..., 0] = 255
    picture = load_picture(write(tmp_path / "p.png", samples, icc_profile=profile("swap")))
    assert np.array_equal(picture.pixels, samples)
    seen = to_float(picture)
    assert seen.dtype == np.float32
    assert seen[0, 0, 1] > 0.9
    assert seen[0, 0, 0] < 0.1


@pytest.mark.parametrize("icc", [profile(), b"broken" * 40])
def test_srgb_and_broken_profiles_change_nothing(tmp_path: Path, icc: bytes) -> None:
    samples = noise()
    picture = load_picture(write(tmp_path / "p.png", samples, icc_profile=icc))
    assert np.array_equal(to_float(picture), samples.astype(np.float32) / np.float32(255))


def refusal(path: Path) -> str:
    with pytest.raises(RequestError) as error:
        load_picture(path)
    return one_line(error)


def test_what_is_not_there_or_no_picture(tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path / "missing.jpg")
    assert "is a folder" in refusal(tmp_path)
    (tmp_path / "text.jpg").write_text("no picture at all\n" * 20)
    assert "is no picture" in refusal(tmp_path / "text.jpg")
    (tmp_path / "empty.png").touch()
    assert "is empty" in refusal(tmp_path / "empty.png")
    Image.new("P", (32, 32)).save(tmp_path / "a.gif")
    assert "is no picture that can be read" in refusal(tmp_path / "a.gif")
    assert "not a file name" in refusal(tmp_path / "a\0b.png")
    assert "File name too long" in refusal(tmp_path / ("x" * 300 + ".png"))
    os.mkfifo(tmp_path / "pipe.png")
    assert "regular file" in refusal(tmp_path / "pipe.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(tmp_path: Path) -> None:
    file = write(tmp_path / "p.png", noise())
    file.chmod(0)
    assert "may not be read" in refusal(file)


def test_a_name_that_would_break_the_line(tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path / "two\nlines\x1b[2J.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp", ".lzw.tif"])
def test_cut_off_anywhere(tmp_path: Path, suffix: str) -> None:
    options = {"compression": "tiff_lzw"} if suffix == ".lzw.tif" else {}
    whole = write(tmp_path / f"whole{suffix}", noise(), **options).read_bytes()
    for part in (0.02, 0.1, 0.5, 0.9):
        cut = tmp_path / f"cut{part}{suffix}"
        cut.write_bytes(whole[: int(len(whole) * part)])
        refusal(cut)


def test_a_changed_byte_never_raises_anything_else(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for suffix in (".png", ".jpg", ".webp", ".tif", ".bmp"):
        exif = Image.Exif()
        exif[270] = "a picture"
        whole = bytearray(write(tmp_path / f"w{suffix}", smooth(), exif=exif).read_bytes())
        for _ in range(25):
            data = bytearray(whole)
            data[random.integers(len(data))] = random.integers(256)
            (tmp_path / "changed").write_bytes(data)
            try:
                load_picture(tmp_path / "changed", pixel_limit=10**6)
            except RequestError as error:
                said = str(error)
            else:
                said = ""
            assert said.isprintable()


def claiming(suffix: str) -> bytes:
    if suffix == ".png":
        return png_claiming(100_000, 100_000)
    if suffix == ".webp":
        size = (99_999).to_bytes(3, "little")
        return b"RIFF\x64\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + size + size + b"\0" * 100
    header = struct.pack("<IiiHHIIiiII", 40, 100_000, 100_000, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 154, 0, 0, 54) + header + b"\0" * 100


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp"])
def test_a_claimed_size_is_refused_before_decoding(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"bomb{suffix}"
    file.write_bytes(claiming(suffix))
    tracemalloc.start()
    said = refusal(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "100000 x 100000 pixels, more than 200 megapixels" in said
    assert peak < 2**20


def test_sizes_at_the_limits(tmp_path: Path) -> None:
    assert "1 x 1 pixels: each side needs at least 16" in refusal(
        write(tmp_path / "one.png", noise(1, 1))
    )
    file = write(tmp_path / "p.png", noise(16, 20))
    assert load_picture(file, pixel_limit=320).extent.pixels == 320
    with pytest.raises(RequestError, match="20 x 16"):
        load_picture(file, pixel_limit=319)


def test_between_the_limits_pillow_does_not_warn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    file = write(tmp_path / "p.tif", noise())
    load_picture(file)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_several_frames_or_pages(tmp_path: Path) -> None:
    frames = [Image.fromarray(noise()), Image.fromarray(255 - noise())]
    for name in ("a.png", "a.webp", "a.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert "2 frames or pages" in refusal(tmp_path / name)


def test_lab_is_refused(tmp_path: Path) -> None:
    Image.fromarray(noise()).convert("LAB").save(tmp_path / "l.tif")
    assert "Lab" in refusal(tmp_path / "l.tif")


def test_masks_of_any_kind(tmp_path: Path) -> None:
    grey = noise(3, 5, channels=1)
    mask = load_mask(write(tmp_path / "grey.png", grey))
    assert mask.dtype == np.float32
    assert np.array_equal(mask, grey.astype(np.float32) / np.float32(255))
    white = np.full((4, 6, 4), 255, np.uint8)
    white[:2, :, 3] = 0
    mask = load_mask(write(tmp_path / "clear.png", white))
    assert mask.tolist() == [[0.0] * 6] * 2 + [[1.0] * 6] * 2
