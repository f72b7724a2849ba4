"""semantic-style gimp: put the plug-in into GIMP 3, take it out, say what is where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import RequestError
from .console import say, table

if TYPE_CHECKING:
    from .gimp_profiles import Profile

app = typer.Typer(help="The plug-in for GIMP 3: install, uninstall, status.")
PROFILE = Annotated[
    Path | None,
    typer.Option(
        "--profile",
        metavar="DIR",
        help="Only this folder of GIMP's settings, as in GIMP3_DIRECTORY.",
    ),
]


@app.command("install")
def install_plug_in(profile: PROFILE = None) -> None:
    """Put the plug-in into every GIMP 3 profile; again after moving or updating Semantic Style."""
    from .gimp_profiles import install

    faults = []
    for place in [_named(profile)] if profile else _profiles_to_fill():
        try:
            install(place)
        except RequestError as error:
            faults.append(str(error))
        else:
            say(f"installed for {place}")
    if faults:
        raise RequestError("; ".join(faults))


@app.command("uninstall")
def uninstall_plug_in(profile: PROFILE = None) -> None:
    """Take the plug-in out of every GIMP 3 profile."""
    from .gimp_profiles import find_profiles, uninstall

    faults, removed = [], False
    for place in [_named(profile)] if profile else find_profiles():
        try:
            if uninstall(place):
                removed = True
                say(f"removed from {place}")
        except RequestError as error:
            faults.append(str(error))
    if faults:
        raise RequestError("; ".join(faults))
    if not removed:
        say("nothing to remove: the plug-in is in no GIMP 3 profile")


@app.command("status")
def plug_in_status(profile: PROFILE = None) -> None:
    """Say for every GIMP 3 profile what is installed there, and whether it can work."""
    from .gimp_profiles import find_profiles, look

    rows = []
    for place in [_named(profile)] if profile else find_profiles():
        found = look(place)
        state = {
            "current": "installed",
            "older": "differs from this program",
            "foreign": "something else of that name",
            "missing": "not installed",
        }[found.state]
        python = str(found.python or "")
        rows.append(
            (
                f"{place.version or '?'}{' (Flatpak)' if place.sandboxed else ''}",
                state,
                found.version,
                f"{python}{'' if found.python_there or not python else ' (gone)'}",
                str(place.folder),
            )
        )
    if not rows:
        raise RequestError("no GIMP 3 profile was found: start GIMP 3 once, or give --profile DIR")
    say(table(("GIMP", "PLUG-IN", "VERSION", "STARTS WITH", "PROFILE"), rows))


def _named(folder: Path) -> Profile:
    from .gimp_profiles import profile_of

    if folder.name == "plug-ins":
        raise RequestError(f"{folder} is a folder of plug-ins: give the profile above it")
    return profile_of(folder)


def _profiles_to_fill() -> list[Profile]:
    """The profiles that are there, and one for each GIMP 3 that never ran."""
    from .gimp_profiles import find_profiles
    from .gimp_programs import find_programs, make_profile

    found = find_profiles()
    programs = find_programs()
    there = {(place.version, place.sandboxed) for place in found}
    for program in programs:
        missing = program.profile
        if program.usable and (missing.version, missing.sandboxed) not in there:
            say(f"{program} makes its profile, as on its first start")
            if make_profile(program):
                found.append(missing)
    if found:
        return found
    old = ", ".join(str(program) for program in programs if not program.usable)
    if old:
        raise RequestError(f"{old} is too old for the plug-in: install GIMP 3, then run it again")
    if programs:
        raise RequestError(f"{programs[0]} has no profile yet: start it once, then run this again")
    raise RequestError("no GIMP 3 was found: install it, or give --profile DIR")
