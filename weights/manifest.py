"""What weight files there are, and where each lies on this machine."""

from __future__ import annotations

import difflib
import hashlib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..core.errors import RequestError

PACKAGE_FOLDER = Path(__file__).resolve().parent
MANIFEST = PACKAGE_FOLDER / "manifest.toml"
HUB_WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Entry:
    """One weight file of the manifest.

    sha256, size (bytes): of `file`, for kind 'hub' of its model.safetensors; empty and 0 where
    the file is made on the user's machine, which then keeps its own record beside the file.
    card: the model card, a file name in weights/. slope, offset: of CLIPSeg's calibration,
    sigmoid(slope * logit + offset), after which 0.5 is the natural threshold.
    """

    name: str
    file: str
    kind: Literal["shipped", "torchvision", "hub", "import"]
    licence: str
    card: str
    description: str
    sha256: str = ""
    size: int = 0
    url: str = ""
    repo: str = ""
    revision: str = ""
    slope: float = 1.0
    offset: float = 0.0


def entries() -> list[Entry]:
    """All weight files of the manifest, in its order."""
    table = tomllib.loads(MANIFEST.read_text(encoding="utf-8"))
    return [Entry(name=name, **fields) for name, fields in table.items()]


def entry(name: str) -> Entry:
    """The manifest's entry. Raises RequestError with the nearest names."""
    known = {item.name: item for item in entries()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=2) or list(known)
    raise RequestError(f"no weights are called {name!r}: take one of {', '.join(near)}")


def user_folder() -> Path:
    """Where fetched and imported weights and own styles go; it need not exist yet.

    SEMANTIC_STYLE_DATA overrides the platform's data folder.
    """
    override = os.environ.get("SEMANTIC_STYLE_DATA")
    if override:
        return Path(override)
    from platformdirs import user_data_path

    return user_data_path("semantic-style", appauthor=False)


def user_weights_folder() -> Path:
    return user_folder() / "weights"


def weight_path(name: str) -> Path:
    """Where the weights lie: a file, for kind 'hub' a folder.

    Looked for in the package, then in the user's data folder, then (hub) in the hub's cache.
    Raises RequestError that says how to get them where they are nowhere.
    """
    item = entry(name)
    for folder in (PACKAGE_FOLDER, user_weights_folder()):
        path = folder / item.file
        if _present(item, path):
            return path
    if item.kind == "hub":
        path = hub_snapshot(item)
        if _present(item, path):
            return path
    raise RequestError(f"the weights {name!r} are not on this machine: {how_to_get(item)}")


def hub_snapshot(item: Entry) -> Path:
    """Folder in the hub's cache that holds the revision once it is fetched."""
    from huggingface_hub import constants

    repo = Path(constants.HF_HUB_CACHE) / ("models--" + item.repo.replace("/", "--"))
    try:  # what a branch's name stood for when it was fetched
        commit = (repo / "refs" / item.revision).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        commit = item.revision
    return repo / "snapshots" / commit


def record_path(path: Path) -> Path:
    """The sha256sum-style record that lies beside weights made on this machine."""
    return path.with_name(path.name + ".sha256")


def is_file(name_or_path: str | Path) -> bool:
    """Whether a caller means a safetensors file of its own, not a name of the manifest."""
    return isinstance(name_or_path, Path) or name_or_path.endswith(".safetensors")


def digest(name_or_path: str | Path) -> str:
    """sha256 that weights of this name must have, or that a caller's own file has.

    Raises RequestError if it is not known, or if the file can't be read.
    """
    if is_file(name_or_path):
        try:
            return file_sha256(Path(name_or_path))
        except OSError as error:
            raise RequestError(f"{name_or_path} can't be read ({error.strerror})") from None
    name = str(name_or_path)
    item = entry(name)
    if item.kind == "hub" and (record := own_record(item)).is_file():
        return _recorded(record, item)
    if item.sha256:
        return item.sha256
    if item.kind == "shipped":
        raise RequestError(
            f"the weights {name!r} are not registered: "
            f"run python -m semantic_style.weights.register {name} FILE"
        )
    return _recorded(record_path(weight_path(name)), item)


def own_record(item: Entry) -> Path:
    """Where the record lies of a user's own checkpoint under a hub entry's name."""
    return record_path(weights_file(item, user_weights_folder() / item.file))


def is_own(name: str) -> bool:
    """Whether a checkpoint of the user's own answers in the published one's place."""
    item = entry(name)
    return item.kind == "hub" and own_record(item).is_file()


def _recorded(record: Path, item: Entry) -> str:
    try:
        return record.read_text(encoding="utf-8").split()[0]
    except (OSError, UnicodeDecodeError, IndexError):
        raise RequestError(
            f"the weights {item.name!r} have lost their checksum: {how_to_get(item)}"
        ) from None


def file_sha256(path: Path) -> str:
    """sha256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def weights_file(item: Entry, path: Path) -> Path:
    """The file that sha256 and size speak of."""
    return path / HUB_WEIGHTS if item.kind == "hub" else path


def _present(item: Entry, path: Path) -> bool:
    return weights_file(item, path).is_file()


def how_to_get(item: Entry) -> str:
    """What to do to have the weights: the end of an error's line."""
    if item.kind == "shipped":
        return "they come with Semantic Style, so install it again"
    if item.kind == "import":
        return (
            f"download the checkpoint that github.com/{item.repo} links to, "
            f"then run semantic-style weights import {item.name} FOLDER"
        )
    what = "FOLDER" if item.kind == "hub" else "FILE"
    return (
        f"run semantic-style weights fetch {item.name}, "
        f"or semantic-style weights import {item.name} {what}"
    )
