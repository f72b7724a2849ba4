"""The engine `gatys`: a picture is optimised until its features have the style's statistics.

L. Gatys, A. Ecker, M. Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR
2016: slow, and the measure of what the fast engines reach. The start is the photograph in the
style's colours, and large pictures are painted from coarse to fine; see optimisation.py.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ...weights.store import digest
from ..canvas import Canvas, Stored, as_canvas, store
from ..device import Device, DeviceName, choose_device, free_memory, out_of_memory
from ..errors import RequestError
from ..geometry import Bounds, Extent
from ..guided import BroughtUp
from ..nets.colour import Colours, colours_of, recoloured
from ..perceptual_weights import STAND_IN, load_perceptual
from ..progress import CancelToken, Progress, silent
from ..recipe_data import GROUPS
from ..resample import strips
from ..tiling import Plan, Tile
from . import Signal, Wanted, Word, refuse_word
from .optimisation import CONTENT_WEIGHT, Grams, grams_of, mixed, optimised

Floats = NDArray[np.float32]
ITERATIONS = 120
STYLE_SIDE = 512  # pixels of a style picture's long side at brush size 1
SMALLEST_SIDE = 32  # smaller pictures are extended: level 5 needs two positions
# Of the picture that is optimised: larger ones are painted smaller and brought up.
LARGEST_PIXELS = 1_000_000
LEAST_PIXELS = 64 * 64
COARSEST_SIDE = 192  # px: pictures are not halved further than this
SIZES = 3  # at most so many, each half of the next
# Peak of an optimisation, as processes of their own took it: a pixel, and beside the pixels.
PIXEL_BYTES, KEPT_BYTES = 3700, 50_000_000
BROUGHT_UP = 100  # bytes a pixel of the optimised picture while it is brought up
TRY_SIDE, TRY_ITERATIONS = 128, 3  # of `pace`


@dataclass(frozen=True)
class StyleTargets:
    """What `prepare` makes of a style picture. grams: at the picture's size, at half of it, ...,
    so that strokes keep their size while the photograph is painted from coarse to fine."""

    grams: tuple[Grams, ...]
    colours: Colours


@dataclass(frozen=True)
class WholePlan(Plan):
    """A picture that is optimised whole, whatever is wanted of it. worked: pixels that all the
    iterations together go over, divided by their number."""

    worked: int = 0

    @property
    def pixels(self) -> int:
        return self.worked if self.tiles else 0


class GatysEngine:
    """Fulfils core.engines.Engine. The whole picture is optimised at once, whatever part of it is
    wanted: at its own size, or where it has more than LARGEST_PIXELS or memory is short at the
    largest size that fits, and then brought up along the photograph's edges.

    iterations: in all, shared evenly between the sizes. weights: a file of VGG-16; empty takes
    the store's, and where that has none the stand-in that ships. Not for use by several threads
    at once.
    """

    name = "gatys"

    def __init__(
        self,
        weights: str | Path = "",
        device: DeviceName = "auto",
        *,
        iterations: int = ITERATIONS,
        content_weight: float = CONTENT_WEIGHT,
        exact: bool = False,
        most: int = LARGEST_PIXELS,
    ) -> None:
        """most: pixels of what is optimised, at most. exact: float32 everywhere."""
        if iterations < 1:
            raise RequestError(f"gatys needs at least 1 iteration, not {iterations}")
        self.iterations, self.content_weight = iterations, content_weight
        self.device: Device = choose_device(device, exact=exact)
        self.dtype = self.device.dtype_name
        network, judge = load_perceptual(str(weights))
        real = judge == "VGG-16"
        source = str(weights) or ("vgg16" if real else STAND_IN)
        self._weights = ((source, digest(source)),)
        self.network: nn.Module = network.to(self.device.place)
        self.network.to(memory_format=torch.channels_last)
        self._most = max(LEAST_PIXELS, most)
        self._pace: float | None = None
        self._cancel = CancelToken()
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(self._hear)

    def weights(self, *, words: bool = False) -> tuple[tuple[str, str], ...]:
        return self._weights

    @torch.no_grad()
    def prepare(
        self,
        style: Signal,
        *,
        scale: float = 1.0,
        region: Floats | None = None,
        transfer: Sequence[str] = GROUPS,
    ) -> StyleTargets:
        """See core.engines.Engine. Raises RequestError for a region that is empty, too."""
        if isinstance(style, Word):
            self.check_word(style.phrase)
        if set(transfer) != set(GROUPS):
            raise RequestError(
                f"{self.name} restyles details, colours and textures together: leave transfer "
                "out, or use the engine zmnet"
            )
        if region is not None and not (region > 0.5).any():
            raise RequestError("the chosen part of the style picture is empty")
        self._cancel = CancelToken()
        extent = Extent(style.shape[1], style.shape[0])
        factor = np.clip(STYLE_SIDE * scale, 2 * SMALLEST_SIDE, 2 * STYLE_SIDE) / extent.long_side
        image = _resized(self._tensor(style), extent.scaled(float(factor)))
        mask = None if region is None else self._tensor(region[..., None])
        grams = []
        for halvings in range(SIZES):
            seen = _resized(image, _extent(image).scaled(0.5**halvings))
            part = None if mask is None else _whole_cells(_resized(mask, _extent(seen)))
            with self.device.autocast():
                grams.append(grams_of(self.network(_whole_cells(seen)), part))
        part = None if mask is None else _resized(mask, _extent(image))
        return StyleTargets(tuple(grams), colours_of(image, part))

    def check_word(self, phrase: str) -> NoReturn:
        """RequestError: there is no picture whose statistics could be taken."""
        refuse_word(self.name, phrase)

    def stylize(
        self,
        content: Canvas | Floats,
        mixture: Sequence[tuple[StyleTargets, float]],
        *,
        bounds: Bounds | None = None,
        out: Stored | None = None,
        wanted: Wanted | None = None,
        region: Floats | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Stored:
        """See core.engines.Engine. Styles are mixed by their Gram matrices and colours. A plan's
        only tile is `bounds`. MemoryError where not even a tiny picture can be optimised."""
        report = progress or silent
        self._cancel = cancel = cancel or CancelToken()
        canvas = as_canvas(content)
        extent = canvas.extent
        bounds = bounds or Bounds.whole(extent)
        if out is None:
            out = np.zeros((bounds.height, bounds.width, 3), np.float32)
        report("styling", 0.0)
        cancel.check()
        if self.plan(extent, bounds, wanted=wanted).tiles:
            small, painted = self._painted_within(self._room(), canvas, mixture, region, report)
            work = Extent(small.shape[1], small.shape[0])
            if work == extent:
                store(painted[bounds.slices], out)
            else:
                whole = BroughtUp(painted, small, Bounds.whole(work), work, extent)
                for strip in strips(bounds):
                    cancel.check()
                    part = whole.window(strip, canvas.window(strip))
                    store(part, out[strip.relative_to(bounds).slices])
        report("styling", 1.0)
        return out

    def plan(
        self, extent: Extent, bounds: Bounds | None = None, *, wanted: Wanted | None = None
    ) -> WholePlan:
        """See core.engines.Engine."""
        bounds = bounds or Bounds.whole(extent)
        if wanted is not None and not wanted(bounds):
            return WholePlan((), 0)
        work = _within(extent, self._room())
        cells = [_cells(size) for size in _sizes(work)]
        shares = _shares(self.iterations, len(cells))
        peak = KEPT_BYTES + cells[0] * (PIXEL_BYTES + (BROUGHT_UP if work != extent else 0))
        return WholePlan(
            (Tile(Bounds.whole(extent), bounds),),
            peak,
            sum(n * share for n, share in zip(cells, shares, strict=True)) // self.iterations,
        )

    def pace(self) -> float:
        """See core.engines.Engine."""
        if self._pace is None:
            noise = np.random.default_rng(0).random((TRY_SIDE, TRY_SIDE, 3), np.float32)
            style, image = self.prepare(noise), self._tensor(noise)
            self._run(image, image, style.grams[0], 1, None)  # the first one also sets things up
            self._run(image, image, style.grams[0], TRY_ITERATIONS, None)
        assert self._pace is not None
        return self._pace * self.iterations

    def _room(self) -> int:
        """Pixels that half of the free memory is enough for."""
        room = (free_memory(self.device) // 2 - KEPT_BYTES) // PIXEL_BYTES
        return max(LEAST_PIXELS, min(self._most, room))

    def _painted_within(
        self,
        most: int,
        canvas: Canvas,
        mixture: Sequence[tuple[StyleTargets, float]],
        region: Floats | None,
        report: Progress,
    ) -> tuple[Floats, Floats]:
        """The photograph at a size of up to `most` pixels, less where memory falls short, and
        that repainted; HWC."""
        furthest = 0.0

        def onwards(stage: str, fraction: float) -> None:
            nonlocal furthest  # a second try, smaller, begins again
            furthest = max(furthest, fraction)
            report(stage, furthest)

        while True:
            work = _within(canvas.extent, most)
            try:
                small = canvas.fitted(work.long_side)
                return small, self._painted(small, mixture, region, onwards)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                if work.pixels <= LEAST_PIXELS:
                    raise MemoryError("the smallest picture is too large") from error
                most = max(LEAST_PIXELS, work.pixels // 2)

    def _painted(
        self,
        small: Floats,
        mixture: Sequence[tuple[StyleTargets, float]],
        region: Floats | None,
        report: Progress,
    ) -> Floats:
        """The picture, HWC, repainted from coarse to fine."""
        photo = self._tensor(small)
        mask = None if region is None else _resized(self._tensor(region[..., None]), _extent(photo))
        start = self._recoloured(photo, mixture, mask)
        sizes = _sizes(_extent(photo))
        shares = _shares(self.iterations, len(sizes))
        whole = sum(_cells(size) * share for size, share in zip(sizes, shares, strict=True))
        done, change = 0, None
        for halvings in reversed(range(len(sizes))):
            size, iterations = sizes[halvings], shares[halvings]
            if not iterations:
                continue
            first = _resized(start, size)
            # What was painted smaller is a change of the start: its detail stays sharp.
            begin = first if change is None else (first + _resized(change, size)).clamp(0, 1)
            grams = mixed([(style.grams[halvings], weight) for style, weight in mixture])
            part = None if mask is None else _whole_cells(_resized(mask, size))

            def each(iteration: int, losses: Tensor, before: int = done, of: Extent = size) -> None:
                self._cancel.check()
                report("styling", (before + iteration * _cells(of)) / whole)

            painted = self._run(
                _whole_cells(_resized(photo, size)), _whole_cells(begin), grams, iterations, part,
                each,
            )[..., : size.height, : size.width]  # fmt: skip
            change = painted - first
            done += iterations * _cells(size)
        answer: Floats = painted[0].permute(1, 2, 0).cpu().numpy()
        return answer

    @torch.no_grad()
    def _recoloured(
        self, photo: Tensor, mixture: Sequence[tuple[StyleTargets, float]], mask: Tensor | None
    ) -> Tensor:
        """The photograph in the mixture's colours, within [0, 1]."""
        means = torch.stack([style.colours.mean * weight for style, weight in mixture])
        factors = torch.stack([style.colours.factor * weight for style, weight in mixture])
        target = Colours(means.sum(dim=0), factors.sum(dim=0))
        share = torch.ones(1, device=photo.device)
        return recoloured(photo, colours_of(photo, mask), target, share).clamp(0, 1)

    def _run(
        self,
        photo: Tensor,
        start: Tensor,
        grams: Grams,
        iterations: int,
        mask: Tensor | None,
        each: Callable[[int, Tensor], None] | None = None,
    ) -> Tensor:
        """`optimised`; takes the time."""
        began = time.perf_counter()
        # Whoever calls may be within inference_mode, which knows no gradients.
        with torch.inference_mode(False), torch.enable_grad():
            painted = optimised(
                self.network, photo, start, grams, iterations=iterations, device=self.device,
                mask=mask, content_weight=self.content_weight, each=each,
            )  # fmt: skip
        pixels = photo.shape[-2] * photo.shape[-1]
        self._pace = (time.perf_counter() - began) / (pixels * iterations)
        return painted

    def _hear(self, module: nn.Module, given: object, output: Tensor) -> None:
        """An iteration takes seconds on a slow machine: whoever cancels is heard at every
        convolution, on its way back too."""
        self._cancel.check()
        if output.requires_grad:
            output.register_hook(lambda _: self._cancel.check())

    def _tensor(self, image: Floats) -> Tensor:
        """HWC array -> NCHW tensor on the device."""
        tensor = torch.from_numpy(np.ascontiguousarray(image)).to(self.device.place)
        return tensor.permute(2, 0, 1)[None]


