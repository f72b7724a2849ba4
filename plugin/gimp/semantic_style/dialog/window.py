"""The dialog: what is typed becomes a recipe, and the recipe a preview."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Protocol

from gi.repository import GimpUi, GLib, GObject, Gtk

from .chooser import Chooser, Open
from .follow import Background, Wish
from .model import Source, State, from_text, is_language, to_data, to_text
from .more import More
from .preview import Preview
from .regions import Regions
from .status import Notice, Status
from .styles import THUMBNAIL, Styles
from .words import _, stage

TYPING = 250  # ms of quiet after which a preview is asked for
SIDE = 480  # px of a preview's long side
RIGHT = 600  # px
LOWEST, HIGHEST = 300, 440  # px of the right side's height; all fits on 1280 x 720


class Subject(Protocol):
    """What the dialog is about; all of it is called on the main thread."""

    base: Any  # a Pixbuf of the layer
    has_selection: bool
    again: bool  # whether a group of ours is done again

    def wish(self, recipe: dict[str, Any], side: int) -> Wish:
        """Raises ValueError with one line, for a layer that is gone or that can't be read."""

    def opened(self) -> Iterable[Open]: ...

    def style_of_file(self, path: str) -> Source:
        """Raises ValueError with one line, for what is no picture."""


class Window:
    """`dialog` is a GimpUi.ProcedureDialog; the recipe goes into its config as one types."""

    def __init__(self, procedure: Any, config: Any, subject: Subject, back: Background) -> None:
        self._config, self._subject, self._back = config, subject, back
        self._styles = Styles()
        self._state = State()
        self._text: str | None = None  # the recipe as the config has it from here
        self._timer = 0
        self._met = self._fresh = self._painting = self._loading = False
        self._stop: Callable[[], None] | None = None

        self.dialog = GimpUi.ProcedureDialog.new(procedure, config, _("Semantic Style"))
        self._notice = Notice(self.meet)
        self._status = Status()
        self._preview = Preview(subject.base)
        self._regions = Regions(self._styles, self._choose, self._changed, self._entered)
        self._more = More(self._changed)
        self._keep = Gtk.Entry(hexpand=True)
        self._keep.set_placeholder_text(_("such as people, the car"))
        self._keep.connect("changed", lambda entry: self._changed())
        self._keep.connect("activate", lambda entry: self._entered())
        self._body = Gtk.Box(spacing=14)
        self._body.pack_start(self._preview.widget, False, False, 0)
        self._body.pack_start(self._right(), True, True, 0)

        area = self.dialog.get_content_area()
        area.set_spacing(8)
        for widget, grows in (
            (self._notice.widget, False),
            (self._body, True),
            (self._status.widget, False),
        ):
            area.pack_start(widget, grows, grows, 0)
        self._body.show_all()
        self._status.widget.show_all()
        self.dialog.connect("response", self._answered)
        self.dialog.connect("delete-event", lambda *event: self._painting)
        config.connect("notify::recipe", lambda *change: self._load())
        for name in ("selection-only", "recompute-masks"):
            config.connect(f"notify::{name}", lambda *change: self._soon())
        self._load()
        self._regions.focus()

    def meet(self) -> None:
        """Look for the worker, and ask what it can do."""
        self._notice.hide()
        self._make_room()
        self._status.work(_("Looking for the worker…"))
        self._back.meet(self._welcome, self.lost, THUMBNAIL)

    def run(self) -> bool:
        """Whether OK was pressed; the window stays."""
        return bool(self.dialog.run())

    def paint(self, stop: Callable[[], None]) -> None:
        """The work begins: nothing can be changed, Cancel and Escape call stop."""
        self._back.drop()
        self._painting, self._stop = True, stop
        self._body.set_sensitive(False)
        self._allow()
        self._status.paint(stage("starting"), 0)
        cancel = self.dialog.get_widget_for_response(Gtk.ResponseType.CANCEL)
        cancel.grab_focus()

    def painted(self, text: str, fraction: float) -> None:
        if self._stop is not None:
            self._status.paint(text, fraction)

    def back_to_work(self, message: str) -> None:
        """The work came to nothing: one line why, and all can be changed again."""
        self._painting, self._stop = False, None
        self._body.set_sensitive(True)
        self._allow()
        self._status.warn(_sentence(message))
        self._regions.focus()

    def asks(self, question: str, more: str) -> bool:
        """A question that takes yes or no."""
        box = Gtk.MessageDialog(
            transient_for=self.dialog,
            modal=True,
            message_type=Gtk.MessageType.QUESTION,
            buttons=Gtk.ButtonsType.YES_NO,
            title=question,
            text=question,
            secondary_text=more,
        )
        answer = box.run()
        box.destroy()
        return bool(answer == Gtk.ResponseType.YES)

    def accept_changes(self) -> None:
        self._config.set_property("when-source-changed", "accept")

    def close(self) -> None:
        if self._timer:
            GLib.source_remove(self._timer)
        self._back.close()
        self.dialog.destroy()

    # What comes back from the worker

    def working(self, name: str) -> None:
        self._status.work(stage(name))

    def came(self, kind: str, header: dict[str, Any], samples: memoryview) -> None:
        width, height = header["width"], header["height"]
        if kind == "mask":
            rows = self._state.filled
            planes = [
                bytes(samples[region["offset"] : region["offset"] + width * height])
                for region in header["regions"]
            ]
            self._preview.show_masks(width, height, planes, rows[: len(planes)])
            scores = {
                row: region["score"]
                for row, region in zip(rows, header["regions"], strict=False)
                if region.get("score") is not None
            }
            self._regions.show_scores(scores)
            self._fresh = True
            self._status.work(self._found(header))
            return
        start = header["picture"]
        self._preview.show_result(width, height, bytes(samples[start : start + 4 * width * height]))
        if header.get("warnings"):
            self._status.warn("; ".join(header["warnings"]))
        else:
            self._status.say(self._found(header))

    def refused(self, message: str) -> None:
        self._fresh = True
        self._regions.show_scores({})
        self._status.warn(_sentence(message))

    def lost(self, message: str) -> None:
        self._met = False
        self._allow()
        self._status.say("")
        self._notice.show(_sentence(message))
        self._make_room()

    def _welcome(
        self, able: dict[str, Any], styles: list[dict[str, Any]], samples: memoryview
    ) -> None:
        self._styles.learn(styles, samples, able.get("words", ()))
        self._more.offer(
            [(each["name"], each.get("note") or "") for each in able["engines"] if each["ready"]],
            able["segmenters"],
        )
        self._regions.show_styles()
        self._met = True
        self._status.say("")
        self._allow()
        if is_language(self._text or ""):
            self._parse()
        else:
            self._changed()

    def _found(self, header: dict[str, Any]) -> str:
        names = {"clipseg": _("CLIPSeg"), "builtin": _("the built-in segmenter")}
        who = header.get("segmenter")
        if not who:
            return ""
        return _sentence(header.get("note") or _("Found by %s.") % names.get(who, who))

    # From what is typed to a preview

    def _changed(self) -> None:
        """Something was typed or set."""
        if self._loading:
            return
        state = replace(self._state, rows=self._regions.rows, keep=self._keep.get_text())
        self._state = self._more.read(state)
        if self._met:  # before that, no style has a name that could be written down
            self._text = to_text(self._state, self._styles.default)
            self._config.set_property("recipe", self._text)
        self._allow()
        self._soon()

    def _load(self) -> None:
        """What the config has, where it is not from here: a preset, a reset, the last values."""
        text = self._config.get_property("recipe") or ""
        if text == self._text:
            return
        self._text = text
        if is_language(text) and self._met:
            self._parse()
        self._state = from_text(text)
        self._regions.show(self._state.rows)
        self._loading = True
        self._keep.set_text(self._state.keep)
        self._loading = False
        self._more.show(self._state)
        self._allow()
        self._soon()

    def _parse(self) -> None:
        """A preset in the region language becomes rows, as soon as the worker has read it."""
        text = self._text or ""

        def parsed(recipe: dict[str, Any]) -> None:
            if self._text == text:  # else something was typed meanwhile
                self._config.set_property("recipe", json.dumps(recipe, ensure_ascii=False))

        self._back.parse(text, parsed, self.refused)

    def _soon(self) -> None:
        self._fresh = False
        if self._timer:
            GLib.source_remove(self._timer)
        self._timer = GLib.timeout_add(TYPING, self._ask)

    def _ask(self) -> bool:
        """Ask for a preview of what is there now."""
        self._timer = 0
        if not self._met or self._painting:
            return False
        if not self._state.filled:
            self._back.drop()
            self._preview.clear()
            self._regions.show_scores({})
            self._status.say(_("Type what is to be repainted, such as sky."))
            return False
        recipe = to_data(self._state, self._styles.default)
        try:
            wish = self._subject.wish(recipe, SIDE)
        except ValueError as error:
            self._status.warn(_sentence(str(error)))
            return False
        self._status.work(stage("finding"))
        self._back.preview(wish, self)
        return False

    def _entered(self) -> None:
        """Enter in a line: OK where the preview shows what is typed, else the preview now."""
        if self._fresh and self._ready():
            self.dialog.response(Gtk.ResponseType.OK)
        elif self._timer:
            GLib.source_remove(self._timer)
            self._ask()

    def _choose(self, style: tuple[Source, ...]) -> tuple[Source, ...] | None:
        subject = self._subject
        return Chooser(self.dialog, self._styles, subject.opened(), subject.style_of_file).run()

    def _ready(self) -> bool:
        return self._met and bool(self._state.filled) and not self._painting

    def _allow(self) -> None:
        self.dialog.set_response_sensitive(Gtk.ResponseType.OK, self._ready())

    def _answered(self, dialog: Any, answer: int) -> None:
        ends = (Gtk.ResponseType.CANCEL, Gtk.ResponseType.DELETE_EVENT, Gtk.ResponseType.CLOSE)
        if self._stop is not None and answer in ends:
            self._stop()
            self._stop = None
            self._status.paint(_("Stopping…"), 0)

    def _right(self) -> Any:
        """Rows, keep, switches, and more; it scrolls where there is too much of it."""
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=10)
        box.set_margin_end(6)
        box.pack_start(self._regions.widget, False, False, 0)
        keep = Gtk.Box(spacing=8)
        label = Gtk.Label.new_with_mnemonic(_("_Don't repaint"))
        label.set_mnemonic_widget(self._keep)
        keep.pack_start(label, False, False, 0)
        keep.pack_start(self._keep, True, True, 0)
        box.pack_start(keep, False, False, 0)
        selection = self._switch("selection-only", _("Only the selectio_n"))
        selection.set_sensitive(self._subject.has_selection)
        switches = Gtk.Box(spacing=18)
        switches.pack_start(selection, False, False, 0)
        switches.pack_start(self._switch("merge", _("Mer_ge into one layer")), False, False, 0)
        box.pack_start(switches, False, False, 0)
        if self._subject.again:
            switch = self._switch("recompute-masks", _("F_ind the masks again"))
            switch.set_tooltip_text(_("Masks that you have painted on are drawn anew"))
            box.pack_start(switch, False, False, 0)
        box.pack_start(self._more.widget, False, False, 0)
        scrolled = Gtk.ScrolledWindow()
        scrolled.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.AUTOMATIC)
        scrolled.set_size_request(RIGHT, -1)
        scrolled.set_min_content_height(LOWEST)
        scrolled.set_max_content_height(HIGHEST)
        scrolled.set_propagate_natural_height(True)
        scrolled.set_overlay_scrolling(False)  # one sees that there is more
        self._scrolled = scrolled
        self._more.widget.connect("notify::expanded", lambda *change: self._make_room())
        scrolled.add(box)
        box.set_focus_vadjustment(scrolled.get_vadjustment())
        return scrolled

    def _make_room(self) -> None:
        """As much height as is wanted, and as is there."""
        wanted = self._more.widget.get_expanded() and not self._notice.widget.get_visible()
        self._scrolled.set_min_content_height(HIGHEST if wanted else LOWEST)

    def _switch(self, name: str, label: str) -> Any:
        switch = Gtk.CheckButton.new_with_mnemonic(label)
        both = GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE
        self._config.bind_property(name, switch, "active", both)
        return switch


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
