"""The dialog in a real GIMP, driven by the keyboard alone; pictures of it are kept."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semantic_style.plugin.gimp.semantic_style.link.address import SOCKET
from semantic_style.plugin.session import Session

from .real_gimp import Desktop, RealGimp

WINDOW = "^Semantic Style$"
SCREEN = (1280, 720)
CHANGED = 0.02  # of the preview's pixels, from which on it shows something else
PATIENCE = 60.0  # s that a cold worker may take for a preview

# One run of the procedure with its dialog, and what is in the image then
RUN = """
image = opened({photo!r})
layer = image.get_layers()[0]
before = samples(layer)
for mode in {modes}:
    image.set_selected_layers([layer])
    verdict.setdefault("runs", []).append(call(
        "python-fu-semantic-style", run_mode=getattr(Gimp.RunMode, mode), image=image,
        drawables=[layer],
    ))
verdict["untouched"] = samples(layer) == before
verdict["layers"] = [each.get_name() for each in image.get_layers()]
groups = [each for each in image.get_layers() if each.is_group()]
verdict["regions"] = [[each.get_name() for each in group.get_children()] for group in groups]
verdict["masks"] = [
    max(samples(each.get_mask(), "Y u8")) for group in groups for each in group.get_children()
]
verdict["recipes"] = [
    bytes(group.get_parasite("semantic-style").get_data()).decode() for group in groups
]
for run in verdict["runs"]:
    run["values"] = []
image.delete()
"""


@dataclass
class Driver:
    """The dialog of one run."""

    screen: Desktop
    window: str

    def place(self) -> tuple[int, int, int, int]:
        """Left, top, width and height of the window with its frame, in px of the screen."""
        said = self.screen.xdotool("getwindowgeometry", "--shell", self.window)
        told = dict(line.split("=") for line in said.split())
        return int(told["X"]), int(told["Y"]), int(told["WIDTH"]), int(told["HEIGHT"])

    def preview(self, name: str) -> Image.Image:
        x, y, _, _ = self.place()
        with Image.open(self.screen.shot(name)) as shown:
            return shown.convert("RGB").crop((x + 10, y + 50, x + 510, y + 360))

    def changed(self, name: str, *before: Image.Image) -> Image.Image:
        """The preview once it shows something else than each time before."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            now = self.preview(name)
            if all(_differing(now, each) > CHANGED for each in before):
                return now
            time.sleep(0.2)
        raise AssertionError(f"the preview stays as it was: see {name}")


@pytest.fixture(scope="module")
def photo(real_gimp: RealGimp) -> Path:
    """960 x 640."""
    path = real_gimp.work / "photo.jpg"
    shutil.copyfile(Session().shipped_photo("neuschwansteinCastle"), path)
    return path


@pytest.fixture
def large_photo(real_gimp: RealGimp, photo: Path) -> Path:
    """3840 x 2560: half a minute's work, so that no machine ends it before it is stopped."""
    path = real_gimp.work / "large.jpg"
    with Image.open(photo) as small:
        small.resize((3840, 2560), Image.Resampling.BILINEAR).save(path)
    return path


@contextlib.contextmanager
def asked(
    gimp: RealGimp, screen: Desktop, photo: Path, *more: str, last: str = "", **env: str
) -> Iterator[tuple[Driver, dict[str, Any]]]:
    """The dialog while it is open; after it, what came of the run, and of runs in more modes.

    last: the settings file of GIMP's last values.
    """
    found: dict[str, Any] = {}
    script = RUN.format(photo=str(photo), modes=("INTERACTIVE", *more))
    settings = gimp.profile / "plug-in-settings"
    shutil.rmtree(settings, ignore_errors=True)
    if last:
        settings.mkdir()
        (settings / "GimpProcedureConfigRun-python-fu-semantic-style.last").write_text(last)
    with gimp.started(script, DISPLAY=screen.display, **env) as process:
        window = screen.wait_for(WINDOW)
        time.sleep(1)  # until it has been drawn and has the focus
        yield Driver(screen, window), found
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            screen.shot("dialog-stuck")
            raise
    found.update(gimp.verdict())


