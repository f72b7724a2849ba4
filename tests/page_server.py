"""The page as a person starts it: its own process, its own worker, gone afterwards."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .worker import short_folder, start

PATIENCE = 60.0  # s, for a busy machine


@dataclass(frozen=True)
class PageServer:
    """address: of the page. folder: where its process keeps what it writes. ready: s from the
    process's start until it answered."""

    process: subprocess.Popen[str]
    address: str
    folder: Path
    ready: float

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def kept(self) -> list[Path]:
        """Files that the page holds for its visitors."""
        return [path for path in self.folder.glob("tmp/**/*") if path.is_file()]


@contextlib.contextmanager
def served(*arguments: str) -> Iterator[PageServer]:
    """`semantic-style web` on a free port, until the block ends."""
    with short_folder() as folder:
        variables = {}
        for name, place in {"HOME": "home", "XDG_RUNTIME_DIR": "run", "TMPDIR": "tmp"}.items():
            (folder / place).mkdir(mode=0o700)
            variables[name] = str(folder / place)
        variables["SEMANTIC_STYLE_DATA"] = str(folder / "data")
        begun = time.monotonic()
        process = start("web", "--no-open", "--port", "0", *arguments, **variables)
        try:
            yield PageServer(process, _address(process), folder, time.monotonic() - begun)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()
                process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    """Where it says that it listens."""
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    if found is None:
        process.kill()
        raise AssertionError(f"the page does not start: {line}{process.communicate()[1]}")
    return found[0]
