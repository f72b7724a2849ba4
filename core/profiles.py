"""What a picture's own values mean: between them and sRGB, through its colour profile.

Values are float32 here, 1 = full scale. sRGB is unbounded: colours that it can't show lie below
0 or above 1, coded by its curve continued as an odd function (IEC 61966-2-1, amendment 1), so
that nothing is lost on the way back. Little CMS does the colour work, in floats, relative
colorimetric with black point compensation; a transform of floats takes a millisecond to set up.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Chunks = tuple[tuple[bytes, bytes], ...]  # of a PNG: type and content

D65 = (0.3127, 0.3290)  # x, y; Rec. 709 and sRGB
PRIMARIES = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)  # x, y of sRGB's red, green and blue
_SAME = 1 / 255  # a profile this close to sRGB everywhere is sRGB
_COARSE = 4 / 255  # of sRGB: as much as an 8-bit step may be before it shows
_SRGB_GAMMA = range(45000, 46001)  # gAMA that stands for sRGB's curve (PNG, 11.3.2.5)


@lru_cache(maxsize=16)
def meaning(icc: bytes | None, chunks: Chunks = ()) -> bytes | None:
    """The RGB profile of values that do not mean sRGB; None where they do.

    icc: an RGB profile, or a grey one, whose curve then holds for each of three channels with
    sRGB's primaries. Without one, a PNG's gAMA and cHRM speak, unless an sRGB or cICP chunk
    stands beside them. What is damaged, or only goes one way, says nothing: most pictures are
    sRGB.
    """
    profile = icc
    if profile_space(icc) == "GRAY":
        profile = coloured(icc)
    if profile_space(profile) != "RGB" or not _usable(profile):
        profile = _of_chunks(dict(chunks))
    return None if profile is None or _is_srgb(profile) else profile


def to_srgb(values: Floats, profile: bytes | None) -> Floats:
    """[..., 3] own values as sRGB, unbounded. What is no finite number counts as 0."""
    finite = np.isfinite(values)
    if not finite.all():
        values = np.where(finite, values, np.float32(0))
    return values if profile is None else encoded(_transformed(values, profile, linear_srgb()))


def from_srgb(values: Floats, profile: bytes | None) -> Floats:
    """[..., 3] sRGB, unbounded, as own values; what the profile can't hold is not clipped."""
    return values if profile is None else _transformed(decoded(values), linear_srgb(), profile)


def encoded(linear: Floats) -> Floats:
    """Linear light to sRGB's curve, negative values like positive ones."""
    size = np.abs(linear)
    curve = 1.055 * np.maximum(size, np.float32(0.0031308)) ** np.float32(1 / 2.4) - 0.055
    return np.copysign(np.where(size <= 0.0031308, 12.92 * size, curve), linear, dtype=np.float32)


