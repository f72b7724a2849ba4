"""The left half of the dialog: the layer with its masks, its result, or one beside the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gi.repository import Gdk, GdkPixbuf, GLib, Gtk

from .words import _

WIDTH, HEIGHT = 500, 340  # px that the picture is fitted into
LOWEST = 240  # px of height that even a wide picture gets
# One a region, in turn: told apart also by those who see red and green alike.
COLOURS = ((230, 75, 40), (40, 120, 230), (250, 200, 40), (20, 160, 120), (190, 80, 200),
           (110, 200, 240))  # fmt: skip
COVER = 0.62  # how much of the picture a mask's colour hides
MODES = ("mask", "result", "split")


def colour_of(region: int) -> tuple[int, int, int]:
    return COLOURS[region % len(COLOURS)]


class Preview:
    """`widget` shows what came last; old masks stay in sight until newer ones come."""

    def __init__(self, base: Any) -> None:
        """base: a Pixbuf of the layer, with its alpha where it has one."""
        scale = min(WIDTH / base.get_width(), HEIGHT / base.get_height())
        self._size = (
            max(1, round(base.get_width() * scale)),
            max(1, round(base.get_height() * scale)),
        )
        self._base = _over_checks(base, *self._size)
        self._masked = self._base
        self._result: Any = None
        self.mode = "mask"

        self._picture = Gtk.Image.new_from_pixbuf(self._base)
        self._picture.get_accessible().set_name(_("Preview"))
        area = Gtk.EventBox()
        area.add(self._picture)
        area.set_halign(Gtk.Align.CENTER)
        area.set_valign(Gtk.Align.CENTER)
        area.add_events(Gdk.EventMask.BUTTON_PRESS_MASK | Gdk.EventMask.BUTTON1_MOTION_MASK)
        area.connect("button-press-event", self._dragged)
        area.connect("motion-notify-event", self._dragged)
        frame = Gtk.Frame()
        frame.set_size_request(WIDTH + 2, max(LOWEST, self._size[1]) + 2)
        frame.add(area)

        self._divider = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, 0, 1, 0.01)
        self._divider.set_draw_value(False)
        self._divider.set_value(0.5)
        self._divider.set_tooltip_text(_("Left of this line the layer as it is, right the result"))
        self._divider.connect("value-changed", lambda scale: self._draw())

        self.widget = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self.widget.pack_start(self._switch(), False, False, 0)
        self.widget.pack_start(frame, False, False, 0)
        self.widget.pack_start(self._divider, False, False, 0)
        self._choose("mask")

    @property
    def has_result(self) -> bool:
        return self._result is not None

    def show_masks(
        self, width: int, height: int, masks: Sequence[bytes], colours: Sequence[int]
    ) -> None:
        """masks: u8 [height, width] each; colours: the region whose colour each gets."""
        masked = self._base.copy()
        for mask, region in zip(masks, colours, strict=True):
            _lay(masked, _tint(mask, width, height, colour_of(region)))
        self._masked = masked
        self._result = None
        self._draw()

    def show_result(self, width: int, height: int, rgba: bytes) -> None:
        """rgba: u8 [height, width, 4], alpha not multiplied in."""
        self._result = _over_checks(_pixbuf(rgba, width, height), *self._size)
        self._draw()

    def clear(self) -> None:
        """The layer alone, where nothing is named."""
        self._masked, self._result = self._base, None
        self._draw()

    def _switch(self) -> Any:
        box = Gtk.Box(spacing=14, halign=Gtk.Align.CENTER)
        first = None
        for mode, label in zip(MODES, (_("Mas_k"), _("Res_ult"), _("S_plit")), strict=True):
            button = Gtk.RadioButton.new_with_mnemonic_from_widget(first, label)
            button.connect("toggled", self._toggled, mode)
            box.pack_start(button, False, False, 0)
            first = first or button
        return box

    def _toggled(self, button: Any, mode: str) -> None:
        if button.get_active():
            self._choose(mode)

    def _choose(self, mode: str) -> None:
        self.mode = mode
        self._divider.set_sensitive(mode == "split")
        self._divider.set_opacity(1 if mode == "split" else 0)
        self._draw()

    def _dragged(self, area: Any, event: Any) -> bool:
        if self.mode == "split":
            self._divider.set_value(event.x / self._size[0])
        return True

    def _draw(self) -> None:
        if self.mode == "mask":
            shown = self._masked
        elif self._result is None:
            shown = self._base
        elif self.mode == "result":
            shown = self._result
        else:
            shown = _split(self._base, self._result, self._divider.get_value())
        self._picture.set_from_pixbuf(shown)


def _pixbuf(rgba: bytes, width: int, height: int) -> Any:
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(rgba), GdkPixbuf.Colorspace.RGB, True, 8, width, height, 4 * width
    )


_COVERS = bytes(round(COVER * value) for value in range(256))


def _tint(mask: bytes, width: int, height: int, colour: tuple[int, int, int]) -> Any:
    """The colour where the mask is, as transparent as the mask is weak."""
    rgba = bytearray(4 * len(mask))
    for channel, value in enumerate(colour):
        rgba[channel::4] = bytes((value,)) * len(mask)
    rgba[3::4] = mask.translate(_COVERS)
    return _pixbuf(bytes(rgba), width, height)


def _lay(below: Any, above: Any) -> None:
    """Paint one over the other, stretched to its size."""
    width, height = below.get_width(), below.get_height()
    above.composite(
        below, 0, 0, width, height, 0, 0,
        width / above.get_width(), height / above.get_height(), GdkPixbuf.InterpType.BILINEAR, 255,
    )  # fmt: skip


def _over_checks(picture: Any, width: int, height: int) -> Any:
    """The picture at that size, over the chequered grey that stands for transparency."""
    dark, light, square = 0x666666, 0x999999, 8
    if not picture.get_has_alpha():
        picture = picture.add_alpha(False, 0, 0, 0)  # so that all can be copied into each other
    return picture.composite_color_simple(
        width, height, GdkPixbuf.InterpType.BILINEAR, 255, square, dark, light
    )


def _split(left: Any, right: Any, share: float) -> Any:
    """Left and right of a line that stands at a share of the width."""
    width, height = left.get_width(), left.get_height()
    line = min(width - 1, round(share * width))
    both = left.copy()
    right.copy_area(line, 0, width - line, height, both, line, 0)
    start = max(0, line - 1)
    both.new_subpixbuf(start, 0, min(2, width - start), height).fill(0xFFFFFFFF)
    return both
