"""What all tests share: small pictures, a folder of their own, and no network."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# ruff: noqa: E402
# Before anything imports numpy, torch or the hub's client: they read these once.
_HOME = tempfile.TemporaryDirectory(prefix="semantic-style-tests-")
os.environ["HF_HOME"] = str(Path(_HOME.name) / "hub")
os.environ["MPLCONFIGDIR"] = str(Path(_HOME.name) / "matplotlib")
os.environ["MPLBACKEND"] = "agg"
os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
import pytest
from numpy.typing import NDArray

from .page_server import PageServer, served

_LOCAL = ("localhost", "127.0.0.1", "::1")


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data folder, empty and this test's own; processes that it starts see it too."""
    folder = tmp_path / "user data"
    monkeypatch.setenv("SEMANTIC_STYLE_DATA", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any way out of this machine fails at once, like a machine without a network."""
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def local_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in _LOCAL:
            raise OSError(f"a test tried to reach {address}")
        connect(self, address)

    def local_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in (None, *_LOCAL):
            raise socket.gaierror(f"a test tried to look up {host}")
        return lookup(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", local_connect)
    monkeypatch.setattr(socket, "getaddrinfo", local_lookup)


@pytest.fixture
def photo() -> NDArray[np.uint8]:
    """HWC, 96 high and 128 wide: a sky that shades, textured ground, and a red house."""
    height, width = 96, 128
    rng = np.random.default_rng(7)
    picture = np.empty((height, width, 3), np.float64)
    shade = np.linspace(0.0, 1.0, height)[:, None]
    picture[:] = (90, 140, 235) + shade[..., None] * np.array((110, 80, 10))
    ground = slice(height * 5 // 8, None)
    picture[ground] = (70, 110, 40) + rng.normal(0.0, 14.0, picture[ground].shape)
    picture[36:78, 44:92] = (190, 60, 45)
    return picture.clip(0, 255).round().astype(np.uint8)


@pytest.fixture
def style_picture() -> NDArray[np.uint8]:
    """HWC, 64 x 64: slanting stripes of ochre and dark blue, unlike `photo` in every statistic."""
    y, x = np.mgrid[:64, :64]
    wave = np.sin((x + 2 * y) / 3.0)[..., None] * 0.5 + 0.5
    picture = wave * np.array((235, 180, 40)) + (1 - wave) * np.array((20, 30, 90))
    return picture.round().astype(np.uint8)


@pytest.fixture
def photo_file(photo: NDArray[np.uint8], tmp_path: Path) -> Path:
    """`photo` as a PNG file."""
    from PIL import Image

    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path)
    return path


@dataclass(frozen=True)
class Ran:
    """A command line that ran: its exit code and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs `semantic-style` with the given arguments in this process."""

    def run(*arguments: str | Path) -> Ran:
        from semantic_style.plugin.cli import main

        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def page_server() -> Iterator[PageServer]:
    """One page for all tests that only visit it, and its worker."""
    with served() as server:
        yield server
