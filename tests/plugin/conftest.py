"""Real photos, small enough that the real networks answer in about a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from semantic_style.plugin.session import Session


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
