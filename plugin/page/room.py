"""The engine room: the one worker of this user, which runs the models. The page runs none."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO

from ..gimp.semantic_style.link.client import Client, WorkerError, WorkerGone
from ..gimp.semantic_style.link.launch import running

STARTING = 60.0  # s that a worker has until it answers
IDLE = 900.0  # s after which one that was left behind ends itself


class Room:
    """Finds the worker that runs already, or starts one, and ends that one at the end. Safe in
    several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._client: Client | None = None

    def open(self) -> None:
        """Begin to look for a worker; does not wait for it."""
        threading.Thread(target=self._quietly, name="engine room", daemon=True).start()

    def client(self) -> Client:
        """One that answers, with a name of its own. WorkerError where there is none."""
        with self._lock:
            found = self._client
            if found is None or not _answers(found):
                found = self._client = self._find()
        return Client(found.address)

    def close(self) -> None:
        """End the worker, if it was started here."""
        with self._lock:
            process, self._process = self._process, None
            if process is None:
                return
            if self._client is not None:
                with contextlib.suppress(WorkerError):
                    self._client.shut_down()
            else:
                process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _quietly(self) -> None:
        with contextlib.suppress(WorkerError):
            self.client()

    def _find(self) -> Client:
        found = running()
        if found is not None:
            return found
        process = self._start()
        deadline = time.monotonic() + STARTING
        while time.monotonic() < deadline:
            found = running()
            if found is not None:
                return found
            if process.poll() is not None:
                break
            time.sleep(0.1)
        raise WorkerGone(f"the worker does not start{self._why()}")

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        command = [sys.executable, "-m", "semantic_style.plugin", "serve"]
        self._process = subprocess.Popen(
            [*command, "--idle-exit", f"{IDLE:g}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            start_new_session=True,  # Ctrl+C is for the page, which ends it then
        )
        return self._process

    def _why(self) -> str:
        """What the worker said last."""
        if self._said is None:
            return ""
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "")
        return f": {last.removeprefix('semantic-style: ')}" if last else ""


def _answers(client: Client) -> bool:
    try:
        client.capabilities()
    except WorkerGone:
        return False
    return True
