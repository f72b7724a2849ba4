"""Jobs of a worker: one thread does them, one after the other, the urgent ones first."""

from __future__ import annotations

import itertools
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from ...core.errors import Cancelled, PhraseNotFound, RequestError
from ...core.progress import CancelToken, Progress

Parts = list[bytes | memoryview]  # a message, see wire.pack
Work = Callable[[Progress, CancelToken], Parts]
State = Literal["queued", "running", "done", "cancelled", "failed"]

MOST_WAITING = 16
MOST_RESULTS = 8  # that nobody has fetched
NO_MEMORY = "there is not enough memory: close other programs, or choose a smaller size"
BROKEN = "broken"  # the code of a job that failed as every later one would
UNFOLLOWED = 10.0  # s after which a job that nobody follows is cancelled
UNFETCHED = 60.0  # s after which the result of one that has ended is dropped

log = logging.getLogger(__name__)


class QueueFull(Exception):
    """As many jobs wait as may."""


@dataclass(eq=False)
class Job:
    """One piece of work. final: it goes before what is only looked at, and stops it. client: its
    newer job that is not final takes the place of its older ones. ended: called once, however it
    ends. Only Jobs changes it."""

    work: Work
    final: bool
    client: str = ""
    ended: Callable[[], None] = lambda: None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    token: CancelToken = field(default_factory=CancelToken)
    state: State = "queued"
    stage: str = "starting"
    fraction: float = 0.0
    message: str = ""
    code: str = ""
    result: Parts = field(default_factory=list)
    number: int = 0
    watchers: list[Callable[[], None]] = field(default_factory=list)
    since: float = 0.0  # of the clock: when it was left alone, or ended

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")


