"""The layer that the dialog is about, and what else is open, read on GIMP's main thread."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from gi.repository import Gimp

from ..document.pixels import read_picture
from .chooser import Open
from .follow import Wish
from .preview import HEIGHT, WIDTH
from .styles import EMBEDDED, THUMBNAIL, embedded, square
from .words import _

KEPT = Gimp.PixbufTransparency.KEEP_ALPHA
MOST_OPEN = 200  # tiles that the chooser shows of what is open


class Layer:
    """A layer as a Subject of the window; its samples are read when they are first needed."""

    def __init__(self, image: Any, layer: Any, again: bool) -> None:
        self._image, self._layer = image, layer
        self._picture: Any = None
        self.again = again
        self.base = layer.get_thumbnail(2 * WIDTH, 2 * HEIGHT, KEPT)
        self.has_selection = not Gimp.Selection.is_empty(image)

    def wish(self, recipe: dict[str, Any], side: int, within_selection: bool) -> Wish:
        if not self._image.is_valid():
            raise ValueError(_("The image has been closed: open it again, and start anew."))
        if not self._layer.is_valid():
            raise ValueError(_("The layer has been deleted: choose another one, and start anew."))
        if self._picture is None:
            self._picture = read_picture(self._layer)
        return Wish(self._picture.parts, recipe, side)

    def opened(self) -> Iterator[Open]:
        """Images that are open, each before its layers."""
        count = 0
        for image in Gimp.get_images():
            layers = image.get_layers()
            if len(layers) > 1:
                yield _open(image, image.get_name())
            for layer in layers:
                yield _open(layer, f"{image.get_name()}: {layer.get_name()}")
                count += 1
                if count == MOST_OPEN:
                    return


def _open(thing: Any, title: str) -> Open:
    thumbnail = thing.get_thumbnail(THUMBNAIL, THUMBNAIL, Gimp.PixbufTransparency.SMALL_CHECKS)
    return Open(title, square(thumbnail, THUMBNAIL), partial(_style, thing))


def _style(thing: Any) -> dict[str, Any]:
    """An image or a layer as a style. ValueError where it is gone."""
    if not thing.is_valid():
        raise ValueError(_("It has been closed: choose another one"))
    return dict(embedded(thing.get_thumbnail(EMBEDDED, EMBEDDED, KEPT)))
