"""The worker's HTTP API: pictures in, jobs, their events, results out. See worker/serving.py for
the process around it, and link/wire.py for the form of bodies."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from ..core.errors import RequestError
from ..core.picture import Picture
from ..core.progress import CancelToken, Progress
from ..core.recipe import Recipe, to_data
from .gimp.semantic_style.link.wire import MEDIA_TYPE
from .worker.bodies import (
    Json,
    Refused,
    answer_errors,
    expected_length,
    header_of,
    packed,
    whole_body,
)
from .worker.job_request import JobRequest, RecipeRequest, read_job, read_recipe_request
from .worker.jobs import Job, Jobs, Parts, QueueFull
from .worker.pictures import LARGEST, Held, Mask, NoRoom, Pictures, read_picture
from .worker.work import Studio, Task, recipe_text

ALIVE = 4.0  # s between signs of life of a stream of events
SWEEP = 1.0  # s

Sha = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
JobName = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Side = Annotated[int, Query(ge=16, le=512)]
_SAMPLES = {"schema": {"type": "string", "format": "binary"}}


class Worker:
    """What the routes share. leave: called when a client asks for the end, and when nothing was
    asked for, and nothing done, for `idle_exit` s."""

    def __init__(
        self,
        studio: Studio,
        *,
        idle_exit: float | None = None,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        self.studio, self.pictures = studio, Pictures()
        self.jobs = Jobs(studio.warm_up)
        self._leave, self._idle_exit = leave, idle_exit
        self._asked, self._ending = time.monotonic(), False

    def leave(self) -> None:
        """Answer nobody any more, and end."""
        self._ending = True
        self._leave()

    async def noted(self) -> None:
        """That somebody asks. Refused when it is too late."""
        self._asked = time.monotonic()
        if self._ending:
            raise Refused(503, "the worker is just ending: start it again", "ending")

    async def watch(self) -> None:
        """Sweep for as long as the app lives."""
        while True:
            await asyncio.sleep(SWEEP)
            self.jobs.sweep()
            if self.jobs.broken:
                self.leave()
            if self.jobs.busy or not self.studio.warm:
                self._asked = time.monotonic()
            elif self._idle_exit and time.monotonic() - self._asked > self._idle_exit:
                self.leave()

    def submit(self, data: dict[str, Any]) -> Job:
        """Refused, RequestError."""
        request, recipes = read_job(data)
        try:
            held = self.pictures.take(request.pictures)
        except KeyError as error:
            name = error.args[0]
            raise Refused(404, f"the picture {name} is not here: send it", "picture") from None
        release = lambda: self.pictures.release(request.pictures)  # noqa: E731
        try:
            picture, masks = _fitting(request, held)
            job = Job(self._work(request, recipes, picture, masks), request.final, request.client)
            job.ended = release
            self.jobs.submit(job)
        except QueueFull:
            release()
            raise Refused(429, "the worker has enough to do: try again later", "full") from None
        except RequestError:
            release()
            raise
        return job

    def _work(
        self,
        request: JobRequest,
        recipes: list[Recipe],
        picture: Picture,
        masks: dict[str, Mask],
    ) -> Callable[[Progress, CancelToken], Parts]:
        def work(progress: Progress, cancel: CancelToken) -> Parts:
            return self.studio.do(Task(request, recipes, picture, masks, progress, cancel))

        return work


def create_app(worker: Worker) -> FastAPI:
    """The app of one worker, whose thread lives as long as the app does."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        worker.jobs.start()
        watching = asyncio.create_task(worker.watch())
        yield
        watching.cancel()

    app = FastAPI(
        dependencies=[Depends(worker.noted)],
        title="Semantic Style worker",
        description="Point at part of a picture with words and repaint only that part.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        default_response_class=Json,
        redirect_slashes=False,
    )
    answer_errors(app)
    _add_routes(app, worker)
    _add_job_routes(app, worker)
    return app


