"""Real photos, small enough that the real networks answer in about a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from semantic_style.plugin.session import Session

from .worker.asking import put

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from semantic_style.plugin.server import Worker


@pytest.fixture(scope="session")
def castle_image() -> Image.Image:
    """The demo's photo, 320 x 213, RGB: a castle, trees, and a sky."""
    with Image.open(Session().shipped_photo("neuschwansteinCastle")) as photo:
        return photo.convert("RGB").resize((320, 213), Image.Resampling.LANCZOS)


@pytest.fixture
def castle(castle_image: Image.Image, tmp_path: Path) -> Path:
    path = tmp_path / "castle.png"
    castle_image.save(path)
    return path


@pytest.fixture(autouse=True)
def nobodys_gimp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What doctor finds does not depend on the GIMP of who runs the tests."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no config"))
    monkeypatch.delenv("GIMP3_DIRECTORY", raising=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a blank and an umlaut in its name, and no GIMP in PATH."""
    folder = tmp_path / "Jörg Müller"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("GIMP3_DIRECTORY", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def profile(home: Path) -> Path:
    """GIMP 3.0's profile, which holds somebody else's plug-in."""
    folder = home / ".config/GIMP/3.0"
    other = folder / "plug-ins/other/other.py"
    other.parent.mkdir(parents=True)
    other.write_text("somebody else's")
    return folder


@pytest.fixture
def program(home: Path, tmp_path: Path) -> Callable[[str, str], None]:
    """Puts a shell script into PATH under a name."""

    def put(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return put


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small ZM-Nets."""
    from ..zmnet_tiny import tiny_zmnet

    folder = tmp_path_factory.mktemp("weights")
    tiny_zmnet(folder)
    return folder


@pytest.fixture(scope="module")
def worker(weights: Path) -> Worker:
    """A worker with small networks."""
    from semantic_style.plugin.server import Worker
    from semantic_style.plugin.worker.work import Studio

    return Worker(Studio(Session("cpu", weights, kept_bytes=10_000_000)))


@pytest.fixture(scope="module")
def asked(worker: Worker) -> Iterator[TestClient]:
    """A client of that worker, in this process."""
    from fastapi.testclient import TestClient

    from semantic_style.plugin.server import create_app

    with TestClient(create_app(worker)) as client:
        yield client
    assert worker.jobs.stop(20)


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    """[64, 96, 4]: a castle under a sky, see-through at the left."""
    with Image.open(Session().shipped_photo("neuschwansteinCastle")) as photo:
        rgb = np.asarray(photo.convert("RGB").resize((96, 64)))
    alpha = np.full((64, 96, 1), 255, np.uint8)
    alpha[:, :9] = 100
    return np.concatenate([rgb, alpha], axis=2)


@pytest.fixture(scope="module")
def sent(asked: TestClient, picture: NDArray[np.uint8]) -> str:
    return put(asked, picture)


@pytest.fixture(scope="module")
def session(weights: Path) -> Session:
    """What a shell would use."""
    return Session("cpu", weights)
