"""Joined and bounded regions and parts of styles, on real photos with the networks that ship."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from semantic_style.core.recipe import from_json
from semantic_style.plugin.session import Session


def samples(path: Path) -> NDArray[np.int64]:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


@pytest.fixture
def selection(castle: Path, tmp_path: Path) -> Path:
    """The left half of the photo's canvas, as an editor exports a selection: by alpha alone."""
    with Image.open(castle) as photo:
        layer = Image.new("RGBA", photo.size)
        layer.paste((255, 255, 255, 255), (0, 0, photo.width // 2, photo.height))
    path = tmp_path / "my selection.png"
    layer.save(path)
    return path


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A photo as a style: a gate that glows in front of a dark blue sky."""
    with Image.open(Session().shipped_photo("brandenburgGate")) as photo:
        photo.convert("RGB").resize((480, 360)).save(tmp_path / "gate.png")
    return tmp_path / "gate.png"


def test_masks_of_joined_and_bounded_regions(
    cli: Callable, castle: Path, selection: Path, tmp_path: Path
) -> None:
    def mask(target: str) -> NDArray[np.int64]:
        out = tmp_path / "m.png"
        ran = cli("mask", castle, target, "--force", "-o", out)
        assert ran.code == 0, ran.err
        assert "of the picture" in ran.out
        return samples(out)

    sky, building = mask("sky"), mask("building")
    both = mask("sky + building")
    assert (both >= np.maximum(sky, building) - 2).mean() > 0.99
    left = mask(f"sky within mask:{selection}")
    assert (left[:, 160:] == 0).all()
    assert left[:40, :150].mean() > 240
    joined = mask(f"building + mask:{selection}")
    assert (joined[:, :155] == 255).all()
    assert np.abs(joined[:, 180:] - building[:, 180:]).mean() < 2
    assert (mask(f"* within mask:{selection}") == mask(f"mask:{selection}"))[:, :150].all()


def test_mask_says_every_score(cli: Callable, castle: Path, tmp_path: Path) -> None:
    ran = cli("mask", castle, "sky + horse", "-o", tmp_path / "m.png")
    assert ran.code == 0
    assert ran.err.startswith('semantic-style: warning: "horse" was not found')
    assert 'best score of "sky" ' in ran.out
    assert 'best score of "horse" ' in ran.out


def test_within_is_a_flag_too(cli: Callable, castle: Path, selection: Path, tmp_path: Path) -> None:
    out, flags = tmp_path / "out.png", ("--within", f"mask:{selection}", "--feather", "12")
    ran = cli("stylize", castle, "* = mosaic", *flags, "--json", "-o", out)
    assert ran.code == 0, ran.err
    before, after = samples(castle), samples(out)
    assert (after[:, 160:] == before[:, 160:]).all()
    assert np.abs(after[:, :160] - before[:, :160]).mean() > 5
    summary = json.loads(ran.out)
    assert summary["scores"] == {}
    assert summary["recipe"]["schema"] == 4
    named = {"adaattn-compact", "perceptual-compact"}
    assert summary["recipe"]["pins"]["weights"].keys() == named


def test_sky_from_its_sky_takes_the_sky_s_colours(
    cli: Callable, castle: Path, gate: Path, tmp_path: Path
) -> None:
    out, mask_file = tmp_path / "out.png", tmp_path / "m.png"

    def part_of_gate(phrase: str) -> NDArray[np.float64]:
        assert cli("mask", gate, phrase, "--force", "-o", mask_file).code == 0
        return mean(gate)

    def sky(recipe: str, *flags: str) -> NDArray[np.float64]:
        flags = (*flags, "--mask-out", str(mask_file), "--force")
        ran = cli("stylize", castle, recipe, *flags, "-o", out)
        assert ran.code == 0, ran.err
        return mean(out)

    def mean(picture: Path) -> NDArray[np.float64]:
        inside: NDArray[np.float64] = samples(picture)[samples(mask_file) > 250].mean(axis=0)
        return inside

    blue, brown = part_of_gate("sky"), part_of_gate("building")
    assert np.abs(blue - brown).max() > 100
    assert np.abs(sky(f"sky = {gate} from sky") - blue).max() < 8
    assert np.abs(sky(f"sky = {gate}", "--style-region", "building") - brown).max() < 25
    assert np.abs(sky(f"sky = {gate}") - blue).max() > 16


def test_pairs_in_order_are_kept_in_the_result(
    cli: Callable, castle: Path, gate: Path, tmp_path: Path
) -> None:
    first, again = tmp_path / "a.png", tmp_path / "b.png"
    items = ("-r", f"sky = {gate}", "-r", f"building = {gate}")
    flags = ("--style-region", "sky", "--style-region", "building")
    ran = cli("stylize", castle, *items, *flags, "--json", "-o", first)
    assert ran.code == 0, ran.err
    recipe = from_json(json.dumps(json.loads(ran.out)["recipe"]))
    assert [region.style_region for region in recipe.regions] == ["sky", "building"]
    text = f"sky = {gate} from sky; building = {gate} from building"
    assert cli("stylize", castle, text, "-o", again).code == 0
    assert (samples(first) == samples(again)).all()


def test_what_can_t_be_met_is_one_line(
    cli: Callable, castle: Path, selection: Path, tmp_path: Path
) -> None:
    Image.new("L", (320, 213)).save(tmp_path / "black.png")
    (tmp_path / "text.png").write_text("no picture")
    for recipe, said in (
        ("sky = mosaic from horse", '"horse" was not found in the style "mosaic" (best score'),
        (f"sky + mask:{tmp_path / 'black.png'} = mosaic", "black or transparent all over"),
        (f"sky within image:{tmp_path / 'text.png'} = mosaic", "text.png"),
        ("sky within image:gone.png = mosaic", 'no file "gone.png"'),
        ("sky within mask:gone.png = mosaic", 'no file "gone.png"'),
        (f"building within {selection} = mosaic", "write mask:FILE"),
        ("sky = my pic from home.jpg", "double quotes"),
    ):
        ran = cli("stylize", castle, recipe, "-o", tmp_path / "out.png")
        assert ran.code == 2, recipe
        assert said in ran.err
        assert len(ran.err.splitlines()) == 1
        assert not (tmp_path / "out.png").exists()
