"""Styles as the dialog shows them: pictures with a name, words, pictures of one's own."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from gi.repository import GdkPixbuf, GLib

from .model import Source
from .words import _, counted

THUMBNAIL = 96  # px that thumbnails fit in


class Styles:
    """What the worker has told of; empty until it has."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.words: list[str] = []
        self._titles: dict[str, str] = {}
        self._pictures: dict[str, Any] = {}

    def learn(
        self, styles: Sequence[Mapping[str, Any]], samples: memoryview, words: Sequence[str]
    ) -> None:
        """styles, samples: of GET /styles. words: those that stand for a style."""
        self.words = sorted(words)
        self.names = [str(style["name"]) for style in styles]
        for style in styles:
            width, height, start = style["width"], style["height"], style["offset"]
            self._titles[style["name"]] = str(style["title"])
            self._pictures[style["name"]] = GdkPixbuf.Pixbuf.new_from_bytes(
                GLib.Bytes.new(bytes(samples[start : start + 3 * width * height])),
                GdkPixbuf.Colorspace.RGB, False, 8, width, height, 3 * width,
            )  # fmt: skip

    @property
    def default(self) -> str:
        """The style of a region for which none was chosen."""
        return self.names[0] if self.names else ""

    def another(self, style: Sequence[Source]) -> tuple[Source, ...]:
        """A shipped style for the next region: the one after a given one."""
        if not self.names:
            return ()
        last = str(style[0].get("value")) if len(style) == 1 else self.default
        place = self.names.index(last) if last in self.names else -1
        return (named(self.names[(place + 1) % len(self.names)]),)

    def title(self, style: Sequence[Source]) -> str:
        if not style:
            return self._titles.get(self.default, _("Choose a style"))
        if len(style) > 1:
            return counted("Mixture of %d style", "Mixture of %d styles", len(style))
        kind, value = style[0]["kind"], str(style[0]["value"])
        if kind == "word":
            return _("The word “%s”") % value
        if kind == "embedded":
            return _("A picture of your own")
        return self._titles.get(value, value)

    def picture(self, style: Sequence[Source], side: int) -> Any:
        """A square Pixbuf; grey where there is nothing to show."""
        source = style[0] if style else named(self.default)
        found = None
        if source["kind"] == "name":
            found = self._pictures.get(str(source["value"]))
        elif source["kind"] == "embedded":
            found = decoded(str(source["value"]))
        if found is None:
            blank = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, False, 8, side, side)
            blank.fill(0x808080FF)
            return blank
        return square(found, side)


def named(name: str) -> Source:
    return {"kind": "name", "value": name}


def word(text: str) -> Source:
    return {"kind": "word", "value": text}


def embedded(png: str) -> Source:
    """A picture of one's own: base64 of a PNG of at most 512 px a side."""
    return {"kind": "embedded", "value": png}


def decoded(value: str) -> Any:
    """The Pixbuf of an embedded picture, None where it is none."""
    try:
        loader = GdkPixbuf.PixbufLoader.new_with_type("png")
        loader.write(base64.b64decode(value))
        loader.close()
        return loader.get_pixbuf()
    except (GLib.Error, ValueError):
        return None


def square(picture: Any, side: int) -> Any:
    """The middle of a picture, side x side px."""
    edge = min(picture.get_width(), picture.get_height())
    left, top = (picture.get_width() - edge) // 2, (picture.get_height() - edge) // 2
    middle = picture.new_subpixbuf(left, top, edge, edge)
    return middle.scale_simple(side, side, GdkPixbuf.InterpType.BILINEAR)
