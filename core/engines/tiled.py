"""What engines that repaint a picture tile by tile have in common."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Generic, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ..allocator import be_frugal, kept, reused, trim
from ..canvas import Canvas, Stored, as_canvas, store
from ..device import Device, free_memory, out_of_memory
from ..geometry import Bounds, Extent
from ..nets import winograd
from ..progress import CancelToken, Progress, silent
from ..recipe_data import GROUPS
from ..tiling import Plan, Tile, plan_tiles, tile_side
from . import Signal, Wanted

STATISTICS_SIDE = 1024  # content statistics come from the whole picture, at most this large
TILE_BYTES = 1_000_000_000
MANY = 24  # tiles; what more of them leave is no more
TRANSFORMED = 170  # bytes a pixel of what Winograd's way makes of 48 channels, half as large
LEAST_STEP = 1 / 1020  # in a picture's values; what differs by less is a rounding
SPARSE = 16
SPOT = 32  # of a picture's side
TRY_SIDE = 256  # px of the picture that `pace` tries

Style = TypeVar("Style")  # a prepared style
Statistics = TypeVar("Statistics")  # of a whole picture

Floats = NDArray[np.float32]


class TiledEngine(ABC, Generic[Style, Statistics]):
    """All of core.engines.Engine but what a network's own is: `prepare`, `check_word`, `weights`
    and the hooks `_measure`, `_paint` and `_steps_in`.

    Tiles are painted one after the other, smaller ones where memory falls short, all with the
    statistics of the whole picture. A picture that is small and a single tile finds its own.

    align: tiles start at its multiples. smallest_side: px to which smaller windows are extended.
    largest_tile: px of a tile's side without its margins. largest_whole: pixels of what is not
    cut at all. kept_bytes: what statistics and MANY earlier tiles leave in the C library's hands.
    """

    name: str
    align: ClassVar[int]
    smallest_side: ClassVar[int]
    largest_tile: ClassVar[int]
    largest_whole: ClassVar[int]
    kept_bytes: ClassVar[int]

    def __init__(
        self, device: Device, *, margin: int, pixel_bytes: int, tile: int | None = None
    ) -> None:
        """margin: px around a tile beyond which nothing has an influence on it. pixel_bytes: peak
        of `_paint` a pixel. tile: px of a tile's side, None = as memory allows."""
        self.device = device
        self.dtype = device.dtype_name
        self._margin, self._pixel_bytes, self._tile = margin, pixel_bytes, tile
        self._pace: float | None = None
        self._cancel = CancelToken()
        self._steps = 0
        self._step: Callable[[int], None] = _unwatched
        trim()  # the weights were just read

    @abstractmethod
    def prepare(
        self,
        style: Signal,
        *,
        scale: float = 1.0,
        region: Floats | None = None,
        transfer: Sequence[str] = GROUPS,
    ) -> Style:
        """See core.engines.Engine."""

    @abstractmethod
    def _measure(
        self, image: Tensor, mixture: Sequence[tuple[Style, float]], mask: Tensor | None
    ) -> Statistics:
        """Of a whole picture [1, 3, H, W], or of where the mask [1, 1, H, W] is set."""

    @abstractmethod
    def _paint(
        self, image: Tensor, mixture: Sequence[tuple[Style, float]], statistics: Statistics | None
    ) -> Tensor:
        """A window [1, 3, H, W] of a picture repainted, unbounded; its own statistics for None."""

    @abstractmethod
    def _steps_in(self, pixels: int, mixture: Sequence[tuple[Style, float]]) -> int:
        """How often `_heard` is called while a window of so many pixels is painted."""

    @torch.inference_mode()
    def stylize(
        self,
        content: Canvas | Floats,
        mixture: Sequence[tuple[Style, float]],
        *,
        bounds: Bounds | None = None,
        out: Stored | None = None,
        wanted: Wanted | None = None,
        region: Floats | None = None,
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
        tiles = list(self.plan(extent, bounds, wanted=wanted).tiles)
        small = len(tiles) == 1 and extent.long_side <= STATISTICS_SIDE
        with kept() if small else reused():
            self._paint_tiles(tiles, canvas, mixture, bounds, out, region, report)
        report("styling", 1.0)
        return out

    def _paint_tiles(
        self,
        todo: list[Tile],
        canvas: Canvas,
        mixture: Sequence[tuple[Style, float]],
        bounds: Bounds,
        out: Stored,
        region: Floats | None,
        report: Progress,
    ) -> None:
        """What `stylize` does to these tiles, which are taken from the list."""
        extent, cancel, side = canvas.extent, self._cancel, self._side()
        done, statistics = 0, None
        window: Floats | None = None
        while todo:
            cancel.check()
            tile = todo[0]
            left = sum(each.inner.extent.pixels for each in todo)
            share = tile.inner.extent.pixels / (done + left)
            steps, short = self._steps_in(tile.outer.extent.pixels, mixture), False
            with self._watched(report, done / (done + left), share, steps):
                try:
                    window = canvas.window(tile.outer)
                    # A tile that is the whole picture finds its own statistics.
                    alone = region is None and self._is_small(tile.outer, extent)
                    if statistics is None and not (alone and varies(window)):
                        statistics = self._measured(canvas, mixture, region)
                    answer = self._painted(window, mixture, statistics)
                except (MemoryError, RuntimeError) as error:
                    if not out_of_memory(error):
                        raise
                    if side <= self._least_tile:
                        raise MemoryError("the smallest tile is too large") from error
                    side = max(self._least_tile, side // 2 // self.align * self.align)
                    todo[:] = [p for each in todo for p in self._cut(extent, each.inner, side)]
                    short = True
            if short:  # out here, where what the failed tile held is free
                window = None
                be_frugal()
                continue
            store(answer[tile.crop], out[tile.inner.relative_to(bounds).slices])
            todo.pop(0)
            done += tile.inner.extent.pixels

    def plan(
        self, extent: Extent, bounds: Bounds | None = None, *, wanted: Wanted | None = None
    ) -> Plan:
        """See core.engines.Engine."""
        tiles = self._tiles(extent, bounds or Bounds.whole(extent))
        shown = tuple(tile for tile in tiles if wanted is None or wanted(tile.inner))
        largest = max((tile.outer.extent.pixels for tile in shown), default=0)
        beside = int(self.kept_bytes * min(1.0, len(shown) / MANY)) if len(shown) > 1 else 0
        if self.dtype == "float32" and self.device.place.type == "cpu" and winograd.at_hand():
            beside += min(winograd.MOST_BYTES, largest * TRANSFORMED)
        return Plan(shown, beside + largest * self._pixel_bytes)

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

    @property
    def _least_tile(self) -> int:
        """Px; below it the margins would be all the work."""
        return 4 * self.align

    def _side(self) -> int:
        """Of tiles without their margins, px."""
        return self._tile or tile_side(
            min(free_memory(self.device), 2 * TILE_BYTES), self._pixel_bytes,
            margin=self._margin, align=self.align, most=self.largest_tile,
        )  # fmt: skip

    def _tiles(self, extent: Extent, wanted: Bounds) -> list[Tile]:
        side = self._side()
        if self._tile is None:
            # What takes no more memory than one tile would be cut for nothing.
            room = (side + 2 * self._margin) ** 2
            if side == self.largest_tile:
                room = max(room, self.largest_whole)
            grown = wanted.grown(self._margin, extent).extent
            side = grown.long_side if grown.pixels <= room else side
        return self._cut(extent, wanted, side)

    def _cut(self, extent: Extent, wanted: Bounds, side: int) -> list[Tile]:
        return plan_tiles(extent, wanted, side=side, margin=self._margin, align=self.align)

    def _is_small(self, outer: Bounds, extent: Extent) -> bool:
        return outer == Bounds.whole(extent) and extent.long_side <= STATISTICS_SIDE

    def _measured(
        self, canvas: Canvas, mixture: Sequence[tuple[Style, float]], region: Floats | None
    ) -> Statistics:
        whole = canvas.fitted(STATISTICS_SIDE)
        small, mask = self._tensor(whole), None
        if region is not None:
            size = Extent(small.shape[-1], small.shape[-2])
            mask = self._at_least(resized(self._tensor(region[..., None]), size))
        small = self._at_least(small)
        with self.device.autocast():
            return self._measure(small if varies(whole) else spotted(small), mixture, mask)

    def _painted(
        self,
        window: Floats,
        mixture: Sequence[tuple[Style, float]],
        statistics: Statistics | None,
    ) -> Floats:
        """A window of the working picture, HWC, repainted; takes the time."""
        start = time.perf_counter()
        with self.device.autocast():
            painted = self._paint(self._at_least(self._tensor(window)), mixture, statistics)
        answer = as_picture(painted[0], window)
        self._pace = (time.perf_counter() - start) / (window.shape[0] * window.shape[1])
        return answer

    def _listen(self, network: nn.Module) -> None:
        """A tile takes seconds on a slow machine: who cancels is heard at every convolution."""
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_pre_hook(lambda *_: self._heard())

    def _heard(self) -> None:
        self._cancel.check()
        self._steps += 1
        self._step(self._steps)

    @contextmanager
    def _watched(self, report: Progress, start: float, share: float, steps: int) -> Iterator[None]:
        """Reports how far a piece of work is, which is `share` of all of it from `start` on."""
        self._steps = 0
        self._step = lambda step: report("styling", start + share * min(1.0, step / steps))
        try:
            yield
        finally:
            self._step = _unwatched

    def _tensor(self, image: Floats) -> Tensor:
        """HWC array -> NCHW tensor on the device, channels last in memory."""
        tensor = torch.from_numpy(np.ascontiguousarray(image)).to(self.device.place)
        return tensor.permute(2, 0, 1)[None]

    def _at_least(self, image: Tensor, least: int = 0) -> Tensor:
        """Edges repeated to the right and below where a side is under `smallest_side` px, or under
        `least`."""
        least = max(least, self.smallest_side)
        right, below = (max(0, least - image.shape[axis]) for axis in (-1, -2))
        return F.pad(image, (0, right, 0, below), mode="replicate") if right or below else image


def varies(picture: Floats) -> bool:
    """Whether a picture, HWC in [0, 1], has more than one colour."""
    # A few pixels tell of nearly every picture, in no time.
    return any(
        bool((np.ptp(pixels, axis=(0, 1)) > LEAST_STEP).any())
        for pixels in (picture[::SPARSE, ::SPARSE], picture)
    )


def spotted(picture: Tensor) -> Tensor:
    """A picture of one colour, NCHW, with a spot of another, so that there is something to
    normalise by: else roundings are, of which layer after layer makes a picture, or numbers
    without end."""
    height, width = (max(1, side // SPOT) for side in picture.shape[2:])
    answer = picture.clone()
    answer[..., :height, :width] = (answer[..., :height, :width] < 0.5).float()
    return answer


def as_picture(painted: Tensor, window: Floats) -> Floats:
    """CHW of any size from the window's on -> HWC in [0, 1] of the window's size."""
    height, width = window.shape[:2]
    answer: Floats = painted[:, :height, :width].clamp(0, 1).permute(1, 2, 0).float().cpu().numpy()
    return answer


def resized(image: Tensor, size: Extent) -> Tensor:
    """Bicubic with antialiasing, clamped to [0, 1]."""
    shape = (size.height, size.width)
    if tuple(image.shape[-2:]) == shape:
        return image
    return F.interpolate(image, shape, mode="bicubic", antialias=True).clamp(0, 1)


def convolutions(network: nn.Module) -> int:
    return sum(isinstance(module, nn.Conv2d) for module in network.modules())


def _unwatched(step: int) -> None:
    """Nobody follows the steps of what runs now."""
