"""A real worker for tests: its own process, its own folders, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semantic_style.plugin.gimp.semantic_style.link.address import Address
from semantic_style.plugin.gimp.semantic_style.link.client import Client, WorkerGone
from semantic_style.plugin.gimp.semantic_style.link.wire import digest, pack_picture

PATIENCE = 60.0  # s, for a busy machine
DEPTHS = {"uint8": "u8", "uint16": "u16", "float32": "float"}


@dataclass(frozen=True)
class Served:
    """A worker's process. folder: its runtime folder, short enough for a socket's path."""

    process: subprocess.Popen[str]
    folder: Path
    client: Client

    def ended(self, within: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(within)


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's."""
    folder = Path(tempfile.mkdtemp(prefix="ss-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def serving(*arguments: str, device: str = "cpu", **variables: str) -> Iterator[Served]:
    """A worker that answers at FOLDER/w."""
    with short_folder() as folder:
        place = folder / "w"
        process = start(
            "serve", "--socket", str(place), "--device", device, *arguments, **variables
        )
        client = Client(Address(socket=place))
        try:
            until_answered(client, process)
            yield Served(process, folder, client)
        finally:
            end(process)


def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "semantic_style.plugin", *arguments]
    return subprocess.Popen(
        command, env={**os.environ, **variables}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def until_answered(client: Client, process: subprocess.Popen[str] | None = None) -> dict[str, Any]:
    """What it says of itself, as soon as it does."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return client.capabilities()
        except WorkerGone:
            assert time.monotonic() < until
            if process is not None and process.poll() is not None:
                raise AssertionError(process.communicate()) from None
            time.sleep(0.02)


def until(true: Callable[[], object], within: float = PATIENCE) -> float:
    """Wait for something to be so; how long that took, in s."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < within, "it did not come to be"
        time.sleep(0.02)
    return time.monotonic() - begun


def parts_of(samples: NDArray[Any], **more: Any) -> list[bytes | memoryview]:
    """[h, w, 3 or 4] or [h, w] as a message."""
    height, width = samples.shape[:2]
    channels = samples.shape[2] if samples.ndim == 3 else 1
    depth = DEPTHS[samples.dtype.name]
    return pack_picture(width, height, channels, depth, samples.tobytes(), **more)


def named(samples: NDArray[Any], **more: Any) -> tuple[str, bytes]:
    """A picture's name and message."""
    parts = parts_of(samples, **more)
    return digest(parts), b"".join(parts)


def noise(width: int, height: int, channels: int = 3) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (height, width, channels), np.uint8)


def kill(process: subprocess.Popen[Any]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
