"""The worker's process: where it listens, that there is only one, and how it ends."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO

from ...core.errors import RequestError
from ...core.wording import shown_path
from ..gimp.semantic_style.link.address import (
    HAS_UNIX,
    LONGEST_SOCKET,
    PORT_FILE,
    SOCKET,
    AddressError,
    meeting_folder,
    meeting_folders,
    write_port_file,
)

if TYPE_CHECKING:
    from ..session import Session
    from .bodies import App
    from .jobs import Jobs

KEPT = 400_000_000  # bytes of painted regions
PATIENCE = 3.0  # s that a worker has to end in, or to begin


def serve(
    path: Path | None = None,
    port: int | None = None,
    idle_exit: float | None = None,
    device: str = "auto",
) -> None:
    """Answer until a signal, POST /shutdown, or `idle_exit` s without a request.

    path: of a Unix socket; port: of 127.0.0.1, 0 for a free one; neither: where the plug-in
    looks. RequestError where it can't listen there, also since another worker does.
    """
    from ..session import Session
    from .log import open_log

    session = Session(device, kept_bytes=KEPT)
    open_log()
    with contextlib.ExitStack() as ends:
        if port is None and (path is not None or HAS_UNIX):
            places = _places(path)
            for place in places:
                ends.enter_context(_only_one(place))
            sockets = [ends.enter_context(_unix_socket(place)) for place in places]
            where, guard = str(places[0]), None
        else:
            listener = ends.enter_context(_tcp_socket(port or 0))
            sockets, number = [listener], listener.getsockname()[1]
            file = _safe_folder() / PORT_FILE
            token = write_port_file(file, number).token
            ends.callback(file.unlink, missing_ok=True)
            where, guard = f"127.0.0.1:{number}, the token is in {file}", (number, token)
        jobs = _run(session, sockets, where, guard, idle_exit)
    if not jobs.stop(PATIENCE):
        # In the middle of loading, or of one long step of a library: it holds nothing of worth,
        # and Python's own end would wait for it, or crash under it.
        os._exit(0)


def _run(
    session: Session,
    sockets: list[socket.socket],
    where: str,
    guard: tuple[int, str] | None,
    idle_exit: float | None,
) -> Jobs:
    """Serve; the jobs, whose thread may still be busy when nobody listens any more. guard: port
    and token that every request has to name."""
    import uvicorn

    from ..console import say
    from ..server import Worker, create_app
    from .bodies import Guard
    from .work import Studio

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """A signal is a clean end here, not one to be raised again afterwards."""
            self.should_exit = True

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            with contextlib.suppress(OSError):  # a full disk takes no log
                say(f"listening at {where} (Ctrl+C ends it)")

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            worker.jobs.cancel_all()
            await super().shutdown(sockets)

    def leave() -> None:
        server.should_exit = True

    worker = Worker(Studio(session), idle_exit=idle_exit, leave=leave)
    app: App = create_app(worker)
    config = uvicorn.Config(
        app if guard is None else Guard(app, *guard),
        http="h11", ws="none", lifespan="on", loop="asyncio", log_config=None, access_log=False,
        server_header=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = Server(config)
    server.run(sockets)
    return worker.jobs


def _places(path: Path | None) -> list[Path]:
    if path is None:
        try:
            return [folder / SOCKET for folder in meeting_folders()]
        except AddressError as error:
            raise RequestError(str(error)) from None
    if not path.absolute().parent.is_dir():
        raise RequestError(f"there is no folder for {shown_path(path)}: make it first")
    if len(os.fsencode(path.absolute())) > LONGEST_SOCKET:
        raise RequestError(f"{shown_path(path)} is too long for a socket: choose a shorter path")
    return [path.absolute()]


def _safe_folder() -> Path:
    try:
        return meeting_folder()
    except AddressError as error:
        raise RequestError(str(error)) from None


@contextlib.contextmanager
def _only_one(place: Path) -> Iterator[None]:
    """Hold the lock that says that somebody listens there. RequestError where another does; that
    of a process that was killed is free."""
    import fcntl

    lock = place.with_name(place.name + ".lock")
    try:
        file: BinaryIO = lock.open("ab")
    except OSError as error:
        raise RequestError(f"can't listen at {shown_path(place)}: {error.strerror}") from None
    until = time.monotonic() + PATIENCE
    with file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                # One that is just ending listens no more; one that is just beginning will.
                if time.monotonic() > until or _answers(place):
                    raise RequestError(
                        f"a worker listens at {shown_path(place)} already: use that one, or end "
                        "it first"
                    ) from None
            time.sleep(0.05)
        yield


def _answers(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(place))
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _unix_socket(place: Path) -> Iterator[socket.socket]:
    """A listening socket that only this user can connect to; its file goes with it."""
    try:
        if stat.S_ISSOCK(place.lstat().st_mode):
            place.unlink()  # of a process that was killed: the lock is ours
        else:
            raise RequestError(f"{shown_path(place)} is no socket: name another path")
    except FileNotFoundError:
        pass
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(place))
        listener.listen()
    except OSError as error:
        listener.close()
        raise RequestError(f"can't listen at {shown_path(place)}: {error.strerror}") from None
    finally:
        os.umask(before)
    with listener:
        try:
            yield listener
        finally:
            place.unlink(missing_ok=True)


@contextlib.contextmanager
def _tcp_socket(port: int) -> Iterator[socket.socket]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with listener:
        try:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or "no such port"
            raise RequestError(f"can't listen on port {port}: {why}") from None
        yield listener
