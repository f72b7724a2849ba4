"""The layer that the dialog is about, and what else is open, read on GIMP's main thread."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from gi.repository import Gimp, Gio

from ..document.faults import Refused
from ..document.options import Options
from ..document.pixels import Picture, read_picture
from ..document.source import Source as Origin
from ..document.source import Work, work_of
from ..document.styles import embedded_style
from .chooser import Open
from .follow import Wish
from .model import Source
from .preview import HEIGHT, WIDTH
from .styles import THUMBNAIL, embedded, square
from .words import _

MOST_OPEN = 200  # layers that the chooser shows of what is open


class Subject:
    """See window.Subject; samples are read when they are first needed, and then kept."""

    def __init__(self, image: Any, origin: Origin, options: Callable[[], Options]) -> None:
        """options: the procedure's arguments as the dialog has them now."""
        self._image, self._origin, self._options = image, origin, options
        self._picture: Picture | None = None
        self._work: tuple[str, Work] | None = None
        self.again = origin.former is not None
        kept = Gimp.PixbufTransparency.KEEP_ALPHA
        self.base = origin.layer.get_thumbnail(2 * WIDTH, 2 * HEIGHT, kept)
        self.has_selection = not Gimp.Selection.is_empty(image)

    def wish(self, recipe: dict[str, Any], side: int) -> Wish:
        if not self._image.is_valid():
            raise ValueError(_("The image has been closed: open it again, and start anew."))
        if not self._origin.layer.is_valid():
            raise ValueError(_("The layer has been deleted: choose another one, and start anew."))
        try:
            work = self._current(recipe)
        except Refused as error:
            raise ValueError(str(error)) from None
        if work.picture.grey:
            recipe = {**recipe, "keep_colors": True}
        return Wish(
            work.picture.parts,
            recipe,
            side,
            work.bound_parts,
            {str(number): parts for number, parts in work.painted.items()},
        )

    def opened(self) -> Iterator[Open]:
        """Images that are open, each before its layers."""
        count = 0
        for image in Gimp.get_images():
            layers = image.get_layers()
            if len(layers) > 1:
                yield _open(image, image.get_name(), partial(_of_image, image))
            for layer in layers:
                yield _open(
                    layer, f"{image.get_name()}: {layer.get_name()}", partial(_of_layer, layer)
                )
                count += 1
                if count == MOST_OPEN:
                    return

    def style_of_file(self, path: str) -> Source:
        image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
        if image is None:
            raise ValueError(_("GIMP can't open %s: choose a picture") % Path(path).name)
        return _taken(image)

    def _current(self, recipe: dict[str, Any]) -> Work:
        """What the worker needs; read again only where what is asked of the document changed."""
        options = self._options()
        asked = [options.selection_only, options.recompute_masks]
        if self.again:  # which masks are taken over depends on the regions
            asked += [recipe["regions"]]
        key = json.dumps(asked)
        if self._work is None or self._work[0] != key:
            if self._picture is None:
                self._picture = read_picture(self._origin.layer)
            self._work = key, work_of(self._origin, recipe, options, self._picture)
        return self._work[1]


def _open(thing: Any, title: str, read: Callable[[], Source]) -> Open:
    thumbnail = thing.get_thumbnail(THUMBNAIL, THUMBNAIL, Gimp.PixbufTransparency.SMALL_CHECKS)
    return Open(title, square(thumbnail, THUMBNAIL), read)


def _of_image(image: Any) -> Source:
    if not image.is_valid():
        raise ValueError(_("It has been closed: choose another one"))
    return _taken(image.duplicate())


def _of_layer(layer: Any) -> Source:
    if not layer.is_valid():
        raise ValueError(_("It has been closed: choose another one"))
    image = layer.get_image()
    alone = Gimp.Image.new_with_precision(
        layer.get_width(), layer.get_height(), Gimp.ImageBaseType.RGB, image.get_precision()
    )
    copy = Gimp.Layer.new_from_drawable(layer, alone)
    alone.insert_layer(copy, None, 0)
    copy.set_offsets(0, 0)
    copy.set_visible(True)
    return _taken(alone)


def _taken(image: Any) -> Source:
    """An image of our own as a style; it is deleted."""
    try:
        image.undo_disable()
        return embedded(embedded_style(image))
    except Refused as error:
        raise ValueError(str(error)) from None
    finally:
        image.delete()
