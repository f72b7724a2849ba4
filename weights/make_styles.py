"""`python -m semantic_style.weights.make_styles [NAME ...]`: draw the shipped styles again.

What is drawn, and by which function, stands in styles/styles.toml. `--sheet FILE` writes a
contact sheet of all shipped styles.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..core.errors import RequestError
from .contact_sheet import contact_sheet
from .style_scripts.canvas import finished
from .style_store import Style, StyleStore, shipped_folder

SEED = 7


def draw(style: Style) -> NDArray[np.uint8]:
    """512 x 512 x 3 of a style that has a script; the same in every run."""
    module, _, function = style.script.partition(":")
    script = import_module(f".style_scripts.{module}", __package__)
    return finished(getattr(script, function)(np.random.default_rng(SEED)))


def scripted(names: Sequence[str] = ()) -> list[Style]:
    """The shipped styles with a script, or the named ones. Raises RequestError for other names."""
    store = StyleStore()
    chosen = [store.get(name) for name in names] or [s for s in store.list() if s.script]
    for style in chosen:
        if not style.script:
            raise RequestError(f"{style.name!r} is a picture, not made by a script")
    return chosen


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make_styles", description="Draw the scripted styles.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all that have a script")
    parser.add_argument(
        "--out", type=Path, default=shipped_folder(), help="default: where they ship"
    )
    parser.add_argument("--sheet", type=Path, help="only write this contact sheet, of all styles")
    options = parser.parse_args(arguments)
    if options.sheet:
        tiles = []
        for style in StyleStore().list():
            if style.origin == "shipped":
                with Image.open(style.path) as picture:
                    tiles.append((style.name, picture.convert("RGB")))
        contact_sheet(tiles, columns=7, side=150).save(options.sheet, quality=84, optimize=True)
        print(options.sheet)
        return
    for style in scripted(options.names):
        target = options.out / style.path.name
        Image.fromarray(draw(style)).save(target, quality=86, optimize=True, progressive=True)
        print(target, target.stat().st_size)


if __name__ == "__main__":
    main()
