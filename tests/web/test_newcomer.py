"""From nothing to a result, and the files that make the same result again."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.image import read_recipe_text
from semantic_style.plugin.session import Session

from .visitor import Visitor

Visit = Callable[..., Visitor]


def test_an_example_a_word_and_a_click_give_a_result(visit: Visit) -> None:
    me = visit()
    me.example()
    assert not me.page.locator(".ss-after").is_visible()
    me.say("sky")
    mask = me.mask()
    assert mask[:40].mean() > 200 > 20 > mask[-40:].mean()
    me.choose("mosaic")
    me.preview()
    assert me.page.locator(".ss-left").is_visible()
    left = me.picture()
    slider = me.page.get_by_label("Compare before and after")
    slider.focus()
    for _ in range(8):
        slider.press("PageDown")
    changed = np.abs(me.picture().astype(int) - left)[:, : left.shape[1] // 2].mean(axis=2)
    assert changed[: left.shape[0] // 4].mean() > 10  # the divider went left: more sky is painted
    assert np.median(changed[-left.shape[0] // 4 :]) < 2


def test_the_keyboard_alone_does_it(visit: Visit) -> None:
    me = visit()
    keys = me.page.keyboard
    me.page.get_by_role("button", name="Kingfisher on a branch").focus()
    keys.press("Enter")
    me.opened()
    me.page.locator(".ss-phrase").focus()
    keys.type("bird")
    me.mask()
    for _ in range(20):
        keys.press("Tab")
        if me.page.evaluate("() => Boolean(document.activeElement.dataset.style)"):
            break
    keys.press("Enter")
    me.preview()
    for _ in range(60):
        keys.press("Shift+Tab")
        if me.page.evaluate("() => document.activeElement.id") == "ss-paint":
            break
    keys.press("Enter")
    me.says("finished: ")


def test_downloads_give_the_same_result_again(
    visit: Visit, castle: Path, tmp_path: Path, cli: Callable
) -> None:
    me = visit()
    me.bring(castle)
    me.opened()
    me.say("sky")
    me.choose("aurora")
    me.page.get_by_role("button", name="+ Another region").click()
    me.say("building", 1)
    me.choose("linocut")
    me.row(1).get_by_label("Strength").fill("0.6")
    me.page.get_by_label("Keep as it is").fill("tree")
    me.preview()
    me.paint()
    picture = me.download("Save picture", tmp_path)
    layers = me.download("Save layers", tmp_path)
    recipe = me.download("Save recipe", tmp_path)
    assert [path.suffix for path in (picture, layers, recipe)] == [".png", ".ora", ".json"]
    assert json.loads(read_recipe_text(picture)) == json.loads(recipe.read_text())
    for number, source in enumerate((recipe, picture)):
        again, stack = tmp_path / f"again-{number}.png", tmp_path / f"again-{number}.ora"
        ran = cli("stylize", castle, "--recipe", source, "--layers-out", stack, "-o", again)
        assert ran.code == 0, ran.err
        assert again.read_bytes() == picture.read_bytes()
        with zipfile.ZipFile(stack) as one, zipfile.ZipFile(layers) as other:
            assert one.namelist() == other.namelist()
            assert all(one.read(name) == other.read(name) for name in one.namelist())


def test_a_result_brings_its_settings_back(visit: Visit, castle: Path, tmp_path: Path) -> None:
    me = visit()
    me.bring(castle)
    me.opened()
    me.say("sky")
    me.choose("aurora")
    me.row().get_by_label("Strength").fill("0.5")
    me.preview()
    me.paint()
    made = me.download("Save picture", tmp_path)
    other = visit()
    other.bring(made)
    other.says("The settings of castle-styled are back. Now choose the photo for them.")
    other.bring(castle)
    other.preview()
    assert other.row().locator(".ss-phrase").input_value() == "sky"
    assert other.row().get_by_label("Strength").input_value() == "0.5"
    assert other.page.locator("[data-style=aurora]").get_attribute("aria-pressed") == "true"
    other.paint()
    assert other.download("Save picture", tmp_path / "other").read_bytes() == made.read_bytes()


@pytest.mark.parametrize("kind", ["jpeg", "deep", "clear"])
def test_every_kind_of_picture_equals_the_shell(
    visit: Visit, castle: Path, tmp_path: Path, cli: Callable, kind: str
) -> None:
    photo = _photo(kind, castle, tmp_path)
    me = visit()
    me.bring(photo)
    me.opened()
    me.say("sky")
    me.choose("mosaic")
    me.preview()
    me.paint()
    made = me.download("Save picture", tmp_path / "made")
    recipe = me.download("Save recipe", tmp_path / "made")
    ran = cli("stylize", photo, "--recipe", recipe, "-o", tmp_path / f"again{made.suffix}")
    assert ran.code == 0, ran.err
    assert (tmp_path / f"again{made.suffix}").read_bytes() == made.read_bytes()


def _photo(kind: str, castle: Path, folder: Path) -> Path:
    with Image.open(castle) as image:
        if kind == "jpeg":
            path = folder / "photo with blanks.jpg"
            source = Session().shipped_photo("neuschwansteinCastle")
            with Image.open(source) as photo:
                exif = photo.getexif()
                exif[0x0112] = 6  # turned, as a telephone's
                photo.resize((400, 300)).save(path, quality=90, exif=exif)
            return path
        if kind == "clear":
            path = folder / "clear.webp"
            clear = image.convert("RGBA")
            alpha = Image.linear_gradient("L").resize(clear.size)
            clear.putalpha(alpha)
            clear.save(path, lossless=True)
            return path
        import tifffile

        path = folder / "deep.tif"
        deep = np.asarray(image).astype(np.uint16) * 257
        tifffile.imwrite(path, deep + np.arange(480, dtype=np.uint16)[None, :, None] % 200)
        return path
