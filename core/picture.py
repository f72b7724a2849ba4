"""A decoded picture, and the way between its own values and the sRGB that models see."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from .geometry import Extent

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


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
    a PNG's (type, content) that say what its values mean: gAMA, cHRM, sRGB, cICP.
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


@dataclass(frozen=True, eq=False)
class Picture:
    """pixels: HWC uint8, C = 3, upright. alpha: HW uint8 or None. grey: the file was grey (all
    three channels are equal); it is saved grey as long as they still are."""

    pixels: Pixels
    alpha: Pixels | None = None
    grey: bool = False
    info: PictureInfo = field(default_factory=PictureInfo)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"pixels must be HWC uint8 with C = 3, not {self.pixels.shape}")
        if self.alpha is not None and self.alpha.shape != self.pixels.shape[:2]:
            raise ValueError(f"alpha {self.alpha.shape} does not fit {self.pixels.shape}")

    @property
    def extent(self) -> Extent:
        return Extent(self.pixels.shape[1], self.pixels.shape[0])

    @property
    def opaque(self) -> bool:
        return self.alpha is None or bool((self.alpha == 255).all())

    def with_pixels(self, pixels: Pixels) -> Picture:
        """The same picture, repainted: HWC uint8 of the same extent, in its own profile."""
        return replace(self, pixels=pixels)


def to_float(picture: Picture) -> Floats:
    """HWC float32 sRGB in [0, 1], for the models.

    An embedded RGB profile is applied (relative colorimetric, black point compensation). A grey
    profile is not, since a repainted grey picture can't keep it.
    """
    pixels = picture.pixels
    profile = _foreign_profile(picture.info.icc)
    if profile is not None:
        pixels = _transformed(pixels, profile, _srgb())
    return pixels.astype(np.float32) / np.float32(255)


def from_srgb(array: Floats, picture: Picture) -> Pixels:
    """sRGB in [0, 1], HWC, as uint8 values in the picture's own profile."""
    pixels = from_float(array)
    profile = _foreign_profile(picture.info.icc)
    return pixels if profile is None else _transformed(pixels, _srgb(), profile)


def from_float(array: NDArray[np.floating]) -> Pixels:
    """[0, 1] to 0..255, rounded to the nearest; what lies outside is clipped."""
    return np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)


def profile_space(icc: bytes | None) -> str | None:
    """ "RGB", "GRAY", "CMYK" ...: the colour space that a profile's header names (ICC.1, 7.2.6)."""
    return icc[16:20].decode("latin-1").strip() if icc and len(icc) >= 128 else None


def has_foreign_profile(picture: Picture) -> bool:
    """Whether the picture's values mean something else than sRGB."""
    return _foreign_profile(picture.info.icc) is not None


def _foreign_profile(icc: bytes | None) -> ImageCms.ImageCmsProfile | None:
    """The profile where it is RGB, readable, able to go both ways, and not sRGB."""
    if icc is None or profile_space(icc) != "RGB":
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if "srgb" in ImageCms.getProfileDescription(profile).casefold():
            return None
        _transform(profile, _srgb())
        _transform(_srgb(), profile)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        # A damaged profile says nothing about the values; most pictures are sRGB.
        return None
    return profile


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _transform(
    source: ImageCms.ImageCmsProfile, target: ImageCms.ImageCmsProfile
) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        source,
        target,
        "RGB",
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def _transformed(
    pixels: Pixels, source: ImageCms.ImageCmsProfile, target: ImageCms.ImageCmsProfile
) -> Pixels:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    done = ImageCms.applyTransform(image, _transform(source, target))
    assert done is not None  # None only comes back when told to work in place
    return np.array(done)
