"""The procedure with its dialog: asked, painted, and back to the dialog where that failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("GimpUi", "3.0")
from gi.repository import GimpUi, GLib  # noqa: E402

from ..document.faults import Refused, Stopped, written_down  # noqa: E402
from ..document.options import Options  # noqa: E402
from ..document.restyle import restyle  # noqa: E402
from ..document.source import Source, SourceChanged, sources_of  # noqa: E402
from ..document.waiting import awaited  # noqa: E402
from ..link.address import AddressError  # noqa: E402
from ..link.client import WorkerError  # noqa: E402
from ..link.launch import connected  # noqa: E402
from ..link.wire import WireError  # noqa: E402
from .follow import Background  # noqa: E402
from .subject import Subject  # noqa: E402
from .window import Window  # noqa: E402
from .words import _, stage  # noqa: E402

# Arguments that are an answer for one run, and are asked anew in the next
ASKED_ANEW = ("recompute-masks", "when-source-changed")
CHANGED = _(
    "Its pixels are not those that the group was made from. Repaint it as it is now? Masks that "
    "you have painted stay yours."
)


def restyle_with_dialog(
    procedure: Any,
    image: Any,
    drawables: list[Any],
    config: Any,
    options_of: Callable[[Any], Options],
) -> None:
    """Raises Refused where there is nothing to open a dialog for, Stopped where the person took
    it back: the image is untouched then."""
    sources = sources_of(image, drawables)
    GimpUi.init("semantic_style")
    _remembered(sources[0], config)
    subject = Subject(image, sources[0], lambda: options_of(config))
    back = Background(connected, _later)
    window = Window(procedure, config, subject, back)
    window.meet()
    try:
        while True:
            if not window.run():
                raise Stopped
            if _painted(window, back, image, drawables, lambda: options_of(config)):
                return
    finally:
        window.close()
        for name in ASKED_ANEW:
            config.set_property(name, config.find_property(name).default_value)


def _remembered(source: Source, config: Any) -> None:
    """Run again on what an earlier run made, the dialog opens as it was then."""
    if source.former is not None:
        record = source.former.record
        recipe = json.dumps(
            record.recipe, sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
        config.set_property("recipe", recipe)
        config.set_property("merge", record.merge)
        config.set_property("strict", record.strict)


class _Watch:
    """Looks on for the window."""

    def __init__(self, window: Window, several: bool) -> None:
        self._window, self._several = window, several
        self._stopped = False
        self._done = 0.0

    def stop(self) -> None:
        self._stopped = True

    def stage(self, text: str, fraction: float) -> None:
        """text: the layer's name, a colon, and what the worker does."""
        layer, _colon, what = text.rpartition(": ")
        if what == "waiting" and self._done > 0:  # it has ended, and the layers are being made
            what = "compositing"
        self._done = max(self._done, fraction)
        said = f"{layer}: {stage(what)}" if self._several else stage(what)
        self._window.painted(said, self._done)

    def look(self) -> None:
        if self._stopped:
            raise Stopped


def _painted(
    window: Window,
    back: Background,
    image: Any,
    drawables: list[Any],
    options: Callable[[], Options],
) -> bool:
    """Whether there is a result; if not, the window says why. Stopped where it is not wanted."""
    watch = _Watch(window, len(drawables) > 1)
    window.paint(watch.stop)
    try:
        client = awaited(lambda tell: back.living(), lambda event: None, watch.look)
        restyle(client, image, drawables, options(), watch)
    except Stopped:
        raise
    except SourceChanged:
        window.back_to_work(_("The layer has changed"))
        if window.asks(_("The layer has changed"), CHANGED):
            window.accept_changes()
            return _painted(window, back, image, drawables, options)
    except (Refused, WorkerError, AddressError, WireError) as error:
        window.back_to_work(str(error))
    except Exception as error:
        window.back_to_work(written_down(error))
    else:
        return True
    return False


def _later(call: Callable[[], None]) -> None:
    """From any thread: the call on the main thread, when GTK has time for it."""

    def once() -> bool:
        call()
        return False

    GLib.idle_add(once)
