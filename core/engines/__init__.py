"""Engines: a name -> something that stylises. Each is thin over core/nets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..canvas import Canvas, Stored
from ..errors import RequestError
from ..geometry import Bounds, Extent
from ..progress import CancelToken, Progress
from ..recipe_data import GROUPS
from ..tiling import Plan
from ..wording import shown

Wanted = Callable[[Bounds], bool]  # whether anything of a box of the working picture will show
PreparedStyle = Any  # what an engine makes of a guiding signal, for its own `stylize` only


@dataclass(frozen=True)
class Word:
    """A style that is named and not shown: what follows `word:`."""

    phrase: str


Signal = NDArray[np.float32] | Word  # a style picture, HWC sRGB float32 in [0, 1], or a word


def refuse_word(engine: str, phrase: str) -> NoReturn:
    """RequestError of an engine that can only paint from pictures."""
    raise RequestError(
        f"the engine {engine} paints from pictures, not from words: use the engine zmnet for "
        f"word:{shown(phrase)}, or name a style"
    )


class Engine(Protocol):
    """Repaints a picture. Pictures are HWC sRGB float32 in [0, 1]."""

    name: str
    dtype: str  # number format that the networks run in, for a recipe's pins

    def prepare(
        self,
        style: Signal,
        *,
        scale: float = 1.0,
        region: NDArray[np.float32] | None = None,
        transfer: Sequence[str] = GROUPS,
    ) -> PreparedStyle:
        """Everything that depends on the style alone; worth caching.

        scale: brush size, 1 = as the style picture shows it. region: HW in [0, 1], the part
        of the style picture to take from (None = all of it). transfer: the groups of features
        that take the style (ZM-Net's figure 7). RequestError for a word that the engine does
        not know, and where it can't keep groups apart.
        """
        ...

    def check_word(self, phrase: str) -> tuple[str, ...]:
        """Warnings about a style word, before anything is run. RequestError for one that the
        engine can't take, which says what it can."""
        ...

    def stylize(
        self,
        content: Canvas | NDArray[np.float32],
        mixture: Sequence[tuple[PreparedStyle, float]],
        *,
        bounds: Bounds | None = None,
        out: Stored | None = None,
        wanted: Wanted | None = None,
        region: NDArray[np.float32] | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Stored:
        """`bounds` of the repainted picture (default: all of it).

        content is at the working size; its statistics are taken whole, also where only
        `bounds` is wanted. region: HW in [0, 1] of any size, the part of the picture that shall
        look as the style does: statistics are taken of it alone (None = all of it). mixture:
        prepared styles with weights that sum to 1. out: HWC array of the size of `bounds` that
        takes the answer (see canvas.store) and is given back; without it the answer is float32.
        wanted: tiles of which it says that nothing will show are left as they are in `out`, 0
        without it. progress: from 0 to 1.

        RequestError where memory does not suffice for the smallest tiles.
        """
        ...

    def plan(
        self, extent: Extent, bounds: Bounds | None = None, *, wanted: Wanted | None = None
    ) -> Plan:
        """What `stylize` would do with a picture of that extent, by the memory free now."""
        ...

    def pace(self) -> float:
        """Seconds a pixel of a tile, margins included: as last measured, else by a quick try."""
        ...

    def weights(self, *, words: bool = False) -> tuple[tuple[str, str], ...]:
        """(name, sha256) of every weight file that answers, for a recipe's pins. words: whether
        any style is a word."""
        ...


@runtime_checkable
class Polishing(Protocol):
    """An engine that can try how a picture comes out, and do better.

    usual_steps: how many tries are worth their time where a recipe leaves it to the engine.
    """

    usual_steps: int

    def polish(
        self,
        content: Canvas | NDArray[np.float32],
        mixture: Sequence[tuple[PreparedStyle, float]],
        styles: Sequence[tuple[Signal, NDArray[np.float32] | None]],
        *,
        steps: int,
        scale: float = 1.0,
        region: NDArray[np.float32] | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> list[tuple[PreparedStyle, float]]:
        """A mixture for this picture alone, nearer to its styles than the one given, for `stylize`.

        content, region, scale: as in `stylize` and `prepare`. styles: of the mixture, in its
        order, each with the part that is meant. steps: how often it is tried. RequestError for
        words, and for networks that have nothing to change.
        """
        ...

    def polishing_weights(self) -> tuple[tuple[str, str], ...]:
        """(name, sha256) of what looks at the tries, for a recipe's pins."""
        ...


def usual_steps(engine: Engine) -> int:
    """Of polishing, where a recipe leaves it to the engine."""
    return engine.usual_steps if isinstance(engine, Polishing) else 0


def polisher(engine: Engine) -> Polishing:
    """The engine, if it can be polished. RequestError where it can't."""
    if not isinstance(engine, Polishing):
        raise RequestError(f"the engine {engine.name} can't be polished: leave it out")
    return engine
