"""Lines and bars by which the dialog says what goes on."""

from __future__ import annotations

from collections.abc import Callable

from gi.repository import Gtk

from .words import _


class Status:
    """One line below everything: what is being done, found or wrong; a bar while it paints."""

    def __init__(self) -> None:
        self._spinner = Gtk.Spinner(no_show_all=True)
        self._icon = Gtk.Image(valign=Gtk.Align.CENTER)
        self._text = Gtk.Label(xalign=0, valign=Gtk.Align.CENTER)
        self._text.set_line_wrap(True)
        self._text.set_lines(2)
        self._text.set_ellipsize(3)  # at the end
        self._text.set_width_chars(60)
        self._text.set_max_width_chars(60)
        line = Gtk.Box(spacing=8)
        line.pack_start(self._spinner, False, False, 0)
        line.pack_start(self._icon, False, False, 0)
        line.pack_start(self._text, True, True, 0)
        line.set_size_request(-1, 40)
        self._bar = Gtk.ProgressBar(show_text=True, valign=Gtk.Align.CENTER)
        self.widget = Gtk.Stack()
        self.widget.add_named(line, "line")
        self.widget.add_named(self._bar, "bar")

    @property
    def text(self) -> str:
        return str(self._text.get_text())

    def say(self, text: str) -> None:
        self._show(text, "")

    def warn(self, text: str) -> None:
        self._show(text, "dialog-warning")

    def work(self, text: str) -> None:
        """Something goes on; what was said before stays where there is no text."""
        self._show(text or self.text, "")
        self._spinner.show()
        self._spinner.start()

    def paint(self, text: str, fraction: float) -> None:
        self.widget.set_visible_child_name("bar")
        self._bar.set_text(text)
        self._bar.set_fraction(min(1.0, max(0.0, fraction)))

    def _show(self, text: str, icon: str) -> None:
        self.widget.set_visible_child_name("line")
        self._spinner.stop()
        self._spinner.hide()
        self._icon.set_from_icon_name(icon or None, Gtk.IconSize.LARGE_TOOLBAR)
        self._icon.set_visible(bool(icon))
        self._text.set_text(text)
        self._text.set_tooltip_text(text)


class Notice:
    """A bar at the top that says why nothing goes on, with a button that tries again."""

    def __init__(self, again: Callable[[], None]) -> None:
        self._label = Gtk.Label(xalign=0, selectable=True)
        self._label.set_line_wrap(True)
        self._label.set_max_width_chars(80)
        self.widget = Gtk.InfoBar(message_type=Gtk.MessageType.ERROR)
        self.widget.get_content_area().add(self._label)
        self.widget.add_button(_("_Try again"), Gtk.ResponseType.APPLY)
        self.widget.connect("response", lambda bar, answer: again())
        self.widget.show_all()
        self.widget.set_no_show_all(True)
        self.hide()

    def show(self, text: str) -> None:
        self._label.set_text(text)
        self.widget.show()

    def hide(self) -> None:
        self.widget.hide()
