"""What is under "More": settings for the whole recipe that most runs leave alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from gi.repository import Gtk

from .model import AUTO, GROUPS, WORD_ENGINE, State
from .words import _

POLISHES: tuple[int | str, ...] = (AUTO, 0, 4, 8, 16, 32)  # steps
SIZES: tuple[int | str | None, ...] = (None, 512, 1024, "full")


class More:
    """`widget` is an expander; `read` puts what it says into a state."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._quiet = False
        self._state = State()
        self._engine = self._combo()
        self._segmenter = self._combo()
        self._size = self._combo()
        self._brush = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, 0.2, 5.0, 0.1)
        self._brush.set_digits(1)
        self._brush.set_value_pos(Gtk.PositionType.RIGHT)
        self._brush.connect("value-changed", self._touched)
        self._polish = self._combo()
        self._colours = Gtk.CheckButton.new_with_mnemonic(_("Keep the la_yer's colours"))
        self._colours.connect("toggled", self._touched)
        self._groups = {}
        groups = Gtk.Box(spacing=8)
        names = {"details": _("details"), "colours": _("colours"), "textures": _("textures")}
        for group in GROUPS:
            switch = Gtk.CheckButton.new_with_label(names[group])
            switch.connect("toggled", self._touched)
            groups.pack_start(switch, False, False, 0)
            self._groups[group] = switch
        self._transfer = groups

        grid = Gtk.Grid(row_spacing=6, column_spacing=8, margin_top=6)
        lines = (
            (_("_Engine"), self._engine, _("The network that repaints")),
            (_("_Find with"), self._segmenter, _("What finds the things that you name")),
            (_("_Brush size"), self._brush, _("1 is the style picture's own; larger is coarser")),
            (
                _("Polish"),
                self._polish,
                _("Steps spent on coming nearer to the style"),
            ),
            (_("_Work size"), self._size, _("Long side at which is painted; larger takes longer")),
            (_("Take o_ver"), groups, _("What comes from the style; for the engine zmnet")),
        )
        for line, (text, widget, hint) in enumerate(lines):
            label = Gtk.Label.new_with_mnemonic(text)
            label.set_xalign(0)
            target = self._groups[GROUPS[0]] if widget is groups else widget
            label.set_mnemonic_widget(target)
            widget.set_hexpand(True)
            widget.set_tooltip_text(hint)
            grid.attach(label, 0, line, 1, 1)
            grid.attach(widget, 1, line, 1, 1)
        grid.attach(self._colours, 0, len(lines), 2, 1)
        self.widget = Gtk.Expander.new_with_mnemonic(_("_More"))
        self.widget.add(grid)
        self.offer((), ())

    def offer(self, engines: Sequence[tuple[str, str]], segmenters: Sequence[str]) -> None:
        """engines: those that are ready, with a line on each. segmenters: on this machine."""
        names = {
            "adaattn": _("AdaAttN: pictures as styles"),
            "adaattn-published": _("AdaAttN, the published network"),
            "zmnet": _("ZM-Net: pictures and words, fast"),
            "gatys": _("Gatys: thorough, takes minutes"),
        }
        finders = {"clipseg": _("CLIPSeg: any phrase"), "builtin": _("Built in: common words")}
        sizes = {"": _("At most 2048 px"), "full": _("As large as the layer")}
        self._quiet = True
        _fill(self._engine, [("", _("Automatic"))] + [(name, names.get(name, note or name))
                                                       for name, note in engines])  # fmt: skip
        _fill(self._segmenter, [("auto", _("Automatic"))] + [(name, finders.get(name, name))
                                                              for name in segmenters])  # fmt: skip
        _fill(self._polish, [(str(steps), _polish_text(steps)) for steps in POLISHES])
        _fill(self._size, [(key, sizes.get(key, _("%s px") % key)) for key in map(_key, SIZES)])
        self._quiet = False
        self.show(self._state)

    def show(self, state: State) -> None:
        self._quiet = True
        self._state = state
        _choose(self._engine, state.engine or "")
        _choose(self._segmenter, state.segmenter)
        _choose(self._size, _key(state.size))
        self._brush.set_value(state.brush)
        _choose(self._polish, str(state.polish), _polish_text(state.polish))
        self._colours.set_active(state.keep_colors)
        for group, switch in self._groups.items():
            switch.set_active(group in state.transfer)
        self._quiet = False
        self._fit()

    def read(self, state: State) -> State:
        """The state with what is set here in place of what it had."""
        engine = self._engine.get_active_id()
        segmenter = self._segmenter.get_active_id()
        size = self._size.get_active_id()
        brush, polish = self._brush.get_value(), self._polish.get_active_id() or AUTO
        self._state = replace(
            state,
            engine=engine or None,
            segmenter=segmenter or "auto",
            size=_size(size),
            # what was read in may lie outside the scale
            brush=state.brush if _clipped(state.brush) == brush else round(brush, 2),
            polish=int(polish) if polish.isdigit() else AUTO,
            keep_colors=self._colours.get_active(),
            transfer=tuple(group for group in GROUPS if self._groups[group].get_active()),
        )
        self._fit()
        return self._state

    def _fit(self) -> None:
        self._polish.set_sensitive(self._state.polishes)
        self._transfer.set_sensitive(self._state.answering_engine == WORD_ENGINE)

    def _combo(self) -> Any:
        combo = Gtk.ComboBoxText()
        combo.connect("changed", self._touched)
        return combo

    def _touched(self, widget: Any) -> None:
        if not self._quiet:
            self._changed()


def _fill(combo: Any, entries: Sequence[tuple[str, str]]) -> None:
    combo.remove_all()
    for name, text in entries:
        combo.append(name, text)


def _choose(combo: Any, name: str, text: str = "") -> None:
    """An entry by name; one that is not offered is added, so that it is not lost."""
    if not combo.set_active_id(name):
        combo.append(name, text or name)
        combo.set_active_id(name)


def _polish_text(steps: int | str) -> str:
    if steps == AUTO:
        return _("Automatic")
    return _("%s steps") % steps if steps else _("Off")


def _key(size: int | str | None) -> str:
    return "" if size is None else str(size)


def _size(key: str | None) -> int | str | None:
    if not key:
        return None
    return int(key) if key.isdigit() else key


def _clipped(brush: float) -> float:
    return min(5.0, max(0.2, brush))
