"""What an experiment is given, what it gives back, and how its answer is kept."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from ....weights.store import digest
from ...atomic import replacing
from ...errors import RequestError
from ..machine import machine, versions

LARGEST_PICTURE = 200_000  # bytes of a committed one

Cell = str | float | int | None


@dataclass(frozen=True)
class Data:
    """Folders and files that experiments read; an empty one is not at hand.

    content, style: what is trained on. test_content, test_style: what is never trained on.
    words: WORD/*.jpg, labelled pictures. day, night: others, for a probe. expanded: what
    `expand-styles` made. vgg16: a file of the real network; empty takes the store's, or its
    stand-in.
    """

    content: tuple[str, ...] = ()
    style: tuple[str, ...] = ()
    test_content: tuple[str, ...] = ()
    test_style: tuple[str, ...] = ()
    words: str = ""
    day: tuple[str, ...] = ()
    night: tuple[str, ...] = ()
    expanded: str = ""
    vgg16: str = ""


@dataclass(frozen=True)
class Shipped:
    """Names of the store or files: the networks that were trained at length."""

    adaattn: str = "adaattn-compact"
    zmnet_styles: str = "zmnet-styles"
    zmnet_words: str = "zmnet-words"

    def shown(self, field: str) -> str:
        """What a document calls one of them: no machine's paths."""
        return Path(getattr(self, field)).name


@dataclass(frozen=True)
class Bench:
    """work: where runs and answers are kept, out of the repository. scale: what every number of
    steps and pairs is multiplied by; 1 is what the document is made with."""

    work: Path
    data: Data
    shipped: Shipped = field(default_factory=Shipped)
    scale: float = 1.0

    def count(self, number: int, least: int = 1) -> int:
        return max(least, round(number * self.scale))

    def folder(self, name: str) -> Path:
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path


@dataclass(frozen=True)
class Table:
    """rows: as long as columns. Numbers are written with four figures, None as a dash."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""


@dataclass(frozen=True)
class Shown:
    """A picture in the experiment's folder, and what it shows."""

    file: str
    caption: str


@dataclass(frozen=True)
class Outcome:
    """about: what was run, as sentences. notes: what came out, made from the figures.

    attached: files for docs/ that are no pictures, as name -> text.
    """

    about: Sequence[str]
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    pictures: Sequence[Shown] = ()
    attached: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Outcome:
        return Outcome(
            data["about"],
            [Table(**t) for t in data["tables"]],
            data["notes"],
            [Shown(**p) for p in data["pictures"]],
            data["attached"],
        )


@dataclass(frozen=True)
class Experiment:
    """claim: what the paper did and found, one or two sentences. run: (bench, the folder that
    its pictures go to) -> the outcome. needs: fields of Data. uses: fields of Shipped."""

    name: str
    title: str
    source: str
    claim: str
    run: Callable[[Bench, Path], Outcome]
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """An outcome and where it was made. seconds: of processor time, training that another
    experiment did first not counted. weights: name -> sha256 of the shipped networks."""

    outcome: Outcome
    scale: float
    seconds: float
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    weights: Mapping[str, str]


def answered(bench: Bench, experiment: Experiment) -> Answer | None:
    """The kept answer, if there is one that was made at this scale with these weights."""
    path = _path(bench, experiment)
    if not path.exists():
        return None
    kept = _kept(path)
    stale = kept.scale != bench.scale or any(
        kept.weights.get(name) != sha for name, sha in _weights(bench, experiment).items() if sha
    )
    return None if stale else kept


def answer(bench: Bench, experiment: Experiment, *, force: bool = False) -> Answer:
    """The kept answer, else a new one. RequestError where the data for it was not given."""
    kept = None if force else answered(bench, experiment)
    if kept:
        return kept
    missing = [name for name in experiment.needs if not getattr(bench.data, name)]
    if missing:
        options = ", ".join("--" + name.replace("_", "-") for name in missing)
        raise RequestError(f"the experiment {experiment.name} needs {options}")
    weights = _weights(bench, experiment)
    for name, sha in weights.items():
        if not sha:
            raise RequestError(f"the experiment {experiment.name} needs the weights {name}")
    folder = bench.work / "pictures" / experiment.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    start = time.process_time()
    outcome = experiment.run(bench, folder)
    made = Answer(outcome, bench.scale, time.process_time() - start, machine(), versions(), weights)
    path = _path(bench, experiment)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dataclasses.asdict(made), indent=1, ensure_ascii=False)
    with replacing(path, force=True) as file:
        file.write(text.encode() + b"\n")
    return _kept(path)


def save_picture(picture: Image.Image, path: Path, most: int = LARGEST_PICTURE) -> None:
    """A JPEG of at most so many bytes: as good as that allows."""
    for quality in (86, 80, 74, 68, 60, 50, 40):
        picture.save(path, "JPEG", quality=quality, optimize=True, progressive=True)
        if path.stat().st_size <= most:
            return
    raise RequestError(f"{path.name} does not fit into {most} bytes: show fewer or smaller tiles")


def _kept(path: Path) -> Answer:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Answer(**{**data, "outcome": Outcome.from_json(data["outcome"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RequestError(f"{path} is damaged: make it again with --force") from error


def _path(bench: Bench, experiment: Experiment) -> Path:
    return bench.work / "answers" / f"{experiment.name}.json"


def _weights(bench: Bench, experiment: Experiment) -> dict[str, str]:
    """sha256 of what the experiment uses; empty where it is not there."""
    return {name: _sha(getattr(bench.shipped, name)) for name in experiment.uses}


def _sha(source: str) -> str:
    try:
        return digest(source)
    except RequestError:
        return ""
