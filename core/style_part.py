"""Parts of style pictures: where in a painting the sky is that another sky shall look like."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from .canvas import ArrayCanvas, fingerprint
from .errors import RequestError
from .finding import ENCODE_SIDE, absence
from .masks import Mask, RegionControls, SoftRegion, build_masks
from .recipe import Source, Target
from .resample import extent_of, resized_map
from .segmenter import Encoding, Segmenter
from .wording import shown, shown_path

Floats = NDArray[np.float32]

LEAST_SHARE = 1 / 200  # of a style picture: 4 cells of 16 px in 512 x 384 px; less has no texture
ENCODINGS_KEPT = 4
PARTS_KEPT = 16


class StyleParts:
    """Finds parts of style pictures with one segmenter; each picture is encoded once, each phrase
    asked once. What was found last is kept."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter
        self._encodings: OrderedDict[bytes, tuple[Floats, Encoding]] = OrderedDict()
        self._parts: OrderedDict[tuple[bytes, str], Mask] = OrderedDict()

    def find(self, style: Floats, phrase: str, source: Source) -> Mask:
        """HW in [0, 1] at the style picture's size: the part that a phrase names.

        style: HWC sRGB in [0, 1]; a large one is looked at made smaller. The part follows the
        picture's edges. RequestError where the picture does not show it, or too little to take a
        style from; source: where the picture comes from, for that line.
        """
        key = (fingerprint(style), phrase)
        if key not in self._parts:
            self._parts[key] = self._found(key[0], style, phrase, source)
            _forget(self._parts, PARTS_KEPT)
        self._parts.move_to_end(key)
        return resized_map(self._parts[key], extent_of(style))

    def _found(self, digest: bytes, style: Floats, phrase: str, source: Source) -> Mask:
        if digest not in self._encodings:
            small = ArrayCanvas(style).fitted(ENCODE_SIDE)
            self._encodings[digest] = (small, self._segmenter.encode(small))
            _forget(self._encodings, ENCODINGS_KEPT)
        self._encodings.move_to_end(digest)
        small, encoding = self._encodings[digest]
        values = self._segmenter.masks(encoding, [phrase])[0]
        embedded = source.kind == "embedded"
        place = "the embedded style" if embedded else f"the style {shown_path(source.value)}"
        reason = absence(Target("phrase", phrase), values, place=place)
        if reason:
            raise RequestError(f"{reason}: name another part, or take the whole style")
        part: Mask = build_masks(
            [SoftRegion(found=[values])], [RegionControls(feather=0)], ArrayCanvas(small)
        )[0]
        share = float(part.mean())
        if share < LEAST_SHARE:
            raise RequestError(
                f"{shown(phrase)} is only {share:.1%} of {place}, too little to take a style "
                "from: name a larger part, or another style"
            )
        return part


def _forget(cache: OrderedDict, most: int) -> None:  # type: ignore[type-arg]  # of any kind
    while len(cache) > most:
        cache.popitem(last=False)
