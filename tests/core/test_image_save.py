"""What is written reads back, keeps what the file said, and is there whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from semantic_style.core.atomic import replacing
from semantic_style.core.errors import RequestError
from semantic_style.core.image import (
    RECIPE_KEY,
    Picture,
    check_output,
    embed_mask,
    embed_style,
    from_float,
    from_srgb,
    load_embedded,
    load_embedded_mask,
    load_mask,
    load_picture,
    read_recipe_text,
    save_mask,
    save_picture,
    save_text_chunk,
    to_float,
)
from semantic_style.core.recipe import Source, Target, load_recipe, parse_recipe, to_json

from .pictures import noise, profile, smooth, write
from .test_recipe import one_line


def again(picture: Picture, path: Path, **options: Any) -> Picture:
    save_picture(picture, path, **options)
    return load_picture(path)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".webp", ".bmp", ".PNG"])
def test_samples_read_back(tmp_path: Path, suffix: str) -> None:
    picture = Picture(noise())
    assert np.array_equal(again(picture, tmp_path / f"o{suffix}").pixels, picture.pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_alpha_reads_back(tmp_path: Path, suffix: str) -> None:
    alpha = noise(channels=1)
    alpha[:5] = 0
    result = again(Picture(noise(), alpha), tmp_path / f"o{suffix}")
    assert np.array_equal(result.pixels, noise())
    assert result.alpha is not None
    assert np.array_equal(result.alpha, alpha)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_transparency_is_never_lost_in_silence(tmp_path: Path, suffix: str) -> None:
    alpha = np.full((24, 32), 255, np.uint8)
    result = again(Picture(smooth(24, 32), alpha), tmp_path / f"opaque{suffix}")
    assert result.alpha is None
    alpha[0, 0] = 254
    with pytest.raises(RequestError, match=r"end .* in \.png or \.webp") as error:
        save_picture(Picture(noise(), alpha), tmp_path / f"o{suffix}")
    one_line(error)
    assert [each.name for each in tmp_path.iterdir()] == [f"opaque{suffix}"]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".jpg"])
def test_grey_stays_grey_until_it_is_coloured(tmp_path: Path, suffix: str) -> None:
    source = load_picture(write(tmp_path / "s.png", noise(channels=1)))
    assert again(source, tmp_path / f"same{suffix}").grey
    pixels = source.pixels.copy()
    pixels[:8] = (200, 10, 10)
    assert not again(source.with_pixels(pixels), tmp_path / f"new{suffix}").grey


def test_a_grey_profile_does_not_stand_beside_colours(tmp_path: Path) -> None:
    grey_icc = bytearray(profile())
    grey_icc[16:20] = b"GRAY"
    source = load_picture(write(tmp_path / "s.png", noise(channels=1), icc_profile=bytes(grey_icc)))
    assert again(source, tmp_path / "grey.png").info.icc == bytes(grey_icc)
    coloured = source.with_pixels(noise())
    assert again(coloured, tmp_path / "colour.png").info.icc is None


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("name", ["", "swap"])
def test_the_profile_is_kept_byte_for_byte(tmp_path: Path, suffix: str, name: str) -> None:
    source = load_picture(write(tmp_path / "s.png", noise(), icc_profile=profile(name)))
    assert again(source, tmp_path / f"o{suffix}").info.icc == profile(name)


def test_a_foreign_profile_and_bmp(tmp_path: Path) -> None:
    source = load_picture(write(tmp_path / "s.png", noise(), icc_profile=profile("swap")))
    with pytest.raises(RequestError, match="colour profile"):
        save_picture(source, tmp_path / "o.bmp")


def test_srgb_values_reach_the_picture_s_own_profile(tmp_path: Path) -> None:
    samples = smooth()
    source = load_picture(write(tmp_path / "s.png", samples, icc_profile=profile("swap")))
    red = np.zeros((48, 64, 3), np.float32)
    red[..., 0] = 1
    assert from_srgb(red, source)[0, 0].tolist() == pytest.approx([0, 255, 0], abs=2)
    back = from_srgb(to_float(source), source).astype(int)
    assert np.abs(back - samples).max() <= 3
    assert np.array_equal(from_srgb(red, Picture(samples)), from_float(red))


def test_values_are_rounded_and_clipped() -> None:
    values = np.array([-1, 0, 0.4 / 255, 0.6 / 255, 1, 2], np.float32)
    assert from_float(values).tolist() == [0, 0, 0, 1, 255, 255]
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = Picture(np.repeat(every[..., None], 3, axis=2))
    assert np.array_equal(from_float(to_float(picture)), picture.pixels)


def rich_exif() -> bytes:
    """What a telephone writes: the stored size stands in the first directory too."""
    exif = Image.Exif()
    exif[256], exif[257] = 64, 48
    exif[271], exif[274], exif[33432] = "A camera", 6, "© somebody"
    exif.get_ifd(0x8769).update({0x9003: "2020:01:02 03:04:05", 0xA002: 64, 0xA003: 48})
    exif.get_ifd(0x8825)[1] = "N"
    return exif.tobytes()


@pytest.mark.parametrize("inward", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("outward", [".jpg", ".png", ".webp", ".tif"])
def test_exif_is_kept_but_for_orientation(tmp_path: Path, inward: str, outward: str) -> None:
    source = write(tmp_path / f"s{inward}", smooth(), exif=rich_exif(), dpi=(300, 300))
    save_picture(load_picture(source), tmp_path / f"o{outward}")
    with Image.open(tmp_path / f"o{outward}") as image:
        exif = image.getexif()
        assert image.size == (48, 64)
        assert exif.get(274, 1) == 1
        assert exif[271] == "A camera"
        details = exif.get_ifd(0x8769)
        assert details[0x9003] == "2020:01:02 03:04:05"
        assert (details[0xA002], details[0xA003]) == (48, 64)
        assert exif.get_ifd(0x8825)[1] == "N"
        if ".webp" not in (inward, outward):
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("outward", [".jpg", ".png", ".webp", ".tif"])
def test_xmp_is_kept_upright(tmp_path: Path, outward: str) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="6" dc:t="hi"/></x:xmpmeta>'
    source = load_picture(write(tmp_path / "s.jpg", smooth(), xmp=xmp))
    assert source.pixels.shape[:2] == (64, 48)
    save_picture(source, tmp_path / f"o{outward}")
    result = load_picture(tmp_path / f"o{outward}")
    assert result.info.xmp == xmp.replace(b'"6"', b'"1"')
    assert result.pixels.shape[:2] == (64, 48)


def test_png_text_and_gamma_are_kept(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Title", "a picture")
    info.add_itxt("Ort", "Köln — 東京")
    info.add(b"gAMA", (45455).to_bytes(4, "big"))
    source = load_picture(write(tmp_path / "s.png", noise(), pnginfo=info))
    save_picture(source, tmp_path / "o.png", text={"More": "x"})
    with Image.open(tmp_path / "o.png") as image:
        image.load()
        assert image.text == {"Title": "a picture", "Ort": "Köln — 東京", "More": "x"}
        assert image.info["gamma"] == pytest.approx(0.45455)


@pytest.mark.parametrize(("quality", "subsampling"), [(60, 2), (85, 1), (92, 0)])
def test_a_jpeg_is_coded_as_its_input_was(tmp_path: Path, quality: int, subsampling: int) -> None:
    options = {"quality": quality, "subsampling": subsampling, "progressive": True}
    source = write(tmp_path / "s.jpg", smooth(), **options)
    save_picture(load_picture(source), tmp_path / "o.jpg")
    with Image.open(source) as before, Image.open(tmp_path / "o.jpg") as after:
        assert after.quantization == before.quantization
        assert JpegImagePlugin.get_sampling(after) == subsampling
        assert after.info.get("progressive")


def test_a_grey_jpeg_may_be_coloured(tmp_path: Path) -> None:
    source = load_picture(write(tmp_path / "s.jpg", smooth()[..., 0], quality=90))
    result = again(source.with_pixels(smooth()), tmp_path / "o.jpg")
    assert np.abs(result.pixels.astype(int) - smooth()).mean() < 3


def test_a_jpeg_from_elsewhere_is_fine(tmp_path: Path) -> None:
    result = again(Picture(smooth()), tmp_path / "o.jpg")
    assert np.abs(result.pixels.astype(int) - smooth()).max() <= 8
    with Image.open(tmp_path / "o.jpg") as image:
        assert JpegImagePlugin.get_sampling(image) == 0


def test_the_recipe_travels_in_a_png(tmp_path: Path) -> None:
    recipe = parse_recipe('"Straße; 道" = mosaic @ 0.4')
    save_picture(Picture(noise()), tmp_path / "o.png", text={RECIPE_KEY: to_json(recipe)})
    assert read_recipe_text(tmp_path / "o.png") == to_json(recipe)
    assert load_recipe(tmp_path / "o.png") == recipe
    with Image.open(tmp_path / "o.png") as image:
        image.load()
        assert image.text[RECIPE_KEY] == to_json(recipe)
    # What is made out of a result does not carry the recipe of that result.
    save_picture(load_picture(tmp_path / "o.png"), tmp_path / "next.png")
    with pytest.raises(RequestError, match="carries no recipe"):
        read_recipe_text(tmp_path / "next.png")


def test_a_text_is_put_into_a_png_that_exists(tmp_path: Path) -> None:
    file = write(tmp_path / "p.png", noise())
    save_text_chunk(file, "first")
    save_text_chunk(file, "second")
    assert read_recipe_text(file) == "second"
    assert file.read_bytes().count(RECIPE_KEY.encode()) == 1
    assert np.array_equal(load_picture(file).pixels, noise())


def test_recipes_that_cannot_be_read(tmp_path: Path) -> None:
    jpeg = write(tmp_path / "p.jpg", smooth())
    cut = tmp_path / "cut.png"
    cut.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x09iTXtabc")
    for file, said in (
        (jpeg, "is no PNG"),
        (tmp_path / "missing.png", "No such file"),
        (cut, "damaged"),
    ):
        with pytest.raises(RequestError) as error:
            read_recipe_text(file)
        assert said in one_line(error)


def test_masks_read_back(tmp_path: Path) -> None:
    mask = np.linspace(0, 1, 60, dtype=np.float32).reshape(6, 10)
    save_mask(mask, tmp_path / "m.png")
    assert np.abs(load_mask(tmp_path / "m.png") - mask).max() <= 0.5 / 255 + 1e-6
    save_mask(mask > 0.5, tmp_path / "b.png")
    assert np.array_equal(load_mask(tmp_path / "b.png"), (mask > 0.5).astype(np.float32))
    with Image.open(tmp_path / "m.png") as image:
        assert image.mode == "L"
    with pytest.raises(RequestError, match=r"in \.png"):
        save_mask(mask, tmp_path / "m.jpg")


def test_embedded_pictures_read_back() -> None:
    small = load_embedded(Source("embedded", embed_style(Picture(noise()))).value)
    assert np.array_equal(small.pixels, noise())
    large = load_embedded(Source("embedded", embed_style(Picture(smooth(100, 1000)))).value)
    assert (large.extent.width, large.extent.height) == (512, 51)
    mask = noise(channels=1)
    read = load_embedded_mask(Target("embedded", embed_mask(mask)).value)
    assert np.array_equal(from_float(read), mask)


def test_targets_that_are_refused(tmp_path: Path) -> None:
    taken = write(tmp_path / "taken.png", noise())
    before = taken.read_bytes()
    (tmp_path / "folder.png").mkdir()
    for name, said in (
        ("taken.png", "already exists"),
        ("folder.png", "is a folder"),
        ("missing/o.png", "does not exist"),
        ("taken.png/o.png", "does not exist"),
        ("o.xyz", "end it in .png, .jpg"),
        ("o", "no suffix"),
        ("x" * 300 + ".png", "choose another"),
        ("a\0b.png", "choose another"),
    ):
        with pytest.raises(RequestError) as error:
            save_picture(Picture(noise()), tmp_path / name)
        assert said in one_line(error)
    assert taken.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder.png", "taken.png"]


def test_a_target_can_be_checked_before_the_work(tmp_path: Path) -> None:
    check_output(tmp_path / "o.jpg", picture=Picture(noise()))
    for name, picture in (
        ("missing/o.png", None),
        ("o.gif", None),
        ("o.jpg", Picture(noise(), noise(channels=1))),
    ):
        with pytest.raises(RequestError) as error:
            check_output(tmp_path / name, picture=picture)
        one_line(error)
    assert not list(tmp_path.iterdir())


def test_sides_that_a_format_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="at most 16383"):
        save_picture(Picture(np.zeros((16, 16_384, 3), np.uint8)), tmp_path / "o.webp")


def test_replacing_keeps_links_and_permissions(tmp_path: Path) -> None:
    real = write(tmp_path / "real.png", noise())
    real.chmod(0o640)
    link = tmp_path / "link.png"
    link.symlink_to(real)
    save_picture(Picture(255 - noise()), link, force=True)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert np.array_equal(load_picture(real).pixels, 255 - noise())


def test_a_new_file_has_the_user_s_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    save_picture(Picture(noise()), tmp_path / "o.png")
    assert (tmp_path / "o.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_an_end_in_the_middle_leaves_nothing(
    tmp_path: Path, error: type[BaseException], force: bool
) -> None:
    file = tmp_path / "o.bin"
    if force:
        file.write_bytes(b"before")

    def interrupted() -> None:
        with replacing(file, force=force) as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        interrupted()
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([b"before"] if force else [])


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as error, replacing(tmp_path / "o.bin"):
        raise OSError(28, "No space left on device")
    assert "No space left" in one_line(error)
    assert not list(tmp_path.iterdir())
