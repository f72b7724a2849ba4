"""The worker's queue: what goes first, what takes whose place, and what nobody waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from semantic_style.core.errors import PhraseNotFound, RequestError
from semantic_style.core.progress import CancelToken, Progress
from semantic_style.plugin.worker.jobs import (
    MOST_RESULTS,
    MOST_WAITING,
    UNFETCHED,
    UNFOLLOWED,
    Job,
    Jobs,
    Parts,
    QueueFull,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """A queue whose work is to wait for `go`, and to say what was done."""

    def __init__(self) -> None:
        self.clock, self.done, self.released = Clock(), [], []
        self.go = threading.Event()
        self.jobs = Jobs(lambda: None, clock=self.clock)

    def job(self, name: str, *, final: bool = False, client: str = "") -> Job:
        def work(progress: Progress, cancel: CancelToken) -> Parts:
            progress(name, 0.5)
            while not self.go.wait(0.01):
                cancel.check()
            self.done.append(name)
            return [name.encode()]

        return Job(work, final, client, lambda: self.released.append(name))

    def submit(self, name: str, **more: Any) -> Job:
        job = self.job(name, **more)
        self.jobs.submit(job)
        return job

    def begun(self, job: Job) -> Job:
        wait(lambda: self.jobs.event(job)["event"] == "stage" and job.fraction == 0.5)
        return job

    def finish(self) -> None:
        self.go.set()
        wait(lambda: not self.jobs.busy)


def wait(true: Any) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.002)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    bench.jobs.start()
    yield bench
    assert bench.jobs.stop(5)


def test_one_after_the_other_in_order(bench: Bench) -> None:
    jobs = [bench.submit(name, final=True) for name in "abc"]
    bench.begun(jobs[0])
    assert [bench.jobs.event(job).get("before") for job in jobs] == [None, 1, 2]
    bench.finish()
    assert bench.done == bench.released == ["a", "b", "c"]
    assert [bench.jobs.fetch(job) for job in jobs] == [[b"a"], [b"b"], [b"c"]]
    assert [bench.jobs.get(job.id) for job in jobs] == [None] * 3


def test_what_is_final_goes_first_and_stops_what_is_only_looked_at(bench: Bench) -> None:
    look = bench.begun(bench.submit("look"))
    other = bench.submit("other look", client="b")
    final = bench.submit("final", final=True)
    bench.begun(final)
    assert bench.jobs.event(look) == {"event": "cancelled", "message": "", "code": "replaced"}
    assert bench.jobs.event(other) == {"event": "queued", "before": 1}
    bench.finish()
    assert bench.done == ["final", "other look"]


def test_what_is_final_is_not_stopped(bench: Bench) -> None:
    first = bench.begun(bench.submit("first", final=True, client="a"))
    bench.submit("look", client="a")
    bench.submit("second", final=True, client="a")
    assert bench.jobs.event(first)["event"] == "stage"
    bench.finish()
    assert bench.done == ["first", "second", "look"]


def test_a_clients_newer_look_takes_the_place_of_its_older_ones(bench: Bench) -> None:
    running = bench.begun(bench.submit("running", client="a"))
    waiting = bench.submit("waiting", client="a")
    others = bench.submit("others", client="b")
    nobodys = [bench.submit("nobodys"), bench.submit("nobodys too")]
    newest = bench.submit("newest", client="a")
    wait(lambda: not running.active)
    assert running.code == waiting.code == "replaced"
    assert all(job.active for job in (others, newest, *nobodys))
    bench.finish()
    assert bench.done == ["others", "nobodys", "nobodys too", "newest"]


def test_an_older_look_that_is_done_is_dropped(bench: Bench) -> None:
    bench.go.set()
    older = bench.submit("older", client="a")
    wait(lambda: not older.active)
    bench.submit("newer", client="a")
    assert bench.jobs.get(older.id) is None


def test_a_queue_is_not_endless(bench: Bench) -> None:
    bench.begun(bench.submit("running", final=True))
    for _ in range(MOST_WAITING):
        bench.submit("waiting", final=True)
    with pytest.raises(QueueFull):
        bench.submit("too many", final=True)


def test_a_job_that_is_cancelled(bench: Bench) -> None:
    running = bench.begun(bench.submit("running", final=True))
    waiting = bench.submit("waiting", final=True)
    bench.jobs.cancel(waiting)
    assert bench.jobs.event(waiting)["event"] == "cancelled"
    bench.jobs.cancel(running)
    wait(lambda: bench.jobs.event(running)["event"] == "cancelled")
    bench.jobs.cancel(running)
    assert bench.released == ["waiting", "running"]


def test_a_follower_that_leaves_cancels(bench: Bench) -> None:
    job, news = bench.begun(bench.submit("job", final=True)), threading.Event()
    other = threading.Event()
    bench.jobs.watch(job, news.set)
    bench.jobs.watch(job, other.set)
    bench.jobs.leave(job, news.set)
    assert not job.token.cancelled
    bench.jobs.leave(job, other.set)
    wait(lambda: not job.active)
    assert bench.jobs.event(job)["event"] == "cancelled"


def test_a_follower_hears_of_stage_and_end(bench: Bench) -> None:
    news = threading.Event()
    job = bench.job("job", final=True)
    bench.jobs.watch(job, news.set)
    bench.jobs.submit(job)
    bench.begun(job)
    assert news.is_set()
    assert bench.jobs.event(job) == {"event": "stage", "stage": "job", "fraction": 0.5}
    news.clear()
    bench.go.set()
    assert news.wait(5)
    wait(lambda: not job.active)
    assert bench.jobs.event(job) == {"event": "done"}


def test_what_nobody_follows_is_cancelled(bench: Bench) -> None:
    alone, followed = bench.submit("alone", final=True), bench.submit("followed", final=True)
    bench.jobs.watch(followed, lambda: None)
    bench.begun(alone)
    bench.clock.now = UNFOLLOWED - 0.1
    bench.jobs.sweep()
    assert alone.active
    bench.clock.now = UNFOLLOWED + 0.1
    bench.jobs.sweep()
    wait(lambda: not alone.active)
    bench.begun(followed)


def test_what_nobody_fetches_is_dropped(bench: Bench) -> None:
    job = bench.submit("job")
    bench.finish()
    bench.clock.now = UNFETCHED - 0.1
    bench.jobs.sweep()
    assert bench.jobs.get(job.id) is job
    bench.clock.now = UNFETCHED + 0.1
    bench.jobs.sweep()
    assert bench.jobs.get(job.id) is None


def test_only_a_few_results_are_held(bench: Bench) -> None:
    bench.go.set()
    jobs = []
    for number in range(MOST_RESULTS + 3):
        jobs.append(bench.submit(str(number), final=True))
        wait(lambda: not jobs[-1].active)
    held = [job for job in jobs if bench.jobs.get(job.id)]
    assert held == jobs[3:]


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (RequestError("a plain line"), "request", "a plain line"),
        (PhraseNotFound("no horse"), "phrase", "no horse"),
        (MemoryError(), "memory", "not enough memory"),
        (RuntimeError("bad_alloc"), "memory", "not enough memory"),
        (ZeroDivisionError("of a secret"), "bug", "ZeroDivisionError"),
    ],
)
def test_what_goes_wrong_is_one_line_and_the_next_job_is_done(
    bench: Bench, error: Exception, code: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(progress: Progress, cancel: CancelToken) -> Parts:
        raise error

    job = Job(fail, True)
    bench.jobs.submit(job)
    bench.submit("next", final=True)
    bench.finish()
    event = bench.jobs.event(job)
    assert (event["event"], event["code"]) == ("failed", code)
    assert says in event["message"]
    assert "\n" not in event["message"]
    assert "secret" not in event["message"]
    assert bench.done == ["next"]
    if code == "bug":
        assert "worker.log" in event["message"]
        assert "Traceback" in caplog.text


def test_the_end_cancels_everything_and_takes_nothing_more(bench: Bench) -> None:
    running, waiting = bench.begun(bench.submit("running", final=True)), bench.submit("waiting")
    assert bench.jobs.stop(5)
    assert running.state == waiting.state == "cancelled"
    with pytest.raises(QueueFull):
        bench.submit("late")
