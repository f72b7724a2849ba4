"""16 bits and floats: what a file holds is what the picture holds, and the other way round."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from imagecodecs import png_encode
from numpy.typing import NDArray
from PIL import Image

from semantic_style.core.errors import RequestError
from semantic_style.core.image import (
    RECIPE_KEY,
    Picture,
    PictureInfo,
    check_output,
    embed_style,
    load_embedded,
    load_mask,
    load_picture,
    losses,
    read_recipe_text,
    save_picture,
)

from .pictures import rgb_profile, write
from .test_image_load import refusal, turned
from .test_image_save import rich_exif
from .test_recipe import one_line

COLOURS = {1: "grey", 2: "grey+alpha", 3: "RGB", 4: "RGBA"}


def deep(channels: int = 3, kind: str = "u2", height: int = 37, width: int = 45) -> NDArray[Any]:
    """Noise over the whole range; floats also below 0, above 1, and without a value."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    values = np.random.default_rng(3).random(shape)
    if kind == "u2":
        return np.rint(values * 65535).astype(np.uint16)
    floats = (values * 3 - 1).astype(kind)
    floats[0, 0], floats[1, 1], floats[2, 2] = np.nan, np.inf, -np.inf
    return floats


def write_tiff(path: Path, samples: NDArray[Any], **options: Any) -> Path:
    channels = 1 if samples.ndim == 2 else samples.shape[-1]
    if options.get("planarconfig") == "separate":
        samples = np.moveaxis(samples, -1, 0)
    if channels in (2, 4):
        options.setdefault("extrasamples", ["unassalpha"])
    options.setdefault("photometric", "rgb" if channels > 2 else "minisblack")
    tifffile.imwrite(path, samples, metadata=None, **options)
    return path


def assert_holds(picture: Picture, samples: NDArray[Any]) -> None:
    samples = samples[..., None] if samples.ndim == 2 else samples
    channels = samples.shape[2]
    assert picture.grey == (channels < 3)
    colours = samples[..., :3] if channels > 2 else np.repeat(samples[..., :1], 3, axis=2)
    assert picture.pixels.dtype == (np.uint16 if samples.dtype == np.uint16 else np.float32)
    assert np.array_equal(picture.pixels, colours, equal_nan=samples.dtype.kind == "f")
    assert (picture.alpha is not None) == (channels in (2, 4))
    if picture.alpha is not None:
        assert np.array_equal(picture.alpha, samples[..., -1], equal_nan=samples.dtype.kind == "f")


@pytest.mark.parametrize("channels", COLOURS, ids=COLOURS.get)
def test_sixteen_bit_png(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "p.png"
    path.write_bytes(png_encode(deep(channels)))
    assert_holds(load_picture(path), deep(channels))


def png_chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize("channels", [1, 3])
def test_one_colour_may_stand_for_clear(tmp_path: Path, channels: int) -> None:
    samples = deep(channels)
    samples[samples == samples[5, 6]] += 1
    samples[5, 6] -= 1
    data = png_encode(samples)
    clear = png_chunk(b"tRNS", samples[5:6, 6].astype(">u2").tobytes())
    (tmp_path / "p.png").write_bytes(data[:33] + clear + data[33:])
    picture = load_picture(tmp_path / "p.png")
    assert picture.alpha is not None
    assert np.argwhere(picture.alpha == 0).tolist() == [[5, 6]]
    assert set(np.unique(picture.alpha)) == {0, 65535}
    assert np.array_equal(picture.pixels[..., 0], samples if channels == 1 else samples[..., 0])


def test_interlaced_png(tmp_path: Path) -> None:
    """Adam7 (PNG, 8.2): seven passes, each a picture of its own."""
    samples = deep(3)
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    rows = [
        b"\0" + row.astype(">u2").tobytes()
        for y, x, down, across in [*passes, (1, 0, 2, 1)]
        for row in samples[y::down, x::across]
    ]
    header = struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], 16, 2, 0, 0, 1)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")
    data = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)
    (tmp_path / "p.png").write_bytes(data)
    assert_holds(load_picture(tmp_path / "p.png"), samples)


