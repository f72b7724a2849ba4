"""A client that is answered: by the worker that runs, or by one that is started now.

The file environment.json beside the plug-in, which `semantic-style gimp install` writes, says
which Python has Semantic Style, and where the worker's log is.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .address import AddressError, addresses
from .client import Client, WorkerError, WorkerGone

ENVIRONMENT = Path(__file__).resolve().parents[1] / "environment.json"
SANDBOX = Path("/.flatpak-info")  # is there, and only there, in a Flatpak
IDLE_EXIT = 900  # s after which a worker that was started here leaves
PATIENCE = 30.0  # s that a worker has to answer in
OTHERS = 5.0  # s in which another worker may answer, once ours has ended
EVERY = 0.05  # s between two tries
TAIL = 4000  # bytes of a log that are looked at for its last line

# What GIMP's own Python and libraries are found by, and another Python must not see
_OURS = (
    "APPDIR", "APPIMAGE", "ARGV0", "BABL_PATH", "GDK_PIXBUF_MODULEDIR", "GDK_PIXBUF_MODULE_FILE",
    "GEGL_PATH", "GIO_MODULE_DIR", "GI_TYPELIB_PATH", "GTK_PATH", "LD_LIBRARY_PATH", "LD_PRELOAD",
    "VIRTUAL_ENV",
)  # fmt: skip
_OURS_BEGIN = ("DYLD_", "PYTHON")

INSTALL = "run semantic-style gimp install"
OUTSIDE = "start it outside: semantic-style serve"


class LaunchError(WorkerError):
    """No worker answers, and none could be started; the line says what to do."""


@dataclass(frozen=True)
class Environment:
    """Where Semantic Style is installed. log: of its worker."""

    python: str
    log: Path | None = None


def connected(
    environment: Path | None = None, waiting: Callable[[], None] = lambda: None
) -> Client:
    """A client whose worker answers; blocks until it does, at most `PATIENCE` s.

    environment: the file, by default the one beside the plug-in. waiting: called a few times a
    second while a worker starts; what it raises ends the wait. Raises LaunchError, and
    WorkerError where what answers is of another version.
    """
    client = running()
    if client is not None:
        return client
    if SANDBOX.exists():
        raise LaunchError(f"GIMP runs in a sandbox, where no worker can be started: {OUTSIDE}")
    found = read_environment(environment or ENVIRONMENT)
    before = _size(found.log)
    process = _start(found)
    # Whoever starts a process has to take note of its end, or it stays as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    until = time.monotonic() + PATIENCE
    ended = False
    while time.monotonic() < until:
        client = running()
        if client is not None:
            return client
        if process.poll() is not None and not ended:
            # It may have made way for one that was started at the same moment.
            ended, until = True, time.monotonic() + OTHERS
        waiting()
        time.sleep(EVERY)
    what = "ended at once" if ended else f"does not answer within {PATIENCE:g} s"
    raise LaunchError(f"the worker {what}{_last_line(found.log, before)}")


def running() -> Client | None:
    """A client of the worker that runs, if one does. WorkerError for one of another version."""
    try:
        places = addresses()
    except AddressError as error:
        if os.name != "posix":
            return None
        raise LaunchError(str(error)) from None
    for place in places:
        if place.socket is not None and not place.socket.exists():
            continue
        client = Client(place)
        try:
            client.capabilities()
        except WorkerGone:
            continue
        except WorkerError as error:
            if error.code != "ending":
                raise
            continue
        return client
    return None


def read_environment(file: Path) -> Environment:
    """What `gimp install` wrote. LaunchError."""
    try:
        data = json.loads(file.read_text("utf-8"))
        python, log = data["python"], data.get("log")
        if not isinstance(python, str) or not isinstance(log, str | None):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise LaunchError(
            f"the plug-in does not know where Semantic Style is installed: {INSTALL}"
        ) from None
    if not os.access(python, os.X_OK):
        raise LaunchError(
            f"Semantic Style is no longer at {python}: install it again, and then {INSTALL}"
        )
    return Environment(python, Path(log) if log else None)


def clean_variables() -> dict[str, str]:
    """This process's variables without those that lead a Python to GIMP's libraries."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _OURS and not name.startswith(_OURS_BEGIN)
    }


def _start(environment: Environment) -> subprocess.Popen[bytes]:
    command = [environment.python, "-I", "-m", "semantic_style.plugin", "serve"]
    command += ["--idle-exit", str(IDLE_EXIT)]
    output: int | None = subprocess.DEVNULL
    opened = -1
    if environment.log is not None:
        try:
            environment.log.parent.mkdir(parents=True, exist_ok=True)
            opened = os.open(environment.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            output = opened
        except OSError:
            pass  # without a place for its words it runs as well
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=clean_variables(),
            cwd=Path.home() if Path.home().is_dir() else Path("/"),
            start_new_session=True,  # GIMP's end is not its end
        )
    except OSError as error:
        raise LaunchError(
            f"{environment.python} can't be run ({error.strerror}): install Semantic Style again, "
            f"and then {INSTALL}"
        ) from None
    finally:
        if opened >= 0:
            os.close(opened)


def _size(log: Path | None) -> int:
    try:
        return log.stat().st_size if log else 0
    except OSError:
        return 0


def _last_line(log: Path | None, before: int) -> str:
    """What was written to the log last, after its first `before` bytes."""
    if log is None:
        return f": {INSTALL} again"
    try:
        with log.open("rb") as file:
            size = _size(log)
            file.seek(max(before if before <= size else 0, size - TAIL))
            lines = file.read(TAIL).decode("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    said = [" ".join(line.split()) for line in lines if line.strip()]
    return f": {said[-1][:300]} (more in {log})" if said else f": see {log}"
