"""The dialog's language. GIMP binds the catalogue in the plug-in's folder when a procedure runs."""

from __future__ import annotations

from gi.repository import GLib


def _(text: str) -> str:
    """The text in the user's language, or as it is."""
    return str(GLib.dgettext(None, text))


def counted(one: str, many: str, count: int) -> str:
    """The form of the text that fits a count, which stands for %d in it."""
    return str(GLib.dngettext(None, one, many, count)) % count


def stage(name: str) -> str:
    """What the worker is doing, said by the names that its events use."""
    known = {
        "queued": _("Waiting for the worker"),
        "waiting": _("Waiting for the worker"),
        "starting": _("Starting…"),
        "finding": _("Looking for the regions"),
        "selecting": _("Looking for the regions"),
        "masks": _("Drawing the masks"),
        "styles": _("Reading the styles"),
        "styling": _("Painting"),
        "compositing": _("Putting it together"),
    }
    if name.startswith("styling "):
        return _("Painting: %s") % name.removeprefix("styling ")
    return known.get(name, name[:1].upper() + name[1:])