TIFFS: list[dict[str, Any]] = [
    {},
    {"byteorder": ">"},
    {"compression": "lzw", "predictor": True, "rowsperstrip": 8},
    {"compression": "zlib", "predictor": True, "tile": (16, 32), "byteorder": ">"},
    {"compression": "packbits", "bigtiff": True},
    {"compression": "zstd", "tile": (32, 16), "planarconfig": "separate"},
    {"compression": "lzma", "planarconfig": "separate", "bigtiff": True, "byteorder": ">"},
]


@pytest.mark.parametrize("options", TIFFS, ids=str)
@pytest.mark.parametrize("kind", ["u2", "f4", "f2"])
@pytest.mark.parametrize("channels", COLOURS, ids=COLOURS.get)
def test_tiff(tmp_path: Path, channels: int, kind: str, options: dict[str, Any]) -> None:
    if channels == 1:
        options = {key: value for key, value in options.items() if key != "planarconfig"}
    samples = deep(channels, kind)
    assert_holds(load_picture(write_tiff(tmp_path / "p.tif", samples, **options)), samples)


def test_white_may_be_zero(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "p.tif", 65535 - deep(1), photometric="miniswhite")
    assert_holds(load_picture(path), deep(1))


@pytest.mark.parametrize("kind", ["u2", "f4"])
def test_premultiplied_colours_become_plain(tmp_path: Path, kind: str) -> None:
    plain = deep(4, "u2")
    plain[:4, :, 3] = 0
    plain[:4, :, :3] = 0
    values = plain / 65535
    stored = values.copy()
    stored[..., :3] *= values[..., 3:]
    stored = np.rint(stored * 65535).astype(np.uint16) if kind == "u2" else stored.astype(kind)
    path = write_tiff(tmp_path / "p.tif", stored, extrasamples=["assocalpha"])
    picture = load_picture(path)
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, stored[..., 3])
    if kind == "u2":
        again = picture.pixels.astype(np.float64) * picture.alpha[..., None] / 65535
        assert np.array_equal(np.rint(again), stored[..., :3])
    else:
        assert picture.pixels == pytest.approx(values[..., :3], rel=1e-6)
    stored[0, 0] = (1, 0, 0, 0)
    glowing = write_tiff(tmp_path / "glow.tif", stored, extrasamples=["assocalpha"])
    assert "premultiplied" in refusal(glowing)


def test_what_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.tif"
    for samples, options, said in (
        (deep(3, "f8"), {}, "rare kind"),
        (deep(3).astype(np.uint32), {}, "rare kind"),
        (deep(3).astype(np.int16), {}, "rare kind"),
        (deep(4), {"photometric": "separated", "extrasamples": ()}, "is CMYK of 16 bits"),
        (deep(3), {"photometric": "cielab"}, "is Lab"),
        (deep(1), {"photometric": "cfa"}, "camera's raw"),
        (np.dstack([deep(3), deep(2)]), {"extrasamples": [0, 0]}, "5 channels"),
        (deep(1, "f4"), {"photometric": "miniswhite"}, "rare kind"),
    ):
        options.setdefault("photometric", "rgb")
        assert said in refusal(write_tiff(path, samples, **options))
    tifffile.imwrite(path, np.stack([deep(3)] * 3), photometric="rgb", metadata=None)
    assert "3 frames or pages" in refusal(path)