class Jobs:
    """The queue, its one thread, and the results that wait to be fetched. All methods may be
    called from any thread, and none of them waits for work. prepare: what the thread does first.
    clock: seconds, for tests."""

    def __init__(
        self, prepare: Callable[[], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._prepare, self._clock = prepare, clock
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self.broken = False  # whether a library could not be loaded: a new process may
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, patience: float) -> bool:
        """Cancel everything; whether the thread ended within that many seconds."""
        self.cancel_all()
        if self._thread.is_alive():
            self._thread.join(patience)
        return not self._thread.is_alive()

    def cancel_all(self) -> None:
        """Nothing is begun any more, and what is being done is cancelled."""
        with self._changed:
            self._stopped = True
            for job in list(self._jobs.values()):
                self._cancel(job)
                self._end(job, "cancelled")  # whoever follows need not wait for the thread
            self._changed.notify_all()

    @property
    def busy(self) -> bool:
        """Whether any job waits or runs."""
        with self._changed:
            return any(job.active for job in self._jobs.values())

    def submit(self, job: Job) -> None:
        """QueueFull."""
        with self._changed:
            if not job.final and job.client:
                self._replace(each for each in self._jobs.values() if each.client == job.client)
            waiting = [each for each in self._jobs.values() if each.state == "queued"]
            if self._stopped or len(waiting) >= MOST_WAITING:
                raise QueueFull
            if job.final:
                self._replace(each for each in self._jobs.values() if each.state == "running")
            job.number, job.since = next(self._numbers), self._clock()
            self._jobs[job.id] = job
            self._tell(*waiting)
            self._changed.notify_all()

    def get(self, name: str) -> Job | None:
        with self._changed:
            return self._jobs.get(name)

    def cancel(self, job: Job) -> None:
        with self._changed:
            self._cancel(job)

    def fetch(self, job: Job) -> Parts:
        """The result of a job that is done, which is forgotten then."""
        with self._changed:
            self._jobs.pop(job.id, None)
            return job.result

    def watch(self, job: Job, changed: Callable[[], None]) -> None:
        """Have `changed` called, in any thread, whenever `event` has something new."""
        with self._changed:
            job.watchers.append(changed)

    def leave(self, job: Job, changed: Callable[[], None]) -> None:
        """End a watch. A job that has not ended, and that nobody else watches, is cancelled."""
        with self._changed:
            job.watchers.remove(changed)
            job.since = self._clock()
            if not job.watchers:
                self._cancel(job)

    def event(self, job: Job) -> dict[str, Any]:
        """Where the job is now, for its followers."""
        with self._changed:
            if job.state == "queued":
                return {"event": "queued", "before": self._before(job)}
            if job.state == "running":
                return {"event": "stage", "stage": job.stage, "fraction": round(job.fraction, 4)}
            if job.state == "done":
                return {"event": "done"}
            return {"event": job.state, "message": job.message, "code": job.code}

    def sweep(self) -> None:
        """Cancel what nobody follows and drop what nobody fetches; to be called each second."""
        now = self._clock()
        with self._changed:
            for job in list(self._jobs.values()):
                if job.watchers:
                    continue
                if job.active and now - job.since > UNFOLLOWED:
                    self._cancel(job)
                elif not job.active and now - job.since > UNFETCHED:
                    del self._jobs[job.id]

    def _before(self, job: Job) -> int:
        mine = _turn(job)
        waiting = [each for each in self._jobs.values() if each.active]
        return sum(each.state == "running" or _turn(each) < mine for each in waiting)

    def _replace(self, jobs: Iterator[Job]) -> None:
        for job in [each for each in jobs if not each.final]:
            if job.active:
                self._cancel(job, "replaced")
            elif not job.watchers:
                del self._jobs[job.id]

    def _cancel(self, job: Job, code: str = "") -> None:
        if not job.active:
            return
        job.code = job.code or code
        job.token.cancel()
        if job.state == "queued":
            self._end(job, "cancelled")

    def _end(self, job: Job, state: State, message: str = "", code: str = "") -> None:
        if not job.active:
            return
        job.state, job.message = state, message
        job.code = code or (job.code if state == "cancelled" else "")
        job.since = self._clock()
        job.work = _done
        job.ended()
        waiting = [each for each in self._jobs.values() if each.state == "queued"]
        self._tell(job, *waiting)
        results = [each for each in self._jobs.values() if each.result and not each.watchers]
        for old in results[:-MOST_RESULTS]:
            del self._jobs[old.id]

    def _tell(self, *jobs: Job) -> None:
        for job in jobs:
            for changed in job.watchers:
                changed()

    def _run(self) -> None:
        self._prepare()
        while (job := self._next()) is not None:
            self._do(job)
            del job  # with what it made, which may be large

    def _next(self) -> Job | None:
        with self._changed:
            while not self._stopped:
                waiting = [job for job in self._jobs.values() if job.state == "queued"]
                if waiting:
                    job = min(waiting, key=_turn)
                    job.state = "running"
                    self._tell(*waiting)
                    return job
                self._changed.wait()
        return None

    def _do(self, job: Job) -> None:
        def progress(stage: str, fraction: float) -> None:
            job.token.check()
            with self._changed:
                job.stage, job.fraction = stage, fraction
                self._tell(job)

        try:
            job.result = job.work(progress, job.token)
            state, message, code = "done", "", ""
        except Cancelled:
            state, message, code = "cancelled", "", ""
        except PhraseNotFound as error:
            state, message, code = "failed", str(error), "phrase"
        except RequestError as error:
            state, message, code = "failed", str(error), "request"
        except Exception as error:
            state, message, code = "failed", *_unexpected(error)
            self.broken = self.broken or code == BROKEN
        with self._changed:
            self._end(job, state, message, code)  # type: ignore[arg-type]  # one of three


def _turn(job: Job) -> tuple[bool, int]:
    return not job.final, job.number


def _done(progress: Progress, cancel: CancelToken) -> Parts:
    """The work of a job that has ended, which holds nothing any more."""
    return []


def _unexpected(error: Exception) -> tuple[str, str]:
    """The line for whoever asked, and its code; the traceback goes to the log alone."""
    try:
        from ...core.device import out_of_memory
    except Exception:
        return _not_loaded(error)
    if isinstance(error, ImportError):
        return _not_loaded(error)
    if out_of_memory(error):
        log.warning("out of memory", exc_info=error)
        return NO_MEMORY, "memory"
    from .log import worker_log_path

    log.error("a job failed", exc_info=error)
    return (
        f"unexpected error, {type(error).__name__}; this looks like a bug: please report it and "
        f"enclose {worker_log_path()}"
    ), "bug"


def _not_loaded(error: Exception) -> tuple[str, str]:
    """A library that could not be loaded can't be loaded later either, in this process."""
    log.error("libraries can't be loaded", exc_info=error)
    return (
        "PyTorch and what it needs can't be loaded: close other programs if memory is short, else "
        "run install.sh again",
        BROKEN,
    )
