"""The engine `adaattn`: core/nets/adaattn.py on pictures of any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...weights.store import pinned
from ..allocator import kept
from ..device import Device, DeviceName, choose_device
from ..errors import RequestError
from ..geometry import Extent
from ..loading import load_network
from ..nets.adaattn import AdaAttN, AdaAttNConfig, AttentionLevel
from ..nets.attention import attention_moments, blocks, plain_attention_moments
from ..nets.convolution import laid_out
from ..nets.painter import Painter
from ..nets.prepared_style import ContentStatistics, PreparedStyle
from ..nets.transformer_net import Parameters
from ..progress import CancelToken
from ..recipe_data import GROUPS
from . import Signal, Word, refuse_word
from .polishing import Paint, PolishingEngine
from .tiled import convolutions, resized
from .zmnet import blocks_reach

STYLE_SIDE = 512  # pixels of a style picture's long side at brush size 1
ALIGN = 16  # four poolings
SMALLEST_SIDE = 64  # smaller pictures are extended: level 5 needs two positions to reflect
PLAIN_TILE = 1 << 16  # px: more than any picture's side
USUAL_STEPS = 4  # of polishing: with so many a picture comes out nearer than by anything else here
POOLED = 16  # pixels of the picture that one position of level 5 covers a side

Mixture = Sequence[tuple[PreparedStyle, float]]


class AdaAttNEngine(PolishingEngine[PreparedStyle, ContentStatistics]):
    """Fulfils core.engines.Engine. weights: a name of the store or a safetensors file.

    Not for use by several threads at once.
    """

    name = "adaattn"
    align = ALIGN
    smallest_side = SMALLEST_SIDE
    # A tile of 768 px, 1,024 with margins, takes a sixth less time a pixel without them than one
    # of 512, and one of 896 px no less than that.
    largest_tile = 768
    largest_whole = 1_200_000  # a sixth more than such a tile; cut in two, it takes a fifth longer
    kept_bytes = 700_000_000

    def __init__(
        self,
        weights: str | Path = "adaattn-compact",
        device: DeviceName = "auto",
        *,
        exact: bool = False,
        plain: bool = False,
        tile: int | None = None,
    ) -> None:
        """exact: float32 everywhere. plain: that, and attention by its formula with the whole
        matrix, which `plan` does not count, of pictures that are never cut: what the rest is
        compared with."""
        place = choose_device(device, exact=exact or plain)
        attend = plain_attention_moments if plain else attention_moments
        network, _ = load_network(
            weights,
            lambda text: AdaAttN(AdaAttNConfig.from_json(text), attend),
            "an AdaAttN network",
        )
        super().__init__(
            place,
            margin=receptive_margin(network),
            pixel_bytes=pixel_bytes(network.config, place),
            tile=PLAIN_TILE if plain else tile,
        )
        self.network = network.to(self.device.place)
        self.usual_steps = USUAL_STEPS if isinstance(network.decoder, Painter) else 0
        laid_out(self.network, quick=not plain)
        self._listen(self.network)
        for module in self.network.modules():
            if isinstance(module, AttentionLevel):
                module.each_block = self._heard
        self._convolutions = convolutions(network.encoder) + convolutions(network.decoder)
        self._weights = (pinned(weights),)

    def weights(self, *, words: bool = False) -> tuple[tuple[str, str], ...]:
        return self._weights

    @torch.inference_mode()
    def prepare(
        self,
        style: Signal,
        *,
        scale: float = 1.0,
        region: NDArray[np.float32] | None = None,
        transfer: Sequence[str] = GROUPS,
    ) -> PreparedStyle:
        """See core.engines.Engine. Raises RequestError for a region that is empty, too."""
        if isinstance(style, Word):
            self.check_word(style.phrase)
        if set(transfer) != set(GROUPS):
            raise RequestError(
                f"{self.name} restyles details, colours and textures together: leave transfer "
                "out, or use the engine zmnet"
            )
        self._cancel = CancelToken()
        extent = Extent(style.shape[1], style.shape[0])
        factor = np.clip(STYLE_SIDE * scale, 2 * SMALLEST_SIDE, 3 * STYLE_SIDE) / extent.long_side
        size = extent.scaled(float(factor))
        image = self._at_least(resized(self._tensor(style), size))
        mask = None
        if region is not None:
            if not (region > 0.5).any():
                raise RequestError("the chosen part of the style picture is empty")
            mask = self._at_least(resized(self._tensor(region[..., None]), size))
        with kept(), self.device.autocast():
            return self.network.prepare(image, mask)

    def check_word(self, phrase: str) -> NoReturn:
        """RequestError: attention needs a picture to look at."""
        refuse_word(self.name, phrase)

    def _measure(self, image: Tensor, mixture: Mixture, mask: Tensor | None) -> ContentStatistics:
        return self.network.measure(image, mixture, mask)

    def _paint(
        self, image: Tensor, mixture: Mixture, statistics: ContentStatistics | None
    ) -> Tensor:
        return self.network.stylize(image, mixture, statistics)

    def _trial(
        self, image: Tensor, mixture: Mixture, mask: Tensor | None
    ) -> tuple[Parameters, Paint] | None:
        return self.network.trial(image, mixture, mask)

    def _under(self, style: PreparedStyle, parameters: Parameters) -> PreparedStyle:
        return replace(style, parameters=parameters)

    def _steps_in(self, pixels: int, mixture: Mixture) -> int:
        steps = self._convolutions
        for prepared, _ in mixture:
            for level, key in prepared.keys.items():
                steps += 1 + blocks(pixels // 4 ** (level - 1), key.shape[-1])
        return steps


def receptive_margin(network: AdaAttN) -> int:
    """Px around a tile beyond which nothing has an influence but through attention's and the
    statistics' sums: the convolutions' reach, one position each, and that of four poolings."""
    depths = network.config.encoder.depths
    encoder = sum(depth * 2**stage for stage, depth in enumerate(depths))
    if isinstance(network.decoder, Painter):
        merging = sum(2 ** (level - 1) for level in map(int, network.decoder.merge))
        decoder = merging + blocks_reach(network.decoder.tnet.config)
    else:
        decoder = sum(2 ** (level - 1) for level in network.decoder.stage_of)
    return -(-(encoder + POOLED - 1 + decoder) // ALIGN) * ALIGN


def pixel_bytes(config: AdaAttNConfig, device: Device) -> int:
    """Peak of `AdaAttN.stylize` a pixel beside `kept_bytes`, as processes of their own took it."""
    return 240 + 9 * config.encoder.widths[0] * device.dtype.itemsize
