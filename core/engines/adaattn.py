"""The engine `adaattn`: core/nets/adaattn.py on pictures of any size."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ...weights.store import digest, load_weights
from ..canvas import Canvas, Stored, as_canvas, store
from ..device import Device, DeviceName, choose_device, free_memory, out_of_memory
from ..errors import RequestError
from ..geometry import Bounds, Extent
from ..nets.adaattn import (
    AdaAttN,
    AdaAttNConfig,
    AttentionLevel,
    ContentStatistics,
    PreparedStyle,
)
from ..nets.attention import blocks
from ..progress import CancelToken, Progress, silent
from ..recipe_data import GROUPS
from ..tiling import Plan, Tile, plan_tiles, tile_side
from . import Signal, Wanted, Word

STYLE_SIDE = 512  # pixels of a style picture's long side at brush size 1
STATISTICS_SIDE = 1024  # content statistics come from the whole picture, at most this large
ALIGN = 16  # four poolings
SMALLEST_SIDE = 64  # smaller pictures are extended: level 5 needs two positions to reflect
LEAST_TILE = 4 * ALIGN  # below it the margins would be all the work
# A tile of 512 px, 704 with its margins, takes 5.5 microseconds a pixel without them, and one of
# 900 px no less than 4.5: beyond it the compact network's maps no longer fit into what the C
# library keeps for reuse, and twice the memory would be the price. Wider networks get a gigabyte.
LARGEST_TILE = 512
LARGEST_WHOLE = 800_000  # pixels of a picture that is not cut at all
TILE_BYTES = 1_000_000_000
KEPT_BYTES = 250_000_000  # what statistics and earlier tiles leave in the C library's hands
POOLED = 16  # pixels of the picture that one position of level 5 covers a side
TRY_SIDE = 256  # px of the picture that `pace` tries


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
        # A tile takes seconds on a slow machine: whoever cancels is heard at every convolution
        # and at every block of attention.
        self._cancel = CancelToken()
        self._steps = 0
        self._step: Callable[[int], None] = _unwatched
        for module in self.network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_pre_hook(lambda *_: self._heard())
            elif isinstance(module, AttentionLevel):
                module.each_block = self._heard
        parts = (self.network.encoder, self.network.decoder)
        self._convolutions = sum(isinstance(m, nn.Conv2d) for part in parts for m in part.modules())
        self._margin = receptive_margin(self.network)
        self._pixel_bytes = pixel_bytes(self.network.config, self.device)
        self._pace: float | None = None
        self._weights = ((str(weights), digest(weights)),)
        self._tile = tile

    def weights(self) -> tuple[tuple[str, str], ...]:
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
        image = _resize(self._tensor(style), size)
        mask = None
        if region is not None:
            if not (region > 0.5).any():
                raise RequestError("the chosen part of the style picture is empty")
            mask = _resize(self._tensor(region[..., None]), size)
        with self.device.autocast():
            return self.network.prepare(_at_least(image), mask if mask is None else _at_least(mask))

    def check_word(self, phrase: str) -> NoReturn:
        """RequestError: attention needs a picture to look at."""
        raise RequestError(
            f"the engine {self.name} paints from pictures, not from words: use the engine zmnet "
            f"for word:{phrase}, or name a style"
        )

    @torch.inference_mode()
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
        """See core.engines.Engine. MemoryError where even the smallest tiles are too large."""
        report = progress or silent
        self._cancel = cancel = cancel or CancelToken()
        canvas = as_canvas(content)
        extent = canvas.extent
        bounds = bounds or Bounds.whole(extent)
        if out is None:
            out = np.zeros((bounds.height, bounds.width, 3), np.float32)
        report("styling", 0.0)
        cancel.check()
        side = self._side()
        todo, done, statistics = list(self.plan(extent, bounds, wanted=wanted).tiles), 0, None
        while todo:
            cancel.check()
            tile = todo[0]
            left = sum(each.inner.extent.pixels for each in todo)
            share = tile.inner.extent.pixels / (done + left)
            with self._watched(report, done / (done + left), share, tile, mixture):
                try:
                    # A tile that is the whole picture finds its own statistics.
                    alone = region is None and self._is_small(tile.outer, extent)
                    if statistics is None and not alone:
                        statistics = self._measured(canvas, mixture, region)
                    answer = self._painted(canvas.window(tile.outer), mixture, statistics)
                except (MemoryError, RuntimeError) as error:
                    if not out_of_memory(error):
                        raise
                    if side <= LEAST_TILE:
                        raise MemoryError("the smallest tile is too large") from error
                    side = max(LEAST_TILE, side // 2 // ALIGN * ALIGN)
                    todo = [part for each in todo for part in self._tiles(extent, each.inner, side)]
                    continue
            store(answer[tile.crop], out[tile.inner.relative_to(bounds).slices])
            todo.pop(0)
            done += tile.inner.extent.pixels
        report("styling", 1.0)
        return out

    def plan(
        self, extent: Extent, bounds: Bounds | None = None, *, wanted: Wanted | None = None
    ) -> Plan:
        """See core.engines.Engine."""
        tiles = self._tiles(extent, bounds or Bounds.whole(extent), self._side())
        shown = tuple(tile for tile in tiles if wanted is None or wanted(tile.inner))
        largest = max((tile.outer.extent.pixels for tile in shown), default=0)
        kept = KEPT_BYTES if len(shown) > 1 else 0
        return Plan(shown, kept + largest * self._pixel_bytes)

    @torch.inference_mode()
    def pace(self) -> float:
        """See core.engines.Engine."""
        if self._pace is None:
            noise = np.random.default_rng(0).random((TRY_SIDE, TRY_SIDE, 3), np.float32)
            mixture = [(self.prepare(noise), 1.0)]
            for _ in range(2):  # the first one also sets things up
                self._painted(noise, mixture, None)
        assert self._pace is not None
        return self._pace

    def _side(self) -> int:
        """Of tiles without their margins, px."""
        return self._tile or tile_side(
            min(free_memory(self.device), 2 * TILE_BYTES), self._pixel_bytes,
            margin=self._margin, align=ALIGN, most=LARGEST_TILE,
        )  # fmt: skip

    def _tiles(self, extent: Extent, wanted: Bounds, side: int) -> list[Tile]:
        if side == LARGEST_TILE:
            grown = wanted.grown(self._margin, extent)
            side = grown.extent.long_side if grown.extent.pixels <= LARGEST_WHOLE else side
        return plan_tiles(extent, wanted, side=side, margin=self._margin, align=ALIGN)

    def _is_small(self, outer: Bounds, extent: Extent) -> bool:
        return outer == Bounds.whole(extent) and extent.long_side <= STATISTICS_SIDE

    def _measured(
        self,
        canvas: Canvas,
        mixture: Sequence[tuple[PreparedStyle, float]],
        region: NDArray[np.float32] | None,
    ) -> ContentStatistics:
        small, mask = self._tensor(canvas.fitted(STATISTICS_SIDE)), None
        if region is not None:
            size = Extent(small.shape[-1], small.shape[-2])
            mask = _at_least(_resize(self._tensor(region[..., None]), size))
        with self.device.autocast():
            return self.network.measure(_at_least(small), mixture, mask)

    def _painted(
        self,
        window: NDArray[np.float32],
        mixture: Sequence[tuple[PreparedStyle, float]],
        statistics: ContentStatistics | None,
    ) -> NDArray[np.float32]:
        """A window of the working picture, HWC, repainted; takes the time."""
        start = time.perf_counter()
        with self.device.autocast():
            painted = self.network.stylize(
                _at_least(self._tensor(window)), mixture, statistics
            )  # NCHW
        height, width = window.shape[:2]
        answer = painted[0, :, :height, :width].clamp(0, 1).permute(1, 2, 0).float().cpu().numpy()
        self._pace = (time.perf_counter() - start) / (height * width)
        return answer

    def _heard(self) -> None:
        self._cancel.check()
        self._steps += 1
        self._step(self._steps)

    @contextmanager
    def _watched(
        self,
        report: Progress,
        start: float,
        share: float,
        tile: Tile,
        mixture: Sequence[tuple[PreparedStyle, float]],
    ) -> Iterator[None]:
        """Reports how far a tile is, which is `share` of the work from `start` on."""
        pixels, steps = tile.outer.extent.pixels, self._convolutions
        for prepared, _ in mixture:
            for level, key in prepared.keys.items():
                steps += 1 + blocks(pixels // 4 ** (level - 1), key.shape[-1])
        self._steps = 0
        self._step = lambda step: report("styling", start + share * min(1.0, step / steps))
        try:
            yield
        finally:
            self._step = _unwatched

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


def receptive_margin(network: AdaAttN) -> int:
    """Px around a tile beyond which nothing has an influence but through attention's and the
    statistics' sums: the convolutions' reach, one position each, and that of four poolings."""
    depths = network.config.encoder.depths
    encoder = sum(depth * 2**stage for stage, depth in enumerate(depths))
    decoder = sum(2 ** (level - 1) for level in network.decoder.stage_of)
    return -(-(encoder + POOLED - 1 + decoder) // ALIGN) * ALIGN


def pixel_bytes(config: AdaAttNConfig, device: Device) -> int:
    """Peak of `AdaAttN.stylize` a pixel beside KEPT_BYTES, as processes of their own took it."""
    return 690 + 5 * config.encoder.widths[0] * device.dtype.itemsize


def _unwatched(step: int) -> None:
    """Nobody follows the steps of what runs now."""
