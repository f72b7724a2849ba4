"""Filters > Animation > Semantic Style: a new image whose layers are the frames of a film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from .real_gimp import RealGimp

FRAMES = """
image = opened(PHOTO)
layer = image.get_layers()[0]
if ALPHA:
    layer.add_alpha()
found = call("python-fu-semantic-style-animate", image=image, drawables=[layer],
             through="word:noon, word:night", region="sky", frames=4, motion="ping-pong",
             size=160, delay=80)
verdict["status"], verdict["message"] = found["status"], found["message"]
film = found["values"][0]
verdict["names"] = [each.get_name() for each in film.get_layers()]
verdict["size"] = [film.get_width(), film.get_height()]
for number, frame in enumerate(reversed(film.get_layers())):
    kept(f"frame {number}", samples(frame))

verdict["layers"] = len(image.get_layers())
"""


def test_frames_become_layers(gimp: RealGimp, photo_320: Path) -> None:
    found = gimp.batch(f"PHOTO = {str(photo_320)!r}\nALPHA = False\n{FRAMES}", limit=200)
    assert found["status"] == "SUCCESS", found["message"]
    assert found["size"] == [160, 106]
    assert found["names"] == [f"Frame {number} (80ms)" for number in (4, 3, 2, 1)]
    assert found["layers"] == 1
    frames = [
        np.frombuffer((gimp.work / f"frame {k}").read_bytes(), np.uint8).reshape(106, 160, 4)
        for k in range(4)
    ]
    assert all((frame[..., 3] == 255).all() for frame in frames)
    with Image.open(photo_320) as photo:
        small = np.asarray(photo.resize((160, 106), Image.Resampling.LANCZOS)).astype(int)
    for frame in frames:  # the castle's rock and the trees stand still
        assert np.array_equal(frame[90:], frames[0][90:])
        assert np.abs(frame[90:, :, :3] - small[90:]).mean() < 6
    noon, night = frames[0][:20, :, :3].mean(), frames[2][:20, :, :3].mean()
    assert noon - night > 20, "the sky darkens"
    assert np.array_equal(frames[1], frames[3]), "there and back"


def test_films_of_layers_with_alpha_say_that_frames_replace_each_other(
    gimp: RealGimp, photo_320: Path
) -> None:
    found = gimp.batch(f"PHOTO = {str(photo_320)!r}\nALPHA = True\n{FRAMES}", limit=200)
    assert found["names"][-1] == "Frame 1 (80ms) (replace)"


def test_what_can_not_be_is_one_line_and_makes_no_image(gimp: RealGimp, photo_320: Path) -> None:
    found = gimp.batch(f"""
image = opened({str(photo_320)!r})
def refused(name, **said):
    found = call("python-fu-semantic-style-animate", image=image,
                 drawables=image.get_layers(), frames=2, size=64, **said)
    verdict[name] = [found["status"], found["message"], len(Gimp.get_images())]
refused("none", through=" , ")
refused("word", through="word:nosuchword")
refused("style", through="no-such-style, word:night")
refused("absent", through="word:noon", region="horse")
""")
    for status, message, images in found.values():
        assert status == "EXECUTION_ERROR"
        assert "\n" not in message
        assert images == 1
    assert "No style is named" in found["none"][1]
    assert "nosuchword" in found["word"][1]
    assert "no-such-style" in found["style"][1]
    assert "best score" in found["absent"][1]
