"""Stylist: picture + recipe -> masks -> repainted regions -> one picture and its layers."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas, PictureCanvas, Stored
from .composite import Repainted, composite
from .engines import Engine, PreparedStyle
from .geometry import Bounds, Extent
from .layers import Layer
from .masks import Mask, box_of
from .picture import Picture
from .progress import CancelToken, Progress, silent
from .recipe import Pins, Recipe, Region, Source
from .segmenter import Segmenter
from .selection import Selection, Selector
from .style_part import StyleParts

Floats = NDArray[np.float32]

DEFAULT_SIDE = 2048  # px, long side of the working size where the recipe names none
MARGIN = 8  # px of the working size around a region's box, for what looks at neighbours
STYLES_KEPT = 8


@dataclass(frozen=True, eq=False)
class Result:
    """picture: where `mask` is 0 its samples are the input's. layers: topmost first, one for
    each region that shows. mask [H, W] and region_masks [P, H, W] in [0, 1]. scores: best
    score of each phrase. recipe: with pins of what answered. work: the size worked at."""

    picture: Picture
    layers: tuple[Layer, ...]
    mask: Mask
    region_masks: Mask
    warnings: tuple[str, ...]
    scores: dict[str, float]
    recipe: Recipe
    work: Extent


class Stylist:
    """One segmenter and one engine, kept warm. Not for use by several threads at once.

    style_of: the picture of a source, HWC sRGB in [0, 1]; RequestError for one that is gone or
    that the engine can't take.
    """

    def __init__(
        self, segmenter: Segmenter, engine: Engine, style_of: Callable[[Source], Floats]
    ) -> None:
        self.segmenter, self.engine = segmenter, engine
        self._selector = Selector(segmenter)
        self._parts = StyleParts(segmenter)
        self._style_of = style_of
        self._prepared: OrderedDict[tuple[bytes, float, str | None], PreparedStyle] = OrderedDict()

    def masks(self, picture: Picture, recipe: Recipe, *, strict: bool = False) -> Selection:
        """Where the recipe's regions are: see Selector, whose cache `run` shares."""
        return self._selector.select(picture, recipe, strict=strict)

    def run(
        self,
        picture: Picture,
        recipe: Recipe,
        *,
        strict: bool = False,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Result:
        """The picture, repainted as the recipe says.

        Stages: "finding", "masks", "styling <region>", "compositing", each from 0 to 1.
        RequestError for unknown words, styles that can't be had, a style region that the style
        picture does not show. PhraseNotFound if no region is in the picture; where only some
        are missing the others go on and a warning says so, unless `strict`. Cancelled.
        """
        report, cancel = progress or silent, cancel or CancelToken()
        # Styles come first: a wrong name shall not cost a search through a large picture.
        phrases = {r.style_region for r in recipe.regions if r.style_region is not None}
        style_warnings = self._selector.finder.check(sorted(phrases))
        styles = [self._styles(region) for region in recipe.regions]
        selection = self._selector.select(
            picture, recipe, strict=strict, progress=report, cancel=cancel
        )

        work = working_extent(picture.extent, recipe.size)
        photo = PictureCanvas(picture, work)
        painted = []
        for region, sources, name, mask in zip(
            recipe.regions, styles, selection.names, selection.region_masks, strict=True
        ):
            cancel.check()
            box = box_of(mask)
            if box is None or region.strength == 0:
                continue
            part = box.scaled(picture.extent, work).grown(MARGIN, work)
            stage = _Stage(report, f"styling {name}")
            mixture = self._mixture(region, sources, recipe.style_scale, cancel)
            stylised = self._stylise(photo, mixture, part, stage, cancel)
            painted.append(Repainted(name, mask, region.strength, box, stylised, part))
        result, layers = composite(
            picture,
            painted,
            photo,
            keep_colors=recipe.keep_colors,
            progress=report,
            cancel=cancel,
        )
        return Result(
            picture=result,
            layers=layers,
            mask=selection.mask,
            region_masks=selection.region_masks,
            warnings=tuple(dict.fromkeys((*style_warnings, *selection.warnings))),
            scores=selection.scores,
            recipe=replace(recipe, pins=self._pins(selection.asked or bool(phrases))),
            work=work,
        )

    def _styles(self, region: Region) -> list[tuple[Floats, Mask | None, float]]:
        """The region's style pictures, the part of each that is meant, and its weight."""
        styles = []
        for source, weight in zip(region.style, region.weights, strict=True):
            if weight > 0:
                style, phrase = self._style_of(source), region.style_region
                part = None if phrase is None else self._parts.find(style, phrase, source)
                styles.append((style, part, weight))
        return styles

    def _mixture(
        self,
        region: Region,
        sources: list[tuple[Floats, Mask | None, float]],
        scale: float,
        cancel: CancelToken,
    ) -> list[tuple[PreparedStyle, float]]:
        mixture = []
        for style, part, weight in sources:
            mixture.append((self._prepare(style, scale, region.style_region, part), weight))
            cancel.check()
        return mixture

    def _prepare(
        self, style: Floats, scale: float, phrase: str | None, part: Mask | None
    ) -> PreparedStyle:
        digest = hashlib.blake2b(repr(style.shape).encode())
        digest.update(np.ascontiguousarray(style).data)
        key = (digest.digest(), scale, phrase)
        if key not in self._prepared:
            self._prepared[key] = self.engine.prepare(style, scale=scale, region=part)
            while len(self._prepared) > STYLES_KEPT:
                self._prepared.popitem(last=False)
        self._prepared.move_to_end(key)
        return self._prepared[key]

    def _stylise(
        self,
        photo: Canvas,
        mixture: list[tuple[PreparedStyle, float]],
        part: Bounds,
        stage: _Stage,
        cancel: CancelToken,
    ) -> Stored:
        stage("", 0.0)
        # 16 bits: half of what floats take, and more than any screen shows.
        out = np.empty((part.height, part.width, 3), np.uint16)
        self.engine.stylize(photo, mixture, bounds=part, out=out, progress=stage, cancel=cancel)
        stage("", 1.0)
        return out

    def _pins(self, asked: bool) -> Pins:
        weights = self.engine.weights() + (self.segmenter.weights() if asked else ())
        return Pins(self.segmenter.name, self.engine.name, weights, self.engine.dtype)


def working_extent(own: Extent, size: int | str | None) -> Extent:
    """The size at which the whole picture would be worked: never larger than its own.

    size: long side in px, "full" for its own, None for its own up to 2048.
    """
    if size == "full":
        return own
    return own.fitted(DEFAULT_SIDE if size is None else int(size))


@dataclass(frozen=True)
class _Stage:
    """An engine's progress, under the region's name in place of the engine's own stages."""

    report: Progress
    name: str

    def __call__(self, stage: str, fraction: float) -> None:
        self.report(self.name, fraction)
