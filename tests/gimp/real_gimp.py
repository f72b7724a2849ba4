"""A real GIMP 3 and what it needs: a profile of its own, a screen that nobody sees, a worker."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from shutil import rmtree
from typing import Any

from semantic_style.plugin.gimp.semantic_style.link.address import SOCKET, Address
from semantic_style.plugin.gimp.semantic_style.link.client import Client, WorkerError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PICTURES = ROOT / ".cache" / "gimp-pictures"  # what tests saw on the screen, kept for a look
SUITES = {"3.0": "trixie", "3.2": "forky"}
# Without the version GIMP takes its windows' first start for the first one after an update.
GIMPRC = '(show-welcome-dialog no)\n(check-updates no)\n(config-version "{}")\n'
WANTED = (
    "SEMANTIC_STYLE_GIMP"  # 3.0, 3.2 or all: these must run; no: none; unset: 3.0 if it is here
)
BATCH_LIMIT = 120.0  # s for one batch; GIMP itself starts in 1.4 s, the first time in 5 to 9 s


def root_of(version: str) -> Path:
    """The folder that setup-gimp.sh makes."""
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parent = Path(os.environ.get("GIMP3_CACHE") or cache_folder / "gimp3")
    return parent / SUITES[version]


def why_not(version: str) -> str:
    """Why this GIMP can't be run here, empty where it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "a real GIMP is entered by chroot, which needs root"
    if not (root_of(version) / ".gimp3-ready").exists():
        return f"no real GIMP {version} here: tests/gimp/setup-gimp.sh {version} makes one"
    return ""


@cache
def can_mount() -> bool:
    """Whether folders of this machine can be shown inside; else only GIMP's own are there."""
    command = ("unshare", "--mount", "true")
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def shared_folder(root: Path) -> Iterator[Path]:
    """A fresh folder under /tmp that has the same path inside and outside."""
    with contextlib.ExitStack() as stack:
        if can_mount():
            folder = tempfile.mkdtemp(prefix="sst-")
        else:
            real = tempfile.mkdtemp(prefix="sst-", dir=root / "tmp")
            stack.callback(rmtree, real, ignore_errors=True)
            folder = f"/tmp/{Path(real).name}"
            Path(folder).symlink_to(real)
            stack.callback(Path(folder).unlink)
        if can_mount():
            stack.callback(rmtree, folder, ignore_errors=True)
        yield Path(folder)