def _extent(image: Tensor) -> Extent:
    return Extent(image.shape[-1], image.shape[-2])


def _within(extent: Extent, most: int) -> Extent:
    """The same shape with at most so many pixels."""
    factor = math.sqrt(most / extent.pixels)
    return extent if factor >= 1 else extent.fitted(max(1, int(extent.long_side * factor)))


def _sizes(extent: Extent) -> list[Extent]:
    """Those that a picture is painted at: its own, half of it, ..."""
    halves = [extent.scaled(0.5**k) for k in range(SIZES)]
    return [extent] + [half for half in halves[1:] if half.long_side >= COARSEST_SIDE]


def _shares(iterations: int, sizes: int) -> list[int]:
    """How many for each size; the rest of an uneven division goes to the largest, the first."""
    least = iterations // sizes
    return [iterations - least * (sizes - 1)] + [least] * (sizes - 1)


def _cells(extent: Extent) -> int:
    """Pixels of what `_whole_cells` gives."""
    width, height = (
        max(SMALLEST_SIDE, -(-side // 16) * 16) for side in (extent.width, extent.height)
    )
    return width * height


def _whole_cells(image: Tensor) -> Tensor:
    """Edges repeated to the right and below up to whole positions of level 5, at least two."""
    right, below = (
        max(SMALLEST_SIDE, -(-side // 16) * 16) - side
        for side in (image.shape[-1], image.shape[-2])
    )
    return F.pad(image, (0, right, 0, below), mode="replicate") if right or below else image


def _resized(image: Tensor, size: Extent) -> Tensor:
    """Bilinear with antialiasing."""
    if _extent(image) == size:
        return image
    shape = (size.height, size.width)
    return F.interpolate(image, shape, mode="bilinear", antialias=True)
