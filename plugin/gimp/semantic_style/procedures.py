"""The procedures that GIMP knows of, their arguments and their places in its menus."""

from __future__ import annotations

from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gimp, Gio, GLib, GObject  # noqa: E402

from .document.faults import FOLDER, Refused, Stopped, written_down  # noqa: E402
from .document.options import AS_RECIPE, AUTO_POLISH, FULL_SIZE, NO_GROW, Options  # noqa: E402
from .more_procedures import PROCEDURES  # noqa: E402

STYLE = "python-fu-semantic-style"
HELP = "semantic-style"  # the domain of the manual: help/LANGUAGE/gimp-help.xml
MENU = "<Image>/Filters/Artistic"
IMAGE_TYPES = "RGB*, GRAY*"
FLAGS = GObject.ParamFlags.READWRITE


def _(message: str) -> str:
    return str(GLib.dgettext(None, message))


class SemanticStyle(Gimp.PlugIn):  # type: ignore[misc]
    def do_query_procedures(self) -> list[str]:
        self.set_help_domain(HELP, Gio.File.new_for_path(str(FOLDER / "help")))
        return [STYLE, *PROCEDURES]

    def do_create_procedure(self, name: str) -> Any:
        return PROCEDURES.get(name, _style_procedure)(self, name)


def _style_procedure(plug_in: Any, name: str) -> Any:
    procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, run_style, None)
    procedure.set_image_types(IMAGE_TYPES)
    procedure.set_sensitivity_mask(
        Gimp.ProcedureSensitivityMask.DRAWABLE | Gimp.ProcedureSensitivityMask.DRAWABLES
    )
    procedure.set_menu_label(_("Semantic St_yle…"))
    procedure.add_menu_path(MENU)
    procedure.set_documentation(
        _("Repaint what words point at in any style"),
        _(
            "Each selected layer gets a group above it, with a layer and a layer mask for each "
            "region of the recipe; the layer itself stays as it is. Of a group that this "
            "procedure has made, only what has changed is done again."
        ),
        name,
    )
    procedure.set_attribution("Semantic Style contributors", "Semantic Style contributors", "2026")
    _add_arguments(procedure)
    return procedure


