"""How adaattn-compact paints: TNet (ZM-Net) over the recoloured photograph, steered by what a PNet
reads from the style, that at each place also hears what attention found there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .colour import PACKED, Colours
from .convolution import Convolution
from .decoder import enlarged
from .encoder import EncoderConfig
from .normalisation import DynamicNorms
from .parameter_net import Heads, SerialMLP, Standardised, described
from .statistics import Moments
from .transformer_net import Parameters, TNet, TNetConfig

QUARTER = 3  # the level of an encoder that is as large as the input of TNet's blocks


class Painter(nn.Module):
    """Attention's answers of some levels become one map, a quarter of the picture large, which is
    normalised. In each block of TNet a linear map of it is added to what is normalised first,
    before PNet's gamma and beta: a shift for each place, that says nothing of the whole picture.
    It starts at 0: an untrained painter paints as its TNet alone.

    Added to the block's input, which grows to some hundreds on its way through the blocks, or to
    what gamma had scaled by ten it went unheard; behind a ReLU it died; and not normalised it
    outgrew all else within some hundred steps of training.
    """

    def __init__(self, encoder: EncoderConfig, levels: Sequence[int], config: TNetConfig) -> None:
        super().__init__()
        self.tnet = TNet(config)
        self.levels = sorted(levels, reverse=True)
        width = config.widths[-1]
        self.lift = nn.ModuleDict(
            {str(x): nn.Conv2d(encoder.widths[x - 1], width, 1) for x in self.levels}
        )
        # After an enlargement by repetition, so that no blocks are seen.
        self.merge = nn.ModuleDict(
            {str(x): Convolution(width, width) for x in range(QUARTER, max(self.levels))}
        )
        self.hear = nn.ModuleList(
            nn.Conv2d(width, width, 1, bias=False) for _ in range(config.blocks)
        )
        for conv in self.hear:
            nn.init.zeros_(conv.weight)  # type: ignore[arg-type]

    def norms(
        self, parameters: Parameters, of: Sequence[Moments] | None = None, **measuring: Any
    ) -> DynamicNorms:
        """Of the map and of TNet's layers, for one `forward`. of, measuring: see DynamicNorms."""
        ones = parameters.gamma.new_ones(len(parameters.gamma), self.tnet.config.widths[-1])
        layers = [(ones, torch.zeros_like(ones)), *self.tnet.layers(parameters)]
        return DynamicNorms(layers, of, **measuring)

    def forward(
        self,
        base: Tensor,
        norms: DynamicNorms,
        attended: Mapping[int, Tensor],
        sizes: Sequence[tuple[int, int]],
    ) -> Tensor:
        """base: the recoloured photograph, NCHW. attended: level -> NCHW. sizes: (H, W) of levels
        1 to 5. Returns RGB, unbounded."""
        merged = norms(self._merged(attended, sizes))
        return self.tnet.paint(base, norms, lambda block: self.hear[block](merged))

    def _merged(self, attended: Mapping[int, Tensor], sizes: Sequence[tuple[int, int]]) -> Tensor:
        x: Tensor | None = None
        for level in range(self.levels[0], QUARTER - 1, -1):
            here = self.lift[str(level)](attended[level]) if level in attended else None
            if x is None:
                x = here
                continue
            x = enlarged(x, sizes[level - 1])
            x = self.merge[str(level)](x if here is None else x + here)
        assert x is not None
        return x


class StyleCode(nn.Module):
    """Moments of a style's five levels and its colours -> the parameters of TNet: the PNet of
    ZM-Net (section 3.2.2). Starts as plain instance normalisation."""

    def __init__(self, encoder: EncoderConfig, config: TNetConfig, hidden: int = 256) -> None:
        super().__init__()
        self.vector = Standardised(2 * sum(encoder.widths) + PACKED)
        self.pnet = SerialMLP(self.vector.outputs, hidden, len(config.norms))
        self.heads = Heads(self.pnet.widths, config.norms)

    def forward(self, levels: Sequence[Moments], colours: Colours) -> Parameters:
        gamma, beta = self.heads(self.pnet(self.vector(described(levels, colours))))
        return Parameters(gamma, beta, colours, gamma.new_ones(len(gamma)))
