"""Real photos, small enough that the real networks answer in about a second."""

from __future__ import annotations

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
