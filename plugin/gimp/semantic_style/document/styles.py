"""Pictures that a recipe names by files: GIMP opens them, the recipe then holds them itself."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from gi.repository import Gimp, Gio

from .faults import Refused
from .pixels import png, read_as
from .placing import Box

STYLE_SIDE = 512  # px; the worker takes no larger ones
MASK_SIDE = 4096  # px; a recipe lies in the document, so a mask in it is kept to a sane size


def self_contained(recipe: dict[str, Any]) -> dict[str, Any]:
    """The canonical recipe with the files of its styles and masks put in. Refused for files that
    GIMP can't open, and for pictures as prompts, which a recipe can't hold."""
    regions = []
    for region in recipe["regions"]:
        named = [region["target"], *region.get("plus", []), region.get("within")]
        for target in named:
            if target is not None and target["kind"] == "image":
                raise Refused(
                    f"image:{target['value']} can't be looked for from here: name it in words, or "
                    "use a mask"
                )
        changed = {**region, "style": [_style(source) for source in region["style"]]}
        changed["target"] = _target(region["target"])
        if "plus" in region:
            changed["plus"] = [_target(target) for target in region["plus"]]
        if region.get("within") is not None:
            changed["within"] = _target(region["within"])
        regions.append(changed)
    return {**recipe, "regions": regions}


def _style(source: dict[str, Any]) -> dict[str, Any]:
    if source["kind"] != "file":
        return source
    path = _path(source["value"])
    meant = source.get("sha256")
    if meant is not None and hashlib.sha256(_content(path)).hexdigest() != meant:
        raise Refused(f"the style {path} has changed since the recipe was made: name it again")
    image = _opened(path)
    try:
        held = {**source, "kind": "embedded", "value": embedded_style(image)}
    finally:
        image.delete()
    held.pop("sha256", None)
    return held


def _target(target: dict[str, Any]) -> dict[str, Any]:
    if target["kind"] != "mask":
        return target
    image = _opened(_path(target["value"]))
    try:
        return {"kind": "embedded", "value": _embedded(image, MASK_SIDE, "Y' u8", 1)}
    finally:
        image.delete()


def embedded_style(image: Any) -> str:
    """What an image shows, as base64 of an sRGB PNG of at most 512 px. The image is merged and
    scaled for it: hand over a copy of one that is open."""
    return _embedded(image, STYLE_SIDE, "R'G'B' u8", 3)


def _embedded(image: Any, side: int, form: str, channels: int) -> str:
    layer = image.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
    if layer is None:
        raise Refused("a picture without visible layers can't be used")
    width, height = image.get_width(), image.get_height()
    shrink = side / max(width, height)
    if shrink < 1:
        width, height = max(1, round(width * shrink)), max(1, round(height * shrink))
        image.scale(width, height)
    _, x, y = layer.get_offsets()
    samples = read_as(layer, Box(-x, -y, width, height), form, channels)
    return base64.b64encode(png(width, height, channels, samples)).decode()


def _path(value: str) -> Path:
    try:
        path = Path(value).expanduser()
        there = path.is_file()
    except (OSError, RuntimeError, ValueError):
        raise Refused(f"{value} is no file: give its whole path") from None
    if not there:
        raise Refused(f"there is no file {value}: give its whole path")
    return path.absolute()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"{path} can't be read: {error.strerror}") from None


def _opened(path: Path) -> Any:
    _content(path)  # says in words what GIMP would only show as a failed call
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(path)))
    if image is None:
        raise Refused(f"GIMP can't open {path}: choose a picture")
    image.undo_disable()
    return image
