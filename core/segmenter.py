"""The protocol that words-to-mask back-ends fulfil. core is handed one; it names none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Encoding = Any  # what a back-end makes of a picture, for its own `masks` only


@dataclass(frozen=True)
class Knowledge:
    """Whether a back-end can answer a phrase.

    yes: it knows the phrase. near: it answers with `word` in the phrase's place.
    no: it can't answer; `nearest` are words that it knows, nearest in meaning first.
    """

    kind: Literal["yes", "near", "no"]
    word: str | None = None
    nearest: tuple[str, ...] = ()


class Segmenter(Protocol):
    """Encode a picture once, ask for as many phrases as wanted."""

    name: str

    def encode(self, image: NDArray[np.float32]) -> Encoding:
        """image: HWC sRGB in [0, 1], any size."""
        ...

    def masks(self, encoding: Encoding, phrases: Sequence[str]) -> NDArray[np.float32]:
        """[P, h, w] in [0, 1] at the network's own resolution; 0.5 is the natural threshold."""
        ...

    def knows(self, phrase: str) -> Knowledge: ...

    def weights(self) -> tuple[tuple[str, str], ...]:
        """(name, sha256) of every weight file that answers, for a recipe's pins."""
        ...
