"""What the dialog asks of the worker, each in a thread of its own, the answers handed back.

No gi in here: `later(call, *arguments)` is what brings a call to the main thread.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from ..link.client import Client, WorkerError, WorkerGone

Parts = list[bytes | memoryview]


@dataclass(frozen=True)
class Wish:
    """A preview: of which picture, by which recipe, how large (px of the long side)."""

    picture: Parts
    recipe: dict[str, Any]
    side: int
    selection: Parts | None = None
    painted: Mapping[str, Parts] = field(default_factory=dict)


class Watcher(Protocol):
    """Called on the main thread, for the newest wish only."""

    def working(self, stage: str) -> None: ...

    def came(self, kind: str, header: dict[str, Any], samples: memoryview) -> None:
        """kind: mask first, then preview."""

    def refused(self, message: str) -> None: ...

    def lost(self, message: str) -> None:
        """No worker can be reached any more."""


class Background:
    """One worker, looked for when it is first needed and again when it has gone."""

    def __init__(self, find: Callable[[], Client], later: Callable[..., object]) -> None:
        """find: a Client that answers, or WorkerError, OSError with one line; may take long."""
        self._find, self._later = find, later
        self._finding = threading.Lock()
        self._client: Client | None = None
        self._newest = 0
        self._closed = False

    def meet(
        self,
        met: Callable[[dict[str, Any], list[dict[str, Any]], memoryview], None],
        failed: Callable[[str], None],
        side: int,
    ) -> None:
        """Capabilities and styles, with thumbnails that fit in side x side px."""

        def asking() -> None:
            try:
                client = self.client()
                answer = (client.capabilities(), *client.styles(side))
            except (WorkerError, OSError) as error:
                self._tell(failed, str(error))
            else:
                self._tell(met, *answer)

        self._start(asking)

    def parse(
        self, text: str, parsed: Callable[[dict[str, Any]], None], failed: Callable[[str], None]
    ) -> None:
        """The canonical data of a recipe in the region language."""

        def asking() -> None:
            try:
                answer = self.client().canonical(text)
            except (WorkerError, OSError) as error:
                self._tell(failed, str(error))
            else:
                self._tell(parsed, answer["recipe"])

        self._start(asking)

    def preview(self, wish: Wish, watcher: Watcher) -> None:
        """The masks of a wish and then its result; takes the place of the wish before it."""
        self._newest += 1
        self._start(partial(self._preview, self._newest, wish, watcher))

    def drop(self) -> None:
        """Nobody waits for the newest wish any more."""
        self._newest += 1

    def close(self) -> None:
        """No answer comes back from here on."""
        self._closed = True
        self.drop()

    def client(self) -> Client:
        """The worker's client. Blocks; WorkerError, OSError."""
        with self._finding:
            if self._client is None:
                self._client = self._find()
            return self._client

    def again(self, gone: Client) -> Client:
        """Another client, for one that nobody answers to."""
        with self._finding:
            if self._client is gone:
                self._client = None
        return self.client()

    def living(self) -> Client:
        """The client of a worker that answers now. Blocks; WorkerError, OSError."""
        client = self.client()
        try:
            client.capabilities()
        except WorkerGone:
            return self.again(client)
        return client

    def _preview(self, number: int, wish: Wish, watcher: Watcher) -> None:
        def tell(call: Callable[..., None], *arguments: object) -> None:
            if number == self._newest:
                self._tell(lambda: call(*arguments) if number == self._newest else None)

        try:
            client = self.client()
            for kind in ("mask", "preview"):
                try:
                    answer = self._job(client, kind, number, wish, tell, watcher)
                except WorkerGone:
                    client = self.again(client)
                    answer = self._job(client, kind, number, wish, tell, watcher)
                if answer is None:
                    return
                tell(watcher.came, kind, *answer)
        except WorkerGone as error:
            tell(watcher.lost, str(error))
        except WorkerError as error:
            tell(watcher.refused, str(error))
        except OSError as error:
            tell(watcher.lost, str(error))

    def _job(
        self,
        client: Client,
        kind: str,
        number: int,
        wish: Wish,
        tell: Callable[..., None],
        watcher: Watcher,
    ) -> tuple[dict[str, Any], memoryview] | None:
        """None where a newer wish has come."""
        more: dict[str, Any] = {"side": wish.side}
        if wish.selection is not None:
            more["selection"] = client.put_picture(wish.selection)
        if wish.painted:
            more["painted"] = {
                name: client.put_picture(each) for name, each in wish.painted.items()
            }
        picture = client.put_picture(wish.picture)
        if number != self._newest:
            return None
        job = client.submit(kind, picture, wish.recipe, **more)
        with contextlib.closing(client.follow(job)) as events:
            for event in events:
                if number != self._newest or event["event"] == "cancelled":
                    return None
                if event["event"] == "failed":
                    raise WorkerError(str(event["message"]), str(event.get("code", "")))
                if event["event"] == "stage":
                    tell(watcher.working, str(event["stage"]))
                if event["event"] == "done":
                    return client.result(job)
        raise WorkerGone("the worker stopped in the middle of the work")

    def _tell(self, call: Callable[..., None], *arguments: object) -> None:
        if not self._closed:
            self._later(lambda: None if self._closed else call(*arguments))

    def _start(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, daemon=True).start()
