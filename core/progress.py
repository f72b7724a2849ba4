"""How long work reports where it is, and how it is stopped."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol

from .errors import Cancelled


class Progress(Protocol):
    """Called with what is being done, in plain words, and the fraction of the whole work that
    whoever was handed it has done, in [0, 1]; it never goes back."""

    def __call__(self, stage: str, fraction: float) -> None: ...


def silent(stage: str, fraction: float) -> None:
    """The progress of work that nobody watches."""


class Whole:
    """Parts of some work, each of which reports its own fraction, as one fraction of all of it.

    That never goes back and ends at 1; it is as even as `expected` is right: what each part
    takes, in any one unit, in the order in which they come. Faces need a single bar.
    """

    def __init__(self, report: Progress, expected: Mapping[str, float]) -> None:
        self._report, self._left = report, dict(expected)
        self._done = 0.0

    def expect(self, expected: Mapping[str, float]) -> None:
        """Other expectations of what is still to come, once more is known."""
        self._left = dict(expected)

    def part(self, name: str, shown: str | None = None) -> Progress:
        """The progress of the part that begins now; shown: in place of the stages it names."""
        own = self._left.pop(name)
        last = not self._left
        start = self._done
        share = (1 - start) * own / (own + sum(self._left.values())) if own > 0 else 0.0

        def report(stage: str, fraction: float) -> None:
            now = 1.0 if last and fraction >= 1 else start + share * min(1.0, fraction)
            self._done = max(self._done, now)
            self._report(shown or stage, self._done)

        return report


class CancelToken:
    """Set from any thread; long work calls `check` at least once a second."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raise Cancelled if somebody asked to stop."""
        if self._event.is_set():
            raise Cancelled("stopped on request")
