"""What is repainted: words, controls that answer at once, and the brush."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .visitor import Visitor

Visit = Callable[..., Visitor]


def test_controls_of_the_mask_answer(visit: Visit, castle: Path) -> None:
    me = visit()
    me.bring(castle)
    me.opened()
    me.say("sky")
    sky = me.mask().astype(float)
    me.row().get_by_text("Adjust").click()
    me.watching()
    me.row().get_by_label("Grow").fill("20")
    grown = me.next_mask().astype(float)
    assert grown.mean() > sky.mean() + 5
    me.watching()
    me.row().get_by_label("Grow").fill("0")
    me.row().get_by_label("Soft edge").fill("30")
    soft = me.next_mask().astype(float)
    assert ((soft > 20) & (soft < 235)).mean() > 2 * ((sky > 20) & (sky < 235)).mean()
    me.watching()
    me.row().get_by_label("everything but this").check()
    inverse = me.next_mask().astype(float)
    assert inverse[-40:].mean() > 200 > 40 > inverse[:40].mean()


def test_what_the_brush_adds_and_erases_counts_in_the_result(
    visit: Visit, castle: Path, tmp_path: Path
) -> None:
    me = visit()
    me.bring(castle)
    me.opened()
    me.say("sky")
    me.mask()
    me.choose("mosaic")
    me.preview()
    me.page.get_by_role("button", name="Mask", exact=True).click()
    me.watching()
    _stroke(me, "Add", (0.3, 0.9), (0.7, 0.9))
    added = me.next_mask()
    height, width = added.shape
    assert added[round(0.9 * height), round(0.5 * width)] == 255
    me.watching()
    _stroke(me, "Erase", (0.1, 0.1), (0.4, 0.1))
    erased = me.next_mask()
    assert erased[round(0.1 * height), round(0.25 * width)] == 0
    me.watching()
    me.row().get_by_text("Adjust").click()
    me.row().get_by_label("Sureness").fill("0.4")  # the brush's work stays, whatever is found
    again = me.next_mask()
    assert again[round(0.9 * height), round(0.5 * width)] == 255
    assert again[round(0.1 * height), round(0.25 * width)] == 0
    me.paint()
    made = _pixels(me.download("Save picture", tmp_path))
    before = _pixels(castle)
    assert np.array_equal(made[30:34, 60:180], before[30:34, 60:180])
    assert np.abs(made[284:292, 160:320].astype(int) - before[284:292, 160:320]).mean() > 5


def test_a_stroke_can_be_taken_back(visit: Visit, castle: Path) -> None:
    me = visit()
    me.bring(castle)
    me.opened()
    me.say("sky")
    sky = me.mask()
    me.watching()
    _stroke(me, "Add", (0.3, 0.9), (0.7, 0.9))
    assert me.next_mask().mean() > sky.mean() + 1
    me.watching()
    me.page.get_by_role("button", name="Undo").click()
    assert np.array_equal(me.next_mask(), sky)


def test_errors_stand_by_what_caused_them(visit: Visit) -> None:
    me = visit()
    me.example()
    error = me.row().locator(".ss-error")
    me.say("xyzzy")
    _says(error, 'does not know "xyzzy"')
    me.say("horse")
    _says(error, '"horse" was not found in the picture')
    me.say("sky = mosaic")
    _says(error, "a region is one phrase")
    me.say("mask:/etc/passwd")
    _says(error, "mask: names a file")
    me.say("sky")
    me.mask()
    assert error.inner_text() == ""
    me.page.get_by_role("button", name="Paint the whole picture").click()
    _says(error, "choose a style for it")
    me.page.get_by_label("A word as the style").fill("qqqqq")
    me.page.get_by_role("button", name="Use it").click()
    _says(error, "qqqqq")
    me.choose("mosaic")
    me.preview()
    assert error.inner_text() == ""
    me.page.get_by_label("Keep as it is").fill("xyzzy")
    me.page.get_by_text('does not know "xyzzy"').wait_for()
    assert error.inner_text() == ""


def _pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _says(place: Any, text: str) -> None:
    place.filter(has_text=text).wait_for()


def _stroke(me: Visitor, tool: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    button = me.page.get_by_role("button", name=tool, exact=True)
    if button.get_attribute("aria-pressed") != "true":
        button.click()
    canvas = me.page.locator(".ss-mask")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    mouse = me.page.mouse
    mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
    mouse.down()
    mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=8)
    mouse.up()
