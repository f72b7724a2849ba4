"""semantic-style bench: figures that anybody can make again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import RequestError
from . import cli_bench_speed
from .bench_report import (
    DEVICE,
    ENGINES,
    FORCE,
    JSON,
    PEER,
    REPEATS,
    SIDE_RANGE,
    check_report,
    finish,
    in_range,
)
from .console import note, progress_bar, say

if TYPE_CHECKING:
    from ..core.segmenter import Segmenter

SHEET_PAIRS = 40
app = typer.Typer(help="Measure quality, masks, speed and memory: a table, and JSON on request.")


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
    polish: Annotated[
        int, typer.Option(metavar="N", min=0, help="Also with so many steps of polishing.")
    ] = 0,
    peer: PEER = True,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jpg", help="Draw the first 40 pairs here; measures none."),
    ] = None,
    device: DEVICE = "auto",
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """How near outputs come to their style, and how much of the photo they keep."""
    check_report(json, force)
    check_report(sheet, force)
    from ..core.bench.quality import run, table
    from ..core.perceptual_weights import load_perceptual
    from .session import Session

    session = Session(device)
    network, name = load_perceptual(vgg16 or "")
    chosen = [session.engine(engine) for engine in engines or ["adaattn"]]
    photos = photos or session.styles.photos()[0].path.parent
    styles = styles or session.styles.list()[0].path.parent
    with progress_bar("bench quality") as progress:
        if sheet:
            from ..core.bench.sheet import sheet as draw

            count = min(pairs, SHEET_PAIRS)
            draw(chosen, photos, styles, sheet, pairs=count, size=size, seed=seed,
                 polish=polish, with_peer=peer, progress=progress)  # fmt: skip
            say(f"wrote {sheet}")
            return
        report = run(
            chosen,
            photos,
            styles,
            network,
            network_name=name,
            pairs=pairs,
            size=in_range("--size", [size], SIDE_RANGE)[0],
            seed=seed,
            polish=polish,
            with_peer=peer,
            progress=progress,
        )
    finish(report, table(report), json)


@app.command("masks")
def masks(
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Has seg/SET/holdout/{images,masks}.")
    ] = None,
    phrasecut: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="PhraseCut's folder (refer_test.json, images/) instead."),
    ] = None,
    synonyms: Annotated[
        Path | None, typer.Option(metavar="FILE", help="word, tab, synonym: asked as well.")
    ] = None,
    segmenter: Annotated[
        str, typer.Option(metavar="NAME", help="auto, clipseg or builtin.")
    ] = "auto",
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
    """How well phrases find what labelled pictures show.

    --phrasecut: CLIPSeg as it is published, the plain sigmoid at 0.3, beside the published figures.
    """
    check_report(json, force)
    if (data is None) == (phrasecut is None):
        raise RequestError("give either --data DIR or --phrasecut DIR")
    from ..core.bench import masks as labelled
    from ..core.bench import phrasecut as referred
    from .session import Session

    session = Session(device)
    network = session.segmenter(segmenter)
    with progress_bar("bench masks") as progress:
        if data is not None:
            report = labelled.run(
                network, data, synonyms, refine=refine, limit=limit, progress=progress
            )
        elif phrasecut is not None:
            plain, threshold = _published_form(network)
            report = referred.run(
                plain, phrasecut, threshold=threshold, limit=limit, progress=progress
            )
    if session.fallback:
        note(session.fallback)
    finish(report, (labelled if data is not None else referred).table(report), json)


def _published_form(segmenter: Segmenter) -> tuple[Segmenter, float]:
    """The segmenter as PhraseCut's figures were taken with it, and its threshold."""
    from ..clipseg_bridge.clipseg import ClipSegSegmenter
    from ..core.bench.phrasecut import RAW_THRESHOLD

    if isinstance(segmenter, ClipSegSegmenter):
        return segmenter.as_published(), RAW_THRESHOLD
    return segmenter, 0.5


@app.command("segmenter")
def segmenter(
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A CLIPSeg's folder (default: random weights, 603 MB)."),
    ] = None,
    threads: Annotated[
        list[int] | None, typer.Option(metavar="N", help="Processor cores; repeatable.")
    ] = None,
    repeats: REPEATS = 5,
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """Time and memory of a full-size CLIPSeg, a process of its own for each case."""
    check_report(json, force)
    from ..clipseg_bridge.timing import command
    from ..core.bench.segmenter import THREADS, run, table

    counts = in_range("--threads", threads or THREADS, (1, 1024))
    with progress_bar("bench segmenter") as progress:
        report = run(command, checkpoint, threads=counts, repeats=repeats, progress=progress)
    finish(report, table(report), json)


for name, command in cli_bench_speed.COMMANDS.items():
    app.command(name)(command)
