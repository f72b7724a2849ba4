"""A layer that travels through styles: a new image, whose layers are the frames of a film."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gi.repository import Gimp

from ..link.client import Client
from ..link.wire import WireError
from .asking import Answer, answer_of, only_region
from .faults import Refused
from .pixels import read_picture, write
from .waiting import Event, awaited

MOTIONS = ("linear", "cyclic", "ping-pong")
# Commas are between styles, but for those in double quotes.
_LOOK = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')


@dataclass(frozen=True)
class Film:
    """through: styles in the region language, commas between. region: what changes, empty for
    all. size: px of the long side. delay: ms that a frame stays."""

    through: str
    region: str = ""
    frames: int = 12
    motion: str = "linear"
    size: int = 512
    delay: int = 100

    @property
    def looks(self) -> list[str]:
        """Refused where there are none."""
        found = [look.strip() for look in _LOOK.findall(self.through) if look.strip()]
        if not found:
            raise Refused("no style is named: write such as word:noon, word:night")
        return found


def film_of(client: Client, layer: Any, film: Film, seen: Callable[[Event], None]) -> Any:
    """The new image, with the first frame at the bottom, as GIMP plays it.

    seen: called with the worker's events. Refused, WorkerError: there is no image then.
    """
    looks, picture = film.looks, read_picture(layer)

    def ask(tell: Callable[[Event], None]) -> Answer:
        recipe = only_region(client, f"{film.region.strip() or '*'} = {looks[0]}")
        recipe["size"] = film.size
        del recipe["engine"]  # the worker then takes the one that knows words
        job = client.submit(
            "animate", client.put_picture(picture.parts), recipe,
            through=looks, frames=film.frames, motion=film.motion, strict=True,
        )  # fmt: skip
        return answer_of(client, job, tell)

    header, samples = awaited(ask, seen, lambda: None)
    width, height, count = header["width"], header["height"], header["frames"]
    size = width * height * 4
    if len(samples) != count * size:
        raise WireError("frames are missing in the worker's answer: run it again")
    opaque = not layer.has_alpha()
    image = Gimp.Image.new(width, height, Gimp.ImageBaseType.RGB)
    try:
        image.undo_disable()
        for number in range(count):
            frame = samples[number * size : (number + 1) * size]
            name = f"Frame {number + 1} ({film.delay}ms)"
            # Where a frame has holes the one before it must not show through them.
            _add(image, name if opaque else f"{name} (replace)", width, height, frame)
        image.undo_enable()
    except BaseException:
        image.delete()
        raise
    return image


def _add(image: Any, name: str, width: int, height: int, frame: memoryview) -> None:
    layer = Gimp.Layer.new(
        image, name, width, height, Gimp.ImageType.RGBA_IMAGE, 100.0, Gimp.LayerMode.NORMAL
    )
    write(layer, "R'G'B'A u8", 4, frame)
    if not image.insert_layer(layer, None, 0):
        raise Refused("GIMP made no layer: is there memory left?")
