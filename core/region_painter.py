"""One region after the other through an engine: polished if that is asked for, and taken again
where the same was painted before."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, Stored, fingerprint
from .engines import Engine, PreparedStyle, Signal, Word, polisher
from .estimate import Site, polishing_pixels
from .masks import Mask
from .painted import PaintedRegions
from .progress import CancelToken, Progress, Whole
from .resample import resized_map

LIKE_SIDE = 1024  # px of the mask in which a region's statistics are taken; engines look at no more


@dataclass(frozen=True, eq=False)
class RegionWork:
    """What one region asks for. styles: its pictures or words, and the part of each that is meant.
    mixture: what the engine made of them, each under a key that says of what. like: the part of
    the photograph that shall look as the styles do, None = all of it. polish: steps. scale: brush
    size."""

    site: Site
    mask: Mask
    like: Mask | None
    styles: Sequence[tuple[Signal, Mask | None]]
    mixture: Sequence[tuple[Hashable, PreparedStyle, float]]
    polish: int = 0
    scale: float = 1.0

    @property
    def steps(self) -> int:
        """Of polishing; none where a style is a word, which no picture can be compared with."""
        words = any(isinstance(style, Word) for style, _ in self.styles)
        return 0 if words else self.polish


class RegionPainter:
    """kept: where painted regions go, to be taken again; None = nowhere. finder: the segmenter's
    name, which counts in what is the same."""

    def __init__(self, engine: Engine, finder: str, kept: PaintedRegions | None) -> None:
        self._engine, self._finder, self._kept = engine, finder, kept

    def seen(self, pixels: np.ndarray, profile: bytes | None) -> bytes:  # type: ignore[type-arg]
        """The fingerprint of a picture, where that is needed."""
        return fingerprint(pixels, profile) if self._kept else b""

    def paint(
        self, seen: bytes, photo: Canvas, work: RegionWork, progress: Progress, cancel: CancelToken
    ) -> Stored:
        """The site's part, repainted, or as it was before. seen: the picture's fingerprint."""
        if self._kept is None:
            return self._painted(photo, work, progress, cancel)
        site = work.site
        about = (
            (self._engine.name, self._finder, seen, photo.extent, site.part, work.steps),
            tuple((key, weight) for key, _, weight in work.mixture),
            None if work.like is None else fingerprint(work.like),
        )
        shows = None
        if site.wanted is not None:
            shows = fingerprint(np.packbits(work.mask[site.box.slices] > 0), site.box)
        found = self._kept.get((about, None))  # all of the part was painted
        if found is None and shows is not None:
            found = self._kept.get((about, shows))
        if found is None:
            found = self._painted(photo, work, progress, cancel)
            self._kept.keep((about, shows), found)
        progress("painted before", 1.0)
        return found

    def _painted(
        self, photo: Canvas, work: RegionWork, progress: Progress, cancel: CancelToken
    ) -> Stored:
        # 16 bits: half of what floats take, and more than any screen shows. Zeros, since what is
        # not painted then takes no memory.
        site, engine = work.site, self._engine
        out = np.zeros((site.part.height, site.part.width, 3), np.uint16)
        like = work.like
        region = None if like is None else resized_map(like, photo.extent.fitted(LIKE_SIDE))
        mixture = [(style, weight) for _, style, weight in work.mixture]
        if work.steps:
            plan = engine.plan(photo.extent, site.part, wanted=site.wanted)
            parts = Whole(progress, {
                "polishing": polishing_pixels(photo.extent, work.steps), "styling": plan.pixels,
            })  # fmt: skip
            mixture = polisher(engine).polish(
                photo, mixture, work.styles, steps=work.steps, scale=work.scale, region=region,
                progress=parts.part("polishing"), cancel=cancel,
            )  # fmt: skip
            progress = parts.part("styling")
        engine.stylize(
            photo, mixture, bounds=site.part, out=out, wanted=site.wanted, region=region,
            progress=progress, cancel=cancel,
        )  # fmt: skip
        return out
