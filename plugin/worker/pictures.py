"""Pictures that travelled to the worker: read, checked, and kept as long as there is room."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.errors import RequestError
from ...core.image import PIXEL_LIMIT, SMALLEST_SIDE
from ...core.picture import Floats, Picture, PictureInfo, Pixels, scaled
from ...core.profiles import fitting
from ..gimp.semantic_style.link.wire import LONGEST_HEADER, SAMPLE_BYTES, WireError, unpack

KINDS = {"u8": np.uint8, "u16": np.uint16, "float": np.float32}
CHANNELS = (1, 3, 4)
LONGEST_PROFILE = 4_000_000  # bytes
LARGEST = PIXEL_LIMIT * 4 * 4 + LONGEST_PROFILE + LONGEST_HEADER + 4  # bytes of a message
KEPT = 1_000_000_000  # bytes of pictures


class NoRoom(Exception):
    """All the room is taken by pictures that jobs need, or that are just arriving."""


@dataclass(frozen=True, eq=False)
class Mask:
    """One channel. samples: [H, W] of any of KINDS."""

    samples: Pixels

    @property
    def values(self) -> Floats:
        """[H, W] in [0, 1]."""
        return np.nan_to_num(scaled(self.samples), nan=0).clip(0, 1)


Held = Picture | Mask


class Pictures:
    """Pictures by the sha256 of the message that brought them. The longest unused go first, those
    that jobs need never. Safe in several threads."""

    def __init__(self, room: int = KEPT) -> None:
        self._room, self._arriving = room, 0
        self._kept: OrderedDict[str, Held] = OrderedDict()
        self._needed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        """Whether it is there; it then counts as just used."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
            return name in self._kept

    def expect(self, size: int) -> None:
        """Make room for a message of that many bytes, which then `arrived` ends; one that is
        larger than all the room has it for itself. NoRoom where it is taken."""
        with self._lock:
            fixed = sum(map(size_of, map(self._kept.__getitem__, self._needed))) + self._arriving
            if fixed and fixed + size > self._room:
                raise NoRoom
            self._arriving += size
            self._make_room()

    def arrived(self, size: int, name: str | None = None, held: Held | None = None) -> None:
        """What was expected is there, or (without a name) will not come."""
        with self._lock:
            self._arriving -= size
            if name is not None and held is not None:
                self._kept[name] = held
                self._kept.move_to_end(name)

    def take(self, names: Iterable[str]) -> dict[str, Held]:
        """The pictures, kept until `release`. KeyError with the name of one that is not there."""
        wanted = dict.fromkeys(names)
        with self._lock:
            found = {name: self._kept[name] for name in wanted}
            for name in wanted:
                self._kept.move_to_end(name)
                self._needed[name] += 1
        return found

    def release(self, names: Iterable[str]) -> None:
        with self._lock:
            self._needed -= Counter(dict.fromkeys(names, 1))
            self._make_room()

    def _make_room(self) -> None:
        total = sum(map(size_of, self._kept.values())) + self._arriving
        for name in [name for name in self._kept if name not in self._needed]:
            if total <= self._room:
                return
            total -= size_of(self._kept.pop(name))


def size_of(held: Held) -> int:
    """Bytes of its samples."""
    if isinstance(held, Mask):
        return held.samples.nbytes
    return held.pixels.nbytes + (0 if held.alpha is None else held.alpha.nbytes)


def read_picture(body: bytes | bytearray | memoryview) -> Held:
    """The picture or mask of a message as wire.pack_picture makes it. RequestError for any other:
    sizes are compared before anything is taken out."""
    try:
        header, samples = unpack(body)
    except WireError as error:
        raise RequestError(f"{error}: send what pack_picture makes") from None
    width, height = _whole(header, "width"), _whole(header, "height")
    channels, profile = _whole(header, "channels"), _whole(header, "icc", least=0)
    depth = header.get("depth")
    if channels not in CHANNELS:
        raise RequestError(f"a picture has 3 or 4 channels and a mask 1, not {channels}")
    if not isinstance(depth, str) or depth not in KINDS:
        raise RequestError("the depth must be u8, u16 or float")
    if not isinstance(header.get("grey", False), bool):
        raise RequestError("grey must be true or false")
    if width * height > PIXEL_LIMIT:
        raise RequestError(
            f"{width} x {height} pixels are more than {PIXEL_LIMIT / 1e6:g} megapixels: "
            "make the picture smaller first"
        )
    if min(width, height) < SMALLEST_SIDE:
        raise RequestError(
            f"the picture is {width} x {height} pixels: each side needs at least {SMALLEST_SIDE}"
        )
    if profile > LONGEST_PROFILE:
        raise RequestError("the colour profile is too large: convert the picture to sRGB")
    expected = width * height * channels * SAMPLE_BYTES[depth]
    if len(samples) != profile + expected:
        raise RequestError(
            f"{len(samples) - profile} bytes are no {width} x {height} x {channels} of {depth}"
        )
    kind = np.dtype(KINDS[depth]).newbyteorder("<")
    planes = np.frombuffer(samples[profile:], kind).reshape(height, width, channels)
    if channels == 1:
        return Mask(_own(planes[..., 0], KINDS[depth]))
    pixels = _own(planes[..., :3], KINDS[depth])
    alpha = _own(planes[..., 3], KINDS[depth]) if channels == 4 else None
    grey = header.get("grey", False) and _is_grey(pixels)
    icc = fitting(bytes(samples[:profile]) or None, grey=grey)
    return Picture(pixels, alpha, grey, PictureInfo(icc=icc))


def _own(samples: Pixels, kind: type) -> Pixels:
    """The samples in a row and in the machine's order; a copy only where they are not."""
    return np.require(samples, kind, ["C", "A", "W"])


def _is_grey(planes: Pixels) -> bool:
    first = planes[..., 0]
    return bool((first == planes[..., 1]).all() and (first == planes[..., 2]).all())


def _whole(header: dict[str, Any], name: str, least: int = 1) -> int:
    value = header.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
        raise RequestError(f"{name} must be a whole number from {least}")
    return value
