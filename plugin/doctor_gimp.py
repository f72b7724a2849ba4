"""What keeps Semantic Style out of GIMP's menus, and what to do about it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .doctor import Fact
from .gimp.semantic_style.link.address import HAS_UNIX, Address, AddressError, addresses
from .gimp.semantic_style.link.client import Client, WorkerError
from .gimp_profiles import MARK, NAME, Installed, Profile, find_profiles, look
from .gimp_programs import find_programs
from .worker.log import worker_log_path

INSTALL = "semantic-style gimp install"
LEAST_DISK = 1e8  # bytes; GIMP writes its settings, and what does not fit in memory
TRIAL = 30.0  # s in which a worker has to answer; 2 s on two slow cores
LAST_LINES = 3


def examine_gimp() -> list[Fact]:
    """The GIMPs here, the plug-in in each profile, and whether a worker starts."""
    profiles = find_profiles()
    facts = [_gimp(profiles)]
    for profile in profiles:
        facts += examine_profile(profile)
    pythons = {found.python for found in map(look, profiles) if found.python_there and found.python}
    return [*facts, *(_worker(python) for python in sorted(pythons)), _log()]


def examine_profile(profile: Profile) -> list[Fact]:
    """Everything on the way from the profile's folder to an entry in that GIMP's menus."""
    found = look(profile)
    facts = [_copy(profile, found), *_strays(profile)]
    if found.state in ("current", "older") and found.runs:
        facts += _menu(profile)
        if profile.sandboxed:
            facts.append(
                Fact(
                    _topic(profile),
                    "note",
                    "GIMP from Flatpak can't start the worker: run semantic-style serve beside it",
                )
            )
    free = shutil.disk_usage(profile.folder).free
    if free < LEAST_DISK:
        text = f"only {free / 1e6:.0f} MB of disk are free for {profile.folder}: make room there"
        facts.append(Fact(_topic(profile), "bad", text))
    return facts


def _gimp(profiles: list[Profile]) -> Fact:
    programs = find_programs()
    usable = [str(program) for program in programs if program.usable]
    if usable:
        return Fact("GIMP", "ok", ", ".join(usable))
    if programs:
        old = ", ".join(map(str, programs))
        return Fact("GIMP", "note", f"{old} is too old for the plug-in: it takes GIMP 3")
    if profiles:
        versions = ", ".join(sorted({profile.version or "?" for profile in profiles}))
        return Fact("GIMP", "ok", f"profiles of {versions}; the program itself is not in PATH")
    return Fact("GIMP", "note", f"no GIMP 3 was found; once it is installed, {INSTALL}")


def _copy(profile: Profile, found: Installed) -> Fact:
    topic, place = _topic(profile), profile.plug_in
    restart = f"{INSTALL}, then restart GIMP"
    if found.state == "missing":
        return Fact(topic, "note", f"the plug-in is not in {profile.folder}: {restart}")
    if found.state == "foreign":
        text = f"{place} was not made by semantic-style: move it elsewhere, then {INSTALL}"
        return Fact(topic, "bad", text)
    if not found.runs:
        text = f"{place / NAME}.py can't be run, so GIMP passes over it: {restart}"
        return Fact(topic, "bad", text)
    if not found.python_there:
        python = found.python or "the Python of its worker"
        text = (
            f"{python} has gone, so no worker can be started: run install.sh again, then {INSTALL}"
        )
        return Fact(topic, "bad", text)
    if found.state == "older":
        text = f"{place} differs from this program ({found.version or 'damaged'}): {restart}"
        return Fact(topic, "note", text)
    here = Path(sys.executable).absolute()
    if found.python != here:
        text = (
            f"it starts the worker with {found.python}, not with {here}; to change that, {INSTALL}"
        )
        return Fact(topic, "note", text)
    return Fact(topic, "ok", f"{found.version} in {place}")


def _strays(profile: Profile) -> list[Fact]:
    """Copies under names that GIMP does not take: folder and file must have the same."""
    plug_ins = profile.folder / "plug-ins"
    strays = [
        plug_ins / f"{NAME}.py",
        *plug_ins.glob(f"*/{NAME}.py"),
        *plug_ins.glob(f"*/*/{NAME}.py"),
    ]
    return [
        Fact(
            _topic(profile),
            "note",
            f"GIMP does not look for a plug-in in {stray}: remove it; {INSTALL} makes the right "
            f"folder, {profile.plug_in}",
        )
        for stray in strays
        if stray.is_file()
        and stray.parent != profile.plug_in
        and not (stray.parent / MARK).is_file()
    ]


def _menu(profile: Profile) -> list[Fact]:
    """What GIMP itself has written down: where it looks, and what it found."""
    topic, plug_ins = _topic(profile), profile.folder / "plug-ins"
    searched = re.search(r'^\s*\(plug-in-path\s+"([^"]*)"', _text(profile.folder / "gimprc"), re.M)
    if searched:
        places = searched[1].replace("${gimp_dir}", str(profile.folder)).split(os.pathsep)
        if not any(Path(place) == plug_ins for place in places):
            where = "Edit > Preferences > Folders > Plug-ins"
            return [Fact(topic, "bad", f"GIMP does not search {plug_ins}: add it in {where}")]
    noted = profile.folder / "pluginrc"
    if not noted.is_file():
        return [Fact(topic, "note", "GIMP has not been started with this profile yet")]
    blocks = re.split(r"^\(plug-in-def ", _text(noted), flags=re.M)
    ours = [block for block in blocks if f"/{NAME}/{NAME}.py" in block.split("\n", 1)[0]]
    if any("(proc-def " in block for block in ours):
        return [Fact(topic, "ok", f"GIMP has its menu entries ({noted})")]
    if noted.stat().st_mtime < (profile.plug_in / MARK).stat().st_mtime:
        return [
            Fact(topic, "note", "GIMP has not been started since it was installed: restart GIMP")
        ]
    # GIMP keeps no note of a plug-in that failed when it was asked for its procedures.
    text = f"GIMP has been started since, but has not taken it: delete {noted}, start GIMP from a "
    return [Fact(topic, "bad", text + f"terminal, and look for what it says of {NAME}")]


def _worker(python: Path) -> Fact:
    """One that runs answers; else one is started, as the plug-in does, and ended again."""
    try:
        for address in addresses():
            try:
                said = Client(address).capabilities()
            except WorkerError as error:
                if error.code:
                    return Fact("worker", "bad", str(error))
            else:
                text = f"one is running, version {said['version']}, on {said['device']}"
                return Fact("worker", "ok", text)
    except AddressError as error:
        if HAS_UNIX:  # elsewhere it only says that none runs
            return Fact("worker", "bad", f"there is no safe place to meet it: {error}")
    try:
        return _started(python)
    except OSError as error:
        return Fact(
            "worker", "bad", f"{python} does not start ({error.strerror}): run install.sh again"
        )


def _started(python: Path) -> Fact:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sst-") as folder:
        place, heard = Path(folder) / "trial.sock", Path(folder) / "said"
        command = [
            str(python),
            "-I",
            "-m",
            "semantic_style.plugin",
            "serve",
            "--socket",
            str(place),
        ]
        with heard.open("wb") as stream:
            process = subprocess.Popen(
                [*command, "--idle-exit", str(TRIAL)],
                stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            )  # fmt: skip
        try:
            while process.poll() is None and time.monotonic() - began < TRIAL:
                try:
                    said = Client(Address(socket=place)).capabilities()
                except (WorkerError, OSError):
                    time.sleep(0.1)
                else:
                    text = f"starts in {time.monotonic() - began:.1f} s, on {said['device']}"
                    return Fact("worker", "ok", text)
        finally:
            process.kill()  # it holds nothing of worth; asked to, it would first end its loading
            process.wait()
        last = " | ".join(_text(heard).strip().splitlines()[-LAST_LINES:]) or "it says nothing"
    return Fact("worker", "bad", f"{python} starts none: {last}; run install.sh again")


def _log() -> Fact:
    path = worker_log_path()
    lines = _text(path).strip().splitlines()
    if not lines:
        return Fact("worker log", "ok", f"nothing so far; it would be in {path}")
    troubles = [line for line in lines if re.search(r" (ERROR|CRITICAL) ", line)]
    if troubles:
        return Fact("worker log", "note", f"{path}; last trouble: {troubles[-1][:200]}")
    return Fact("worker log", "ok", f"{path}; last line: {lines[-1][:200]}")


def _topic(profile: Profile) -> str:
    return f"GIMP {profile.version}".strip() + (" (Flatpak)" if profile.sandboxed else "")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
