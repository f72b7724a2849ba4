"""The GIMPs on this machine: which there are, and how one makes its first profile."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .gimp_profiles import FLATPAK, Profile, profile_of, settings_folder

PROGRAMS = ("gimp-console", "gimp", "gimp-console-3.0", "gimp-console-3", "gimp-3.0", "gimp-3")
FLATPAK_APP = "org.gimp.GIMP"
ANSWERS = 20.0  # s; --version takes a tenth of one, a cold disk or Flatpak some
FIRST_START = 120.0  # s; it queries its plug-ins, 6 s on two slow cores
_FOUND = re.compile(r"\b(\d+)\.(\d+)\.\d+")


@dataclass(frozen=True)
class Program:
    """A GIMP that can be started. version: such as (3, 0)."""

    command: tuple[str, ...]
    version: tuple[int, int]
    sandboxed: bool = False

    @property
    def usable(self) -> bool:
        return self.version[0] >= 3

    @property
    def profile(self) -> Profile:
        parent = Path.home() / FLATPAK if self.sandboxed else settings_folder()
        return profile_of(parent / "{}.{}".format(*self.version))

    def __str__(self) -> str:
        return "GIMP {}.{}{}".format(*self.version, " (Flatpak)" if self.sandboxed else "")


def find_programs() -> list[Program]:
    """Every GIMP in PATH and of Flatpak, each version once."""
    found: dict[tuple[tuple[int, int], bool], Program] = {}
    for name in PROGRAMS:
        path = shutil.which(name)
        version = _version((path, "--version")) if path else None
        if path and version:
            found.setdefault((version, False), Program((path,), version))
    flatpak = shutil.which("flatpak")
    version = _version((flatpak, "info", FLATPAK_APP)) if flatpak else None
    if flatpak and version:
        command = (flatpak, "run", "--command=gimp-console", FLATPAK_APP)
        found[version, True] = Program(command, version, sandboxed=True)
    return list(found.values())


def make_profile(program: Program) -> bool:
    """Have a GIMP that never ran make its profile, without a window; whether it is there then.

    GIMP takes over the settings of an older version only while it has no folder of its own, so
    that folder must not be made by anybody else.
    """
    quietly = ("--no-interface", "--no-data", "--no-fonts", "--quit")
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(
            (*program.command, *quietly),
            stdin=subprocess.DEVNULL, capture_output=True, timeout=FIRST_START, check=False,
        )  # fmt: skip
    return program.profile.folder.is_dir()


def _version(command: tuple[str, ...]) -> tuple[int, int] | None:
    """The first version number that the command prints, None where it does not run."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=ANSWERS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    number = _FOUND.search(done.stdout.decode(errors="replace"))
    return (int(number[1]), int(number[2])) if done.returncode == 0 and number else None
