"""Work that takes a while: two visitors at once, stopping, films, and what was made before."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from ..page_server import PageServer
from .visitor import Visitor

Visit = Callable[..., Visitor]


def test_two_browsers_get_their_own(visit: Visit, castle: Path, tmp_path: Path) -> None:
    one, other = visit(), visit(390, 844)
    one.bring(castle)
    other.example("Kingfisher on a branch")
    one.opened()
    one.say("sky")
    other.say("bird")
    one.choose("mosaic")
    other.choose("aurora")
    one.preview()
    other.preview()
    for each in (one, other):
        each.page.get_by_role("button", name="Paint the whole picture").click()
    for each in (one, other):
        each.says("finished: ")
    mine = one.download("Save picture", tmp_path)
    theirs = other.download("Save picture", tmp_path)
    assert (mine.name, theirs.name) == ("castle-styled.png", "kingfisher-styled.png")
    with Image.open(mine) as my_picture, Image.open(theirs) as their_picture:
        assert my_picture.size == (480, 320) != their_picture.size


def test_stop_ends_the_work_itself(visit: Visit, castle: Path) -> None:
    me = visit()
    me.bring(castle)
    me.opened()
    me.say("sky")
    me.choose("mosaic")
    me.preview()
    me.page.get_by_text("More settings").click()
    me.page.get_by_label("Painter").click()
    me.page.get_by_role("option", name="Gatys, takes minutes").click()
    me.says("so there is no preview")
    me.page.get_by_role("button", name="Paint the whole picture").click()
    me.page.get_by_text("styling sky").wait_for()
    begun = time.monotonic()
    me.page.get_by_role("button", name="Stop", exact=True).click()
    me.says("Stopped. The picture is as it was.")
    me.page.get_by_label("Painter").click()
    me.page.get_by_role("option", name="ZM-Net, the fast one").click()
    me.preview()  # the worker, which does one thing at a time, is free again
    assert time.monotonic() - begun < 20
    assert not me.page.locator("#ss-downloads").is_visible()


def test_a_film(visit: Visit, castle: Path, tmp_path: Path) -> None:
    me = visit()
    me.bring(castle)
    me.opened()
    me.page.get_by_role("tab", name="Animation").click()
    me.page.get_by_label("Travel through").fill("noon")
    me.page.get_by_role("button", name="Make the film").click()
    me.says("name at least two looks")
    me.page.get_by_label("Travel through").fill("noon, aurora")
    me.page.get_by_label("What changes").fill("sky")
    me.page.get_by_label("number input for Pictures", exact=True).fill("4")
    me.page.get_by_role("button", name="Make the film").click()
    film = me.page.locator("#ss-film img")
    film.wait_for()
    me.page.wait_for_function("() => document.querySelector('#ss-film img').naturalWidth > 0")
    with me.page.expect_download() as coming:
        me.page.get_by_text("Save the film").click()
    coming.value.save_as(tmp_path / "film.webp")
    with Image.open(tmp_path / "film.webp") as made:
        assert (made.n_frames, made.size) == (4, (480, 320))


def test_history_gives_settings_and_files_back(visit: Visit, castle: Path, tmp_path: Path) -> None:
    me = visit()
    me.bring(castle)
    me.opened()
    me.say("sky")
    me.choose("mosaic")
    me.preview()
    me.paint()
    first = me.download("Save picture", tmp_path / "first")
    me.say("tree")
    me.choose("aurora")
    me.page.wait_for_function("() => semanticStyle.shown.label.startsWith('preview')")
    me.paint()
    second = me.download("Save picture", tmp_path / "second")
    me.page.get_by_role("tab", name="History").click()
    tiles = me.page.locator("#ss-history .ss-tile")
    tiles.nth(1).wait_for()
    assert [each.inner_text() for each in tiles.all()] == ["tree = aurora", "sky = mosaic"]
    tiles.nth(1).click()
    me.says("The settings of this result are back.")
    assert me.download("Save picture", tmp_path / "again").read_bytes() == first.read_bytes()
    assert first.read_bytes() != second.read_bytes()
    me.page.get_by_role("tab", name="Picture", exact=True).click()
    assert me.row().locator(".ss-phrase").input_value() == "sky"
    assert me.page.locator("[data-style=mosaic]").get_attribute("aria-pressed") == "true"


def test_nothing_is_left_of_a_visit(visit: Visit, castle: Path, page_server: PageServer) -> None:
    me = visit()
    before = set(page_server.kept())
    me.bring(castle)
    me.opened()
    me.say("sky")
    me.choose("mosaic")
    me.preview()
    me.paint()
    assert set(page_server.kept()) - before
    me.leave()
    deadline = time.monotonic() + 30
    while set(page_server.kept()) - before:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_pasted_and_a_dropped_picture_are_taken(visit: Visit, castle: Path) -> None:
    me = visit()
    for event, carrier in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        me.page.evaluate(
            """async ([event, carrier, bytes]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], event + ".png"));
                const kind = event === "paste" ? ClipboardEvent : DragEvent;
                const made = new kind(event, { [carrier]: data, bubbles: true, cancelable: true });
                document.body.dispatchEvent(made);
            }""",
            [event, carrier, list(castle.read_bytes())],
        )
        me.says(f"{event}, 480 × 320 px")
    assert np.asarray(me.picture()).std() > 10
