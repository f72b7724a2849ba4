"""One job at the worker: sent, followed, fetched; ended where nobody wants it any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..link.client import Client, WorkerError
from .faults import Stopped
from .waiting import Event

Answer = tuple[dict[str, Any], memoryview]


def answer_of(client: Client, job: str, tell: Callable[[Event], None]) -> Answer:
    """Header and samples of the finished job. Blocks: call it from a thread.

    WorkerError; Stopped where the job was ended elsewhere; what `tell` raises ends the job.
    """
    try:
        for event in client.follow(job):
            tell(event)
            if event["event"] == "failed":
                raise WorkerError(str(event["message"]), str(event.get("code", "")))
            if event["event"] == "cancelled":
                raise Stopped
        return client.result(job)
    except BaseException:
        client.cancel(job)
        raise


def only_region(client: Client, text: str) -> dict[str, Any]:
    """The canonical recipe of an item of the region language. WorkerError where it is wrong, or
    is more than one region."""
    recipe: dict[str, Any] = client.canonical(text)["recipe"]
    if len(recipe["regions"]) != 1 or recipe["keep"]:
        raise WorkerError("one region at a time: join several with +, such as sky + sea")
    return recipe