def _add_arguments(procedure: Any) -> None:
    default = Options()

    def choice(name: str, label: str, blurb: str, values: dict[str, str], value: str) -> None:
        choices = Gimp.Choice.new()
        for number, (nick, shown) in enumerate(values.items()):
            choices.add(nick, number, shown, "")
        procedure.add_choice_argument(name, label, blurb, choices, value, FLAGS)

    def flag(name: str, label: str, blurb: str, value: bool) -> None:
        procedure.add_boolean_argument(name, label, blurb, value, FLAGS)

    as_recipe = {AS_RECIPE: _("As the recipe says")}
    yes_or_no = {**as_recipe, "yes": _("Yes"), "no": _("No")}
    procedure.add_string_argument(
        "recipe",
        _("_Recipe"),
        _("What to repaint and with what: sky = mosaic; keep people. Or the recipe as JSON. Empty "
          "to do again what a group of layers holds"),
        default.recipe,
        FLAGS,
    )  # fmt: skip
    engines = ("adaattn", "zmnet", "gatys", "adaattn-published")
    choice("engine", _("_Engine"), _("What repaints"),
           as_recipe | {name: name for name in engines}, default.engine)  # fmt: skip
    segmenters = {"auto": _("The best there is"), "clipseg": "CLIPSeg", "builtin": _("Built-in")}
    choice("segmenter", _("_Segmenter"), _("What finds the regions"),
           as_recipe | segmenters, default.segmenter)  # fmt: skip
    procedure.add_int_argument(
        "size", _("Si_ze"),
        _("Long side in pixels at which is worked; 0 as the recipe says, -1 the layer's own"),
        FULL_SIZE, 65535, default.size, FLAGS,
    )  # fmt: skip
    procedure.add_double_argument(
        "style-scale", _("_Brush size"), _("0.1 to 10; 0 as the recipe says"),
        0.0, 10.0, default.style_scale, FLAGS,
    )  # fmt: skip
    choice("keep-colors", _("_Keep colours"), _("The layer's own colours stay"),
           yes_or_no, default.keep_colors)  # fmt: skip
    procedure.add_string_argument(
        "transfer", _("_Transfer"),
        _("Some of details, colours, textures (engine zmnet); empty as the recipe says"),
        default.transfer, FLAGS,
    )  # fmt: skip
    procedure.add_double_argument(
        "threshold", _("T_hreshold"),
        _("Above 0, below 1, for every region: lower finds more; 0 as the recipe says"),
        0.0, 1.0, default.threshold, FLAGS,
    )  # fmt: skip
    procedure.add_int_argument(
        "grow", _("_Grow"),
        _("Pixels by which every region is widened, -500 to 500; -1000 as the recipe says"),
        NO_GROW, 500, default.grow, FLAGS,
    )  # fmt: skip
    procedure.add_double_argument(
        "feather", _("_Feather"),
        _("Pixels by which every region's edge is softened, 0 to 500; -1 as the recipe says"),
        -1.0, 500.0, default.feather, FLAGS,
    )  # fmt: skip
    choice("invert", _("_Invert"), _("Repaint all but the regions"), yes_or_no, default.invert)
    procedure.add_int_argument(
        "seed", _("See_d"), _("For what is random; -1 as the recipe says"),
        -1, 2**31 - 1, default.seed, FLAGS,
    )  # fmt: skip
    procedure.add_int_argument(
        "polish", _("_Polish"),
        _("Steps spent on coming nearer to the style; -1 as the recipe says, -2 automatic"),
        AUTO_POLISH, 200, default.polish, FLAGS,
    )  # fmt: skip
    flag("selection-only", _("_Only the selection"),
         _("Where there is a selection, nothing outside it is repainted"),
         default.selection_only)  # fmt: skip
    flag("merge", _("_Merge into one layer"), _("One layer in place of a group"), default.merge)
    flag("strict", _("Stop if a region is _not found"),
         _("Else the other regions are repainted"), default.strict)  # fmt: skip
    flag("recompute-masks", _("Recompute mas_ks"),
         _("Of a group of layers: masks that were painted by hand are found again, and deleted "
           "layers come back"), default.recompute_masks)  # fmt: skip
    changed = {"error": _("Stop"), "accept": _("Repaint it as it is now")}
    choice("when-source-changed", _("_When the layer has changed"),
           _("Of a group of layers: what to do if the layer below has other pixels than it had"),
           changed, "error")  # fmt: skip


def options_of(config: Any) -> Options:
    """What the arguments say."""

    def said(name: str) -> Any:
        return config.get_property(name)

    return Options(
        recipe=said("recipe") or "",
        engine=said("engine"),
        segmenter=said("segmenter"),
        size=said("size"),
        style_scale=said("style-scale"),
        keep_colors=said("keep-colors"),
        transfer=said("transfer") or "",
        threshold=said("threshold"),
        grow=said("grow"),
        feather=said("feather"),
        invert=said("invert"),
        seed=said("seed"),
        polish=said("polish"),
        selection_only=said("selection-only"),
        merge=said("merge"),
        strict=said("strict"),
        recompute_masks=said("recompute-masks"),
        accept_changes=said("when-source-changed") == "accept",
    )


def run_style(
    procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any, data: Any
) -> Any:
    def work() -> None:
        if run_mode == Gimp.RunMode.INTERACTIVE:
            from .dialog.run import restyle_with_dialog

            restyle_with_dialog(procedure, image, drawables, config, options_of)
        else:
            from .document.restyle import restyle_in_batch

            restyle_in_batch(image, drawables, options_of(config))

    return answered(procedure, work)


def answered(procedure: Any, work: Any) -> Any:
    """Does the work; whatever goes wrong becomes one line in GIMP.

    Stopped, the person's own wish, is no error.
    """
    from .link.address import AddressError
    from .link.client import WorkerError
    from .link.wire import WireError

    status = Gimp.PDBStatusType
    try:
        work()
    except Stopped:
        return procedure.new_return_values(status.CANCEL, None)
    except (Refused, WorkerError, AddressError, WireError) as error:
        return _failed(procedure, str(error))
    except Exception as error:
        return _failed(procedure, written_down(error))
    return procedure.new_return_values(status.SUCCESS, None)


def _failed(procedure: Any, message: str) -> Any:
    line = message[:1].upper() + message[1:]
    error = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), line, 0)
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, error)


def main(arguments: list[str]) -> None:
    Gimp.main(SemanticStyle.__gtype__, arguments)
