"""Who is here: a visit for each browser tab, and for each client of the API."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from pathlib import Path

from .room import Room
from .visit import Visit
from .wishes import Problem

MOST = 32  # visits at once; the longest idle one makes room
IDLE = 7200.0  # s after which a visit that nobody closed is forgotten


def api_session(session: str | None) -> str:
    """The name of the visit that a session's calls of the API share."""
    return f"api {session}"


class Visits:
    """Visits by the name of their session. Safe in several threads."""

    def __init__(self, room: Room, home: Path) -> None:
        self.room, self.home = room, home
        self._lock = threading.Lock()
        self._here: OrderedDict[str, tuple[Visit, float]] = OrderedDict()

    def of(self, session: str | None) -> Visit:
        """The visit of that session, begun where it is new. Problem for a request without one."""
        if not session:
            raise Problem("", "the page has no session: load it again")
        with self._lock:
            found = self._here.pop(session, None)
            visit = found[0] if found else Visit(self.room, self.home)
            self._here[session] = visit, time.monotonic()
            gone = [self._here.popitem(last=False)[1][0] for _ in range(len(self._here) - MOST)]
            first = next(iter(self._here))
            if time.monotonic() - self._here[first][1] > IDLE:
                gone.append(self._here.pop(first)[0])
        for each in gone:
            self._end(each)
        return visit

    def leave(self, session: str | None) -> None:
        """The tab was closed, or the client of the API."""
        with self._lock:
            found = [self._here.pop(name, None) for name in (session or "", api_session(session))]
        for each in filter(None, found):
            self._end(each[0])

    def _end(self, visit: Visit) -> None:
        """The visit is over: nothing of it stays, but files that somebody else uploaded, too."""
        visit.close()
        with self._lock:
            needed = {path for each, _ in self._here.values() for path in each.uploads}
        for path in visit.uploads - needed:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()

    def close(self) -> None:
        with self._lock:
            here, self._here = list(self._here.values()), OrderedDict()
        for visit, _ in here:
            visit.close()
