"""Select > By Words: the selection is the mask that the shell writes, at the layer's place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from .real_gimp import Desktop, RealGimp

WIDTH, HEIGHT = 320, 213
NAME = "python-fu-select-by-words"
BEGIN = f"""
def select(image, layer, **said):
    found = call("{NAME}", image=image, drawables=[layer], **said)
    return [found["status"], found["message"]]

def selection(image, name):
    kept(name, samples(image.get_selection(), "Y u8"))

image = opened(PHOTO)
layer = image.get_layers()[0]
"""

Samples = NDArray[np.uint8]


@pytest.fixture
def chosen(gimp: RealGimp, photo_320: Path) -> Callable[[str], dict[str, Any]]:
    """Runs a script that has the photo as `image` with its one `layer`."""
    return lambda script: gimp.batch(f"PHOTO = {str(photo_320)!r}\n{BEGIN}\n{script}", limit=200)


@pytest.fixture
def sky(photo_320: Path, tmp_path: Path, cli: Callable) -> Samples:
    """[213, 320]: what the shell writes."""
    out = tmp_path / "mask.png"
    assert cli("mask", photo_320, "sky", "-o", out).code == 0
    return np.asarray(Image.open(out))


def left(gimp: RealGimp, name: str, width: int = WIDTH, height: int = HEIGHT) -> Samples:
    return np.frombuffer((gimp.work / name).read_bytes(), np.uint8).reshape(height, width)


def test_the_mask_becomes_the_selection(gimp: RealGimp, chosen: Callable, sky: Samples) -> None:
    found = chosen("""
verdict["run"] = select(image, layer, phrase="sky")
selection(image, "sky")
verdict["channels"] = len(image.get_channels())
verdict["chosen"] = [each.get_id() for each in image.get_selected_layers()] == [layer.get_id()]
""")
    assert found == {"run": ["SUCCESS", ""], "channels": 0, "chosen": True}
    selected = left(gimp, "sky")
    assert np.array_equal(selected, sky)
    assert len(np.unique(selected)) > 20, "soft edges stay soft"


def test_operations(gimp: RealGimp, chosen: Callable, sky: Samples) -> None:
    """With a rectangle that covers some of the sky and some of the rest."""
    found = chosen("""
for operation in ("replace", "add", "subtract", "intersect"):
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 100, 20, 80, 150)
    verdict[operation] = select(image, layer, phrase="sky", operation=operation)
    selection(image, operation)
""")
    assert set(map(tuple, found.values())) == {("SUCCESS", "")}
    inside = np.zeros_like(sky, dtype=bool)
    inside[20:170, 100:180] = True
    expected = {
        "replace": sky,
        "add": np.where(inside, 255, sky),
        "subtract": np.where(inside, 255 - sky, 0),
        "intersect": np.where(inside, sky, 0),
    }
    for operation, wanted in expected.items():
        apart = np.abs(left(gimp, operation).astype(int) - wanted.astype(int))
        assert apart.max() <= 1, operation


def test_at_the_place_of_the_layer(gimp: RealGimp, chosen: Callable, sky: Samples) -> None:
    """It lies partly outside an image of another size; what is outside is not selected."""
    found = chosen("""
image.resize(300, 260, 0, 0)
layer.set_offsets(40, -30)
verdict["run"] = select(image, layer, phrase="sky")
selection(image, "moved")
""")
    assert found["run"] == ["SUCCESS", ""]
    wanted = np.zeros((260, 300), np.uint8)
    wanted[:183, 40:] = sky[30:, :260]
    assert np.array_equal(left(gimp, "moved", 300, 260), wanted)


def test_every_option_reaches_the_mask(
    gimp: RealGimp, chosen: Callable, photo_320: Path, tmp_path: Path, cli: Callable
) -> None:
    found = chosen("""
verdict["run"] = select(image, layer, phrase="sky + trees", threshold=0.4, grow=-3,
                        feather=7.5, invert=True, segmenter="builtin")
