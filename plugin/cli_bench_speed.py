"""semantic-style bench: seconds and bytes, and the pictures that reports are drawn as."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

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
from .console import progress_bar, say

NETWORK_RANGE = (64, 1024)  # px; beyond it the plain formula would take 50 GB
STYLE = "van-gogh-night-cafe"
OLDER = Annotated[
    bool,
    typer.Option(
        "--older-laptop/--no-older-laptop",
        help="Measure again with the processor held to AVX2 and float32.",
    ),
]


def speed(
    sizes: Annotated[
        list[int] | None, typer.Option("--size", metavar="N", help="Long side, px; repeatable.")
    ] = None,
    repeats: REPEATS = 5,
    engines: ENGINES = None,
    peer: PEER = True,
    older: OLDER = True,
    device: DEVICE = "auto",
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """How long attention, engines and segmenter take, warm, in paired rounds."""
    check_report(json, force)
    from ..core.bench.processor import with_older
    from ..core.bench.speed import SIZES, run, table
    from .session import Session

    chosen = in_range("--size", sizes or SIZES, SIDE_RANGE)
    names = engines or ["zmnet", "adaattn"]
    session = Session(device, remember=False)
    with progress_bar("bench speed") as progress:
        report = run(
            [session.engine(engine) for engine in names],
            session.segmenter(),
            sizes=chosen,
            repeats=repeats,
            with_peer=peer,
            device=session.device,
            progress=progress,
        )
        if older:
            progress("with the processor held to AVX2", 0.0)
            again = _itself("bench", "speed", "--repeats", repeats, "--device", "cpu",
                            *_each("--size", chosen), *_each("--engine", names))  # fmt: skip
            report = with_older(
                report,
                [*again, "--peer" if peer else "--no-peer", "--no-older-laptop", "--json"],
            )
    finish(report, table(report), json)


def networks(
    size: Annotated[int, typer.Option(metavar="N", help="Long side of photo and style, px.")] = 512,
    repeats: REPEATS = 5,
    pairs: Annotated[
        int, typer.Option(metavar="N", min=1, help="Photos and styles to compare outputs on.")
    ] = 6,
    memory_size: Annotated[
        int, typer.Option(metavar="N", help="Long side to take peak memory at, px; 0: don't.")
    ] = 768,
    older: OLDER = True,
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """Whole networks on the processor, beside the published layout with the plain formula.

    Time, peak memory, and how near the fast path comes to the plain one. Wants 10 GB of memory.
    """
    check_report(json, force)
    from ..core.bench.networks import run, table
    from ..core.bench.processor import with_older

    in_range("--size", [size], NETWORK_RANGE)
    in_range("--memory-size", [memory_size] if memory_size else [], NETWORK_RANGE)
    with progress_bar("bench networks") as progress:
        report = run(
            size=size, memory_size=memory_size, repeats=repeats, pairs=pairs, progress=progress
        )
        if older:
            progress("with the processor held to AVX2", 0.0)
            again = _itself("bench", "networks", "--size", size, "--repeats", repeats,
                            "--pairs", pairs, "--memory-size", memory_size)  # fmt: skip
            report = with_older(report, [*again, "--no-older-laptop", "--json"])
    finish(report, table(report), json)


def start(repeats: REPEATS = 5, json: JSON = None, force: FORCE = False) -> None:
    """How long new processes take: the help, doctor, and a first result."""
    check_report(json, force)
    from ..core.bench.start import run, table
    from .cli_demo import PHOTO, RECIPE
    from .session import Session

    with (
        tempfile.TemporaryDirectory(prefix="semantic-style-start-") as folder,
        progress_bar("bench start") as progress,
    ):
        out = Path(folder) / "out.png"
        photo = Session().shipped_photo(PHOTO)
        commands = {
            "--help": _itself("--help"),
            "doctor": _itself("doctor"),
            "first result": _itself("stylize", photo, RECIPE, "--force", "-o", out),
        }
        report = run(commands, repeats, progress=progress)
    finish(report, table(report), json)


def memory(
    megapixels: Annotated[
        list[float] | None,
        typer.Option(metavar="N", help="Size of the photo, million px; repeatable."),
    ] = None,
    item: Annotated[
        str, typer.Option("-r", "--region", metavar="ITEM", help="What is repainted.")
    ] = f"*={STYLE}",
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """The peak memory of `stylize --size full`, a process of its own for each size of photo."""
    check_report(json, force)
    from ..core.bench.memory import MEGAPIXELS, run, table

    with progress_bar("bench memory") as progress:
        chosen = in_range("--megapixels", megapixels or MEGAPIXELS, (0.01, 200.0))
        report = run(lambda photo, out: _full_size([photo], item, out), chosen, progress=progress)
    finish(report, table(report), json)


def region(
    megapixels: Annotated[
        float, typer.Option(metavar="N", help="Size of the photo, million px.")
    ] = 12.0,
    share: Annotated[
        float, typer.Option(metavar="F", help="How much of it the region covers, 0 to 1.")
    ] = 0.05,
    repeats: REPEATS = 3,
    json: JSON = None,
    force: FORCE = False,
) -> None:
    """Time and peak memory of `stylize --size full` on a part of a photo, beside all of it."""
    check_report(json, force)
    from ..core.bench.region import run, table

    def command(photos: Sequence[Path], mask: Path | None, out: Path) -> list[str]:
        target = "*" if mask is None else f'mask:"{mask}"'
        return [*_full_size(photos, f"{target} = {STYLE}", out), "--json"]

    with progress_bar("bench region") as progress:
        report = run(
            command,
            megapixels=in_range("--megapixels", [megapixels], (0.01, 200.0))[0],
            share=in_range("--share", [share], (0.001, 1.0))[0],
            repeats=repeats,
            progress=progress,
        )
    finish(report, table(report), json)


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
    check_report(json, force)
    from ..core.bench.tiles import STYLES, run, table
    from .session import Session

    chosen = in_range("--megapixels", [megapixels], (0.01, 200.0))[0]
    place = Session(device).device
    with progress_bar("bench tiles") as progress:
        report = run(device=place, megapixels=chosen, styles=styles or STYLES, progress=progress)
    finish(report, table(report), json)


def draw(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT.json", help="Written by bench.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE.svg", help="The drawing.")],
    groups: Annotated[
        list[str] | None,
        typer.Option("--group", metavar="TEXT", help="Only groups named like this; repeatable."),
    ] = None,
    force: FORCE = False,
) -> None:
    """Draw the reports of speed, networks, region and quality as bars: an SVG, 800 px wide."""
    check_report(out, force)
    from ..core.bench.draw import draw as drawn

    drawn(reports, out, groups or (), force=force)
    say(f"wrote {out}")


def _itself(*arguments: object) -> list[str]:
    """This command with other arguments, for a process of its own."""
    return [sys.executable, "-m", f"{__package__}", *map(str, arguments)]


def _each(flag: str, values: Iterable[object]) -> list[object]:
    return [part for value in values for part in (flag, value)]


def _full_size(photos: Sequence[Path], item: str, out: Path) -> list[str]:
    return _itself("stylize", *photos, "-r", item, "--size", "full", "-o", out)


COMMANDS: dict[str, Callable[..., None]] = {
    each.__name__: each for each in (speed, networks, start, memory, region, tiles, draw)
}
