"""Where GIMP 3 keeps plug-ins, and our folder there: put in whole, found out about, taken out.

GIMP runs PROFILE/plug-ins/semantic_style/semantic_style.py only where folder and file have the
same name and the file may be run. All else that the copy needs to know is in environment.json.
"""

from __future__ import annotations

import contextlib
import filecmp
import json
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from ..core.errors import RequestError
from .gimp.semantic_style.link.wire import PROTOCOL
from .worker.log import worker_log_path

NAME = "semantic_style"  # of the folder, and of the file in it that GIMP runs
SOURCE = Path(__file__).parent / "gimp" / NAME
ENVIRONMENT = "environment.json"
MARK = "made-by-semantic-style.txt"
MARK_TEXT = "semantic-style gimp install makes and replaces this folder; changes here are lost.\n"
LEFT_OUT = ("__pycache__", "*.pyc", "*.po", "*.pot")
FLATPAK = Path(".var/app/org.gimp.GIMP/config/GIMP")  # under the home folder
_VERSION = re.compile(r"3\.\d+")

State = Literal["current", "older", "foreign", "missing"]


@dataclass(frozen=True)
class Profile:
    """One version's settings of one GIMP. version: such as "3.0", "" where the folder's name does
    not say. sandboxed: a Flatpak's own, from where no program of this machine can be started."""

    folder: Path
    version: str = ""
    sandboxed: bool = False

    @property
    def plug_in(self) -> Path:
        return self.folder / "plug-ins" / NAME

    def __str__(self) -> str:
        what = f"GIMP {self.version}".strip()
        return f"{what}{' (Flatpak)' if self.sandboxed else ''} in {self.folder}"


@dataclass(frozen=True)
class Installed:
    """What lies in a profile. current: the same as this program's; older: it differs;
    foreign: something of that name that this program did not make. python: what the copy starts
    the worker with, None where it says nothing. runs: whether GIMP would take it for a plug-in."""

    state: State
    version: str = ""
    python: Path | None = None
    runs: bool = False

    @property
    def python_there(self) -> bool:
        return self.python is not None and os.access(self.python, os.X_OK)


def profile_of(folder: Path) -> Profile:
    """The profile in a folder that somebody names; it need not be there yet."""
    folder = folder.expanduser().absolute()
    version = folder.name if _VERSION.fullmatch(folder.name) else ""
    return Profile(folder, version, sandboxed=FLATPAK.parts[:3] == _from_home(folder)[:3])


def find_profiles() -> list[Profile]:
    """Every GIMP 3 profile of this user: GIMP3_DIRECTORY, this system's usual place, Flatpak's."""
    found = {}
    named = os.environ.get("GIMP3_DIRECTORY")
    if named:  # GIMP takes it from the home folder where it is relative
        folder = Path.home() / named
        if folder.is_dir():
            found[folder] = profile_of(folder)
    for parent in (settings_folder(), Path.home() / FLATPAK):
        with contextlib.suppress(OSError):
            for folder in sorted(parent.iterdir()):
                if _VERSION.fullmatch(folder.name) and folder.is_dir():
                    found.setdefault(folder, profile_of(folder))
    return list(found.values())


def settings_folder() -> Path:
    """The folder that holds one profile for each version of GIMP."""
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/GIMP"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData/Roaming") / "GIMP"
    given = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".config") / "GIMP"


def look(profile: Profile) -> Installed:
    """What of ours lies in the profile."""
    place = profile.plug_in
    if not os.path.lexists(place):
        return Installed("missing")
    if place.is_symlink() or not (place / MARK).is_file():
        return Installed("foreign", runs=_runs(place))
    said = _environment(place)
    python = said.get("python")
    current = said.get("version") == _version() and _same(SOURCE, place)
    return Installed(
        "current" if current else "older",
        str(said.get("version", "")),
        Path(python) if isinstance(python, str) and python else None,
        _runs(place),
    )


def install(profile: Profile) -> None:
    """Put the plug-in into the profile: it is there whole, or as before.

    Raises RequestError for a place that can't be written, and for a folder of our name that
    this program did not make.
    """
    place = profile.plug_in
    if look(profile).state == "foreign":
        raise RequestError(f"{place} was not made by semantic-style: move it elsewhere first")
    with _told(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place.parent)
        # GIMP passes over a folder that holds no file of its own name, as this one meanwhile.
        fresh = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=place.parent))
        try:
            (fresh / MARK).write_text(MARK_TEXT, encoding="utf-8")
            _fill(fresh)
            _exchange(fresh, place)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def uninstall(profile: Profile) -> bool:
    """Take our folder out of the profile; False where there is none. Raises RequestError for
    one that this program did not make, and where it can't be removed."""
    place = profile.plug_in
    state = look(profile).state
    if state == "missing":
        return False
    if state == "foreign":
        raise RequestError(f"{place} was not made by semantic-style: left alone")
    with _told(place):
        away = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=place.parent))
        place.rename(away / NAME)
        shutil.rmtree(away)
    return True


def _fill(folder: Path) -> None:
    shutil.copytree(
        SOURCE, folder, ignore=shutil.ignore_patterns(*LEFT_OUT), dirs_exist_ok=True, symlinks=False
    )
    said = {
        "python": str(Path(sys.executable).absolute()),
        "version": _version(),
        "protocol": PROTOCOL,
        "log": str(worker_log_path().absolute()),
    }
    text = json.dumps(said, ensure_ascii=False, indent=2) + "\n"
    (folder / ENVIRONMENT).write_text(text, encoding="utf-8")
    folder.chmod(0o755)
    entry = folder / f"{NAME}.py"
    entry.touch()  # only then GIMP asks the plug-in for its procedures again
    entry.chmod(entry.stat().st_mode | 0o755)


def _exchange(fresh: Path, place: Path) -> None:
    """A full folder can't be renamed over a full one, so the old one steps aside first."""
    if not place.exists():
        fresh.rename(place)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=place.parent)) / NAME
    place.rename(old)
    try:
        fresh.rename(place)
    except OSError:
        old.rename(place)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what a run that was killed has left."""
    for left in folder.glob(f".{NAME}-*"):
        if any((place / MARK).is_file() for place in (left, left / NAME)):
            shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _told(place: Path) -> Iterator[None]:
    """A failing disk becomes one line."""
    try:
        yield
    except OSError as error:
        # many files that could not be copied come as one error with a list
        why = error.args[0][0][2] if isinstance(error, shutil.Error) else error.strerror or error
        raise RequestError(f"{place} can't be written ({why}): check its rights and disk") from None


def _environment(place: Path) -> dict[str, Any]:
    try:
        said = json.loads((place / ENVIRONMENT).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _same(source: Path, copy: Path) -> bool:
    """Whether every file that would be copied lies there with the same content."""
    left_out = shutil.ignore_patterns(*LEFT_OUT)
    for folder, folders, files in os.walk(source):
        ignored = left_out(folder, folders + files)
        folders[:] = [name for name in folders if name not in ignored]
        there = copy / Path(folder).relative_to(source)
        for name in files:
            if name in ignored:
                continue
            try:
                if not filecmp.cmp(Path(folder, name), there / name, shallow=False):
                    return False
            except OSError:
                return False
    return True


def _runs(place: Path) -> bool:
    try:
        mode = (place / f"{NAME}.py").stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and (sys.platform == "win32" or bool(mode & 0o100))


def _from_home(folder: Path) -> tuple[str, ...]:
    try:
        return folder.relative_to(Path.home()).parts
    except ValueError:
        return ()


def _version() -> str:
    return metadata.version("semantic-style")
