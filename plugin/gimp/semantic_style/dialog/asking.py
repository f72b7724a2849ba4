"""A dialog of a procedure's own arguments, which comes back where they led to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, Gtk  # noqa: E402

from ..document.faults import Refused, Stopped  # noqa: E402
from ..link.address import AddressError  # noqa: E402
from ..link.client import WorkerError  # noqa: E402
from ..link.wire import WireError  # noqa: E402

WIDTH = 420  # px
SHARES = ("threshold",)  # arguments from 0 to 1


class Asking:
    def __init__(
        self, procedure: Any, config: Any, title: str, verb: str, names: list[str]
    ) -> None:
        """verb: what the button for OK says. names: of the arguments, from the top."""
        GimpUi.init(procedure.get_name())
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, title)
        self._dialog.set_ok_label(verb)
        self._dialog.set_default_size(WIDTH, -1)
        for name in names:  # a spin button cuts off the third decimal that GIMP gives it
            if name in SHARES:
                self._dialog.get_spin_scale(name, 1)
        self._dialog.fill(names)
        entries = list(_entries(self._dialog.get_content_area()))
        for entry in entries:
            entry.set_activates_default(True)
        self._dialog.connect_after("map", lambda dialog: entries[0].grab_focus())
        self._line = Gtk.Label(xalign=0, wrap=True, max_width_chars=50, selectable=True)
        self._line.set_no_show_all(True)
        self._dialog.get_content_area().pack_end(self._line, False, False, 6)

    def done_by(self, work: Callable[[], None]) -> bool:
        """Ask, then work, out of sight; False where what came back is one line that a person
        can do something about. Stopped where the dialog is dismissed."""
        if not self._dialog.run():
            raise Stopped
        self._dialog.hide()
        try:
            work()
        except (Refused, WorkerError, AddressError, WireError) as error:
            text = str(error)
            self._line.set_text(text[:1].upper() + text[1:])
            self._line.show()
            self._dialog.show()
            return False
        return True

    def close(self) -> None:
        self._dialog.destroy()


def _entries(widget: Any) -> Iterator[Any]:
    """The fields for text, without those for numbers."""
    if isinstance(widget, Gtk.Entry) and not isinstance(widget, Gtk.SpinButton):
        yield widget
    elif isinstance(widget, Gtk.Container):
        for child in widget.get_children():
            yield from _entries(child)
