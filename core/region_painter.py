"""One region after the other through an engine: polished if that is asked for, and taken again
where the same was painted before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from secrets import token_bytes

import numpy as np

from .canvas import Canvas, Stored, fingerprint
from .engines import Engine, PreparedStyle, Signal, polisher, usual_steps
from .estimate import Site, polishing_pixels
from .geometry import Bounds, Extent
from .masks import Mask
from .painted import PaintedRegions
from .progress import CancelToken, Progress, Whole
from .recipe_data import Recipe, Region
from .resample import resized_map

WORTH_POLISHING = 1 / 8  # of the picture: painting less than that takes less time than polishing
POLISHED_KEPT = 8  # pictures and mixtures whose polishing is known
LIKE_SIDE = 1024  # px of the mask in which a region's statistics are taken; engines look at no more


@dataclass(frozen=True, eq=False)
class RegionWork:
    """What one region asks for. styles: its pictures or words, and the part of each that is meant.
    mixture: what the engine made of them, each under a key that says of what. like: the part of
    the photograph that shall look as the styles do, None = all of it. scale: brush size."""

    site: Site
    mask: Mask
    like: Mask | None
    styles: Sequence[tuple[Signal, Mask | None]]
    mixture: Sequence[tuple[Hashable, PreparedStyle, float]]
    scale: float = 1.0


def polishing_steps(
    recipe: Recipe, region: Region, part: Bounds, work: Extent, engine: Engine
) -> int:
    """How often a region is tried before it is painted. None where a style is a word, which no
    picture can be compared with; where the recipe leaves it to the engine, none either where the
    region's box covers little of the picture."""
    if any(source.kind == "word" and source.weight for source in region.style):
        return 0
    if recipe.polish != "auto":
        return recipe.polish
    covered = part.extent.pixels / work.pixels
    return usual_steps(engine) if covered >= WORTH_POLISHING else 0


class RegionPainter:
    """kept: where painted regions go, to be taken again; None = nowhere. finder: the segmenter's
    name, which counts in what is the same."""

    def __init__(self, engine: Engine, finder: str, kept: PaintedRegions | None) -> None:
        self._engine, self._finder, self._kept = engine, finder, kept
        self._polished: OrderedDict[Hashable, list[tuple[PreparedStyle, float]]] = OrderedDict()

    def seen(self, pixels: np.ndarray, profile: bytes | None) -> bytes:  # type: ignore[type-arg]
        """What tells a picture from others: its fingerprint where pictures come again, else this
        one run's."""
        return fingerprint(pixels, profile) if self._kept else token_bytes(16)

    def paint(
        self, seen: bytes, photo: Canvas, work: RegionWork, progress: Progress, cancel: CancelToken
    ) -> Stored:
        """The site's part, repainted, or as it was before. seen: of `seen`."""
        site = work.site
        styles = tuple((key, weight) for key, _, weight in work.mixture)
        tried = (
            seen, photo.extent, site.steps, styles,
            None if work.like is None else fingerprint(work.like),
        )  # fmt: skip
        if self._kept is None:
            return self._painted(photo, work, tried, progress, cancel)
        about = (self._engine.name, self._finder, site.part, tried)
        shows = None
        if site.wanted is not None:
            shows = fingerprint(np.packbits(work.mask[site.box.slices] > 0), site.box)
        found = self._kept.get((about, None))  # all of the part was painted
        if found is None and shows is not None:
            found = self._kept.get((about, shows))
        if found is None:
            found = self._painted(photo, work, tried, progress, cancel)
            self._kept.keep((about, shows), found)
        progress("painted before", 1.0)
        return found

    def _painted(
        self,
        photo: Canvas,
        work: RegionWork,
        tried: Hashable,
        progress: Progress,
        cancel: CancelToken,
    ) -> Stored:
        # 16 bits: half of what floats take, and more than any screen shows. Zeros, since what is
        # not painted then takes no memory.
        site, engine = work.site, self._engine
        out = np.zeros((site.part.height, site.part.width, 3), np.uint16)
        like = work.like
        region = None if like is None else resized_map(like, photo.extent.fitted(LIKE_SIDE))
        mixture = [(style, weight) for _, style, weight in work.mixture]
        if site.steps and tried not in self._polished:
            plan = engine.plan(photo.extent, site.part, wanted=site.wanted)
            parts = Whole(progress, {
                "polishing": polishing_pixels(photo.extent, site.steps), "styling": plan.pixels,
            })  # fmt: skip
            self._polished[tried] = polisher(engine).polish(
                photo, mixture, work.styles, steps=site.steps, scale=work.scale, region=region,
                progress=parts.part("polishing"), cancel=cancel,
            )  # fmt: skip
            while len(self._polished) > POLISHED_KEPT:
                self._polished.popitem(last=False)
            progress = parts.part("styling")
        if site.steps:
            self._polished.move_to_end(tried)
            mixture = self._polished[tried]
        engine.stylize(
            photo, mixture, bounds=site.part, out=out, wanted=site.wanted, region=region,
            progress=progress, cancel=cancel,
        )  # fmt: skip
        return out
