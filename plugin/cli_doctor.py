"""semantic-style doctor: what works here, and what to do about the rest."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from ..core.errors import RequestError
from .console import say, table


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    clipseg: Annotated[
        bool,
        typer.Option("--clipseg", help="Also ask CLIPSeg, whose weights must be here, of photos."),
    ] = False,
) -> None:
    """Look at device, weights, segmenter, styles, folders, GIMP; exit code 2 if one is bad."""
    from .doctor import examine
    from .doctor_gimp import examine_gimp

    facts = examine() + examine_gimp()
    if clipseg:
        from .doctor_clipseg import examine_clipseg

        facts += examine_clipseg()
    if as_json:
        say(json.dumps([asdict(fact) for fact in facts], ensure_ascii=False, indent=2))
    else:
        say(table(("WHAT", "STATE", "FOUND"), [(f.topic, f.state, f.text) for f in facts]))
    bad = [fact.topic for fact in facts if fact.state == "bad"]
    if bad:
        raise RequestError(f"something is wrong with {', '.join(bad)}: see FOUND for what to do")
