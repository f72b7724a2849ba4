"""What scripts of tests find in GIMP's own Python, beside Gimp, Gegl, Babl, Gio and GLib.

Run by python-fu-eval in front of a test's script (real_gimp.py); standard library and gi only.
"""

import json
import os
import traceback
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp, Gio  # noqa: E402

verdict = {}


def run_script(script, names):
    """Run a test's script with these global names, and leave its verdict."""
    try:
        exec(compile(script, "<test>", "exec"), names)
    except BaseException:
        verdict["exception"] = traceback.format_exc()
    place = Path(os.environ["VERDICT"])
    fresh = place.with_suffix(".new")
    fresh.write_text(json.dumps(verdict), encoding="utf-8")
    fresh.replace(place)


def call(name, **properties):
    """Run a procedure: {"status": such as "SUCCESS", "message": one line or "", "values": [...]}.

    A list of items is passed as an array of them.
    """
    procedure = Gimp.get_pdb().lookup_procedure(name)
    if procedure is None:
        return {"status": "ABSENT", "message": name, "values": []}
    config = procedure.create_config()
    for key, value in properties.items():
        key = key.replace("_", "-")
        if isinstance(value, list):
            config.set_core_object_array(key, value)
        else:
            config.set_property(key, value)
    found = procedure.run(config)
    status = Gimp.PDBStatusType(found.index(0))
    names = {
        getattr(Gimp.PDBStatusType, word): word
        for word in ("SUCCESS", "CANCEL", "CALLING_ERROR", "EXECUTION_ERROR", "PASS_THROUGH")
    }
    values = [found.index(number) for number in range(1, found.length())]
    failed = names[status] in ("CALLING_ERROR", "EXECUTION_ERROR")
    message = str(values[0]) if failed and values else ""
    return {"status": names[status], "message": message, "values": [] if failed else values}


def opened(path):
    """An image from a file."""
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))


def samples(drawable, form="R'G'B'A u8", rect=None):
    """The drawable's samples as bytes, in a named format, of (x, y, width, height) or all of it."""
    x, y, width, height = rect or (0, 0, drawable.get_width(), drawable.get_height())
    area = Gegl.Rectangle.new(x, y, width, height)
    return bytes(drawable.get_buffer().get(area, 1.0, form, Gegl.AbyssPolicy.NONE))


def kept(name, data):
    """Write bytes into the folder that the test sees too; its path."""
    path = Path(os.environ["VERDICT"]).with_name(name)
    path.write_bytes(data)
    return str(path)
