"""A decoded picture, and the way between its own values and the sRGB that models see."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import profiles
from .geometry import Extent

Pixels = NDArray[Any]  # uint8, uint16 or float32
Floats = NDArray[np.float32]
KINDS = (np.uint8, np.uint16, np.float32)


@dataclass(frozen=True)
class JpegCoding:
    """How a JPEG was coded: quantisation tables of 64 entries each, Pillow's number for the
    subsampling (0 = 4:4:4, 1 = 4:2:2, 2 = 4:2:0; None = another), progressive or not."""

    tables: tuple[tuple[int, ...], ...]
    subsampling: int | None
    progressive: bool = False


@dataclass(frozen=True)
class PictureInfo:
    """What a file says beside its samples, to be carried into outputs.

    format: PNG, JPEG, WEBP, TIFF or BMP. icc, exif (orientation taken out, no thumbnail) and
    xmp as bytes. dpi: dots an inch, horizontal and vertical. text: PNG's text by key. chunks:
    a PNG's (type, content) that say what its values mean: gAMA, cHRM, sRGB, cICP. note: what
    reading had to change, as a line for people.
    """

    format: str = "PNG"
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes | None = None
    text: dict[str, str] = field(default_factory=dict)
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    jpeg: JpegCoding | None = None
    note: str | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """pixels: HWC, C = 3, upright, in the file's own values: uint8, uint16, or float32 with 1 as
    full scale and no bounds. alpha: HW of the same kind, or None. grey: the file was grey (all
    three channels are equal); it is saved grey as long as they still are."""

    pixels: Pixels
    alpha: Pixels | None = None
    grey: bool = False
    info: PictureInfo = field(default_factory=PictureInfo)

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in KINDS:
            raise ValueError(f"pixels must be HWC with C = 3, not {pixels.dtype} {pixels.shape}")
        if self.alpha is None:
            return
        if self.alpha.shape != pixels.shape[:2] or self.alpha.dtype != pixels.dtype:
            raise ValueError(f"alpha {self.alpha.shape} does not fit {pixels.shape}")

    @property
    def extent(self) -> Extent:
        return Extent(self.pixels.shape[1], self.pixels.shape[0])

    @property
    def opaque(self) -> bool:
        return self.alpha is None or bool((self.alpha == full_scale(self.alpha.dtype)).all())

    @property
    def profile(self) -> bytes | None:
        """The RGB profile that says what the values mean; None for sRGB, also where nothing is
        said, as in most float files."""
        return profiles.meaning(self.info.icc, self.info.chunks)

    def with_pixels(self, pixels: Pixels) -> Picture:
        """The same picture, repainted: HWC of the same kind and extent, in its own profile."""
        return replace(self, pixels=pixels)


def full_scale(kind: np.dtype[Any] | type) -> float:
    """The sample value that stands for 1: 255, 65535, and 1 in floats."""
    kind = np.dtype(kind)
    return float(np.iinfo(kind).max) if kind.kind == "u" else 1.0


def scaled(samples: Pixels) -> Floats:
    """Samples as float32, 1 = full scale."""
    return samples.astype(np.float32) / np.float32(full_scale(samples.dtype))


def quantised(values: NDArray[np.floating], kind: np.dtype[Any] | type) -> Pixels:
    """Values, 1 = full scale, as samples: integers rounded and clipped, floats as they are."""
    kind = np.dtype(kind)
    if kind.kind == "f":
        return values.astype(kind, copy=False)
    return np.rint(np.clip(values, 0, 1) * np.float32(full_scale(kind))).astype(kind)


def to_float(picture: Picture) -> Floats:
    """HWC float32 sRGB in [0, 1], for the models; what is no number is 0, the rest is clipped."""
    return profiles.to_srgb(scaled(picture.pixels), picture.profile).clip(0, 1)


def from_srgb(array: Floats, picture: Picture) -> Pixels:
    """sRGB, HWC, as samples of the picture's own kind and profile."""
    return quantised(profiles.from_srgb(array, picture.profile), picture.pixels.dtype)


def from_float(array: NDArray[np.floating]) -> NDArray[np.uint8]:
    """[0, 1] to 0..255, rounded to the nearest; what lies outside is clipped."""
    return quantised(array, np.uint8)


def to_screen(picture: Picture) -> NDArray[np.uint8]:
    """[H, W, 4] sRGB with alpha; 255 where the picture has none, 0 where it is no number."""
    rgb = from_float(to_float(picture))
    if picture.alpha is None:
        return with_alpha(rgb)
    alpha = from_float(np.nan_to_num(scaled(picture.alpha), nan=0))
    return np.concatenate([rgb, alpha[..., None]], axis=2)


def with_alpha(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[H, W, 4] of [H, W, 3 or 4]."""
    if samples.shape[2] == 4:
        return samples
    return np.concatenate([samples, np.full((*samples.shape[:2], 1), 255, np.uint8)], axis=2)


def has_foreign_profile(picture: Picture) -> bool:
    """Whether the picture's values mean something else than sRGB."""
    return picture.profile is not None