def test_a_thumbnail_is_no_second_page(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "p.tif") as file:
        file.write(deep(3), photometric="rgb", metadata=None)
        file.write(deep(3)[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
    assert_holds(load_picture(tmp_path / "p.tif"), deep(3))


def test_an_animated_sixteen_bit_png(tmp_path: Path) -> None:
    data = png_encode(deep(3))
    moving = png_chunk(b"acTL", struct.pack(">II", 4, 0))
    (tmp_path / "p.png").write_bytes(data[:33] + moving + data[33:])
    assert "4 frames" in refusal(tmp_path / "p.png")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    upright = deep(3)
    exif = Image.Exif()
    exif[274] = orientation
    stored = turned(upright, orientation)
    tiff = write_tiff(tmp_path / "p.tif", stored, extratags=[(274, "H", 1, orientation, True)])
    data = png_encode(stored)
    said = png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    (tmp_path / "p.png").write_bytes(data[:33] + said + data[33:])
    for path in (tiff, tmp_path / "p.png"):
        picture = load_picture(path)
        assert np.array_equal(picture.pixels, upright)
        assert picture.info.exif is None or b"\x12\x01" not in picture.info.exif


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d dc:t="K\xc3\xb6ln"/></x:xmpmeta>'


def rich(kind: str = "u2", channels: int = 4) -> Picture:
    samples = deep(channels, kind)
    exif = Image.Exif()
    exif.load(rich_exif())
    del exif[274]
    info = PictureInfo(
        icc=rgb_profile(2.2), exif=exif.tobytes(), xmp=XMP, dpi=(300, 150), text={"Title": "Köln"}
    )
    return Picture(samples[..., :3].copy(), samples[..., 3].copy(), info=info)


@pytest.mark.parametrize(("kind", "suffix"), [("u2", ".png"), ("u2", ".tif"), ("f4", ".tif")])
def test_all_that_a_file_says_reads_back(tmp_path: Path, kind: str, suffix: str) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    save_picture(rich(kind), first)
    save_picture(load_picture(first), second)
    picture = load_picture(second)
    assert_holds(picture, deep(4, kind))
    assert picture.info.icc == rgb_profile(2.2)
    assert picture.info.xmp == XMP
    assert picture.info.dpi == pytest.approx((300, 150), abs=0.1)
    assert picture.info.text == ({"Title": "Köln"} if suffix == ".png" else {})
    assert picture.info.exif is not None
    exif = Image.Exif()
    exif.load(picture.info.exif)
    assert exif[271] == "A camera"
    assert exif[33432].endswith("somebody")
    assert 274 not in exif
    assert exif.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
    assert exif.get_ifd(0x8769)[0xA002] == 45
    assert exif.get_ifd(0x8825)[1] == "N"
    if suffix == ".tif":  # for others too
        with tifffile.TiffFile(second) as file:
            assert len(file.pages) == 1
            assert file.pages[0].tags["ExifTag"].value["DateTimeOriginal"] == "2020:01:02 03:04:05"


@pytest.mark.parametrize(("kind", "suffix"), [("u2", ".png"), ("u2", ".tif"), ("f4", ".tif")])
@pytest.mark.parametrize("channels", COLOURS, ids=COLOURS.get)
def test_samples_read_back(tmp_path: Path, kind: str, suffix: str, channels: int) -> None:
    source = load_picture(write_tiff(tmp_path / "s.tif", deep(channels, kind)))
    save_picture(source, tmp_path / f"o{suffix}")
    assert_holds(load_picture(tmp_path / f"o{suffix}"), deep(channels, kind))


def test_the_recipe_travels_in_a_sixteen_bit_png(tmp_path: Path) -> None:
    save_picture(rich(), tmp_path / "o.png", text={RECIPE_KEY: "{…}"})
    assert read_recipe_text(tmp_path / "o.png") == "{…}"
    assert load_picture(tmp_path / "o.png").info.text == {"Title": "Köln"}


def test_floats_do_not_fit_a_png(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"end .* in \.tif") as error:
        check_output(tmp_path / "o.png", picture=rich("f4"))
    one_line(error)
    assert losses(rich("f4"), tmp_path / "o.tif") == []


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp"])
@pytest.mark.parametrize("kind", ["u2", "f4"])
def test_deep_pictures_are_rounded_for_formats_of_8_bits(
    tmp_path: Path, suffix: str, kind: str
) -> None:
    rows, columns = np.mgrid[:48, :64]
    ramp = np.stack([rows / 60, columns / 70, (rows + columns) / 120], axis=2)
    samples = np.rint(ramp * 65535).astype(np.uint16) if kind == "u2" else ramp.astype(np.float32)
    picture = Picture(samples)
    save_picture(picture, tmp_path / f"o{suffix}")
    result = load_picture(tmp_path / f"o{suffix}")
    assert np.abs(result.pixels - ramp * 255).max() <= (4 if suffix == ".jpg" else 0.51)
    assert "holds 8 bits" in losses(picture, tmp_path / f"o{suffix}")[0]


def test_eight_bits_are_too_coarse_for_linear_light(tmp_path: Path) -> None:
    dark = np.full((20, 20, 3), 65535 * 0.001, np.uint16)
    linear = Picture(dark, info=PictureInfo(icc=rgb_profile(1.0)))
    wide = Picture(dark, info=PictureInfo(icc=rgb_profile(2.2)))
    save_picture(linear, tmp_path / "l.webp")
    save_picture(wide, tmp_path / "w.webp")
    result = load_picture(tmp_path / "l.webp")
    assert result.info.icc is None
    assert result.pixels[0, 0, 0] == 3  # 12.92 * 0.001 of 255
    assert load_picture(tmp_path / "w.webp").info.icc == rgb_profile(2.2)


def test_deep_masks_and_embedded_styles(tmp_path: Path) -> None:
    grey = deep(1)
    mask = load_mask(write_tiff(tmp_path / "m.tif", grey))
    assert mask == pytest.approx(grey / 65535, abs=1e-6)
    floats = deep(1, "f4")
    mask = load_mask(write_tiff(tmp_path / "f.tif", floats))
    assert mask == pytest.approx(np.nan_to_num(floats, nan=0).clip(0, 1))
    colours = load_mask(write_tiff(tmp_path / "c.tif", np.dstack([deep(3)[..., :1]] * 3)))
    assert colours == pytest.approx(deep(3)[..., 0] / 65535, abs=1e-5)
    small = load_embedded(embed_style(rich()))
    assert small.pixels.dtype == np.uint8
    assert np.abs(small.pixels - rich().pixels / 257).max() <= 0.51


def files(folder: Path) -> dict[str, bytes]:
    """A deep file of each coding."""
    save_picture(rich(), folder / "a.png")
    save_picture(rich("f4"), folder / "a.tif")
    write_tiff(folder / "b.tif", deep(3), compression="lzw", tile=(16, 16))
    write_tiff(folder / "c.tif", deep(3), byteorder=">")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_cut_off_anywhere(tmp_path: Path) -> None:
    for name, whole in files(tmp_path).items():
        for part in (0.01, 0.1, 0.5, 0.9, 0.97):
            if name == "a.tif" and part == 0.97:
                continue  # only the EXIF is cut, which is no loss to the picture
            (tmp_path / name).write_bytes(whole[: int(len(whole) * part)])
            assert "damaged or cut off" in refusal(tmp_path / name), (name, part)


def test_a_changed_byte_never_raises_anything_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    for whole in files(tmp_path).values():
        for _ in range(40):
            data = bytearray(whole)
            data[random.integers(min(len(data), 500))] = random.integers(256)
            (tmp_path / "changed").write_bytes(data)
            try:
                load_picture(tmp_path / "changed", pixel_limit=10**6)
            except RequestError as error:
                said = str(error)
            else:
                said = ""
            assert said.isprintable()
    assert capfd.readouterr() == ("", ""), "libpng and libtiff complain"


def test_eight_bit_files_go_without_the_deep_readers(tmp_path: Path) -> None:
    import subprocess
    import sys

    write(tmp_path / "p.png", np.zeros((20, 20, 3), np.uint8))
    code = (
        "import sys\n"
        "from semantic_style.core.image import load_picture, save_picture, to_float\n"
        "picture = load_picture(sys.argv[1])\n"
        "to_float(picture)\n"
        "save_picture(picture, sys.argv[2], force=True)\n"
        "print(*{'imagecodecs', 'tifffile'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "p.png", tmp_path / "p.tif"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
