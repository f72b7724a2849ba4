"""Facts about this installation, each found without changing anything."""

from __future__ import annotations

import os
import platform
import shutil
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from ..core.errors import RequestError
from .faults import log_path
from .session import CLIPSEG_MISSING, OWN_WEIGHTS, Session

State = Literal["ok", "note", "bad"]
LEAST_DISK = 1e9  # bytes; a 12-megapixel result with its layers takes well under this
PACKAGES = (
    "torch",
    "torchvision",
    "transformers",
    "accelerate",
    "numpy",
    "pillow",
    "imagecodecs",
    "tifffile",
)


@dataclass(frozen=True)
class Fact:
    """bad: something does not work; note: a thing to know, with what to do about it."""

    topic: str
    state: State
    text: str


def examine() -> list[Fact]:
    """Everything that decides whether and how fast Semantic Style works here."""
    facts = [_program(), *_packages(), _device(), *_weights(), _segmenter(), _styles()]
    return [*facts, *_folders(), _log()]


def _program() -> Fact:
    where = Path(__file__).resolve().parents[1]
    version = metadata.version("semantic-style")
    system = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return Fact("semantic-style", "ok", f"{version} in {where}, {system}")


def _packages() -> list[Fact]:
    facts = []
    for name in PACKAGES:
        try:
            facts.append(Fact(name, "ok", metadata.version(name)))
        except metadata.PackageNotFoundError:
            # accelerate serves training alone, which is an extra
            state: State = "note" if name == "accelerate" else "bad"
            facts.append(Fact(name, state, f"not installed: pip install {name}"))
    return facts


def _device() -> Fact:
    try:
        from ..core.device import choose_device, free_memory

        device = choose_device("auto")
        free = free_memory(device) / 1e9
    except (ImportError, OSError, RuntimeError) as error:
        return Fact("device", "bad", f"PyTorch does not start ({error}): install it again")
    state: State = "ok" if free >= 2 else "note"
    return Fact("device", state, f"{device.place}, {device.dtype_name}, {free:.1f} GB free")


def _weights() -> list[Fact]:
    from ..weights.store import entry, verify

    facts = []
    for finding in verify():
        optional = entry(finding.name).kind != "shipped"
        state: State = "ok" if finding.state == "ok" else "bad"
        if finding.state == "missing" and optional:
            state = "note"
        facts.append(
            Fact(f"weights {finding.name}", state, finding.detail or "here, sha256 as it should be")
        )
    return [*facts, *_own_weights()]


def _own_weights() -> list[Fact]:
    """What answers in the place of networks that ship."""
    if not os.environ.get(OWN_WEIGHTS):
        return []
    try:
        own = Session().own
    except RequestError as error:
        return [Fact("own weights", "bad", f"{error}: mend or unset {OWN_WEIGHTS}")]
    found = f"{', '.join(own) or 'nothing'} of {os.environ[OWN_WEIGHTS]}"
    return [Fact("own weights", "note", f"{found} answers in the shipped ones' place")]


def _segmenter() -> Fact:
    started = time.perf_counter()
    try:
        session = Session()
        segmenter = session.segmenter("auto")
    except RequestError as error:
        return Fact("segmenter", "bad", str(error))
    seconds = time.perf_counter() - started
    text = f"{segmenter.name} answers, loaded in {seconds:.1f} s"
    if session.fallback in (None, CLIPSEG_MISSING):  # that it is missing is said of the weights
        return Fact("segmenter", "ok", text)
    return Fact("segmenter", "note", f"{text}; {session.fallback}")


def _styles() -> Fact:
    from ..weights.style_store import StyleStore

    styles = StyleStore().list()
    own = sum(style.origin == "own" for style in styles)
    state: State = "ok" if len(styles) > own else "bad"
    return Fact("styles", state, f"{len(styles) - own} shipped, {own} of your own")


def _folders() -> list[Fact]:
    from huggingface_hub import constants

    from ..weights.store import user_folder

    facts = []
    places = {"data folder": user_folder(), "hub cache": Path(constants.HF_HUB_CACHE)}
    for topic, folder in places.items():
        there = next(place for place in (folder, *folder.parents) if place.exists())
        free = shutil.disk_usage(there).free
        state: State = "ok" if free >= LEAST_DISK else "note"
        made = "" if there == folder else ", not made yet"
        facts.append(Fact(topic, state, f"{folder}{made}, {free / 1e9:.1f} GB of disk free"))
    return facts


def _log() -> Fact:
    path = log_path()
    if not path.is_file():
        return Fact("log", "ok", f"no unexpected error so far; it would be in {path}")
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(path.stat().st_mtime))
    return Fact("log", "note", f"last unexpected error on {when}: {path}")