@dataclass
class RealGimp:
    """One version with a throw-away profile, into which the plug-in is installed.

    work: a folder with the same path inside and outside. env: what a process inside sees beside
    in-gimp's own. binds: folders that are shown inside at the same path, beside what workers need.
    said: stderr of the last batch.
    """

    version: str
    root: Path
    work: Path
    env: dict[str, str]
    binds: tuple[Path, ...] = ()
    said: str = field(default="", repr=False)

    @property
    def profile(self) -> Path:
        return Path(self.env["GIMP3_DIRECTORY"])

    @property
    def starts_workers(self) -> bool:
        """Whether this machine's Python can be run inside, so that the plug-in can start it."""
        return can_mount() and Path(sys.base_prefix) != Path("/usr")

    def command(self, *command: str, **env: str) -> list[str]:
        """The command line that runs a command inside. It becomes that command, same process."""
        needed = (ROOT, sys.base_prefix, sys.prefix) if self.starts_workers else ()
        binds = (*needed, *self.binds)
        return [
            str(HERE / "in-gimp"), str(self.root),
            *(part for place in binds for part in ("--bind", str(place))),
            *(part for name, value in {**self.env, **env}.items()
              for part in ("--env", f"{name}={value}")),
            *command,
        ]  # fmt: skip

    def run(self, *command: str, limit: float = 60.0, **env: str) -> str:
        """What a command inside prints. AssertionError with its stderr where it fails."""
        done = subprocess.run(
            self.command(*command, **env),
            capture_output=True, text=True, errors="replace", timeout=limit, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def batch(self, script: str, *, limit: float = BATCH_LIMIT, **env: str) -> dict[str, Any]:
        """Run a Python script in gimp-console; the dict `verdict` that it fills.

        The script has Gimp, Gegl, Babl, Gio, GLib and what inside.py defines. An exception in
        it, or no verdict in time, is an AssertionError with what GIMP said.
        """
        with self.started(script, **env) as process:
            try:
                process.wait(limit)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"no verdict after {limit:.0f} s: {self._heard()}") from None
        return self.verdict()

    @contextlib.contextmanager
    def started(self, script: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        """The same while it runs, for tests that disturb it; killed at the end if it still runs."""
        place = self.work / "script.py"
        place.write_text(f"{(HERE / 'inside.py').read_text()}\nrun_script({script!r}, globals())\n")
        self._verdict.unlink(missing_ok=True)
        start = f"exec(compile(open({str(place)!r}).read(), {str(place)!r}, 'exec'), globals())"
        with self._stderr.open("wb") as heard:
            process = subprocess.Popen(
                self.command(
                    "gimp-console", "-idf", "--batch-interpreter=python-fu-eval",
                    "-b", start, "--quit", VERDICT=str(self._verdict), **env,
                ),
                stdin=subprocess.DEVNULL, stdout=heard, stderr=heard,
            )  # fmt: skip
            try:
                yield process
            finally:
                process.kill()
                process.wait()
        self.said = self._heard()

    def verdict(self) -> dict[str, Any]:
        """What the last script found. AssertionError where it ended early."""
        assert self._verdict.is_file(), f"the script wrote no verdict: {self._heard()}"
        found: dict[str, Any] = json.loads(self._verdict.read_text())
        assert "exception" not in found, f"{found['exception']}\n{self._heard()}"
        return found

    @property
    def _verdict(self) -> Path:
        return self.work / "verdict.json"

    @property
    def _stderr(self) -> Path:
        return self.work / "stderr.txt"

    def _heard(self) -> str:
        return self._stderr.read_text(errors="replace")[-6000:]


@dataclass
class Worker:
    """A worker on this machine, outside GIMP. folder: its XDG_RUNTIME_DIR."""

    process: subprocess.Popen[bytes]
    client: Client
    folder: Path
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid


@contextlib.contextmanager
def running_worker(folder: Path, log: Path, env: Mapping[str, str]) -> Iterator[Worker]:
    """A worker of the program's own that answers in `folder`; shut down at the end."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "semantic_style.plugin", "serve"]
    with log.open("ab") as heard:
        process = subprocess.Popen(
            command,
            env={**os.environ, **env, "XDG_RUNTIME_DIR": str(folder)},
            stdin=subprocess.DEVNULL, stdout=heard, stderr=heard,
        )  # fmt: skip
    client = client_in(folder)
    try:
        until = time.monotonic() + 60
        while not answers(client):
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < until, log.read_text(errors="replace")
            time.sleep(0.1)
        yield Worker(process, client, folder, log)
    finally:
        with contextlib.suppress(WorkerError):
            client.shut_down()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def client_in(runtime: Path) -> Client:
    """A client of the worker whose XDG_RUNTIME_DIR this is."""
    return Client(Address(socket=runtime / "semantic-style" / SOCKET))


def answers(client: Client) -> bool:
    try:
        client.capabilities()
    except (WorkerError, OSError):
        return False
    return True


@dataclass
class Desktop:
    """A screen of 1280 x 720 with a window manager, on which GIMP can be seen and driven."""

    gimp: RealGimp
    display: str

    def xdotool(self, *arguments: str, limit: float = 20.0) -> str:
        return self.gimp.run("xdotool", *arguments, limit=limit, DISPLAY=self.display)

    def wait_for(self, title: str, limit: float = 60.0) -> str:
        """The id of a visible window whose title matches the expression."""
        until = time.monotonic() + limit
        while time.monotonic() < until:
            found = self.windows(title)
            if found:
                return found[0]
            time.sleep(0.2)
        self.shot("no-window")
        raise AssertionError(f"no window {title!r} in {limit:.0f} s; see {PICTURES}")

    def wait_gone(self, title: str, limit: float = 60.0) -> None:
        self.wait_until(lambda: not self.windows(title), f"the end of window {title!r}", limit)

    def wait_until(self, seen: Callable[[], bool], what: str, limit: float = 60.0) -> None:
        until = time.monotonic() + limit
        while not seen():
            if time.monotonic() > until:
                self.shot("not-seen")
                raise AssertionError(f"{what} was not seen in {limit:.0f} s; see {PICTURES}")
            time.sleep(0.2)

    def height_of(self, title: str) -> int:
        """Pixels; 0 where no such window is shown."""
        for window in self.windows(title):
            with contextlib.suppress(AssertionError):  # it has gone meanwhile
                shape = self.xdotool("getwindowgeometry", "--shell", window)
                return int(dict(line.split("=") for line in shape.split())["HEIGHT"])
        return 0

    def windows(self, title: str) -> list[str]:
        """Ids of visible windows whose titles match."""
        done = subprocess.run(
            self.gimp.command(
                "xdotool", "search", "--onlyvisible", "--name", title, DISPLAY=self.display
            ),
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        return done.stdout.split()

    def fill_with(self, window: str) -> None:
        """Let a window cover the screen, and take the pointer out of the way."""
        self.xdotool("windowmove", window, "0", "0", "windowsize", window, "1280", "695")
        self.xdotool("mousemove", "640", "719")

    def key(self, *keys: str) -> None:
        """Press keys, such as "ctrl+alt+y", one after the other, in the window with the focus."""
        self.xdotool("key", "--delay", "60", *keys)

    def type(self, text: str) -> None:
        self.xdotool("type", "--delay", "40", text)

    def shot(self, name: str) -> Path:
        """The whole screen as PICTURES/name-VERSION.png."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        taken = self.gimp.work / "shot.png"
        self.gimp.run("import", "-window", "root", str(taken), DISPLAY=self.display)
        kept = PICTURES / f"{name}-{self.gimp.version}.png"
        kept.write_bytes(taken.read_bytes())
        return kept

    @contextlib.contextmanager
    def running(self, *arguments: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        """GIMP's windows with these files, or another command (first argument) that shows one."""
        command = arguments if arguments and "gimp" in arguments[0] else ("gimp", "-ns", *arguments)
        with (self.gimp.work / "gui.txt").open("ab") as heard:
            process = subprocess.Popen(
                self.gimp.command(*command, DISPLAY=self.display, **env),
                stdin=subprocess.DEVNULL, stdout=heard, stderr=heard,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextlib.contextmanager
def desktop(gimp: RealGimp, size: str = "1280x720") -> Iterator[Desktop]:
    """Xvfb with openbox, inside."""
    with contextlib.ExitStack() as stack:

        def start(*command: str, **env: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                gimp.command(*command, **env),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.kill)
            assert process.stdout is not None
            stack.callback(process.stdout.close)
            return process

        screen = start("Xvfb", "-displayfd", "1", "-screen", "0", f"{size}x24", "-nolisten", "tcp")
        assert screen.stdout is not None
        number = re.match(rb"\d+", screen.stdout.readline())
        assert number, "Xvfb does not start"
        display = f":{number[0].decode()}"
        start("openbox", DISPLAY=display)
        yield Desktop(gimp, display)
