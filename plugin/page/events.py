"""Which control does what: Gradio's events on one side, plugin/page/desk.py on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from ..gimp.semantic_style.link.client import WorkerError
from . import desk
from .catalogue import answering, catalogue, engines
from .shown import line
from .visit import Made, Stopped, Visit
from .visits import Visits
from .wishes import Problem, Settings

Controls = dict[str, Any]
Changes = dict[Any, Any]
STOPPED = "Stopped. The picture is as it was."
HISTORY = "Click one to get its settings and files back."
SETTINGS = ("engine", "segmenter", "transfer", "brush", "keep_colors", "polish", "size")
OTHER = "() => document.body.classList.toggle('ss-choosing')"


class Events:
    """The handlers of one page. Each gives what changes, by control."""

    def __init__(self, controls: Controls, visits: Visits) -> None:
        self.c, self.visits = controls, visits

    def arrive(self) -> Changes:
        """The tab was opened: what the worker has to offer."""
        c = self.c
        try:
            client = self.visits.room.client()
            offers, able = catalogue(client), client.capabilities()
        except WorkerError as error:
            return {c["photo_line"]: line(f"{error}: see semantic-style doctor")}
        segmenters = [("Automatic", "auto"), *((name, name) for name in able["segmenters"])]
        return {
            c["regions"]: gr.HTML(catalogue=offers),
            c["engine"]: gr.Dropdown(choices=engines(able)),
            c["segmenter"]: gr.Dropdown(choices=segmenters, visible=len(segmenters) > 2),
            c["answers"]: line(answering(able), "note"),
        }

    def bring(self, file: str | None, request: gr.Request) -> Changes:
        if file is None:
            return {self.c["photo_line"]: ""}
        return self._open(request, lambda visit: desk.bring(visit, Path(file)))

    def example(self, chosen: Any, request: gr.Request) -> Changes:
        name = chosen.get("name", "") if isinstance(chosen, dict) else ""
        return self._open(request, lambda visit: desk.example(visit, str(name)))

    def use(self, request: gr.Request) -> Changes:
        return self._open(request, desk.use_offered)

    def _open(self, request: gr.Request, work: Callable[[Visit], desk.Opening]) -> Changes:
        c = self.c
        visit = self.visits.of(request.session_hash)
        clear: Changes = {c["photo"]: None, c["photo_line"]: "", c["work_line"]: ""}
        try:
            opening = work(visit)
        except Problem as problem:
            place = "photo_line" if visit.opened is None else "work_line"
            return {**clear, c[place]: line(str(problem))}
        place = "photo_line" if visit.opened is None else "work_line"
        return {
            **clear,
            c["stage"]: opening.shown.data,
            c[place]: line(opening.line, "note"),
            c["use"]: gr.Button(visible=opening.offers),
            **self._set(opening.settings),
        }

    def look(self, wanted: Any, request: gr.Request, *values: Any) -> Changes:
        c, visit = self.c, self.visits.of(request.session_hash)
        wrong = bool(visit.shown.errors)
        try:
            shown, estimate = desk.look(visit, wanted, _settings(values))
        except Stopped:
            return {c["estimate"]: gr.skip()}
        except Problem as problem:
            return self._wrong(visit, problem)
        right: Changes = {c["settings_line"]: "", c["work_line"]: ""} if wrong else {}
        return {c["stage"]: shown.data, c["estimate"]: line(estimate, "note"), **right}

    def paint(self, wanted: Any, request: gr.Request, *values: Any) -> Iterator[Changes]:
        c, visit = self.c, self.visits.of(request.session_hash)
        yield {c["paint"]: gr.Button(interactive=False), c["stop"]: gr.Button(visible=True),
               c["work_line"]: "", c["settings_line"]: ""}  # fmt: skip
        last: Changes = {}
        try:
            for each in desk.paint(visit, wanted, _settings(values)):
                if isinstance(each, Made):
                    last = self._made(visit, each)
                else:
                    yield {c["progress"]: each}
        except Stopped:
            last = {c["work_line"]: line(STOPPED, "note"), c["stage"]: visit.shown.data}
        except Problem as problem:
            last = self._wrong(visit, problem)
        yield {**last, c["progress"]: "", c["paint"]: gr.Button(interactive=True),
               c["stop"]: gr.Button(visible=False)}  # fmt: skip

    def film(
        self, through: str, target: str, motion: str, frames: float, fps: float, form: str,
        request: gr.Request, *values: Any,
    ) -> Iterator[Changes]:  # fmt: skip
        c, visit = self.c, self.visits.of(request.session_hash)
        yield {c["make_film"]: gr.Button(interactive=False), c["film_line"]: "",
               c["stop_film"]: gr.Button(visible=True)}  # fmt: skip
        last: Changes = {}
        try:
            making = desk.film(
                visit, _settings(values), through, target, frames=int(frames), motion=motion,
                form=form, fps=float(fps),
            )  # fmt: skip
            for each in making:
                if isinstance(each, str):
                    yield {c["film_progress"]: each}
                else:
                    path, warnings = each
                    last = {
                        c["film"]: _playing(path),
                        c["film_line"]: line("; ".join(warnings), "note"),
                        c["film_file"]: gr.DownloadButton(value=path, visible=True),
                    }
        except Stopped:
            last = {c["film_line"]: line("Stopped.", "note")}
        except Problem as problem:
            last = {c["film_line"]: line(str(problem))}
        yield {**last, c["film_progress"]: "", c["make_film"]: gr.Button(interactive=True),
               c["stop_film"]: gr.Button(visible=False)}  # fmt: skip

    def stop(self, request: gr.Request) -> None:
        self.visits.of(request.session_hash).stop()

    def again(self, chosen: Any, request: gr.Request) -> Changes:
        visit = self.visits.of(request.session_hash)
        try:
            made, opening = desk.again(visit, chosen.get("name") if chosen else None)
        except Problem as problem:
            return {self.c["work_line"]: line(str(problem))}
        return {
            self.c["stage"]: opening.shown.data,
            self.c["work_line"]: line(opening.line, "note"),
            **self._set(opening.settings),
            **self._files(made),
        }

    def leave(self, request: gr.Request) -> None:
        self.visits.leave(request.session_hash)

    def _made(self, visit: Visit, made: Made) -> Changes:
        c = self.c
        return {
            c["stage"]: visit.shown.data,
            c["history"]: gr.HTML(heading=HISTORY, tiles=desk.history(visit)),
            **self._files(made),
        }

    def _files(self, made: Made) -> Changes:
        c, files = self.c, made.files
        return {
            c["downloads"]: gr.Row(visible=True),
            c["png"]: gr.DownloadButton(value=files.picture),
            c["ora"]: gr.DownloadButton(value=files.layers, visible=files.layers is not None),
            c["recipe"]: gr.DownloadButton(value=files.recipe),
        }

    def _wrong(self, visit: Visit, problem: Problem) -> Changes:
        """The line by the control that is wrong."""
        c = self.c
        if desk.belongs_to_rows(problem):
            return {c["stage"]: desk.wrong(visit, problem).data}
        place = "work_line" if problem.place in ("", "photo", "paint") else "settings_line"
        return {c["stage"]: desk.wrong(visit, problem).data, c[place]: line(str(problem))}

    def _set(self, settings: Settings | None) -> Changes:
        if settings is None:
            return {}
        size, polish = settings.size, settings.polish
        return {
            self.c["engine"]: settings.engine,
            self.c["segmenter"]: settings.segmenter,
            self.c["transfer"]: list(settings.transfer),
            self.c["brush"]: settings.brush,
            self.c["keep_colors"]: settings.keep_colors,
            self.c["polish"]: gr.Dropdown(
                choices=_offered(self.c["polish"].choices, polish, f"{polish} steps"), value=polish
            ),
            self.c["size"]: gr.Dropdown(
                choices=_offered(self.c["size"].choices, size, f"{size} px"), value=size
            ),
        }


def connect(page: gr.Blocks, c: Controls, visits: Visits) -> None:
    """Every event of the page; none of them belongs to its API."""
    events = Events(c, visits)
    settings = [c[name] for name in SETTINGS]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    opens = [c[name] for name in ("photo", "photo_line", "work_line", "stage", "use", *SETTINGS)]
    files = [c[name] for name in ("downloads", "png", "ora", "recipe")]
    offers = [c[name] for name in ("regions", "engine", "segmenter", "answers", "photo_line")]

    page.load(events.arrive, None, offers, **quiet)
    page.unload(events.leave)
    c["photo"].upload(events.bring, c["photo"], opens, **quiet)
    c["examples"].chosen(events.example, c["examples"], opens, **quiet)
    c["use"].click(events.use, None, opens, **quiet)
    c["other"].click(None, js=OTHER)

    looks: dict[str, Any] = {
        "fn": events.look,
        "inputs": [c["regions"], *settings],
        "outputs": [c["stage"], c["estimate"], c["settings_line"], c["work_line"]],
        "trigger_mode": "multiple",  # the worker drops the older look
        "concurrency_limit": 32,
        **quiet,
    }
    c["regions"].look(**looks)
    for name in ("engine", "segmenter", "transfer", "keep_colors", "polish", "size"):
        c[name].input(**looks)
    c["brush"].release(**looks)

    paints = [c[name] for name in (
        "paint", "stop", "progress", "stage", "work_line", "settings_line", "history",
    )]  # fmt: skip
    c["paint"].click(
        events.paint, [c["regions"], *settings], [*paints, *files], concurrency_limit=16, **quiet
    )
    for stop in (c["stop"], c["stop_film"]):
        stop.click(events.stop, None, None, concurrency_limit=None, **quiet)
    film = [c[name] for name in ("through", "moves", "motion", "frames", "fps", "form")]
    made = [c[name] for name in (
        "make_film", "stop_film", "film_progress", "film_line", "film", "film_file",
    )]  # fmt: skip
    c["make_film"].click(events.film, [*film, *settings], made, concurrency_limit=16, **quiet)
    again = [c["stage"], c["work_line"], *settings, *files]
    c["history"].chosen(events.again, c["history"], again, **quiet)


def _settings(values: tuple[Any, ...]) -> Settings:
    """Problem where a value is none that the control could give."""
    engine, segmenter, transfer, brush, keep_colors, polish, size = values
    try:
        return Settings(
            str(engine),
            str(segmenter),
            tuple(transfer),
            float(brush),
            bool(keep_colors),
            int(polish),
            int(size),
        )
    except (TypeError, ValueError):
        raise Problem("", "the page sent a setting that is none: load it again") from None


def _offered(usual: list[tuple[str, int]], value: int, name: str) -> list[tuple[str, int]]:
    """The usual choices, and the one that a recipe names."""
    named = any(each == value for _, each in usual)
    return usual if named else [*usual, (name, value)]


def _playing(path: Path) -> str:
    """The film as HTML."""
    address = f"gradio_api/file={quote(str(path))}"
    if path.suffix == ".mp4":
        return f'<video src="{address}" controls autoplay loop muted playsinline></video>'
    return f'<img src="{address}" alt="the film">'
