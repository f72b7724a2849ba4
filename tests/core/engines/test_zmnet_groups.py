"""What groups of layers carry over alone, with the network that ships."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from semantic_style.core.canvas import stored
from semantic_style.core.engines.zmnet import ZMNetEngine
from semantic_style.weights.style_store import StyleStore

Floats = NDArray[np.float32]
SIDE = 256  # px


def opened(path: object) -> Floats:
    with Image.open(path) as file:  # type: ignore[arg-type]
        image = file.convert("RGB")
    image.thumbnail((SIDE, SIDE))
    return np.asarray(image, np.float32) / 255


def coarse(picture: Floats) -> Floats:
    """The colours of places, without edges or textures."""
    image = Image.fromarray((picture * 255).round().clip(0, 255).astype(np.uint8))
    return np.asarray(image.resize((12, 12), Image.Resampling.BOX), np.float32) / 255


def roughness(picture: Floats) -> float:
    """Mean step from pixel to pixel of luminance."""
    light = picture.mean(axis=-1)
    return float(np.abs(np.diff(light, axis=0)).mean() + np.abs(np.diff(light, axis=1)).mean())


@pytest.fixture(scope="module")
def engine() -> ZMNetEngine:
    return ZMNetEngine(device="cpu", cached=False)


@pytest.fixture(scope="module")
def photo() -> Floats:
    return opened(StyleStore().photo("neuschwansteinCastle").path)


def painted(engine: ZMNetEngine, photo: Floats, *groups: str) -> Floats:
    style = opened(StyleStore().get("mosaic").path)
    return stored(engine.stylize(photo, [(engine.prepare(style, transfer=groups), 1.0)]))


def test_groups_alone_look_like_the_photo_but_for_what_they_carry(
    engine: ZMNetEngine, photo: Floats
) -> None:
    every = painted(engine, photo, "details", "colours", "textures")
    moved = np.abs(coarse(every) - coarse(photo)).mean()
    for group in ("details", "textures"):
        alone = painted(engine, photo, group)
        # The style's colours stay away: orange and turquoise, here.
        assert np.abs(coarse(alone) - coarse(photo)).mean() < 0.5 * moved, group
    colours = painted(engine, photo, "colours")
    assert np.abs(coarse(colours) - coarse(every)).mean() < 0.4 * moved
    textures = painted(engine, photo, "textures")
    assert roughness(textures) > roughness(colours)
