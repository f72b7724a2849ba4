"""semantic-style demo: the whole idea on a shipped photo, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.recipe import format_recipe, parse_recipe
from .console import say

PHOTO = "neuschwansteinCastle"
RECIPE = "sky = oil-impasto"


def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="Where the result is written.")] = Path(
        "demo.png"
    ),
    mask_out: Annotated[
        Path | None, typer.Option(metavar="M.png", help="Write the mask here, too.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Repaint the sky of a shipped photo in a shipped style; needs no network."""
    from .outputs import plan
    from .painting import Painter
    from .session import Session

    session = Session(device)
    recipe = parse_recipe(RECIPE)
    photo = session.shipped_photo(PHOTO)
    (job,) = plan([photo], out, mask=mask_out, force=force)
    session.check(recipe)
    say(f'photo {photo}: "{format_recipe(recipe)}"')
    Painter(session, recipe, force=force).paint(job)
