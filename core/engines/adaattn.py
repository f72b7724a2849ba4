"""The engine `adaattn`: core/nets/adaattn.py on pictures of any size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ...weights.store import digest, load_weights
from ..canvas import Canvas, Stored, as_canvas, store
from ..device import Device, DeviceName, choose_device, free_memory
from ..errors import RequestError
from ..geometry import Bounds, Extent
from ..nets.adaattn import AdaAttN, AdaAttNConfig, PreparedStyle
from ..progress import CancelToken, Progress, silent
from ..tiling import plan_tiles, tile_side

STYLE_SIDE = 512  # pixels of a style picture's long side at brush size 1
STATISTICS_SIDE = 1024  # content statistics come from the whole picture, at most this large
ALIGN = 16  # four poolings
MARGIN = 96  # beyond it a pixel's influence is under an 8-bit step (tests/core/test_tiling.py)
BYTES_PER_PIXEL = 1_600  # peak of the network, measured with `bench memory`
LARGEST_TILE = 1024
SMALLEST_SIDE = 64  # smaller pictures are extended: level 5 needs two positions to reflect


class AdaAttNEngine:
    """Fulfils core.engines.Engine. weights: a name of the store or a safetensors file.

    Not for use by several threads at once.
    """

    name = "adaattn"

    def __init__(
        self,
        weights: str | Path = "adaattn-compact",
        device: DeviceName = "auto",
        *,
        exact: bool = False,
        tile: int | None = None,
    ) -> None:
        self.device: Device = choose_device(device, exact=exact)
        self.dtype = self.device.dtype_name
        state, metadata = load_weights(weights)
        try:
            network = AdaAttN(AdaAttNConfig.from_json(metadata["config"]))
            network.load_state_dict(state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise RequestError(f"{weights} does not hold an AdaAttN network") from error
        self.network = network.eval().requires_grad_(False)
        self.network.to(self.device.place)
        self.network.to(memory_format=torch.channels_last)
        # A tile takes seconds on a slow machine: whoever cancels is heard at every convolution.
        self._cancel = CancelToken()
        for module in self.network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_pre_hook(lambda *_: self._cancel.check())
        self._weights = ((str(weights), digest(weights)),)
        self._tile = tile

    def weights(self) -> tuple[tuple[str, str], ...]:
        return self._weights

    @torch.inference_mode()
    def prepare(
        self,
        style: NDArray[np.float32],
        *,
        scale: float = 1.0,
        region: NDArray[np.float32] | None = None,
    ) -> PreparedStyle:
        """See core.engines.Engine. Raises RequestError for a region that is empty."""
        self._cancel = CancelToken()
        extent = Extent(style.shape[1], style.shape[0])
        factor = np.clip(STYLE_SIDE * scale, 2 * SMALLEST_SIDE, 3 * STYLE_SIDE) / extent.long_side
        size = extent.scaled(float(factor))
        image = _resize(self._tensor(style), size)
        mask = None
        if region is not None:
            if not (region > 0.5).any():
                raise RequestError("the chosen part of the style picture is empty")
            mask = _resize(self._tensor(region[..., None]), size)
        with self.device.autocast():
            return self.network.prepare(_at_least(image), mask if mask is None else _at_least(mask))

    @torch.inference_mode()
    def stylize(
        self,
        content: Canvas | NDArray[np.float32],
        mixture: Sequence[tuple[PreparedStyle, float]],
        *,
        bounds: Bounds | None = None,
        out: Stored | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Stored:
        """See core.engines.Engine."""
        progress = progress or silent
        self._cancel = cancel = cancel or CancelToken()
        canvas = as_canvas(content)
        extent = canvas.extent
        bounds = bounds or Bounds.whole(extent)
        side = self._tile or tile_side(
            free_memory(self.device), BYTES_PER_PIXEL, margin=MARGIN, align=ALIGN, most=LARGEST_TILE
        )
        tiles = plan_tiles(extent, bounds, side=side, margin=MARGIN, align=ALIGN)
        if out is None:
            out = np.empty((bounds.height, bounds.width, 3), np.float32)
        with self.device.autocast():
            cancel.check()
            statistics = None  # a tile that is the whole picture finds its own
            if extent.long_side > STATISTICS_SIDE or tiles[0].outer != Bounds.whole(extent):
                small = self._tensor(canvas.fitted(STATISTICS_SIDE))
                statistics = self.network.measure(_at_least(small), mixture)
            for index, tile in enumerate(tiles):
                cancel.check()
                progress("styling", index / len(tiles))
                piece = _at_least(self._tensor(canvas.window(tile.outer)))
                painted = self.network.stylize(piece, mixture, statistics)
                rows, columns = tile.crop
                answer = painted[0, :, rows, columns].clamp(0, 1).permute(1, 2, 0)
                store(answer.float().cpu().numpy(), out[tile.inner.relative_to(bounds).slices])
        progress("styling", 1.0)
        return out

    def _tensor(self, image: NDArray[np.float32]) -> Tensor:
        """HWC array -> NCHW tensor on the device, channels last in memory."""
        tensor = torch.from_numpy(np.ascontiguousarray(image)).to(self.device.place)
        return tensor.permute(2, 0, 1)[None]


def _resize(image: Tensor, size: Extent) -> Tensor:
    """Bicubic with antialiasing, clamped to [0, 1]."""
    shape = (size.height, size.width)
    if tuple(image.shape[-2:]) == shape:
        return image
    return F.interpolate(image, shape, mode="bicubic", antialias=True).clamp(0, 1)


def _at_least(image: Tensor) -> Tensor:
    """Edges repeated to the right and below where a side is under SMALLEST_SIDE."""
    right = max(0, SMALLEST_SIDE - image.shape[-1])
    below = max(0, SMALLEST_SIDE - image.shape[-2])
    return F.pad(image, (0, right, 0, below), mode="replicate") if right or below else image
