"""The one door to weights: find, check, load, fetch, import.

Where a file comes from is written in manifest.toml; fetched and imported ones live in the
user's data folder, never in the checkout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..core.errors import RequestError
from .manifest import (
    Entry,
    digest,
    entries,
    entry,
    file_sha256,
    how_to_get,
    is_file,
    is_own,
    user_folder,
    weight_path,
    weights_file,
)
from .obtain import fetch, import_weights
from .reading import read_safetensors

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Entry",
    "Finding",
    "digest",
    "entries",
    "entry",
    "fetch",
    "import_weights",
    "is_own",
    "load_weights",
    "pinned",
    "user_folder",
    "verify",
    "weight_path",
]


OWN = "your own checkpoint, not the published file; sha256 as when it was imported"


@dataclass(frozen=True)
class Finding:
    """What `verify` found; detail is one line, empty where all is well and as published."""

    name: str
    state: Literal["ok", "missing", "damaged"]
    detail: str = ""


def pinned(name_or_path: str | Path) -> tuple[str, str]:
    """(name, sha256) for a recipe's pins; a caller's own file goes by its name without suffix.

    Raises RequestError as `digest` does.
    """
    name = Path(name_or_path).stem if is_file(name_or_path) else str(name_or_path)
    return name, digest(name_or_path)


def load_weights(name_or_path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a manifest's name or of a safetensors file.

    A network's own configuration is metadata['config'] (JSON). What has a name is checked
    against the manifest's size and sha256 first; a path is taken as the caller's own file.
    Raises RequestError for anything missing, damaged or not safetensors; nothing is ever
    unpickled.
    """
    if is_file(name_or_path):
        return read_safetensors(Path(name_or_path), remedy="give a .safetensors file")
    item = entry(str(name_or_path))
    path = weights_file(item, weight_path(item.name))
    return read_safetensors(path, sha256=digest(item.name), size=item.size, remedy=_remedy(item))


def verify(names: Sequence[str] = ()) -> list[Finding]:
    """Size and sha256 of the named weights, by default of all that the manifest knows.

    Raises RequestError for an unknown name only.
    """
    items = [entry(name) for name in names] if names else entries()
    return [_verify_one(item) for item in items]


def _verify_one(item: Entry) -> Finding:
    try:
        path = weights_file(item, weight_path(item.name))
    except RequestError as error:
        return Finding(item.name, "missing", str(error))
    try:
        expected = digest(item.name)
        own = is_own(item.name)
        size = 0 if own else item.size
        sound = (not size or path.stat().st_size == size) and file_sha256(path) == expected
    except RequestError as error:
        return Finding(item.name, "damaged", str(error))
    except OSError as error:
        return Finding(item.name, "damaged", f"{path} can't be read: {error.strerror}")
    if sound:
        return Finding(item.name, "ok", OWN if own else "")
    remedy = f"import it again with semantic-style weights import {item.name} FOLDER"
    return Finding(item.name, "damaged", f"{path} is damaged: {remedy if own else _remedy(item)}")


def _remedy(item: Entry) -> str:
    if item.kind == "shipped":
        return "install Semantic Style again; semantic-style weights verify checks all files"
    if item.kind == "import":
        return how_to_get(item)
    return f"run semantic-style weights fetch {item.name}"
