"""Engines whose TNet can be polished for one picture: see polish.py."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ...weights.store import pinned
from ..allocator import kept
from ..canvas import Canvas, as_canvas
from ..errors import RequestError
from ..estimate import POLISHED_SIDE
from ..geometry import Extent
from ..nets.convolution import laid_out
from ..nets.encoder import Encoder
from ..nets.perceptual import DistilledFeatures
from ..nets.transformer_net import Parameters
from ..perceptual_weights import STAND_IN, load_distilled
from ..progress import CancelToken, Progress, silent
from . import Signal, Word
from .polish import Look, look_at, mixed_looks, polished
from .tiled import Floats, Statistics, Style, TiledEngine, resized

LEAST_SIDE = 64  # px, to which pictures are extended: windows of spectra fit in it
EVEN = 4  # px: TNet halves sides twice, and cutting what comes out of odd ones costs copies
STYLE_SIDES = (128, 1536)  # px of a style picture's long side

Paint = Callable[[Parameters], Tensor]


class PolishingEngine(TiledEngine[Style, Statistics]):
    """Fulfils core.engines.Polishing, for networks whose TNet hears parameters."""

    usual_steps = 0

    @abstractmethod
    def _trial(
        self, image: Tensor, mixture: Sequence[tuple[Style, float]], mask: Tensor | None
    ) -> tuple[Parameters, Paint] | None:
        """The mixture's parameters, and what paints a whole picture [1, 3, H, W] under others, with
        a gradient. mask: [1, 1, H, W], where statistics are taken. None: there are no parameters.
        """

    @abstractmethod
    def _under(self, style: Style, parameters: Parameters) -> Style:
        """A prepared style with other parameters."""

    def polish(
        self,
        content: Canvas | Floats,
        mixture: Sequence[tuple[Style, float]],
        styles: Sequence[tuple[Signal, Floats | None]],
        *,
        steps: int,
        scale: float = 1.0,
        region: Floats | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> list[tuple[Style, float]]:
        """See core.engines.Polishing."""
        report = progress or silent
        self._cancel = cancel = cancel or CancelToken()
        report("polishing", 0.0)
        photo = self._at_least(self._tensor(as_canvas(content).fitted(POLISHED_SIDE)), LEAST_SIDE)
        photo = photo[..., : photo.shape[2] // EVEN * EVEN, : photo.shape[3] // EVEN * EVEN]
        size = Extent(photo.shape[-1], photo.shape[-2])
        mask = None
        if region is not None:
            mask = resized(self._tensor(region[..., None]), size)
            mask = None if not (mask > 0.5).any() else mask

        def each(step: int) -> None:
            cancel.check()
            report("polishing", step / steps)

        # Gradients are asked for, whoever calls.
        with torch.inference_mode(False), torch.enable_grad(), kept(), self.device.autocast():
            found = self._trial(photo, mixture, mask)
            if found is None:
                raise RequestError(f"the engine {self.name} has nothing to polish: leave it out")
            looks = [
                (self._look(style, part, scale), weight)
                for (style, part), (_, weight) in zip(styles, mixture, strict=True)
            ]
            parameters = polished(
                self._eye, found[1], found[0], photo, mixed_looks(looks),
                steps=steps, device=self.device, mask=mask, each=each,
            )  # fmt: skip
        report("polishing", 1.0)
        return [(self._under(style, parameters), weight) for style, weight in mixture]

    def polishing_weights(self) -> tuple[tuple[str, str], ...]:
        """See core.engines.Polishing."""
        return (pinned(STAND_IN),)

    @cached_property
    def _eye(self) -> Encoder | DistilledFeatures:
        network = load_distilled().to(self.device.place)
        laid_out(network)
        self._listen(network)
        return network

    def _look(self, style: Signal, part: Floats | None, scale: float) -> Look:
        if isinstance(style, Word):
            raise RequestError(f"word:{style.phrase} is no picture to polish towards")
        extent = Extent(style.shape[1], style.shape[0])
        side = float(np.clip(POLISHED_SIDE * scale, *STYLE_SIDES))
        size = extent.scaled(side / extent.long_side)
        picture = self._at_least(resized(self._tensor(style), size), LEAST_SIDE)
        mask = None
        if part is not None:
            mask = self._at_least(resized(self._tensor(part[..., None]), size), LEAST_SIDE)
        return look_at(self._eye, picture, mask, side / POLISHED_SIDE)
