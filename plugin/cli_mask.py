"""semantic-style mask: where the picture shows what a phrase says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.recipe import Recipe, Region, Source, parse_target
from ..core.wording import shown
from .console import note, progress_bar, say, warn

UNUSED_STYLE = (Source("name", "none"),)  # a region needs one; for its mask nobody looks at it


def mask(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="The picture to look at.")],
    phrase: Annotated[
        str,
        typer.Argument(metavar="PHRASE", help='Or a region: "sky + sea within mask:sel.png".'),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="MASK.png", help="The mask.")],
    segmenter: Annotated[
        str, typer.Option(metavar="NAME", help="auto, clipseg or builtin.")
    ] = "auto",
    threshold: Annotated[
        float | None, typer.Option(metavar="T", help="0 to 1; lower finds more.")
    ] = None,
    grow: Annotated[
        int, typer.Option(metavar="N", help="Widen the region by N px; negative shrinks.")
    ] = 0,
    feather: Annotated[float, typer.Option(metavar="N", help="Soften its edge, px.")] = 2.0,
    invert: Annotated[bool, typer.Option("--invert", help="All but the region.")] = False,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write the mask of a phrase or region as a grey PNG of the photo's size; white is it.

    semantic-style mask photo.jpg "sky + sea within mask:selection.png" -o mask.png
    """
    from ..core.image import load_picture, save_mask
    from ..core.selection import Selector
    from .outputs import check_mask_target, check_photo
    from .session import Session, find_clipseg

    region = Region(
        **parse_target(phrase)._asdict(),
        style=UNUSED_STYLE,
        threshold=threshold,
        grow=grow,
        feather=feather,
        invert=invert,
    )
    recipe = Recipe((region,), segmenter=segmenter)  # type: ignore[arg-type]  # checked there
    check_photo(photo)
    check_mask_target(out, force=force)
    session = Session(device)
    if segmenter == "clipseg":
        find_clipseg()  # before minutes go into a large picture
    picture = load_picture(photo)
    network = session.segmenter_for(recipe)
    with progress_bar(photo.name) as progress:
        found = Selector(network).select(picture, recipe, progress=progress)
        save_mask(found.mask, out, force=force)
    for line in found.warnings:
        warn(line)
    if session.fallback:
        note(session.fallback)
    said = [f"{float(found.mask.mean()):.1%} of the picture"]
    if len(found.scores) == 1:
        said += [f"best score {score:.2f}" for score in found.scores.values()]
    else:
        said += [f"best score of {shown(name)} {score:.2f}" for name, score in found.scores.items()]
    said += [f"by {network.name}"] if found.asked else []
    say(f"wrote {out}: {', '.join(said)}")
