"""Procedures beside the main one: words to a selection, and a film through styles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp, GLib, GObject  # noqa: E402

FLAGS = GObject.ParamFlags.READWRITE
WORDS = ["phrase", "operation", "threshold", "grow", "feather", "invert", "segmenter"]
FILM = ["through", "region", "frames", "motion", "size", "delay"]
AUTHORS = "Semantic Style contributors"


def _(message: str) -> str:
    return str(GLib.dgettext(None, message))


def _select_by_words(plug_in: Any, name: str) -> Any:
    procedure = _procedure(plug_in, name, _run_select, "*")
    procedure.set_menu_label(_("By _Words…"))
    procedure.add_menu_path("<Image>/Select")
    procedure.set_documentation(
        _("Select what words point at"),
        _("What the words name is looked for in the layer, and becomes the selection there."),
        name,
    )
    procedure.add_string_argument(
        "phrase", _("_What"), _("Such as sky, or sky + sea, or window within house"), "sky", FLAGS
    )
    operations = {
        "replace": _("Replace the selection"),
        "add": _("Add to the selection"),
        "subtract": _("Subtract from the selection"),
        "intersect": _("Intersect with the selection"),
    }
    _add_choice(procedure, "operation", _("_Mode"), _("What becomes of it"), operations, "replace")
    procedure.add_double_argument(
        "threshold", _("_Threshold"), _("Lower finds more"), 0.01, 0.99, 0.5, FLAGS
    )
    procedure.add_int_argument(
        "grow", _("_Grow"), _("Pixels by which it is widened; below 0 it shrinks"),
        -500, 500, 0, FLAGS,
    )  # fmt: skip
    procedure.add_double_argument(
        "feather", _("_Feather"), _("Pixels by which its edge is softened"),
        0.0, 500.0, 2.0, FLAGS,
    )  # fmt: skip
    procedure.add_boolean_argument(
        "invert", _("_Invert"), _("All of the layer but it"), False, FLAGS
    )
    segmenters = {"auto": _("The best there is"), "clipseg": "CLIPSeg", "builtin": _("Built-in")}
    _add_choice(procedure, "segmenter", _("Fo_und by"), _("What looks for it"), segmenters, "auto")
    return procedure


def _animate(plug_in: Any, name: str) -> Any:
    procedure = _procedure(plug_in, name, _run_animate, "RGB*, GRAY*")
    procedure.set_menu_label(_("Semantic St_yle…"))
    procedure.add_menu_path("<Image>/Filters/Animation")
    procedure.set_documentation(
        _("A film of the layer as it travels through styles"),
        _("Makes a new image whose layers are the frames; export it as GIF or WebP."),
        name,
    )
    procedure.add_string_argument(
        "through", _("_Through"),
        _("Styles with commas between: word:noon, word:night, 0.5*mosaic + 0.5*word:dawn"),
        "word:noon, word:evening, word:night", FLAGS,
    )  # fmt: skip
    procedure.add_string_argument(
        "region", _("_What"), _("Such as sky; empty for all of the layer"), "", FLAGS
    )
    procedure.add_int_argument("frames", _("_Frames"), _("Their number"), 2, 500, 12, FLAGS)
    motions = {
        "linear": _("From the first to the last"),
        "cyclic": _("And on to the first again"),
        "ping-pong": _("There and back"),
    }
    _add_choice(procedure, "motion", _("_Motion"), _("The way"), motions, "linear")
    procedure.add_int_argument(
        "size", _("Si_ze"), _("Pixels of the film's long side"), 64, 4096, 512, FLAGS
    )
    procedure.add_int_argument(
        "delay", _("_Delay"), _("Milliseconds that a frame stays"), 20, 10_000, 100, FLAGS
    )
    procedure.add_image_return_value("film", _("Film"), _("The new image"), False, FLAGS)
    return procedure


PROCEDURES: dict[str, Callable[[Any, str], Any]] = {
    "python-fu-select-by-words": _select_by_words,
    "python-fu-semantic-style-animate": _animate,
}


def _procedure(plug_in: Any, name: str, run: Any, image_types: str) -> Any:
    procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, run, None)
    procedure.set_image_types(image_types)
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
    procedure.set_attribution(AUTHORS, AUTHORS, "2026")
    return procedure


def _add_choice(
    procedure: Any, name: str, label: str, blurb: str, values: dict[str, str], value: str
) -> None:
    choices = Gimp.Choice.new()
    for number, (nick, shown) in enumerate(values.items()):
        choices.add(nick, number, shown, "")
    procedure.add_choice_argument(name, label, blurb, choices, value, FLAGS)


def _run_select(
    procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any, data: Any
) -> Any:
    from .document.choosing import Choice, layer_to_search, select

    def work(client: Any, seen: Any) -> None:
        choice = Choice(**_values(config, WORDS))
        select(client, image, layer_to_search(image, drawables), choice, seen)

    said = (_("Select by Words"), _("S_elect"), WORDS)
    return _run(procedure, run_mode, config, said, work)


def _run_animate(
    procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any, data: Any
) -> Any:
    from .document.choosing import layer_to_search
    from .document.moving import Film, film_of

    made = []

    def work(client: Any, seen: Any) -> None:
        film = Film(**_values(config, FILM))
        made.append(film_of(client, layer_to_search(image, drawables), film, seen))

    said = (_("Semantic Style Film"), _("Ma_ke"), FILM)
    values = _run(procedure, run_mode, config, said, work)
    if made:
        if run_mode != Gimp.RunMode.NONINTERACTIVE:
            Gimp.Display.new(made[0])
        values.remove(1)
        values.insert(1, GObject.Value(Gimp.Image, made[0]))
    return values


def _values(config: Any, names: list[str]) -> dict[str, Any]:
    """What the arguments say; GIMP gives None for a text that is empty."""
    said = {name: config.get_property(name) for name in names}
    return {name: "" if value is None else value for name, value in said.items()}


def _run(
    procedure: Any,
    run_mode: Any,
    config: Any,
    said: tuple[str, str, list[str]],
    work: Callable[[Any, Any], None],
) -> Any:
    """Does work(client, seen) with GIMP's progress shown; interactive, after a dialog that comes
    back with the line that says what was wrong. said: see Asking."""
    from .document.waiting import awaited
    from .link.launch import connected
    from .procedures import answered

    def seen(event: dict[str, Any]) -> None:
        Gimp.progress_set_text(str(event.get("stage", "")))
        Gimp.progress_update(float(event.get("fraction", 0)))

    def whole() -> None:
        Gimp.progress_init(said[0])
        try:
            work(awaited(lambda tell: connected(), seen, lambda: None), seen)
        finally:
            Gimp.progress_end()

    if run_mode != Gimp.RunMode.INTERACTIVE:
        return answered(procedure, whole)

    def until_done() -> None:
        from .dialog.asking import Asking

        asking = Asking(procedure, config, *said)
        try:
            while not asking.done_by(whole):
                pass
        finally:
            asking.close()

    return answered(procedure, until_done)
