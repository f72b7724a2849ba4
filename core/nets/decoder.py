"""The decoder of AdaAttN (equation 3): the encoder mirrored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .convolution import Convolution
from .encoder import EncoderConfig


class Decoder(nn.Module):
    """Stylised features of some levels -> RGB.

    Levels 5 and 4 are added (5 brought up first), each shallower one that is given is joined by
    concatenation; every up-sampling is nearest-neighbour followed by a convolution, which leaves
    no checkerboard. Convolutions pad by reflection, so that no dark frame appears.
    """

    def __init__(
        self, config: EncoderConfig, levels: Sequence[int], *, linear_merge: bool = False
    ) -> None:
        """linear_merge: no ReLU after the convolution that follows the sum of levels 4 and 5."""
        super().__init__()
        self.levels = frozenset(levels)
        self.top = 4 if self.levels & {4, 5} else max(self.levels)
        self.merge = {4, 5} <= self.levels
        self.linear_merge = self.merge and linear_merge
        widths = config.widths
        if 5 in self.levels and widths[4] != widths[3]:
            self.lift: nn.Module = nn.Conv2d(widths[4], widths[3], 1)
        else:
            self.lift = nn.Identity()
        convs: list[nn.Conv2d] = []
        self.stage_of: list[int] = []  # the level at whose size each convolution works

        def add(level: int, before: int, after: int) -> int:
            convs.append(Convolution(before, after))
            self.stage_of.append(level)
            return after

        channels = widths[self.top - 1]
        if self.merge:
            channels = add(4, channels, channels)
        for level in range(self.top, 0, -1):
            joined = channels + (widths[level - 1] if self._joins(level) else 0)
            below = widths[level - 2] if level > 1 else 3
            depth = 1 if level == 4 else config.depths[level - 1]
            for _ in range(depth - 1):
                joined = add(level, joined, widths[level - 1])
            channels = add(level, joined, below)
        for conv in convs:
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        self.convs = nn.ModuleList(convs)

    def _joins(self, level: int) -> bool:
        return level < self.top and level in self.levels

    def forward(self, features: Mapping[int, Tensor], sizes: Sequence[tuple[int, int]]) -> Tensor:
        """features: level -> NCHW. sizes: (H, W) of levels 1 to 5. Returns RGB, unbounded."""
        x = self._deepest(features, sizes)
        for index, (conv, level) in enumerate(zip(self.convs, self.stage_of, strict=True)):
            previous = self.stage_of[index - 1] if index else self.top
            if level < previous:
                x = enlarged(x, sizes[level - 1])
                if self._joins(level):
                    x = torch.cat([x, features[level].to(x.dtype)], dim=1)
            x = conv(x)
            if index < len(self.convs) - 1:
                x = x if index == 0 and self.linear_merge else F.relu(x, inplace=True)
        return x

    def _deepest(self, features: Mapping[int, Tensor], sizes: Sequence[tuple[int, int]]) -> Tensor:
        if 5 not in self.levels:
            return features[self.top]
        x = enlarged(self.lift(features[5]), sizes[3])
        return x + features[4] if 4 in self.levels else x


def enlarged(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Twice the size by repetition; cut, or continued, where pooling had rounded an odd side."""
    x = F.interpolate(x, scale_factor=2, mode="nearest")[..., : size[0], : size[1]]
    missing = (0, size[1] - x.shape[-1], 0, size[0] - x.shape[-2])
    return F.pad(x, missing, mode="replicate") if any(missing) else x
