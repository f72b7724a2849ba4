"""The rows of the dialog: each says what is repainted, in which style, how strongly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gi.repository import GdkPixbuf, GLib, Gtk

from .model import Row, Source
from .preview import colour_of
from .styles import Styles
from .words import _

ASIDE = 48  # px of a row's thumbnail
MOST = 64  # regions of a recipe


class Regions:
    """The list of rows; there is always one."""

    def __init__(
        self,
        styles: Styles,
        choose: Callable[[tuple[Source, ...]], tuple[Source, ...] | None],
        changed: Callable[[], None],
        entered: Callable[[], None],
    ) -> None:
        """choose: asks for a style, None where the person thought better of it. entered: Enter in
        a phrase."""
        self._styles, self._choose = styles, choose
        self._changed, self._entered = changed, entered
        self._lines: list[_Line] = []
        self._box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
        self._add = Gtk.Button.new_with_mnemonic(_("_Add region"))
        self._add.set_halign(Gtk.Align.START)
        self._add.connect("clicked", self._added)
        self.widget = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
        self.widget.pack_start(self._box, False, False, 0)
        self.widget.pack_start(self._add, False, False, 0)

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(line.row for line in self._lines)

    def show(self, rows: Sequence[Row]) -> None:
        """These rows in place of all that were there."""
        for line in self._lines:
            line.widget.destroy()
        self._lines = []
        for row in rows:
            self._append(row)
        self._number()

    def show_styles(self) -> None:
        """The thumbnails again, now that they are known."""
        for line in self._lines:
            line.show_style()

    def show_scores(self, scores: Mapping[int, float]) -> None:
        """How sure the segmenter is, by number of row; rows without one show none."""
        for number, line in enumerate(self._lines):
            line.show_score(scores.get(number))

    def focus(self) -> None:
        self._lines[0].entry.grab_focus()

    def _append(self, row: Row) -> _Line:
        line = _Line(row, self._styles, self._choose, self._row_changed, self._entered)
        line.remove.connect("clicked", lambda button: self._removed(line))
        self._lines.append(line)
        self._box.pack_start(line.widget, False, False, 0)
        line.widget.show_all()
        return line

    def _added(self, button: Any) -> None:
        last = self._lines[-1].row.style
        line = self._append(Row(style=self._styles.another(last)))
        self._number()
        line.entry.grab_focus()
        self._changed()

    def _removed(self, line: _Line) -> None:
        place = self._lines.index(line)
        self._lines.remove(line)
        line.widget.destroy()
        self._number()
        self._lines[min(place, len(self._lines) - 1)].entry.grab_focus()
        self._changed()

    def _row_changed(self) -> None:
        self._changed()

    def _number(self) -> None:
        for number, line in enumerate(self._lines):
            line.show_number(number)
            line.remove.set_sensitive(len(self._lines) > 1)
        self._add.set_sensitive(len(self._lines) < MOST)


class _Line:
    """The widgets of one row."""

    def __init__(
        self,
        row: Row,
        styles: Styles,
        choose: Callable[[tuple[Source, ...]], tuple[Source, ...] | None],
        changed: Callable[[], None],
        entered: Callable[[], None],
    ) -> None:
        self.row = row
        self._styles, self._choose, self._changed = styles, choose, changed
        self._swatch = Gtk.Image()
        self._swatch.set_tooltip_text(_("The colour of this region's mask in the preview"))
        self.entry = self._phrase_entry(row, entered)
        self._picture, self._title = Gtk.Image(), Gtk.Label(xalign=0)
        self.remove = Gtk.Button.new_from_icon_name("edit-delete", Gtk.IconSize.BUTTON)
        self.remove.set_tooltip_text(_("Remove this region"))
        self.remove.get_accessible().set_name(_("Remove this region"))
        self.remove.set_valign(Gtk.Align.CENTER)
        self._score = Gtk.Label(xalign=1, width_chars=4)
        self._score.set_tooltip_text(_("How sure the segmenter is, from 0 to 1"))
        self._score.get_style_context().add_class("dim-label")

        top = Gtk.Box(spacing=6)
        top.pack_start(self.entry, True, True, 0)
        top.pack_start(self._score, False, False, 0)
        top.pack_start(self._whole_switch(row), False, False, 0)
        below = Gtk.Box(spacing=6)
        below.pack_start(Gtk.Label(label=_("Strength")), False, False, 0)
        below.pack_start(self._strength_scale(row), True, True, 0)
        below.pack_start(self._mask_button(), False, False, 0)
        right = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
        right.pack_start(top, False, False, 0)
        right.pack_start(below, False, False, 0)

        self.widget = Gtk.Box(spacing=8)
        self.widget.pack_start(self._swatch, False, False, 0)
        self.widget.pack_start(right, True, True, 0)
        self.widget.pack_start(self._style_button(), False, False, 0)
        self.widget.pack_start(self.remove, False, False, 0)
        self.show_style()
        self._show_mask_state()

    def show_number(self, number: int) -> None:
        red, green, blue = colour_of(number)
        colour = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, False, 8, 6, 64)
        colour.fill(red << 24 | green << 16 | blue << 8 | 0xFF)
        self._swatch.set_from_pixbuf(colour)

    def show_style(self) -> None:
        style = self.row.style
        self._picture.set_from_pixbuf(self._styles.picture(style, ASIDE))
        title = self._styles.title(style)
        self._title.set_text(title)
        self._button.set_tooltip_text(title)

    def show_score(self, score: float | None) -> None:
        icon = None if score is None else f"{score:.2f}"
        self._score.set_text(icon or "")

    def _phrase_entry(self, row: Row, entered: Callable[[], None]) -> Any:
        entry = Gtk.Entry()
        entry.set_width_chars(16)
        entry.set_placeholder_text(_("such as sky, or the old house"))
        entry.get_accessible().set_name(_("What is repainted"))
        entry.set_text(_("(painted mask)") if row.painted else row.phrase)
        entry.set_sensitive(not row.whole and not row.painted)
        entry.set_max_length(400)
        entry.connect("changed", lambda entry: self._set(phrase=entry.get_text()))
        entry.connect("activate", lambda entry: entered())
        return entry

    def _whole_switch(self, row: Row) -> Any:
        switch = Gtk.CheckButton.new_with_label(_("Whole layer"))
        switch.set_active(row.whole)
        switch.set_sensitive(not row.painted)
        switch.connect("toggled", self._whole_toggled)
        return switch

    def _whole_toggled(self, switch: Any) -> None:
        self.entry.set_sensitive(not switch.get_active())
        self._set(whole=switch.get_active())

    def _strength_scale(self, row: Row) -> Any:
        scale = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, 0, 100, 5)
        scale.set_value(round(100 * row.strength))
        scale.set_digits(0)
        scale.set_value_pos(Gtk.PositionType.RIGHT)
        scale.connect("format-value", lambda scale, value: f"{value:.0f} %")
        scale.get_accessible().set_name(_("Strength"))
        scale.connect("value-changed", lambda scale: self._set(strength=scale.get_value() / 100))
        return scale

    def _style_button(self) -> Any:
        self._title.set_ellipsize(3)  # at the end
        self._title.set_lines(2)
        self._title.set_line_wrap(True)
        self._title.set_width_chars(14)
        self._title.set_max_width_chars(14)
        inside = Gtk.Box(spacing=6)
        inside.pack_start(self._picture, False, False, 0)
        inside.pack_start(self._title, True, True, 0)
        self._button = Gtk.Button()
        self._button.add(inside)
        self._button.get_accessible().set_name(_("Choose a style"))
        self._button.connect("clicked", self._style_asked)
        return self._button

    def _style_asked(self, button: Any) -> None:
        style = self._choose(self.row.style)
        if style is not None:
            self._set(style=style)
            self.show_style()

    def _mask_button(self) -> Any:
        self._mask_label = Gtk.Label.new(_("Mask…"))
        button = Gtk.MenuButton()
        button.add(self._mask_label)
        button.set_popover(self._mask_popover(button))
        return button

    def _mask_popover(self, button: Any) -> Any:
        row = self.row
        grid = Gtk.Grid(row_spacing=6, column_spacing=8, border_width=12)
        threshold = _scale(0.05, 0.95, 0.05, 2, row.threshold)
        threshold.connect("value-changed", lambda s: self._set(threshold=round(s.get_value(), 2)))
        grow = _scale(-100, 100, 1, 0, row.grow)
        grow.connect("value-changed", lambda s: self._set(grow=round(s.get_value())))
        feather = _scale(0, 100, 1, 0, row.feather)
        feather.connect("value-changed", lambda s: self._set(feather=round(s.get_value(), 1)))
        lines = (
            (_("Threshold"), threshold, _("Lower takes more of the picture, higher less")),
            (_("Grow (px)"), grow, _("Pixels outwards; below 0 the mask shrinks")),
            (_("Soft edge (px)"), feather, _("Pixels over which the mask fades out")),
        )
        for line, (text, scale, hint) in enumerate(lines):
            label = Gtk.Label(label=text, xalign=0)
            label.set_tooltip_text(hint)
            scale.set_tooltip_text(hint)
            scale.get_accessible().set_name(text)
            grid.attach(label, 0, line, 1, 1)
            grid.attach(scale, 1, line, 1, 1)
        invert = Gtk.CheckButton.new_with_label(_("Everything but this"))
        invert.set_active(row.invert)
        invert.connect("toggled", lambda switch: self._set(invert=switch.get_active()))
        grid.attach(invert, 0, len(lines), 2, 1)
        grid.show_all()
        popover = Gtk.Popover.new(button)
        popover.add(grid)
        return popover

    def _set(self, **values: Any) -> None:
        self.row = replace(self.row, **values)
        self._show_mask_state()
        self._changed()

    def _show_mask_state(self) -> None:
        """A dot says that the mask is not drawn as usual."""
        text = GLib.markup_escape_text(_("Mask…"))
        self._mask_label.set_markup(text if self.row.plain_masks else f"<b>{text} •</b>")


def _scale(low: float, high: float, step: float, digits: int, value: float) -> Any:
    scale = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, low, high, step)
    scale.set_digits(digits)
    scale.set_value(value)
    scale.set_value_pos(Gtk.PositionType.RIGHT)
    scale.set_size_request(200, -1)
    return scale
