"""`doctor --clipseg`: does CLIPSeg with the weights here find what shipped photos show?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ..core.errors import RequestError
from ..core.finding import ENCODE_SIDE
from ..core.image import load_picture, to_float
from ..core.picture import Picture
from ..core.resample import resized_pixels
from ..core.segmenter import Segmenter
from .doctor import Fact
from .session import Session, find_clipseg


@dataclass(frozen=True)
class Trial:
    """A shipped photo, words for what it shows, and words for what it does not."""

    photo: str
    shown: tuple[str, ...]
    absent: tuple[str, ...]


TRIALS = (
    Trial("neuschwansteinCastle", ("castle", "sky", "trees"), ("cat", "cup of coffee")),
    Trial("chelsea", ("cat",), ("castle", "bird")),
    Trial("coffee", ("cup of coffee", "spoon"), ("cat", "castle")),
    Trial("kingfisher", ("bird",), ("castle", "cup of coffee")),
    Trial("astronaut", ("person", "flag"), ("bird", "castle")),
)
THRESHOLD = 0.5


def examine_clipseg() -> list[Fact]:
    """One fact for loading it, one for each trial. Without weights, a line that says what to do."""
    session = Session()
    started = time.perf_counter()
    try:
        name = find_clipseg()
        segmenter = session.segmenter("clipseg")
    except RequestError as error:
        return [Fact("clipseg", "bad", str(error))]
    seconds = time.perf_counter() - started
    facts = [Fact("clipseg", "ok", f"{name}, loaded in {seconds:.1f} s")]
    return [*facts, *(_tried(session, segmenter, trial) for trial in TRIALS)]


def _tried(session: Session, segmenter: Segmenter, trial: Trial) -> Fact:
    picture = load_picture(session.shipped_photo(trial.photo))
    small = resized_pixels(picture.pixels, picture.extent.fitted(ENCODE_SIDE))
    seen = to_float(Picture(small, info=picture.info))
    masks = segmenter.masks(segmenter.encode(seen), [*trial.shown, *trial.absent])
    scores = [float(mask.max()) for mask in masks]
    return judged(trial, scores[: len(trial.shown)], scores[len(trial.shown) :])


def judged(trial: Trial, shown: Sequence[float], absent: Sequence[float]) -> Fact:
    """ok: every word that the photo shows scores above every other, and the threshold lies
    between. note: the order is right, the threshold is not between. bad: the order is wrong."""
    found = ", ".join(f"{word} {score:.2f}" for word, score in zip(trial.shown, shown, strict=True))
    others = ", ".join(
        f"{word} {score:.2f}" for word, score in zip(trial.absent, absent, strict=True)
    )
    text = f"shows {found}; not {others}"
    topic = f"clipseg {trial.photo}"
    if min(shown) <= max(absent):
        return Fact(topic, "bad", f"{text}: wrong order, so these weights do not find things")
    if not min(shown) >= THRESHOLD > max(absent):
        return Fact(topic, "note", f"{text}: right order, but try another --threshold than 0.5")
    return Fact(topic, "ok", text)
