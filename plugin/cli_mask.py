"""semantic-style mask: where the picture shows what a phrase says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.recipe import Recipe, Region, Source, Target
from .console import note, progress_bar, say, warn

UNUSED_STYLE = (Source("name", "none"),)  # a region needs one; for its mask nobody looks at it


def mask(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="The picture to look at.")],
    phrase: Annotated[str, typer.Argument(metavar="PHRASE", help="Such as sky or red car.")],
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
    """Write the mask of a phrase as a grey PNG of the photo's size; white is the region."""
    from ..core.image import load_picture, save_mask
    from ..core.selection import Selector
    from .outputs import check_mask_target, check_photo
    from .session import Session

    region = Region(
        Target("phrase", phrase),
        UNUSED_STYLE,
        threshold=threshold,
        grow=grow,
        feather=feather,
        invert=invert,
    )
    recipe = Recipe((region,), segmenter=segmenter)  # type: ignore[arg-type]  # checked there
    check_photo(photo)
    check_mask_target(out, force=force)
    session = Session(device)
    picture = load_picture(photo)
    network = session.segmenter(segmenter)
    with progress_bar(photo.name) as progress:
        found = Selector(network).select(picture, recipe, strict=True, progress=progress)
        save_mask(found.mask, out, force=force)
    for line in found.warnings:
        warn(line)
    if session.fallback:
        note(session.fallback)
    (score,) = found.scores.values()
    share = float(found.mask.mean())
    say(f"wrote {out}: {share:.1%} of the picture, best score {score:.2f}, by {network.name}")
