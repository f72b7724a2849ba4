"""Keyframes: a way from mixture to mixture, cut into frames of equal steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from .recipe import Region, Source

Motion = Literal["linear", "cyclic", "ping-pong"]
MOTIONS: tuple[str, ...] = get_args(Motion)

Doubles = NDArray[np.float64]


class Guide(NamedTuple):
    """One guiding signal of a way: a source of weight 1, and the part of it that is meant."""

    source: Source
    style_region: str | None


def positions(keys: int, frames: int, motion: Motion = "linear") -> Doubles:
    """[frames] places on the way, where key k stands at k.

    linear: from the first key to the last one; a single frame shows the first. Where there are
    fewer frames than keys, those keys are passed over that no equal step lands on.
    cyclic: on from the last key to the first, which stands at `keys` too; the last frame is one
    step before it, so that a film that starts again goes on as before.
    ping-pong: to the last key and back, neither end shown twice. With an odd number of frames
    there is one step more on the way back than there.
    """
    place = np.arange(frames, dtype=np.float64)
    if motion == "cyclic":
        return place * keys / frames
    last = keys - 1
    if motion == "linear":
        return place * last / max(1, frames - 1)
    there = frames // 2
    out = place * last / max(1, there)
    back = (frames - place) * last / (frames - there)
    return np.where(place <= there, out, back)


class Keyframes:
    """The mixtures that a way leads through, as weights of all its guides.

    keys: regions, of which each one's style is a key. guides: [S], each once. weights: [K, S],
    of which each row sums to 1.
    """

    def __init__(self, keys: Sequence[Region]) -> None:
        mixtures = [_shares(key) for key in keys]
        self.guides = tuple(dict.fromkeys(guide for mixture in mixtures for guide in mixture))
        self.weights = np.array(
            [[mixture.get(guide, 0.0) for guide in self.guides] for mixture in mixtures]
        )

    def at(self, places: Doubles) -> Doubles:
        """[N] places as `positions` gives them -> [N, S] weights: linear between neighbours."""
        keys = len(self.weights)
        before = np.floor(places).astype(int)
        part = (places - before)[:, None]
        now, then = self.weights[before % keys], self.weights[(before + 1) % keys]
        return (1 - part) * now + part * then


def _shares(key: Region) -> dict[Guide, float]:
    shares: dict[Guide, float] = {}
    for source, weight in zip(key.style, key.weights, strict=True):
        if weight > 0:
            guide = Guide(Source(source.kind, source.value, 1.0, source.sha256), key.style_region)
            shares[guide] = shares.get(guide, 0.0) + weight
    return shares
