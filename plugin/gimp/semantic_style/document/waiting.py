"""Long work in a thread while GIMP's main thread stays at its loop; procedures of GIMP may only
be called from there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from gi.repository import GLib

T = TypeVar("T")
Event = dict[str, Any]
LOOK = 250  # ms between two looks whether the work is still wanted


def awaited(
    work: Callable[[Callable[[Event], None]], T],
    seen: Callable[[Event], None],
    look: Callable[[], None],
) -> T:
    """What work(tell) gives or raises; it runs in a thread.

    seen: called on the main thread with each event that the work tells. look: called there a few
    times a second; what it raises ends the waiting at once, and the next `tell` in the thread
    raises it, too, so that the work ends.
    """
    loop = GLib.MainLoop()
    given: list[T] = []
    failed: list[BaseException] = []
    ended: list[BaseException] = []

    def tell(event: Event) -> None:
        if ended:
            raise ended[0]
        GLib.idle_add(shown, event)

    def shown(event: Event) -> bool:
        if not ended:
            _guarded(lambda: seen(event))
        return False

    def looked() -> bool:
        if not ended:
            _guarded(look)
        return not ended

    def _guarded(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:
            ended.append(error)
            loop.quit()

    def run() -> None:
        try:
            given.append(work(tell))
        except BaseException as error:
            failed.append(error)
        GLib.idle_add(loop.quit)

    timer = GLib.timeout_add(LOOK, looked)
    threading.Thread(target=run, daemon=True).start()
    loop.run()
    if ended:
        raise ended[0]
    GLib.source_remove(timer)
    if failed:
        raise failed[0]
    return given[0]
