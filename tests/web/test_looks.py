"""The page in light and dark, wide and narrow: nothing is clipped, and a picture of each step.

The pictures go to .cache/web-pictures; those in docs/web are such.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from .visitor import Visitor

Visit = Callable[..., Visitor]
PICTURES = Path(__file__).resolve().parents[2] / ".cache" / "web-pictures"

# What sticks out of the page to the right, or is cut off by what holds it.
CLIPPED = """() => {
    const wide = document.documentElement.clientWidth, clipped = [];
    const shown = "button, label, p, h3, input";
    for (const each of document.querySelector("main").querySelectorAll(shown)) {
        const box = each.getBoundingClientRect(), look = getComputedStyle(each);
        if (!box.width || !box.height || look.visibility === "hidden") continue;
        if (each.closest(".ss-styles, .ss-hide, .sr-only, .label-wrap")) continue;
        if (box.right > wide + 1 || box.left < -1) clipped.push(each.outerHTML.slice(0, 120));
        else if (each.tagName === "BUTTON" && each.scrollWidth > each.clientWidth + 1
            && look.overflow !== "hidden") clipped.push(each.outerHTML.slice(0, 120));
    }
    if (document.documentElement.scrollWidth > wide) clipped.push("the page itself");
    return clipped;
}"""


@pytest.mark.parametrize("width", [1280, 390])
def test_every_step_fits(visit: Visit, width: int) -> None:
    me = visit(width, 800 if width > 400 else 844)
    PICTURES.mkdir(parents=True, exist_ok=True)

    def shown(step: str) -> None:
        me.page.wait_for_timeout(300)
        for scheme in ("dark", "light"):
            me.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            me.page.wait_for_function(
                "dark => document.body.classList.contains('dark') === dark", arg=scheme == "dark"
            )
            with Image.open(io.BytesIO(me.page.screenshot(full_page=True))) as picture:
                picture.save(PICTURES / f"{step}-{width}-{scheme}.webp", quality=80, method=1)
            assert me.page.evaluate(CLIPPED) == []

    me.page.wait_for_selector("#ss-examples img")
    shown("1-start")
    me.example()
    me.say("sky")
    me.mask()
    shown("2-mask")
    me.choose("van-gogh-church-at-auvers")
    me.preview()
    shown("3-preview")
    me.page.get_by_role("button", name="+ Another region").click()
    me.say("castel", 1)
    me.row(1).locator(".ss-error").filter(has_text="does not know").wait_for()
    me.row(1).get_by_text("Adjust").click()
    shown("4-error")
    me.say("building", 1)
    me.choose("linocut")
    me.page.wait_for_function(
        "() => semanticStyle.shown.masks[1] && !semanticStyle.shown.errors[1]"
    )
    me.row(1).get_by_text("Adjust").click()
    me.page.get_by_text("More settings").click()
    me.paint()
    shown("5-painted")
    me.page.get_by_role("tab", name="History").click()
    shown("6-history")
    me.page.get_by_role("tab", name="Animation").click()
    shown("7-animation")


def test_the_description_of_the_api_is_at_hand(visit: Visit) -> None:
    me = visit()
    me.page.get_by_role("button", name="Use via API").click()
    for name in ("/stylize", "/mask", "/animate", "/estimate", "/styles"):
        me.says(name)
