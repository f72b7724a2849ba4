"""What words do to photographs: a probe says how much they look like night (ZM-Net, figure 10).

    python -m semantic_style.core.bench.words --day DIR --night DIR --photos DIR --out FILE ...

The probe learns from day and night pictures that the network never saw; then words and, for
comparison, a plain change of exposure are shown to it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from ...weights.contact_sheet import contact_sheet
from ...weights.manifest import file_sha256
from ..canvas import stored
from ..engines import Engine, PreparedStyle, Word
from ..errors import RequestError
from ..nets.perceptual import PerceptualNetwork
from ..progress import CancelToken, Progress, silent
from .machine import machine, versions
from .methods import fitted, unit
from .probe import Probe, accuracy, brightness, exposed, features_of
from .quality import pictures_in
from .report import Report

if TYPE_CHECKING:
    from rich.table import Table

TIMES = ("noon", "morning", "afternoon", "evening", "night")
ENDS = ("noon", "night")
PHOTO = "photo"
AS_OURS, AS_NIGHT = "dark as word:night", "dark as night photos"
LEAST = 5  # pictures of either kind for a probe with folds
COLUMNS = {
    "night_share": "called night", "odds": "log odds", "score": "score",
    "blind_share": "called night*", "blind_odds": "log odds*", "luminance": "luminance",
}  # fmt: skip


@dataclass(frozen=True)
class Sources:
    """Folders of pictures. day, night: for the probe; what also lies, byte for byte, anywhere
    under `trained` is left out. photos: to be changed."""

    day: Sequence[Path]
    night: Sequence[Path]
    photos: Path
    trained: Path | None = None


@dataclass
class _Row:
    """A method's pictures, one a photo."""

    name: str
    pictures: list[Image.Image] = field(default_factory=list)