selection(image, "options")
""")
    assert found["run"] == ["SUCCESS", ""]
    out = tmp_path / "mask.png"
    options = ("--threshold", "0.4", "--grow", "-3", "--feather", "7.5", "--invert")
    cli("mask", photo_320, "sky + trees", *options, "--segmenter", "builtin", "-o", out)
    assert np.array_equal(left(gimp, "options"), np.asarray(Image.open(out)))


def test_other_kinds_of_documents(gimp: RealGimp, chosen: Callable, sky: Samples) -> None:
    found = chosen("""
def one(name, change):
    copy = image.duplicate()
    change(copy)
    verdict[name] = select(copy, copy.get_layers()[0], phrase="sky")
    selection(copy, name)

def grouped(copy):
    group, layer = Gimp.GroupLayer.new(copy, "group"), copy.get_layers()[0]
    copy.insert_layer(group, None, 0)
    copy.reorder_item(layer, group, 0)

one("deep", lambda copy: copy.convert_precision(Gimp.Precision.U16_NON_LINEAR))
one("linear", lambda copy: copy.convert_precision(Gimp.Precision.FLOAT_LINEAR))
one("grouped", grouped)
one("alpha", lambda copy: copy.get_layers()[0].add_alpha())
one("indexed", lambda copy: copy.convert_indexed(
    Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 255, False, False, ""))
""")
    for name, ran in found.items():
        assert ran == ["SUCCESS", ""], name
        apart = np.abs(left(gimp, name).astype(int) - sky)
        # Fewer colours are another picture; the others differ by rounding alone.
        assert np.quantile(apart, 0.95 if name == "indexed" else 1.0) <= 2, name


def test_what_can_not_be_is_one_line_and_changes_nothing(gimp: RealGimp, chosen: Callable) -> None:
    found = chosen("""
image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 20, 30, 40)
def refused(name, items, **said):
    found = call("python-fu-select-by-words", image=image, drawables=items, **said)
    ok, full, *box = Gimp.Selection.bounds(image)
    verdict[name] = [found["status"], found["message"], list(box)[-4:]]
channel = Gimp.Channel.new(image, "channel", 320, 213, 50, Gimp.context_get_foreground())
image.insert_channel(channel, None, 0)
refused("absent", [layer], phrase="horse")
refused("empty", [layer], phrase="  ")
refused("several", [layer], phrase="sky = mosaic; house")
refused("channel", [channel], phrase="sky")
refused("file", [layer], phrase="mask:/etc/passwd")
""")
    for status, message, box in found.values():
        assert status == "EXECUTION_ERROR"
        assert message.count("\n") == 0
        assert box == [10, 20, 40, 60]
    assert "best score" in found["absent"][1]
    assert "ype what to select" in found["empty"][1]
    assert "One region" in found["several"][1]
    assert "select a layer" in found["channel"][1]
    assert "opens no files" in found["file"][1]


def test_the_dialog(screen: Desktop, gimp: RealGimp, photo_320: Path) -> None:
    """By keys alone: it says what was not found and comes back; then it selects and goes."""
    title = "^Select by Words$"
    shortcuts = gimp.profile / "shortcutsrc"
    shortcuts.write_text(f'(file-version 1)\n(action "{NAME}" "<Primary><Alt>y")\n')
    with screen.running(str(photo_320)):
        screen.fill_with(screen.wait_for("castle"))
        screen.key("ctrl+alt+y")
        screen.wait_for(title)
        height = screen.height_of(title)
        screen.key("ctrl+a")
        screen.type("horse")
        screen.key("Return")
        screen.wait_until(lambda: screen.height_of(title) > height + 10, "the line that says why")
        screen.shot("select-by-words-not-found")
        screen.key("ctrl+a")
        screen.type("sky")
        screen.key("alt+e")
        screen.wait_gone(title)
        screen.key("ctrl+alt+y")
        beside = ("windowmove", screen.wait_for(title), "8", "120")
        screen.xdotool(*beside, "windowfocus", beside[1])
        screen.shot("select-by-words")