def test_words_a_style_a_preview_and_ok(gimp: RealGimp, screen: Desktop, photo: Path) -> None:
    with asked(gimp, screen, photo, "WITH_LAST_VALS") as (dialog, found):
        plain = dialog.preview("dialog-empty")
        screen.type("sky")
        masked = dialog.changed("dialog-mask", plain)
        screen.key("Tab", "Tab", "Tab", "Tab", "space")  # whole layer, strength, mask, style
        screen.wait_for("^Choose a Style$")
        screen.shot("dialog-styles")
        screen.type("mosaic")
        screen.key("Return")
        screen.wait_gone("^Choose a Style$")
        screen.key("alt+u")
        dialog.changed("dialog-result", plain, masked)
        screen.key("alt+o")
    assert [run["status"] for run in found["runs"]] == ["SUCCESS", "SUCCESS"]
    assert found["untouched"]
    # GIMP's own last values are this dialog's, so the second run did the same.
    assert found["regions"] == [["sky"], ["sky #1"]]  # GIMP tells the names apart
    assert min(found["masks"]) == 255
    assert all('"mosaic"' in recipe for recipe in found["recipes"])


def test_escape_leaves_the_image_alone(gimp: RealGimp, screen: Desktop, photo: Path) -> None:
    with asked(gimp, screen, photo) as (dialog, found):
        screen.type("sky")
        dialog.changed("dialog-escaped", dialog.preview("dialog-escaped"))
        screen.key("Escape")
    assert found["runs"][0]["status"] == "CANCEL"
    assert len(found["layers"]) == 1


def test_enter_takes_what_the_preview_shows(gimp: RealGimp, screen: Desktop, photo: Path) -> None:
    with asked(gimp, screen, photo) as (dialog, found):
        plain = dialog.preview("dialog-enter")
        screen.type("sky")
        screen.key("Return")
        dialog.changed("dialog-enter", plain)
        screen.key("Return")
    assert found["runs"][0]["status"] == "SUCCESS"
    assert found["regions"] == [["sky"]]


def test_last_values_in_the_region_language_are_read(
    gimp: RealGimp, screen: Desktop, photo: Path
) -> None:
    last = '(recipe "sky = mosaic @ 0.5; keep person")\n'
    with asked(gimp, screen, photo) as (dialog, _):
        plain = dialog.preview("dialog-no-language")
        screen.key("Escape")
    with asked(gimp, screen, photo, last=last) as (dialog, found):
        dialog.changed("dialog-language", plain)
        screen.key("Return")
    assert found["runs"][0]["status"] == "SUCCESS"
    assert found["regions"] == [["sky"]]
    assert '"strength":0.5' in found["recipes"][0].replace(" ", "")


def test_work_is_stopped(gimp: RealGimp, screen: Desktop, large_photo: Path) -> None:
    with asked(gimp, screen, large_photo) as (dialog, found):
        plain = dialog.preview("dialog-stopped")
        screen.type("sky")
        screen.key("Return")
        dialog.changed("dialog-stopped", plain)
        screen.key("alt+o")
        screen.shot("dialog-painting")
        screen.key("Escape")
    assert found["runs"][0]["status"] == "CANCEL"
    assert len(found["layers"]) == 1


def test_without_a_worker_it_says_so_and_tries_again(
    gimp: RealGimp, screen: Desktop, photo: Path
) -> None:
    """No worker where this GIMP looks, and none can be started; then there is one."""
    told = gimp.profile / "plug-ins" / "semantic_style" / "environment.json"
    kept = told.read_text()
    away = gimp.work / "away"
    away.mkdir(mode=0o700)
    told.write_text(kept.replace('"python": "', '"python": "/nowhere'))
    env = {"XDG_RUNTIME_DIR": str(away), "HOME": str(away)}
    try:
        with asked(gimp, screen, photo, **env) as (dialog, found):
            plain = dialog.preview("dialog-no-worker")
            screen.type("sky")
            screen.key("Return")  # OK can't be pressed
            screen.shot("dialog-no-worker")
            meeting = away / "semantic-style"
            meeting.mkdir(mode=0o700, exist_ok=True)
            (meeting / SOCKET).symlink_to(gimp.work / "run" / "semantic-style" / SOCKET)
            screen.key("alt+t")
            dialog.changed("dialog-found-worker", plain)
            screen.key("alt+o")
    finally:
        told.write_text(kept)
    assert found["runs"][0]["status"] == "SUCCESS"
    assert found["regions"] == [["sky"]]