def run(
    engine: Engine,
    network: PerceptualNetwork,
    judge: str,
    sources: Sources,
    *,
    words: Sequence[str] = TIMES,
    count: int = 20,
    size: int = 512,
    sheet: Path | None = None,
    shown: int = 6,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Report:
    """Rows: the photos themselves, `words`, and two plain changes of exposure. The photos are the
    `count` of the folder that the probe is surest are day, which is hardest for the words.

    words: must hold ENDS, which the others are expected to lie between. size: px, long side that
    photos are changed at. sheet: a JPEG of the first `shown` photos under each method. Raises
    RequestError where there are too few pictures, or a word is unknown.
    """
    if not set(ENDS) <= set(words):
        raise RequestError(f"the words must hold {' and '.join(ENDS)}: the others lie between")
    if not 1 <= count <= len(pictures_in(sources.photos)):
        raise RequestError(f"there are not {count} photos in {sources.photos}: ask for fewer")
    for word in words:
        engine.check_word(word)
    cancel = cancel or CancelToken()
    known = {file_sha256(p) for p in _all_pictures(sources.trained)}
    kinds = [_unseen(folders, known) for folders in (sources.day, sources.night)]
    labels = torch.tensor([0.0] * len(kinds[0]) + [1.0] * len(kinds[1]))
    examples = [_opened(path) for files in kinds for path in files]
    progress("teaching the probe", 0.0)
    looks = [features_of(network, examples, same_light=same) for same in (False, True)]
    probes = [Probe.fitted(look, labels) for look in looks]
    rightly = [accuracy(look, labels) for look in looks]
    dark = fmean(brightness(picture) for picture in examples[len(kinds[0]) :])

    progress("choosing photos", 0.1)
    files = pictures_in(sources.photos)
    candidates = [fitted(_opened(path), size) for path in files]
    odds = probes[0](features_of(network, candidates))
    chosen = [int(i) for i in odds.argsort()[:count]]
    photos = [candidates[i] for i in chosen]

    rows = [_Row(PHOTO, photos)]
    for done, word in enumerate(words):
        progress(f"word:{word}", 0.2 + 0.7 * done / len(words))
        prepared = engine.prepare(Word(word))
        rows.append(_Row(f"word:{word}"))
        for photo in photos:
            cancel.check()
            rows[-1].pictures.append(_painted(engine, photo, prepared))
    ours = next(row for row in rows if row.name == "word:night").pictures
    rows.append(
        _Row(AS_OURS, [exposed(p, brightness(o)) for p, o in zip(photos, ours, strict=True)])
    )
    rows.append(_Row(AS_NIGHT, [exposed(p, dark) for p in photos]))
    progress("asking the probe", 0.9)
    found = [_asked(network, probes, row) for row in rows]
    if sheet:
        tiles = [(row.name, row.pictures[k]) for k in range(min(shown, count)) for row in rows]
        drawn = contact_sheet(tiles, columns=len(rows), side=170, square=False)
        drawn.save(sheet, "JPEG", quality=85, optimize=True, progressive=True)
    progress("asking the probe", 1.0)
    about = {
        "n": count, "size": size, "judge": judge, "words": list(words),
        "day": len(kinds[0]), "night": len(kinds[1]), "accuracy": rightly[0],
        "blind_accuracy": rightly[1], "photos": [files[i].name for i in chosen],
        "weights": dict(engine.weights()), "findings": findings(found, words),
    }  # fmt: skip
    return Report("words", about, found, machine(), versions())


def findings(rows: Sequence[dict[str, Any]], words: Sequence[str]) -> dict[str, Any]:
    """What is asked of the words. between: the words whose mean log of odds lies between that of
    the ENDS. ordered: noon, evening, night, where evening is among the words. beats_exposure: at
    the same brightness, more of `word:night` are called night, or as many more surely."""
    by = {row["method"]: row for row in rows}
    odds = {word: by[f"word:{word}"]["odds"] for word in words}
    low, high = (odds[word] for word in ENDS)
    ours, plain = by["word:night"], by[AS_OURS]
    result: dict[str, Any] = {
        "night_share": ours["night_share"],
        "between": [w for w in words if w not in ENDS and low < odds[w] < high],
        "outside": [w for w in words if w not in ENDS and not low < odds[w] < high],
        "order": sorted(words, key=lambda word: odds[word]),
        "beats_exposure": all(
            (ours[share], ours[logit]) > (plain[share], plain[logit])
            for share, logit in (("night_share", "odds"), ("blind_share", "blind_odds"))
        ),
    }
    if "evening" in odds:
        result["ordered"] = low < odds["evening"] < high
    return result


def table(report: Report) -> Table:
    from rich.table import Table

    about = report.about
    drawn = Table(
        title=f"words, n = {about['n']}, {about['size']} px, {about['judge']}",
        caption=f"a probe that is right about {about['accuracy']:.1%} of {about['day']} day and "
        f"{about['night']} night pictures; *: one that is shown all at the same brightness, right "
        f"about {about['blind_accuracy']:.1%}",
    )
    drawn.add_column("method", no_wrap=True)
    for title in COLUMNS.values():
        drawn.add_column(title, justify="right")
    for row in report.rows:
        cells = [f"{row[c]:.0%}" if c.endswith("share") else f"{row[c]:.2f}" for c in COLUMNS]
        drawn.add_row(row["method"], *cells)
    return drawn


def _painted(engine: Engine, photo: Image.Image, style: PreparedStyle) -> Image.Image:
    painted_photo = stored(engine.stylize(unit(photo), [(style, 1.0)]))
    return Image.fromarray((painted_photo.clip(0, 1) * 255 + 0.5).astype(np.uint8))


def _asked(network: PerceptualNetwork, probes: Sequence[Probe], row: _Row) -> dict[str, Any]:
    plain, blind = (
        probe(features_of(network, row.pictures, same_light=same))
        for probe, same in zip(probes, (False, True), strict=True)
    )
    return {
        "method": row.name,
        "night_share": float((plain > 0).float().mean()),
        "odds": float(plain.mean()),
        "score": float(plain.sigmoid().mean()),
        "blind_share": float((blind > 0).float().mean()),
        "blind_odds": float(blind.mean()),
        "luminance": fmean(map(brightness, row.pictures)),
    }


def _unseen(folders: Sequence[Path], known: set[str]) -> list[Path]:
    files = [path for folder in folders for path in pictures_in(folder)]
    files = [path for path in files if file_sha256(path) not in known]
    if len(files) < LEAST:
        raise RequestError(
            f"only {len(files)} pictures of {', '.join(map(str, folders))} are new to the network: "
            f"the probe needs {LEAST}"
        )
    return files


def _all_pictures(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    if not folder.is_dir():
        raise RequestError(f"no such folder of pictures: {folder}")
    return [path for path in folder.rglob("*") if path.is_file()]


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as file:
            return file.convert("RGB")
    except (OSError, Image.DecompressionBombError):
        raise RequestError(f"{path} can't be read as a picture: take it out") from None


def main(arguments: Sequence[str] | None = None) -> None:
    """Raises RequestError for what can't be met."""
    parser = argparse.ArgumentParser(prog="bench words", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--day", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--night", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR")
    parser.add_argument("--trained", type=Path, metavar="DIR", help="pictures to leave out")
    parser.add_argument("--styles-net", default="zmnet-styles", metavar="WEIGHTS")
    parser.add_argument("--words-net", default="zmnet-words", metavar="WEIGHTS")
    parser.add_argument("--vgg16", default="", metavar="FILE")
    parser.add_argument("--word", action="append", help="in place of the times of day; repeatable")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--size", type=int, default=512, help="px, long side")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    parser.add_argument("--sheet", type=Path, metavar="JPEG")
    given = parser.parse_args(arguments)
    from rich.console import Console

    from ..engines.zmnet import ZMNetEngine
    from ..perceptual_weights import load_perceptual

    engine = ZMNetEngine(given.styles_net, given.words_net, cached=False)
    network, judge = load_perceptual(given.vgg16)
    report = run(
        engine, network, judge,
        Sources(given.day, given.night, given.photos, given.trained),
        words=tuple(given.word or TIMES), count=given.count, size=given.size, sheet=given.sheet,
    )  # fmt: skip
    report.write(given.out)
    console = Console()
    console.print(table(report))
    console.print(report.about["findings"])


if __name__ == "__main__":
    try:
        main()
    except RequestError as error:
        sys.exit(f"bench words: {error}")
