"""One Ctrl+Z in GIMP's window takes a whole run back, the first and one that is made again."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from .real_gimp import HERE, Desktop, RealGimp, Worker

# The window undoes; the script waits for it, and says what the image is then.
SCRIPT = """
import time

def state(items):
    return [
        [each.get_name(), each.get_tattoo(), each.get_offsets()[1:],
         0 if each.is_group() else hash(samples(each)),
         hash(samples(each.get_mask(), "Y u16")) if each.get_mask() else 0,
         sorted(each.get_parasite_list()), state(each.get_children()) if each.is_group() else []]
        for each in items
    ]

def until(name, wanted, image):
    Path(kept(name, b""))
    for _ in range(150):
        if state(image.get_layers()) == wanted:
            return True
        time.sleep(0.2)
    return state(image.get_layers())

image = opened(PHOTO)
image.scale(96, 64)
(layer,) = image.get_layers()
other = layer.copy()
image.insert_layer(other, None, 0)
Gimp.Display.new(image)
start = state(image.get_layers())
options = {"image": image, "drawables": [layer, other]}
answers = [call("python-fu-semantic-style", recipe="sky = mosaic; * = batik", **options)]
first = state(image.get_layers())
undone = until("undo-1", start, image)
redone = until("redo-1", first, image)
group = image.get_layers()[0]
mask = group.get_children()[0].get_mask()
Gimp.context_set_foreground(Gegl.Color.new("white"))
mask.fill(Gimp.FillType.FOREGROUND)  # by a person: painted, and undoable
layer.set_offsets(7, 3)
second = state(image.get_layers())
answers.append(call("python-fu-semantic-style", image=image, drawables=[group],
                    recipe="sky = batik; trees = mosaic"))
third = state(image.get_layers())
undone_again = until("undo-2", second, image)
verdict.update(
    answers=[[each["status"], each["message"]] for each in answers],
    undone=undone, redone=redone, undone_again=undone_again,
    changed=[start != first, second != third],
)
"""


def test_one_undo_takes_all_of_a_run_back(
    real_gimp: RealGimp, shared_worker: Worker, screen: Desktop, photo_320: Path
) -> None:
    place = real_gimp.work / "undo.py"
    verdict = real_gimp.work / "undo-verdict.json"
    script = f"PHOTO = {str(photo_320)!r}\n{SCRIPT}"
    place.write_text(f"{(HERE / 'inside.py').read_text()}\nrun_script({script!r}, globals())\n")
    start = f"exec(compile(open({str(place)!r}).read(), {str(place)!r}, 'exec'), globals())"
    arguments = ("gimp", "-ns", "--batch-interpreter=python-fu-eval", "-b", start)
    with screen.running(*arguments, VERDICT=str(verdict)):
        for signal, keys in (("undo-1", "ctrl+z"), ("redo-1", "ctrl+y"), ("undo-2", "ctrl+z")):
            appears(real_gimp.work / signal)
            window = screen.wait_for("96x64 – GIMP$")
            screen.xdotool("windowactivate", "--sync", window)
            screen.key("Escape", keys)  # Escape brings the focus to the image
        appears(verdict)
    found: dict[str, Any] = json.loads(verdict.read_text())
    assert "exception" not in found, found["exception"]
    assert found["answers"] == [["SUCCESS", ""]] * 2
    assert found["changed"] == [True, True]
    assert found["undone"] is True
    assert found["redone"] is True
    assert found["undone_again"] is True


def appears(path: Path, limit: float = 90.0) -> None:
    until = time.monotonic() + limit
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} does not appear"
        time.sleep(0.1)
