"""The engine `zmnet`: core/nets/zmnet.py on pictures of any size, from pictures and words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...weights.store import pinned
from ...weights.style_store import StyleStore
from ..allocator import kept
from ..canvas import Canvas, as_canvas, fingerprint, stored
from ..device import Device, DeviceName, choose_device, free_memory, out_of_memory
from ..errors import RequestError
from ..geometry import Bounds, Extent
from ..image import load_picture, to_float
from ..loading import load_network
from ..nets.convolution import laid_out
from ..nets.transformer_net import Parameters, PictureStatistics, TNetConfig, mixed, stacked
from ..nets.zmnet import ZMNet, ZMNetConfig
from ..progress import CancelToken, Progress, silent
from ..recipe_data import GROUPS
from ..tiling import Tile
from ..word_table import NAME, WordTable
from . import Signal, Word
from .polishing import Paint, PolishingEngine
from .style_cache import StyleCache
from .style_words import StyleWords
from .tiled import STATISTICS_SIDE, as_picture, convolutions, resized, varies

STYLE_SIDE = 512  # pixels of a style picture's long side at brush size 1
LEAST_STYLE, MOST_STYLE = 64, 3 * STYLE_SIDE
ALIGN = 4  # two convolutions of stride 2
FAR = 0.35  # where a file of words does not say from which cosine on a word is near
# Several frames at once keep a graphics card busy; a processor is no faster for them, and slower
# once their maps outgrow its caches.
FRAME_PIXELS = 400_000
MOST_FRAMES = 32

Floats = NDArray[np.float32]
Mixture = Sequence[tuple[Parameters, float]]


class ZMNetEngine(PolishingEngine[Parameters, PictureStatistics]):
    """Fulfils core.engines.Engine. styles, words: names of the store or safetensors files, of a
    network that looks at pictures and of one that takes words; both steer the same TNet, so that
    pictures and words can be mixed. That of words is loaded when a word is first met.

    Not for use by several threads at once.
    """

    name = "zmnet"
    align = ALIGN
    smallest_side = 16  # smaller pictures are extended: a quarter of it still has to be reflected
    # With their margins tiles of 640 px take about as long as larger ones, and half the memory.
    largest_tile = 640
    largest_whole = STATISTICS_SIDE**2
    kept_bytes = 80_000_000

    def __init__(
        self,
        styles: str | Path = "zmnet-styles",
        words: str | Path = "zmnet-words",
        device: DeviceName = "auto",
        *,
        exact: bool = False,
        tile: int | None = None,
        cached: bool = True,
    ) -> None:
        """cached: whether what is made of a style picture is kept on disk."""
        place = choose_device(device, exact=exact)
        network, _ = network_of(styles)
        if network.config.signal not in ("picture", "statistics"):
            raise RequestError(f"{styles} takes {network.config.signal}, not style pictures")
        tnet = network.config.tnet
        super().__init__(
            place, margin=receptive_margin(tnet), pixel_bytes=pixel_bytes(tnet, place), tile=tile
        )
        self.network = network.to(self.device.place)
        laid_out(self.network)
        self._listen(self.network)
        self._convolutions = convolutions(self.network.tnet)
        self._files = (styles, words)
        self._weights = (pinned(styles),)
        self._cache = StyleCache() if cached else None
        self._words: _Words | None = None
        self._plain: Parameters | None = None

    def weights(self, *, words: bool = False) -> tuple[tuple[str, str], ...]:
        """See core.engines.Engine."""
        return self._weights + (self._known_words().weights if words else ())

    @torch.inference_mode()
    def prepare(
        self,
        style: Signal,
        *,
        scale: float = 1.0,
        region: Floats | None = None,
        transfer: Sequence[str] = GROUPS,
    ) -> Parameters:
        """See core.engines.Engine. What the network makes of a picture is also kept on disk.

        Raises RequestError for an empty region, too, and for any region of a word.
        """
        if isinstance(style, Word):
            if region is not None:
                raise RequestError(f"word:{style.phrase} has no parts: leave the style region out")
            words = self._known_words()
            parameters = words.network.read(words.known.vector(style.phrase).to(self.device.place))
        else:
            parameters = self._seen(style, scale, region)
        if set(GROUPS) <= set(transfer):
            return parameters
        return parameters.only(transfer, self.network.config.tnet, self._photograph())

    def check_word(self, phrase: str) -> tuple[str, ...]:
        """See core.engines.Engine: a warning for a word unlike all that were trained."""
        return self._known_words().known.check(phrase)

    def batch(
        self,
        content: Canvas | Floats,
        mixtures: Sequence[Mixture],
        *,
        bounds: Bounds | None = None,
        region: Floats | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Floats]:
        """`bounds` of the picture in one mixture after the other: for each, HWC float32 in
        [0, 1], what `stylize` gives.

        Of a picture of at most STATISTICS_SIDE several are painted at once, as memory allows;
        larger ones are painted one by one. Work is done as frames are asked for. progress: from 0
        to 1 over all of them. MemoryError as from `stylize`.
        """
        report, cancel = progress or silent, cancel or CancelToken()
        canvas = as_canvas(content)
        box = bounds or Bounds.whole(canvas.extent)
        tiles = self.plan(canvas.extent, box).tiles
        whole = region is None and self._is_small(tiles[0].outer, canvas.extent)
        window = canvas.window(tiles[0].outer) if whole else None
        # A picture of one colour needs `stylize`, which gives it something to normalise by.
        several = window is not None and varies(window)
        many = self._frames_at_once(canvas.extent) if several else 1
        done, count = 0, len(mixtures)
        report("styling", 0.0)
        while done < count:
            cancel.check()
            part = mixtures[done : done + many]
            if window is not None and many > 1:
                self._cancel = cancel
                with self._watched(report, done / count, len(part) / count, self._convolutions):
                    try:
                        frames = [frame[box.slices] for frame in self._together(window, part)]
                    except (MemoryError, RuntimeError) as error:
                        if not out_of_memory(error):
                            raise
                        many //= 2
                        continue
            else:
                one = _part(report, done / count, 1 / count)
                frames = [
                    stored(
                        self.stylize(
                            canvas, part[0], bounds=box, region=region, progress=one, cancel=cancel
                        )
                    )
                ]
            yield from frames
            done += len(frames)
        report("styling", 1.0)

    @torch.inference_mode()
    def _together(self, window: Floats, mixtures: Sequence[Mixture]) -> list[Floats]:
        """A whole small picture in each of the mixtures."""
        parameters = stacked([mixed(mixture) for mixture in mixtures])
        image = self._at_least(self._tensor(window)).expand(len(mixtures), -1, -1, -1)
        with self.device.autocast():
            painted = self.network.tnet(image, parameters)
        return [as_picture(each, window) for each in painted]

    def _frames_at_once(self, extent: Extent) -> int:
        if self.device.place.type == "cpu":
            fitting = FRAME_PIXELS // extent.pixels
        else:
            fitting = free_memory(self.device) // 2 // (extent.pixels * self._pixel_bytes)
        return max(1, min(MOST_FRAMES, fitting))

    def _measure(self, image: Tensor, mixture: Mixture, mask: Tensor | None) -> PictureStatistics:
        return self.network.tnet.measure(image, mixed(mixture), mask)

    def _paint(
        self, image: Tensor, mixture: Mixture, statistics: PictureStatistics | None
    ) -> Tensor:
        painted: Tensor = self.network.tnet(image, mixed(mixture), statistics)
        return painted

    def _trial(
        self, image: Tensor, mixture: Mixture, mask: Tensor | None
    ) -> tuple[Parameters, Paint]:
        parameters = mixed(mixture).clone()
        return parameters, self.network.tnet.trial(image, parameters, mask)

    def _under(self, style: Parameters, parameters: Parameters) -> Parameters:
        return parameters

    def _steps_in(self, pixels: int, mixture: Mixture) -> int:
        return self._convolutions

    def _tiles(self, extent: Extent, wanted: Bounds) -> list[Tile]:
        # A small picture's statistics would take a pass over all of it: it is painted in that.
        if self._side() == self.largest_tile and extent.long_side <= STATISTICS_SIDE:
            return [Tile(Bounds.whole(extent), wanted)]
        return super()._tiles(extent, wanted)

    def _seen(self, style: Floats, scale: float, region: Floats | None) -> Parameters:
        """What the network makes of a style picture, or of a part of it."""
        if region is not None and not (region > 0.5).any():
            raise RequestError("the chosen part of the style picture is empty")
        part = None if region is None else fingerprint(region)
        key = fingerprint(style, part, scale, self._weights[0][1], self.dtype).hex()
        tnet = self.network.config.tnet
        if self._cache and (known := self._cache.get(key, tnet)) is not None:
            return known.to(self.device.place)
        self._cancel = CancelToken()
        extent = Extent(style.shape[1], style.shape[0])
        side = np.clip(STYLE_SIDE * scale, LEAST_STYLE, MOST_STYLE)
        size = extent.scaled(float(side) / extent.long_side)
        image = self._at_least(resized(self._tensor(style), size))
        mask = None
        if region is not None:
            mask = self._at_least(resized(self._tensor(region[..., None]), size))
        with kept(), self.device.autocast():
            parameters = self.network.read(image, mask)
        if self._cache:
            self._cache.put(key, parameters)
        return parameters

    def _photograph(self) -> Parameters:
        """What the network makes of photographs, on average: where nothing is carried over from
        a style. TNet was trained with what PNet says alone, so that plain instance normalisation
        (gamma = 1, beta = 0) in its last layers looks like no picture at all."""
        if self._plain is None:
            photos = [to_float(load_picture(photo.path)) for photo in StyleStore().photos()]
            seen = [self._seen(photo, 1.0, None) for photo in photos]
            self._plain = mixed([(each, 1 / len(seen)) for each in seen])
        return self._plain

    def _known_words(self) -> _Words:
        if self._words is None:
            styles, words = self._files
            network, metadata = network_of(words)
            if network.config.signal != "words":
                raise RequestError(f"{words} takes {network.config.signal}, not words")
            if not _same(network.tnet, self.network.tnet):
                raise RequestError(
                    f"{words} and {styles} do not go together: train the words on the TNet of "
                    "those styles"
                )
            source = metadata.get("table", NAME)
            table = WordTable.load(source)
            if table.width != network.config.inputs:
                raise RequestError(f"{words} takes other word vectors than those of {source}")
            network.tnet = self.network.tnet
            known = StyleWords(table, *trained_words(words, metadata))
            weights = (pinned(words), pinned(source))
            self._words = _Words(network.to(self.device.place), known, weights)
        return self._words


@dataclass(frozen=True)
class _Words:
    network: ZMNet
    known: StyleWords
    weights: tuple[tuple[str, str], ...]


def network_of(weights: str | Path) -> tuple[ZMNet, dict[str, str]]:
    """A network for use, and its file's metadata. RequestError where the file holds none."""
    return load_network(
        weights, lambda text: ZMNet(ZMNetConfig.from_json(text)), "a ZM-Net network"
    )


