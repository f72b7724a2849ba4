"""The page's functions for programs, by gradio_client as documented."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.image import read_recipe_text
from semantic_style.core.recipe import parse_recipe, to_json
from tests.page_server import PageServer

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [ROOT / "README.md", ROOT / "docs" / "web" / "README.md"]


@pytest.fixture
def page(page_server: PageServer, tmp_path: Path) -> Iterator[Any]:
    from gradio_client import Client

    client = Client(page_server.address, verbose=False, download_files=tmp_path / "came")
    yield client
    client.close()


def sent(path: Path) -> Any:
    from gradio_client import handle_file

    return handle_file(path)


def refused(page: Any, *arguments: Any, **named: Any) -> str:
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError) as caught:
        page.predict(*arguments, **named)
    line = str(caught.value)
    assert "\n" not in line
    return line


def examples() -> list[str]:
    blocks = []
    for document in DOCUMENTS:
        blocks += re.findall(r"```python\n(.*?)```", document.read_text("utf-8"), re.DOTALL)
    return [block for block in blocks if "gradio_client" in block]


def test_the_documented_example_runs(
    page_server: PageServer, castle: Path, tmp_path: Path, cli: Callable
) -> None:
    assert examples()
    for example in examples():
        folder = tmp_path / "example"
        folder.mkdir(exist_ok=True)
        shutil.copy(castle, folder / "castle.png")
        text = example.replace("http://127.0.0.1:7860", page_server.address)
        text = text.replace("castle.jpg", str(folder / "castle.png"))
        names: dict[str, Any] = {}
        exec(compile(text, "the example", "exec"), names)
        picture, layers, recipe = (Path(names[name]) for name in ("picture", "layers", "recipe"))
        assert layers.suffix == ".ora"
        assert json.loads(read_recipe_text(picture)) == json.loads(recipe.read_text())
        again = tmp_path / "again.png"
        assert cli("stylize", castle, "--recipe", recipe, "-o", again, "--force").code == 0
        assert again.read_bytes() == picture.read_bytes()
        names["page"].close()


def test_masks(page: Any, castle: Path) -> None:
    def mask(*arguments: Any) -> np.ndarray:
        made = page.predict(sent(castle), *arguments, api_name="/mask")
        with Image.open(made) as picture:
            assert picture.mode == "L"
            return np.asarray(picture)

    sky = mask("sky")
    assert sky.shape == (213, 320)
    assert sky[:30].mean() > 200 > 20 > sky[-30:].mean()
    assert mask("sky", 0.5, 0, 2, True)[-30:].mean() > 200
    assert mask("sky", 0.5, 15, 2, False).mean() > sky.mean() + 3


def test_films_and_estimates_and_styles(page: Any, castle: Path) -> None:
    film = page.predict(
        sent(castle), "noon, aurora", "sky", 3, "linear", "gif", api_name="/animate"
    )
    with Image.open(film) as made:
        assert (made.n_frames, made.size) == (3, (320, 213))
    takes = page.predict(sent(castle), "sky = mosaic", api_name="/estimate")
    assert (takes["width"], takes["height"]) == (320, 213)
    assert takes["peak_bytes"] > 10_000_000
    assert 0 < sum(takes["parts"].values()) < 60
    offers = page.predict(api_name="/styles")
    assert "mosaic" in offers["styles"]
    assert "night" in offers["words"]


def test_what_is_wrong_is_said_in_a_line(page: Any, castle: Path, tmp_path: Path) -> None:
    def stylize(recipe: str) -> str:
        return refused(page, sent(castle), recipe, api_name="/stylize")

    assert 'does not know "xyzzy"' in stylize("xyzzy = mosaic")
    assert "sky = mosaic" in stylize("sky")
    assert "a job opens no files" in stylize("sky = /etc/passwd.png")
    assert "a job opens no files" in stylize("mask:/etc/passwd = mosaic")
    assert "no valid JSON" in stylize("{")
    assert '"horse" was not found' in stylize("horse = mosaic")
    other = tmp_path / "other.png"
    other.write_text("no picture")
    said = refused(page, sent(other), "sky", api_name="/mask")
    assert "is no PNG, JPEG, WebP or TIFF" in said
    assert str(tmp_path) not in said
    said = refused(
        page, sent(castle), "noon, night", "sky", 3, "linear", "exe", api_name="/animate"
    )
    assert "form: webp, gif, mp4 or png" in said


def test_one_picture_at_a_time_and_none_once_the_client_is_gone(
    page: Any, page_server: PageServer, castle: Path
) -> None:
    from gradio_client import Client

    slow = to_json(replace(parse_recipe("* = mosaic"), engine="gatys"))
    waiting = page.submit(sent(castle), slow, api_name="/stylize")
    deadline = time.monotonic() + 30
    while waiting.status().code.name != "PROCESSING":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    said = refused(page, sent(castle), "sky = mosaic", api_name="/stylize")
    assert "one picture at a time" in said
    page.close()
    other = Client(page_server.address, verbose=False)
    begun = time.monotonic()
    other.predict(sent(castle), "sky", api_name="/mask")
    assert time.monotonic() - begun < 20  # gatys would have taken minutes
    other.close()