def decoded(values: Floats) -> Floats:
    """sRGB to linear light, negative values like positive ones."""
    size = np.abs(values)
    curve = ((size + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.copysign(np.where(size <= 0.04045, size / 12.92, curve), values, dtype=np.float32)


def is_coarse(profile: bytes | None) -> bool:
    """Whether steps of 8 bits would show in the darks, as they do in linear light."""
    if profile is None:
        return False
    ramp = np.arange(0, 32, dtype=np.float32)[:, None].repeat(3, axis=1) / np.float32(255)
    return bool(np.diff(to_srgb(ramp, profile), axis=0).max() > _COARSE)


def profile_space(icc: bytes | None) -> str | None:
    """ "RGB", "GRAY", "CMYK" ...: the colour space that a profile's header names (ICC.1, 7.2.6)."""
    return icc[16:20].decode("latin-1").strip() if icc and len(icc) >= 128 else None


def to_embed(icc: bytes | None, chunks: Chunks, *, grey: bool, beside_chunks: bool) -> bytes | None:
    """The profile that an output carries. grey: its samples have one colour channel.
    beside_chunks: it carries a PNG's chunks, too, which then need no profile that says so."""
    if profile_space(icc) == "GRAY":
        return icc if grey else coloured(icc)
    return meaning(None, chunks) if icc is None and not beside_chunks else icc


def fitting(icc: bytes | None, *, grey: bool) -> bytes | None:
    """The profile of a file, unless it speaks of other channels than the file has."""
    space = profile_space(icc)
    return None if space == "CMYK" or (space == "GRAY" and not grey) else icc


@lru_cache(maxsize=16)
def coloured(grey: bytes | None) -> bytes | None:
    """An RGB profile in which equal channels mean what a grey profile says of one.

    sRGB's primaries, the grey profile's own curve. None where it has no curve (ICC.1, 9.2.36).
    """
    curve = _tags(grey).get(b"kTRC") if grey else None
    if curve is None:
        return None
    return _with_curve(linear_srgb(), curve, "sRGB primaries, curve of a grey picture")


@lru_cache(maxsize=1)
def linear_srgb() -> bytes:
    """A profile of sRGB's primaries in linear light."""
    return rgb_profile(1.0)


def rgb_profile(
    gamma: float,
    white: tuple[float, ...] = D65,
    primaries: tuple[float, ...] = PRIMARIES,
) -> bytes:
    """A profile of a power curve. white and primaries: x, y chromaticities (CIE 1931)."""
    from imagecodecs import cms_profile

    points = [each for k in (0, 2, 4) for each in (*primaries[k : k + 2], 1.0)]
    made = cms_profile("rgb", whitepoint=[*white, 1.0], primaries=points, gamma=gamma)
    return _profile(made[:128], _tags(made))


def _transformed(values: Floats, source: bytes, target: bytes) -> Floats:
    from imagecodecs import CMS, cms_transform

    flat = np.ascontiguousarray(values, dtype=np.float32).reshape(1, -1, 3)
    done: NDArray[Any] = cms_transform(
        flat,
        source,
        target,
        colorspace="rgb",
        outcolorspace="rgb",
        intent=CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=CMS.FLAGS.BLACKPOINTCOMPENSATION,
    )
    return done.reshape(values.shape)


def _usable(profile: bytes | None) -> bool:
    """Whether Little CMS goes through it both ways."""
    assert profile is not None
    try:
        there = to_srgb(_probe(), profile)
        back = from_srgb(there, profile)
    except (RuntimeError, ValueError, TypeError):
        return False
    return bool(np.isfinite(there).all() and np.isfinite(back).all())


def _is_srgb(profile: bytes) -> bool:
    return bool(np.abs(to_srgb(_probe(), profile) - _probe()).max() <= _SAME)


def _probe() -> Floats:
    """[216, 3]: colours over the whole range."""
    steps = np.linspace(0, 1, 6, dtype=np.float32)
    return np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)


def _of_chunks(chunks: dict[bytes, bytes]) -> bytes | None:
    """The profile that a PNG's gAMA and cHRM stand for (PNG, 11.3.2.1 and 11.3.2.2)."""
    if b"sRGB" in chunks or b"cICP" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
        return None
    from imagecodecs import cms_profile

    (gamma,) = struct.unpack(">I", chunks[b"gAMA"])
    if not 10_000 <= gamma <= 1_000_000:
        return None
    points = (*D65, *PRIMARIES)
    if len(chunks.get(b"cHRM", b"")) == 32:
        points = tuple(each / 100_000 for each in struct.unpack(">8I", chunks[b"cHRM"]))
    try:
        profile = rgb_profile(100_000 / gamma, points[:2], points[2:])
        if gamma in _SRGB_GAMMA:
            curve = _tags(cms_profile("srgb"))[b"rTRC"]
            profile = _with_curve(profile, curve, "gAMA and cHRM of a PNG")
    except (RuntimeError, ValueError):
        return None  # chromaticities that no colours have
    return profile if _usable(profile) else None


def _with_curve(profile: bytes, curve: bytes, described: str) -> bytes:
    tags = _tags(profile) | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _profile(profile[:128], tags | {b"desc": _text(described)})


def _tags(profile: bytes) -> dict[bytes, bytes]:
    """The tags' contents by signature (ICC.1, 7.3); without those that lie outside the file."""
    found = {}
    if len(profile) >= 132:
        (count,) = struct.unpack_from(">I", profile, 128)
        for at in range(132, min(132 + 12 * count, len(profile) - 11), 12):
            name, offset, size = struct.unpack_from(">4sII", profile, at)
            if 0 < size <= len(profile) - offset:
                found[name] = profile[offset : offset + size]
    return found


def _profile(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile of a header's 128 bytes and tags."""
    at = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    whole = bytearray(header + table + body)
    struct.pack_into(">I", whole, 0, len(whole))
    struct.pack_into(">6H", whole, 24, 2000, 1, 1, 0, 0, 0)  # the same bytes every time
    whole[84:100] = bytes(16)  # the identity, which would no longer be true
    return bytes(whole)


def _text(text: str) -> bytes:
    """A description in English (ICC.1, 10.15: multiLocalizedUnicodeType)."""
    coded = text.encode("utf-16-be")
    return struct.pack(">4sxxxxII4sII", b"mluc", 1, 12, b"enUS", len(coded), 28) + coded
