"""semantic-style stylize: repaint what words point at, in one photo or in many."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import RequestError
from .console import warn
from .faults import DONE
from .request import (
    given_recipe,
    polish_value,
    size_value,
    split_positionals,
    transfer_value,
    with_flags,
)


def stylize(
    positionals: Annotated[
        list[str],
        typer.Argument(metavar="PHOTO", help='Photos, then a recipe: "sky = mosaic"'),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Result; a folder for many photos.")],
    items: Annotated[
        list[str] | None,
        typer.Option("-r", "--region", metavar="ITEM", help='"sky=mosaic @ 0.6"; repeatable.'),
    ] = None,
    recipe_file: Annotated[
        Path | None,
        typer.Option("--recipe", metavar="FILE", help="JSON, TOML, or a result's PNG."),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option("--keep", metavar="PHRASE", help="Stays; repeatable.")
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="adaattn, zmnet (fast; words as styles), gatys (slow) or adaattn-published.",
        ),
    ] = None,
    segmenter: Annotated[
        str | None, typer.Option(metavar="NAME", help="auto, clipseg or builtin.")
    ] = None,
    style_region: Annotated[
        list[str] | None,
        typer.Option(metavar="PHRASE", help="Part of the style to take from; one for each region."),
    ] = None,
    within: Annotated[
        str | None,
        typer.Option(metavar="TARGET", help="Bounds every region: PHRASE, mask:FILE, image:FILE."),
    ] = None,
    keep_colors: Annotated[
        bool | None, typer.Option("--keep-colors", help="The photo's own colours stay.")
    ] = None,
    transfer: Annotated[
        str | None,
        typer.Option(metavar="GROUPS", help="Some of details,colours,textures; engine zmnet only."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="N|full", help="Long side to work at (default: up to 2048)."),
    ] = None,
    style_scale: Annotated[
        float | None, typer.Option(metavar="F", help="Size of the brush, 0.1 to 10.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(metavar="T", help="0 to 1; lower finds more.")
    ] = None,
    grow: Annotated[
        int | None, typer.Option(metavar="N", help="Widen the region by N px; negative shrinks.")
    ] = None,
    feather: Annotated[
        float | None, typer.Option(metavar="N", help="Soften the region's edge, px.")
    ] = None,
    invert: Annotated[
        bool | None, typer.Option("--invert", help="Repaint all but the region.")
    ] = None,
    polish: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto",
            help="Steps spent on coming nearer to the style; auto leaves it to the engine.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="For what is random.")] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")] = "auto",
    mask_out: Annotated[
        Path | None, typer.Option(metavar="M.png", help="Write the mask here, too.")
    ] = None,
    layers_out: Annotated[
        Path | None,
        typer.Option(metavar="DIR|FILE.ora", help="Write each region as a layer, too."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Summary for machines, one JSON line a photo.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop if any of several regions is not found.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> int:
    """Repaint what words point at and leave the rest of the photo as it is.

    semantic-style stylize photo.jpg "sky = mosaic; house = batik @ 0.6; keep people" -o out.png

    semantic-style stylize photo.jpg "* = word:night + 0.3 * mosaic" -o out.png
    """
    photos, text = split_positionals(positionals)
    recipe = given_recipe(items or (), recipe_file, text)
    recipe = with_flags(
        recipe,
        keep=keep or (),
        style_regions=style_region or (),
        within=within,
        regions={
            "threshold": threshold,
            "grow": grow,
            "feather": feather,
            "invert": invert,
        },
        settings={
            "engine": engine,
            "segmenter": segmenter,
            "size": size_value(size),
            "style_scale": style_scale,
            "keep_colors": keep_colors,
            "transfer": transfer_value(transfer),
            "polish": polish_value(polish),
            "seed": seed,
        },
    )
    from .outputs import plan

    jobs = plan(photos, out, mask=mask_out, layers=layers_out, force=force)

    from .painting import Painter
    from .session import Session

    session = Session(device)
    session.check(recipe)
    painter = Painter(session, recipe, strict=strict, force=force, as_json=as_json)
    if len(jobs) == 1:
        painter.paint(jobs[0])
        return DONE
    missed = 0
    for job in jobs:
        try:
            painter.paint(job)
        except RequestError as error:  # the other photos are as good as before
            warn(f"{job.photo.name}: {error}")
            missed += 1
    if missed:
        raise RequestError(f"{missed} of {len(jobs)} photos were not done, as said above")
    return DONE
