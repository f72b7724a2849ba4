"""What the attacks share: a small real photo, and proof that nothing was written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from semantic_style.plugin.session import Session


@pytest.fixture
def castle(tmp_path: Path) -> Path:
    """The demo's photo, 320 px wide: a castle, trees, and a sky; no horse."""
    path = tmp_path / "castle.png"
    with Image.open(Session().shipped_photo("neuschwansteinCastle")) as photo:
        photo.resize((320, 213), Image.Resampling.LANCZOS).save(path)
    return path


def listing(folder: Path) -> dict[str, str]:
    """Every path under the folder with a digest of its content."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        )
        for path in folder.rglob("*")
        if not path.is_fifo()
    }


@pytest.fixture
def refused(cli: Callable, tmp_path: Path) -> Callable[..., str]:
    """Runs a command line that has to be refused; gives its one line."""

    def run(*arguments: str | Path) -> str:
        before = listing(tmp_path)
        ran = cli(*arguments)
        assert ran.code == 2, ran
        assert ran.out == ""
        assert ran.err.startswith("semantic-style: ")
        assert ran.err.count("\n") == 1, ran.err
        assert len(ran.err) < 500, "one line that a person reads"
        assert listing(tmp_path) == before, "something was written"
        return ran.err

    return run
