"""What values mean: there and back without loss, and only where a profile says so."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagecodecs import cms_profile

from semantic_style.core.image import load_picture, save_picture
from semantic_style.core.picture import Picture, PictureInfo, from_srgb, full_scale, to_float
from semantic_style.core.profiles import decoded, encoded, meaning

from .pictures import ADOBE_RGB, grey_profile, noise, profile, rgb_profile, write

GAMMA = 563 / 256  # AdobeRGB's
PROFILES = {
    "AdobeRGB": rgb_profile(GAMMA, ADOBE_RGB),
    "linear": rgb_profile(1.0),
    "grey": grey_profile(GAMMA),
    "linear grey": grey_profile(1.0),
    "sRGB": profile(),
    "none": None,
}


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(PROFILES)),
    st.sampled_from([np.uint8, np.uint16, np.float32]),
    st.integers(0, 2**32 - 1),
)
def test_own_values_to_srgb_and_back(name: str, kind: type, seed: int) -> None:
    """Within half a step of 8 and 16 bits, wherever sRGB can show the colour; elsewhere within
    what float32 keeps of linear light."""
    info = PictureInfo(icc=PROFILES[name])
    rng = np.random.default_rng(seed)
    values = 0.2 + 0.8 * rng.random((16, 16, 3)) if name == "AdobeRGB" else rng.random((16, 16, 3))
    if "grey" in name:
        values[...] = values[..., :1]
    samples = values * full_scale(kind)
    own = samples.astype(kind) if kind is np.float32 else np.rint(samples).astype(kind)
    picture = Picture(own, info=info)
    shown = to_float(picture)
    again = from_srgb(shown, picture)
    within = ((shown > 0) & (shown < 1)).all(axis=-1)
    assert within.mean() > 0.3
    if kind is np.float32:
        assert again[within] == pytest.approx(own[within], abs=2e-5)
    else:
        assert np.array_equal(again[within], own[within])


def test_what_a_value_means_is_what_its_curve_and_primaries_say() -> None:
    """AdobeRGB's pure green, in sRGB: by the matrices of both (D65, so no adaptation)."""

    def matrix(primaries: tuple[float, ...]) -> np.ndarray:
        x, y = np.array(primaries[::2]), np.array(primaries[1::2])
        columns = np.stack([x / y, np.ones(3), (1 - x - y) / y])
        white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
        return columns * np.linalg.solve(columns, white)

    srgb = matrix((0.64, 0.33, 0.30, 0.60, 0.15, 0.06))
    values = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    expected = np.linalg.solve(srgb, matrix(ADOBE_RGB)) @ (values**GAMMA)[..., None]
    picture = Picture(values, info=PictureInfo(icc=PROFILES["AdobeRGB"]))
    shown = encoded(expected[..., 0].astype(np.float32)).clip(0, 1)
    assert to_float(picture) == pytest.approx(shown, abs=1e-3)


@given(st.floats(-4, 4, width=32))
def test_srgb_s_curve_has_an_inverse_below_0_and_above_1(value: float) -> None:
    values = np.array([value], np.float32)
    assert decoded(encoded(values)) == pytest.approx(values, abs=1e-5)
    assert encoded(-values) == -encoded(values)


def test_profiles_that_change_nothing() -> None:
    for icc in (None, b"", b"broken" * 60, profile(), cms_profile("srgb"), profile()[:300]):
        assert meaning(icc) is None, icc
    damaged = bytearray(PROFILES["AdobeRGB"] or b"")
    damaged[200:] = bytes(len(damaged) - 200)
    assert meaning(bytes(damaged)) is None
    assert meaning(profile("swap")) == profile("swap")
    one_way = (PROFILES["AdobeRGB"] or b"").replace(b"gTRC", b"xTRC")
    assert meaning(one_way) is None


def gamma(value: int) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", value)


def test_a_png_s_gamma_says_what_its_values_mean(tmp_path: Path) -> None:
    srgb = b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    wide = b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
    absurd = b"cHRM", bytes(32)
    for chunks in (
        (gamma(45455),),
        (gamma(45455), srgb),
        (srgb,),
        (gamma(0),),
        (gamma(100000), (b"sRGB", b"\0")),
        (gamma(45455), absurd),
        ((b"gAMA", b"x"),),
    ):
        assert meaning(None, chunks) is None, chunks
    assert meaning(None, (gamma(45455), wide)) is not None
    linear = Picture(noise(), info=PictureInfo(chunks=(gamma(100000),)))
    assert to_float(linear) == pytest.approx(encoded(noise().astype(np.float32) / 255), abs=1e-4)
    assert meaning(profile(), (gamma(100000),)) is None  # a profile goes first
    # Where no chunk can stand, a profile says the same.
    save_picture(linear, tmp_path / "o.tif")
    save_picture(linear, tmp_path / "o.png")
    assert load_picture(tmp_path / "o.png").info.icc is None
    for name in ("o.tif", "o.png"):
        result = load_picture(tmp_path / name)
        assert to_float(result) == pytest.approx(to_float(linear), abs=1e-4)


@pytest.mark.parametrize("value", [1.0, GAMMA, 1.8])
def test_a_coloured_grey_picture_keeps_its_curve(tmp_path: Path, value: float) -> None:
    source = write(tmp_path / "s.png", noise(channels=1), icc_profile=grey_profile(value))
    picture = load_picture(source)
    assert picture.grey
    light = (noise(channels=1) / 255) ** value
    shown = to_float(picture)
    assert shown == pytest.approx(encoded(np.dstack([light] * 3).astype(np.float32)), abs=2e-4)
    save_picture(picture, tmp_path / "grey.png")
    assert load_picture(tmp_path / "grey.png").info.icc == grey_profile(value)
    pixels = picture.pixels.copy()
    pixels[:4] = (200, 30, 90)
    save_picture(picture.with_pixels(pixels), tmp_path / "o.png")
    result = load_picture(tmp_path / "o.png")
    assert not result.grey
    assert np.array_equal(result.pixels, pixels)
    assert to_float(result)[4:] == pytest.approx(shown[4:], abs=1e-4)


def test_profiles_of_other_channels_are_left_out(tmp_path: Path) -> None:
    colours = write(tmp_path / "c.png", noise(), icc_profile=grey_profile(1.0))
    assert load_picture(colours).info.icc is None
    grey = write(tmp_path / "g.png", noise(channels=1), icc_profile=rgb_profile(1.0))
    assert load_picture(grey).info.icc == rgb_profile(1.0)


def test_what_is_no_number_is_0_and_the_rest_is_clipped() -> None:
    values = np.full((2, 2, 3), 0.5, np.float32)
    values[0, 0], values[0, 1] = (np.nan, np.inf, -np.inf), (7, -7, 0.5)
    for icc in (None, PROFILES["linear"]):
        shown = to_float(Picture(values, info=PictureInfo(icc=icc)))
        assert shown[0, 0].tolist() == [0, 0, 0]
        assert shown[0, 1, :2].tolist() == [1, 0]
