"""One visitor: a picture, the job that runs for it, and what was made. Nothing of it outlives the
visit."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.image import Picture
from ...core.recipe import Recipe, from_data, to_data
from ..gimp.semantic_style.link.client import Client, WorkerError
from .answers import (
    Files,
    data_url,
    frames_of,
    masks_of,
    on_screen,
    packed,
    preview_of,
    result_of,
    write_frames,
    write_result,
)
from .arriving import Arrived
from .room import Room
from .shown import Shown
from .wishes import Problem, Wish, blamed

LOOK_SIDE = 768  # px of masks and previews
THUMBNAIL_SIDE = 320  # px
MOST_MADE = 20  # results that are kept for a visitor
BUSY = "one picture at a time: stop the one that runs first"

Report = Callable[[str, float], None]


class Stopped(Exception):
    """The visitor stopped the job, or a newer look took its place."""


@dataclass(frozen=True, eq=False)
class Opened:
    """The picture, its name in the worker, and how it is shown."""

    name: str
    picture: Picture
    parts: list[bytes | memoryview]
    shown: str


@dataclass(frozen=True, eq=False)
class Look:
    """masks: data URLs by row. picture: that of the preview, None for masks alone."""

    masks: dict[int, str]
    picture: str | None
    warnings: tuple[str, ...]
    scores: dict[str, float]
    segmenter: str
    note: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Made:
    """A finished result. text: what was asked for, in short."""

    id: str
    files: Files
    shown: str
    thumbnail: str
    recipe: Recipe
    text: str
    warnings: tuple[str, ...]
    seconds: float


class Visit:
    """All that is kept for one visitor. Its methods may be called from any thread."""

    def __init__(self, room: Room, home: Path) -> None:
        self._room = room
        self.folder = Path(tempfile.mkdtemp(prefix="visit-", dir=home))
        self.opened: Opened | None = None
        self.uploads: set[Path] = set()
        self.made: list[Made] = []
        self.offered: Arrived | None = None  # a PNG whose settings were taken, but not its picture
        self.shown = Shown()
        self._name = ""  # of this visitor's client: its newer look replaces its older one
        self._working = threading.Lock()
        self._stop = threading.Event()
        self._job: tuple[Client, str] | None = None

    def close(self) -> None:
        """Stop what runs and forget everything."""
        self.stop()
        self.opened, self.made = None, []
        shutil.rmtree(self.folder, ignore_errors=True)

    def open(self, name: str, picture: Picture) -> Opened:
        """Take a picture. Its samples go to the worker when they are first needed."""
        self.opened = Opened(name, picture, packed(picture), on_screen(picture, LOOK_SIDE))
        return self.opened

    def look(self, wish: Wish) -> Look:
        """Masks, and a preview where a row has a style. Problem, Stopped."""
        kind = "preview" if wish.styled else "mask"
        header, samples = self.ask(kind, wish, side=LOOK_SIDE)
        masks = masks_of(header, samples)
        return Look(
            masks={row: data_url(mask) for row, mask in zip(wish.rows, masks, strict=True)},
            picture=data_url(preview_of(header, samples)) if wish.styled else None,
            warnings=tuple(header["warnings"]),
            scores=header["scores"],
            segmenter=header["segmenter"],
            note=header["note"] or "",
            seconds=header["seconds"],
        )

    def estimate(self, wish: Wish) -> dict[str, Any]:
        """What `paint` takes at most; see the worker's job. Problem, Stopped."""
        return self.ask("estimate", wish)[0]

    def paint(self, wish: Wish, report: Report) -> Made:
        """The whole picture, in files. Problem, Stopped."""
        with self._work():
            opened = self._opened()
            header, samples = self.ask("stylize", wish, report=report, final=True, whole=True)
            report("saving", 1.0)
            folder = Path(tempfile.mkdtemp(dir=self.folder))
            files = write_result(folder, opened.name, opened.picture, header, samples)
            if self._stop.is_set():
                raise Stopped
            result = result_of(opened.picture, header, samples)
            made = Made(
                id=uuid.uuid4().hex,
                files=files,
                shown=on_screen(result),
                thumbnail=on_screen(result, THUMBNAIL_SIDE),
                recipe=from_data(header["recipe"]),
                text=header["text"] or _in_short(wish.recipe),
                warnings=tuple(header["warnings"]),
                seconds=header["seconds"],
            )
            self.made = [*self.made, made][-MOST_MADE:]
            return made

    def animate(
        self,
        wish: Wish,
        through: list[str],
        report: Report,
        *,
        frames: int,
        motion: str,
        form: str,
        fps: float,
    ) -> tuple[Path, tuple[str, ...]]:
        """A film of the first region travelling through styles, and warnings. Problem, Stopped."""
        with self._work():
            opened = self._opened()
            header, samples = self.ask(
                "animate", wish, report=report, final=True, place="animation",
                through=through, frames=frames, motion=motion,
            )  # fmt: skip
            report("saving", 1.0)
            folder = Path(tempfile.mkdtemp(dir=self.folder))
            path = folder / f"{Path(opened.name).stem}-film.{form}"
            write_frames(path, frames_of(header, samples), opened.picture.opaque, fps)
            if self._stop.is_set():
                raise Stopped
            return path, tuple(header["warnings"])

    def stop(self) -> None:
        """End the picture or film that is being made."""
        self._stop.set()
        job = self._job
        if job is not None:
            job[0].cancel(job[1])

    @contextlib.contextmanager
    def _work(self) -> Iterator[None]:
        if not self._working.acquire(blocking=False):
            raise Problem("paint", BUSY)
        self._stop.clear()
        try:
            yield
        finally:
            self._job = None
            self._working.release()

    def _opened(self) -> Opened:
        if self.opened is None:
            raise Problem("photo", "choose a picture first")
        return self.opened

    def _client(self) -> Client:
        client = self._room.client()
        self._name = self._name or client.name
        client.name = self._name
        return client

    def ask(
        self,
        kind: str,
        wish: Wish,
        *,
        report: Report | None = None,
        final: bool = False,
        place: str = "",
        **more: Any,
    ) -> tuple[dict[str, Any], memoryview]:
        """Run a job to its end; its answer. Problem, Stopped."""
        opened, recipe = self._opened(), to_data(wish.recipe)
        if kind == "animate" and wish.free:
            del recipe["engine"]  # the worker takes the one for films
        try:
            client = self._client()
            job = _submitted(client, kind, opened, recipe, more)
            if final:
                self._job = client, job
            for event in client.follow(job):
                if final and self._stop.is_set():
                    raise Stopped  # leaving the events cancels the job
                if event["event"] == "cancelled":
                    raise Stopped
                if event["event"] == "failed":
                    where = place or blamed(event["message"], wish)
                    raise Problem(where, event["message"])
                if report is not None:
                    _tell(report, event)
            return client.result(job)
        except WorkerError as error:
            if error.code in ("job", "replaced"):
                raise Stopped from None
            raise Problem(place or blamed(str(error), wish), str(error)) from None


def _submitted(
    client: Client, kind: str, opened: Opened, recipe: dict[str, Any], more: dict[str, Any]
) -> str:
    """A new job's name; the worker may have let the picture go in between."""
    for _ in range(2):
        try:
            return client.submit(kind, client.put_picture(opened.parts), recipe, **more)
        except WorkerError as error:
            if error.code != "picture":
                raise
    raise WorkerError("the worker holds as many pictures as it may: try again later", "full")


def _tell(report: Report, event: dict[str, Any]) -> None:
    if event["event"] == "queued":
        before = event["before"]
        report(f"waiting for {before} other job{'' if before == 1 else 's'}", 0.0)
    elif event["event"] == "stage":
        report(event["stage"], event["fraction"])


def _in_short(recipe: Recipe) -> str:
    from ...core.finding import name_of

    return ", ".join(name_of(region) for region in recipe.regions)