@pytest.mark.parametrize("language", ["en", "de"])
def test_all_of_it_is_on_the_screen(
    gimp: RealGimp, screen: Desktop, photo: Path, language: str
) -> None:
    env = german(gimp) if language == "de" else {}
    with asked(gimp, screen, photo, **env) as (dialog, found):
        screen.type("sky")
        screen.key(*{"en": ("alt+a", "alt+m"), "de": ("alt+z", "alt+e")}[language])
        time.sleep(1)
        screen.shot(f"dialog-more-{language}")
        x, y, width, height = dialog.place()
        screen.key("Escape")
    assert x >= 0
    assert y >= 0
    assert x + width <= SCREEN[0]
    assert y + height <= SCREEN[1]
    assert found["runs"][0]["status"] == "CANCEL"


def _differing(one: Image.Image, other: Image.Image) -> float:
    """The share of pixels that are clearly not the same."""
    step = np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16))
    return float((step.max(axis=-1) > 24).mean())


def german(gimp: RealGimp) -> dict[str, str]:
    """An environment in which messages are German: GIMP's chroot has no locale but C, and gettext
    translates none for that, so that one is given another name."""
    places = gimp.work / "locales"
    if not places.exists():
        shutil.copytree(gimp.root / "usr/lib/locale/C.utf8", places / "de_DE.utf8")
    return {"LOCPATH": str(places), "LANG": "de_DE.UTF-8"}


# A group is made, its source is changed, and the procedure is run with its dialog on the group
AGAIN = """
image = opened({photo!r})
layer = image.get_layers()[0]
verdict["runs"] = [call(
    "python-fu-semantic-style", run_mode=Gimp.RunMode.NONINTERACTIVE, image=image,
    drawables=[layer], recipe="sky = mosaic",
)]
(group,) = [each for each in image.get_layers() if each.is_group()]
verdict["masks"] = [max(samples(group.get_children()[0].get_mask(), "Y u8"))]
layer.invert(False)
image.set_selected_layers([group])
verdict["runs"].append(call(
    "python-fu-semantic-style", run_mode=Gimp.RunMode.INTERACTIVE, image=image, drawables=[group],
))
verdict["layers"] = [each.get_name() for each in image.get_layers()]
verdict["recipes"] = [
    bytes(each.get_parasite("semantic-style").get_data()).decode()
    for each in image.get_layers() if each.is_group()
]
for run in verdict["runs"]:
    run["values"] = []
image.delete()
"""


def test_run_again_it_opens_as_it_was_and_asks_about_a_changed_layer(
    gimp: RealGimp, screen: Desktop, photo: Path
) -> None:
    shutil.rmtree(gimp.profile / "plug-in-settings", ignore_errors=True)
    with gimp.started(AGAIN.format(photo=str(photo)), DISPLAY=screen.display) as process:
        screen.wait_for(WINDOW)
        time.sleep(3)  # until the preview is there, too
        screen.shot("dialog-again")
        screen.key("alt+d")  # don't repaint
        screen.type("castle")
        screen.key("alt+o")
        screen.wait_for("^The layer has changed$")
        time.sleep(1)
        screen.shot("dialog-asks")
        screen.key("alt+y")
        process.wait(PATIENCE)
    found = gimp.verdict()
    assert [run["status"] for run in found["runs"]] == ["SUCCESS", "SUCCESS"]
    assert len(found["layers"]) == 2
    (recipe,) = found["recipes"]
    assert '"mosaic"' in recipe
    assert "castle" in recipe
