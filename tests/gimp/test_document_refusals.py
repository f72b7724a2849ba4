"""What can't be, in a real GIMP: one line that says what to do, and the image as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .real_gimp import RealGimp, Worker

SCRIPT = """
import sys

NAME = "python-fu-semantic-style"
SKY = "sky = mosaic"

def all_layers(items):
    return [[each.get_name(), all_layers(each.get_children()) if each.is_group() else
             hash(samples(each))] for each in items]

def photo():
    image = opened(PHOTO)
    image.scale(96, 64)
    (layer,) = image.get_layers()
    return image, layer

def tried(name, image, items, **options):
    before = all_layers(image.get_layers())
    answer = call(NAME, image=image, drawables=items, **{"recipe": SKY, **options})
    verdict[name] = [answer["status"], answer["message"],
                     before == all_layers(image.get_layers())]

image, layer = photo()
tried("no recipe", image, [layer], recipe="  ")
tried("broken recipe", image, [layer], recipe="sky mosaic")
tried("broken JSON", image, [layer], recipe='{"regions": [')
tried("unknown style", image, [layer], recipe="sky = mosaik")
tried("unknown word", image, [layer], recipe="sky = word:qqqq")
tried("no such style file", image, [layer], recipe="sky = /no/such/style.png")
tried("no picture", image, [layer], recipe=f"sky = {kept('no-picture.png', b'no picture')}")
tried("no such mask", image, [layer], recipe="mask:/no/such/mask.png = mosaic")
tried("a picture as prompt", image, [layer], recipe=f"image:{PHOTO} = mosaic")
tried("not found", image, [layer], recipe="submarine = mosaic")
tried("not all found", image, [layer], recipe="sky = mosaic; submarine = batik", strict=True)
tried("wrong value", image, [layer], size=3)
tried("groups with another engine", image, [layer], transfer="colours")
channel = Gimp.Channel.new_from_component(image, Gimp.ChannelType.RED, "red")
image.insert_channel(channel, None, 0)
tried("channel", image, [channel])
mask = layer.create_mask(Gimp.AddMaskType.WHITE)
layer.add_mask(mask)
tried("layer mask", image, [mask])
group = Gimp.GroupLayer.new(image, "things")
image.insert_layer(group, None, 0)
tried("group", image, [group])
image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 30, 30)
floating = Gimp.Selection.float(image, [layer], 3, 3)
tried("floating selection", image, [floating])
image.remove_layer(floating)
image.select_rectangle(Gimp.ChannelOps.REPLACE, 90, 60, 5, 3)
layer.set_offsets(-20, -20)
tried("selection outside", image, [layer])
tried("one of two is wrong", image, [layer, group], selection_only=False)
tried("nothing selected", image, [])
image.delete()

image, layer = photo()
image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False,
                      False, "")
tried("indexed", image, [layer])
image.delete()

# what happens while the worker works
sys.path.append(FOLDER)
from semantic_style.document.faults import Refused, Stopped
from semantic_style.document.options import Options
from semantic_style.document.restyle import restyle
from semantic_style.link.launch import connected

class Meanwhile:
    def __init__(self, deed):
        self.deed, self.done = deed, False
    def stage(self, text, fraction):
        if not self.done:
            self.done = True
            self.deed()
    def look(self):
        pass

def stopped():
    raise Stopped

def meanwhile(name, image, layer, deed):
    try:
        restyle(connected(), image, [layer], Options(recipe=SKY), Meanwhile(deed))
        verdict[name] = ["SUCCESS", ""]
    except Refused as error:
        verdict[name] = ["Refused", str(error)]
    except Stopped:
        verdict[name] = ["Stopped", ""]

for name, deed in {
    "closed": lambda: image.delete(),
    "deleted": lambda: image.remove_layer(layer),
    "resized": lambda: layer.resize(50, 50, 0, 0),
    "taken back": stopped,
    "moved": lambda: layer.set_offsets(5, 5),
}.items():
    image, layer = photo()
    meanwhile(name, image, layer, deed)
    if image.is_valid():
        verdict[name].append([each.get_name() for each in image.get_layers()])
        verdict[name].append(list(image.get_layers()[0].get_offsets()[1:])
                             if image.get_layers() else None)
        image.delete()
"""

SAID = {
    "no recipe": "such as sky = mosaic",
    "broken recipe": "sky",
    "broken JSON": "no valid JSON",
    "unknown style": "did you mean mosaic",
    "unknown word": "qqqq",
    "no such style file": "no file /no/such/style.png",
    "no picture": "GIMP can't open",
    "no such mask": "no file /no/such/mask.png",
    "a picture as prompt": "name it in words",
    "not found": "submarine",
    "not all found": "submarine",
    "wrong value": "from 64 to 65535",
    "groups with another engine": "zmnet",
    "channel": "select a layer instead",
    "layer mask": "select a layer instead",
    "group": "select a layer in it",
    "selection outside": "Select > None",
    "one of two is wrong": "select a layer in it",
    "nothing selected": "select the layer",
    "floating selection": "Layer > Anchor Layer",
    "indexed": "Image > Mode > RGB",
}


@pytest.fixture(scope="module")
def found(real_gimp: RealGimp, shared_worker: Worker, photo_320: Path) -> dict[str, Any]:
    folder = real_gimp.profile / "plug-ins"
    return real_gimp.batch(f"PHOTO, FOLDER = {str(photo_320)!r}, {str(folder)!r}\n{SCRIPT}")


@pytest.mark.parametrize("case", SAID)
def test_what_can_not_be_is_said_in_one_line(found: dict[str, Any], case: str) -> None:
    status, message, untouched = found[case]
    assert status == "EXECUTION_ERROR"
    assert SAID[case] in message
    assert "\n" not in message
    assert "error of the plug-in itself" not in message
    assert untouched


@pytest.mark.parametrize(
    ("case", "why"), [("closed", "closed"), ("deleted", "deleted"), ("resized", "resized")]
)
def test_an_image_that_changes_meanwhile_takes_no_harm(
    found: dict[str, Any], case: str, why: str
) -> None:
    status, message, *left = found[case]
    assert (status, why in message) == ("Refused", True)
    assert not left or left[0] in ([], ["Background"])


def test_work_that_is_taken_back_changes_nothing(found: dict[str, Any]) -> None:
    assert found["taken back"][0] == "Stopped"
    assert found["taken back"][2] == ["Background"]


def test_layers_lie_over_a_layer_that_was_moved_meanwhile(found: dict[str, Any]) -> None:
    status, _, names, offsets = found["moved"]
    assert (status, names[0]) == ("SUCCESS", "Semantic Style: sky")
    assert offsets[0] >= 5
    assert offsets[1] >= 5
