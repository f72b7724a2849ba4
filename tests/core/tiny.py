"""A segmenter and an engine that are small enough for outcomes to be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from semantic_style.core.canvas import Canvas, Stored, as_canvas, store
from semantic_style.core.engines import Signal, Wanted, Word
from semantic_style.core.errors import RequestError
from semantic_style.core.geometry import Bounds, Extent
from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist
from semantic_style.core.progress import CancelToken, Progress
from semantic_style.core.recipe import GROUPS, Source
from semantic_style.core.segmenter import Knowledge
from semantic_style.core.tiling import Plan, Tile
from semantic_style.core.wording import listed

Floats = NDArray[np.float32]

COLOURS = {
    "red": (0.8, 0.1, 0.1),
    "green": (0.1, 0.6, 0.1),
    "blue": (0.1, 0.2, 0.8),
    "yellow": (0.9, 0.9, 0.1),
}
NEAR = {"crimson": "red"}
WORDS = {"night": (0.1, 0.1, 0.3), "dusk": (0.6, 0.3, 0.2)}  # styles without a picture
TINT_BYTES = 10  # a pixel, as TintEngine says
TINT_PACE = 1e-6  # s a pixel


class ColourSegmenter:
    """Words are names of colours; a pixel's score falls with its distance from the colour."""

    name = "colours"

    def __init__(self) -> None:
        self.encoded = 0
        self.sizes: list[tuple[int, ...]] = []
        self.asked: list[tuple[str, ...]] = []

    def encode(self, image: Floats) -> Floats:
        self.encoded += 1
        self.sizes.append(image.shape[:2])
        return image

    def masks(self, encoding: Floats, phrases: Sequence[str]) -> Floats:
        self.asked.append(tuple(phrases))
        return np.stack([self._like(encoding, COLOURS[NEAR.get(p, p)]) for p in phrases])

    def knows(self, phrase: str) -> Knowledge:
        if phrase in COLOURS:
            return Knowledge("yes", phrase)
        if phrase in NEAR:
            return Knowledge("near", NEAR[phrase])
        return Knowledge("no", nearest=("green", "red"))

    def weights(self) -> tuple[tuple[str, str], ...]:
        return (("colours", "c" * 64),)

    def _like(self, image: Floats, colour: Sequence[float]) -> Floats:
        distance = np.abs(image - np.array(colour, dtype=np.float32)).max(axis=-1)
        return (1 - 2 * distance).clip(0, 1).astype(np.float32)


class PromptSegmenter(ColourSegmenter):
    """Also takes a picture, and looks for its mean colour."""

    def image_masks(self, encoding: Floats, images: Sequence[Floats]) -> Floats:
        return np.stack([self._like(encoding, image.mean(axis=(0, 1))) for image in images])


class TintEngine:
    """The photo's negative, half covered with the mixture's mean colour, grey where colours are
    not transferred."""

    name = "tint"
    dtype = "float32"

    def __init__(self) -> None:
        self.prepared = 0
        self.bounds: list[Bounds] = []
        self.regions: list[Floats | None] = []
        self.contents: list[tuple[int, int]] = []

    def prepare(
        self,
        style: Signal,
        *,
        scale: float = 1.0,
        region: Floats | None = None,
        transfer: Sequence[str] = GROUPS,
    ) -> Floats:
        self.prepared += 1
        if "colours" not in transfer:
            return np.full(3, 0.5, np.float32)
        if isinstance(style, Word):
            return np.array(WORDS[style.phrase], np.float32)
        weights = np.ones(style.shape[:2], np.float32) if region is None else region
        assert weights.shape == style.shape[:2]
        mean: Floats = (style * weights[..., None]).sum(axis=(0, 1)) / weights.sum()
        return (mean * min(scale, 1)).astype(np.float32)

    def check_word(self, phrase: str) -> tuple[str, ...]:
        if phrase not in WORDS:
            raise RequestError(f"the engine tint does not know {phrase}: use {listed(WORDS)}")
        return (f"{phrase} is a guess",) if phrase == "dusk" else ()

    def stylize(
        self,
        content: Canvas | Floats,
        mixture: Sequence[tuple[Floats, float]],
        *,
        bounds: Bounds | None = None,
        out: Stored | None = None,
        wanted: Wanted | None = None,
        region: Floats | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Stored:
        assert abs(sum(weight for _, weight in mixture) - 1) < 1e-6
        canvas = as_canvas(content)
        self.contents.append((canvas.extent.height, canvas.extent.width))
        self.regions.append(region)
        if bounds is not None:
            self.bounds.append(bounds)
        seen = canvas.window(bounds or Bounds.whole(canvas.extent))
        if progress is not None:
            progress("tinting", 0.5)
        if cancel is not None:
            cancel.check()
        colour = sum(style * np.float32(weight) for style, weight in mixture)
        out = np.empty_like(seen) if out is None else out
        store((1 - seen) / 2 + colour / 2, out)
        return out

    def plan(
        self, extent: Extent, bounds: Bounds | None = None, *, wanted: Wanted | None = None
    ) -> Plan:
        box = bounds or Bounds.whole(extent)
        return Plan((Tile(box, box),), box.extent.pixels * TINT_BYTES)

    def pace(self) -> float:
        return TINT_PACE

    def weights(self, *, words: bool = False) -> tuple[tuple[str, str], ...]:
        return (("tint", "e" * 64),) + ((("tint-words", "f" * 64),) if words else ())


def painting(colour: Sequence[float]) -> Floats:
    """A style picture of one colour, 20 high and 24 wide."""
    return np.broadcast_to(np.array(colour, dtype=np.float32), (20, 24, 3)).copy()


def fields(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """HWC: the left half red, the right half blue, a green bar of a quarter at the bottom."""
    pixels = np.empty((height, width, 3), np.float32)
    pixels[:, : width // 2] = COLOURS["red"]
    pixels[:, width // 2 :] = COLOURS["blue"]
    pixels[height * 3 // 4 :] = COLOURS["green"]
    return np.rint(pixels * 255).astype(np.uint8)


# "ink" and word:night are the same to TintEngine.
STYLES = {"ochre": painting((0.8, 0.6, 0.2)), "ink": painting((0.1, 0.1, 0.3))}
# The left half yellow, the right half blue; 20 high, 48 wide.
STYLES["halves"] = np.concatenate([painting(COLOURS["yellow"]), painting(COLOURS["blue"])], axis=1)


def style_of(source: Source) -> Signal:
    if source.kind == "word":
        return Word(source.value)
    if source.value not in STYLES:
        raise RequestError(f"there is no style {source.value}")
    return STYLES[source.value]


def segmenter_of(stylist: Stylist) -> ColourSegmenter:
    assert isinstance(stylist.segmenter, ColourSegmenter)
    return stylist.segmenter


def engine_of(stylist: Stylist) -> TintEngine:
    assert isinstance(stylist.engine, TintEngine)
    return stylist.engine


def tinted(colour: str, style: str) -> NDArray[np.uint8]:
    """What the engine makes of a field of that colour."""
    photo = np.rint(np.array(COLOURS[colour]) * 255) / 255
    return np.rint(((1 - photo) / 2 + STYLES[style][0, 0] / 2) * 255).astype(np.uint8)


def is_tinted(picture: Picture, style: str) -> bool:
    """Whether the inside of the red field is what the engine makes of it."""
    inside = picture.pixels[5:30, 3:25].astype(int)
    return bool(np.abs(inside - tinted("red", style)).max() <= 1)