def receptive_margin(config: TNetConfig) -> int:
    """Px around a tile beyond which nothing has an influence but through statistics."""
    down = config.kernel // 2 + 1 + 2  # the first three convolutions
    return -(-(down + blocks_reach(config)) // ALIGN) * ALIGN


def blocks_reach(config: TNetConfig) -> int:
    """Px that the convolutions from TNet's blocks on reach, and 4 px by which up-sampling may lie
    beside what it takes from."""
    quarters = 2 * 4 * config.blocks
    return quarters + 2 + config.kernel // 2 + ALIGN  # 2: the one after the first up-sampling


def pixel_bytes(config: TNetConfig, device: Device) -> int:
    """Peak of TNet a pixel beside `kept_bytes`, as processes of their own took it."""
    return 96 + 9 * config.widths[0] * device.dtype.itemsize


def trained_words(words: str | Path, metadata: dict[str, str]) -> tuple[tuple[str, ...], float]:
    """The words that a file's network was trained on, and from which cosine on a word is near
    them. RequestError where its metadata does not say."""
    try:
        trained = json.loads(metadata.get("words", "[]"))
        if not isinstance(trained, list):
            raise ValueError
        return tuple(map(str, trained)), float(metadata.get("far", FAR))
    except ValueError as error:
        raise RequestError(f"{words} does not say what words it was trained on") from error


def _same(one: nn.Module, other: nn.Module) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k].cpu(), b[k].cpu()) for k in a)


def _part(report: Progress, start: float, share: float) -> Progress:
    """Progress of a part of the work, as a fraction of all of it."""
    return lambda stage, fraction: report(stage, start + share * fraction)
