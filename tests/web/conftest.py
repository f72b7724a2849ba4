"""Fixtures: a real Chromium, and a visitor who looks at the page with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from semantic_style.plugin.session import Session

from ..page_server import PageServer
from .visitor import Browser, Visitor, launched

# A Chromium's name or path. Where it is set the tests must run; "no" leaves them out.
WANTED = "SEMANTIC_STYLE_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    wanted = os.environ.get(WANTED, "")
    if wanted == "no":
        pytest.skip(f"{WANTED}=no")
    found = next(filter(None, map(shutil.which, [wanted] if wanted else NAMES)), None)
    if found is None and not wanted:
        pytest.skip("there is no Chromium: apt-get install chromium")
    assert found, f"{WANTED}={wanted}, but there is no such program"
    with launched(found) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, page_server: PageServer) -> Iterator[Callable[..., Visitor]]:
    """Opens the page in a browser of its own. Nothing may have left this machine by the end, and
    nothing may have gone wrong in the page."""
    visitors: list[Visitor] = []

    def open_page(width: int = 1280, height: int = 800, *, dark: bool = False) -> Visitor:
        visitors.append(Visitor(browser, page_server.address, width, height, dark=dark))
        return visitors[-1]

    yield open_page
    for each in visitors:
        each.leave()
    for each in visitors:
        assert each.strayed == []
        assert each.complaints == []


@pytest.fixture(scope="session")
def castle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's photo, 480 x 320."""
    path = tmp_path_factory.mktemp("photos") / "castle.png"
    with Image.open(Session().shipped_photo("neuschwansteinCastle")) as photo:
        photo.convert("RGB").resize((480, 320), Image.Resampling.LANCZOS).save(path)
    return path