def _add_routes(app: FastAPI, worker: Worker) -> None:
    @app.get("/capabilities")
    async def capabilities() -> Json:
        """What this worker can do, and how far it is with loading."""
        return Json(await asyncio.to_thread(worker.studio.offered.capabilities))

    @app.get("/styles", responses=_answers())
    async def styles(side: Side = 96) -> Response:
        """The styles that can be named, with thumbnails as RGB u8."""
        return packed(await asyncio.to_thread(worker.studio.offered.styles, side))

    @app.post("/recipes", openapi_extra=_body(RecipeRequest))
    async def recipes(request: Request) -> Json:
        """A recipe's canonical data, and its text in the region language."""
        recipe = await asyncio.to_thread(read_recipe_request, await header_of(request))
        return Json({"recipe": to_data(recipe), "text": recipe_text(recipe)})

    @app.head("/pictures/{name}")
    async def has_picture(name: Sha) -> Response:
        """Whether the picture is here."""
        return Response(status_code=200 if name in worker.pictures else 404)

    @app.put("/pictures/{name}", status_code=201, openapi_extra=_samples())
    async def put_picture(request: Request, name: Sha) -> Response:
        """Keep a picture or a mask, named by the sha256 of the whole body."""
        size = expected_length(request, LARGEST)
        try:
            worker.pictures.expect(size)
        except NoRoom:
            line = "the worker holds as many pictures as it may: try again later"
            raise Refused(429, line, "full") from None
        held: Held | None = None
        try:
            body, digest = bytearray(), hashlib.sha256()

            def take(piece: bytes) -> None:
                body.extend(piece)
                digest.update(piece)

            await whole_body(request, size, take)
            if digest.hexdigest() != name:
                raise Refused(400, "the body is not what its name says: its sha256 is another")
            held = await asyncio.to_thread(read_picture, body)
        finally:
            worker.pictures.arrived(size, name, held)
        return Response(status_code=201)

    @app.post("/shutdown", status_code=202)
    async def shutdown() -> Response:
        """End the process, once this is answered."""
        worker.leave()
        return Response(status_code=202)


def _add_job_routes(app: FastAPI, worker: Worker) -> None:
    def known(name: str) -> Job:
        job = worker.jobs.get(name)
        if job is None:
            raise Refused(404, "there is no such job (any more): submit it again", "job")
        return job

    @app.post("/jobs", status_code=202, openapi_extra=_body(JobRequest))
    async def submit(request: Request) -> Json:
        """A new job. Follow its events within 10 s, or it is cancelled."""
        job = await asyncio.to_thread(worker.submit, await header_of(request))
        return Json({"id": job.id}, status_code=202)

    @app.get("/jobs/{name}/events")
    async def events(name: JobName) -> Response:
        """What becomes of the job, line by line as JSON; blank lines are signs of life. Whoever
        stops listening cancels it."""
        return StreamingResponse(
            _events(worker.jobs, known(name)), media_type="application/x-ndjson"
        )

    @app.get("/jobs/{name}/result", responses=_answers())
    async def result(name: JobName) -> Response:
        """What the job has made, once."""
        job = known(name)
        if job.active:
            raise Refused(409, "the job is not done yet: follow its events", "running")
        if job.state != "done":
            raise Refused(410, job.message or "the job was cancelled", job.code)
        return packed(worker.jobs.fetch(job))

    @app.delete("/jobs/{name}", status_code=204)
    async def cancel(name: JobName) -> Response:
        """End the job, if it has not ended."""
        job = worker.jobs.get(name)
        if job is not None:
            worker.jobs.cancel(job)
        return Response(status_code=204)


async def _events(jobs: Jobs, job: Job) -> AsyncIterator[bytes]:
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def changed() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(news.set)

    jobs.watch(job, changed)
    try:
        last: dict[str, Any] | None = None
        while last is None or last["event"] in ("queued", "stage"):
            news.clear()
            now = jobs.event(job)
            if now != last:
                yield json.dumps(now).encode() + b"\n"
                last = now
                continue
            try:
                await asyncio.wait_for(news.wait(), ALIVE)
            except TimeoutError:
                yield b"\n"
    finally:
        jobs.leave(job, changed)


def _fitting(request: JobRequest, held: dict[str, Held]) -> tuple[Picture, dict[str, Mask]]:
    """The picture, and masks that have its size. RequestError."""
    picture = held[request.picture]
    if not isinstance(picture, Picture):
        raise RequestError("the picture has one channel, as a mask: send one with 3 or 4")
    masks = {}
    for name in request.pictures[1:]:
        mask = held[name]
        if not isinstance(mask, Mask) or mask.samples.shape != picture.pixels.shape[:2]:
            raise RequestError("a mask needs one channel, and the size of the picture")
        masks[name] = mask
    return picture, masks


def _body(model: type[RecipeRequest]) -> dict[str, Any]:
    """How OpenAPI describes a body that is read by hand: JSON, or the same packed."""
    content = {"application/json": {"schema": model.model_json_schema()}, MEDIA_TYPE: _SAMPLES}
    return {"requestBody": {"required": True, "content": content}}


def _samples() -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {MEDIA_TYPE: _SAMPLES}}}


def _answers() -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {MEDIA_TYPE: _SAMPLES}}}
