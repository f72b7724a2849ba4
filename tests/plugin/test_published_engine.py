"""The engine adaattn-published in every face's path: without its import, and with a made one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.device import choose_device
from semantic_style.core.errors import RequestError
from semantic_style.core.recipe import Recipe, parse_recipe
from semantic_style.plugin.session import Session
from semantic_style.weights import published as layout

from ..published_adaattn import FULL, SMALL, made_states, write_checkpoint

ENGINE = ("--engine", "adaattn-published")


@pytest.fixture
def small(cli: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Imported, a few channels wide."""
    monkeypatch.setattr(layout, "WIDTHS", SMALL)
    bring(cli, write_checkpoint(tmp_path / "checkpoint", made_states(SMALL)))


def bring(cli: Callable, folder: Path) -> None:
    ran = cli("weights", "import", "adaattn", folder)
    assert ran.code == 0, ran.err


def test_without_the_import_one_line_says_how_to_get_it(
    cli: Callable, photo_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.png"
    for arguments in (
        ("stylize", photo_file, "* = mosaic", *ENGINE, "-o", out),
        ("bench", "quality", "--pairs", "1", "--no-peer", *ENGINE),
    ):
        ran = cli(*arguments)
        assert ran.code == 2
        assert ran.err.count("\n") == 1
        assert "github.com/Huage001/AdaAttN" in ran.err
        assert "weights import adaattn-published FOLDER" in ran.err
    assert not out.exists()
    with pytest.raises(RequestError, match="weights import"):
        Session().check(Recipe(parse_recipe("* = mosaic").regions, engine="adaattn-published"))


def test_the_whole_network_paints(cli: Callable, photo_file: Path, tmp_path: Path) -> None:
    """In the published widths."""
    bring(cli, write_checkpoint(tmp_path / "checkpoint", made_states(FULL)))
    out = tmp_path / "out.png"
    ran = cli(
        "stylize", photo_file, "* = mosaic", *ENGINE,
        "--style-scale", "0.25", "--json", "-o", out,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    pins = json.loads(ran.out)["recipe"]["pins"]
    assert pins["engine"] == "adaattn-published"
    assert pins["dtype"] == choose_device().dtype_name
    assert pins["weights"].keys() >= {"adaattn-published"}
    before, after = (np.asarray(Image.open(path), dtype=int) for path in (photo_file, out))
    assert after.shape == before.shape
    assert np.abs(after - before).mean() > 5


def test_a_recipe_and_a_part_of_the_style(
    cli: Callable, castle: Path, tmp_path: Path, small: None
) -> None:
    """Style regions, mixtures, several regions; and a result's recipe paints the same again."""
    out, again = tmp_path / "out.png", tmp_path / "again.png"
    ran = cli(
        "stylize", castle, "-r", f'sky = "{castle}" @ 0.8', "--style-region", "sky",
        *ENGINE, "-o", out,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    ran = cli("stylize", castle, "--recipe", out, "-o", again)
    assert ran.code == 0, ran.err
    assert (np.asarray(Image.open(out)) == np.asarray(Image.open(again))).all()
    mixed = "sky = mosaic + 0.5*batik; keep house"
    ran = cli("stylize", castle, mixed, *ENGINE, "-o", tmp_path / "mixed.png")
    assert ran.code == 0, ran.err


def test_bench_and_verify_name_it(cli: Callable, tmp_path: Path, small: None) -> None:
    file = tmp_path / "quality.json"
    ran = cli(
        "bench", "quality", "--pairs", "1", "--size", "64", "--no-peer",
        "--engine", "adaattn", *ENGINE, "--json", file,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    rows = [row["method"] for row in json.loads(file.read_text(encoding="utf-8"))["rows"]]
    assert rows[:2] == ["adaattn", "adaattn-published"]
    ran = cli("weights", "verify", "adaattn-published")
    assert ran.code == 0, ran.err
    assert "ok" in ran.out
