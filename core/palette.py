"""One palette for all frames of a film."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

COLOURS = 256
SAMPLED = 1 << 16  # pixels of all frames that the palette is made of
WIDEST = 24.0  # of 255: the most that dithering adds

Pixels = NDArray[np.uint8]


def bayer(order: int) -> NDArray[np.float32]:
    """[2^order, 2^order]: B. E. Bayer's thresholds ("An optimum method for two-level rendition of
    continuous-tone pictures", ICC 1973), evenly from -1/2 to 1/2."""
    matrix = np.zeros((1, 1))
    for _ in range(order):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return ((matrix + 0.5) / matrix.size - 0.5).astype(np.float32)


class Palette:
    """At most 256 colours that frames are drawn in, with ordered dithering.

    What a pixel becomes depends on its own value and place alone, so that what is the same in
    all frames stays the same; the diffusion of errors would carry changes beyond where they are.
    frames: HWC uint8, of one size. colours: RGB after RGB.
    """

    def __init__(self, frames: Sequence[Pixels]) -> None:
        sample = _sampled(frames)
        image = Image.fromarray(sample[None])
        # Pillow may give a colour twice, which its GIF writer could mix up.
        found = image.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=1).getpalette("RGB")
        unique = np.unique(np.array(found, np.uint8).reshape(-1, 3), axis=0)
        self.colours = unique.tobytes()
        self._image = Image.new("P", (1, 1))
        self._image.putpalette(self.colours)
        near = np.asarray(self._nearest(sample[None]).convert("RGB"))[0].astype(np.float32)
        # Colours lie about twice as far from each other as pixels lie from them.
        spread = min(WIDEST, 2 * float(np.abs(near - sample).mean()))
        height, width = frames[0].shape[:2]
        tiles = (-(-height // 8), -(-width // 8))
        self._offsets = np.tile(spread * bayer(3), tiles)[:height, :width, None]

    def drawn(self, frame: Pixels) -> Image.Image:
        """The frame as an image of mode P with this palette."""
        moved = np.rint(frame + self._offsets).clip(0, 255).astype(np.uint8)
        return self._nearest(moved)

    def _nearest(self, pixels: Pixels) -> Image.Image:
        return Image.fromarray(pixels).quantize(palette=self._image, dither=Image.Dither.NONE)


def _sampled(frames: Sequence[Pixels]) -> Pixels:
    """[M, 3]: pixels of all frames, as many of each, from places that follow no grid."""
    pixels = frames[0].shape[0] * frames[0].shape[1]
    each = max(1, SAMPLED // len(frames))
    if each >= pixels:
        return np.concatenate([frame.reshape(-1, 3) for frame in frames])
    rng = np.random.default_rng(0)
    return np.concatenate([f.reshape(-1, 3)[rng.integers(0, pixels, each)] for f in frames])
