"""Files that a visitor brings: pictures, and recipes in files or in a result's PNG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ...core.errors import RequestError
from ...core.image import Picture, load_picture
from ...core.image_header import open_file
from ...core.recipe import Recipe, load_recipe
from ...core.wording import shown_path
from .wishes import Problem

LARGEST = 200_000_000  # bytes of a file
RECIPES = (".json", ".toml", ".txt")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
# The first bytes of the formats that are taken; what stands in a file counts, not its name.
_HEADS = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}


@dataclass(frozen=True, eq=False)
class Arrived:
    """picture: None for a recipe's file. recipe: None where there is none in it."""

    name: str
    picture: Picture | None
    recipe: Recipe | None


def arrived(path: Path) -> Arrived:
    """What a file holds. Problem("photo") where it can't be had."""
    try:
        if path.suffix.lower() in RECIPES:
            return Arrived(path.stem, None, load_recipe(path))
        form = _form(path)
        if form is None:
            name = shown_path(path.name)
            raise RequestError(f"{name} is no PNG, JPEG, WebP or TIFF: save it as one of them")
        return Arrived(path.stem, load_picture(path), _carried(path) if form == "PNG" else None)
    except RequestError as error:
        # Where a file lies here is nobody's business.
        line = str(error).replace(shown_path(path), shown_path(path.name))
        raise Problem("photo", line) from None


def _form(path: Path) -> str | None:
    with open_file(path) as stream:
        head = stream.read(16)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return next((form for form, heads in _HEADS.items() if head.startswith(heads)), None)


def _carried(path: Path) -> Recipe | None:
    """The recipe in a PNG. A broken one is as none: the picture is good all the same."""
    try:
        return load_recipe(path)
    except RequestError:
        return None


def upload_field(**options: Any) -> gr.File:
    """A field for one file, that gives the uploaded file itself: Gradio's own way leaves an empty
    file behind at each upload. (A subclass would make Gradio write a stub beside this module.)"""

    def path_of(payload: Any) -> str | None:
        return None if payload is None else str(payload.path)

    field = gr.File(**options)
    field.preprocess = path_of  # type: ignore[assignment, method-assign]
    return field
