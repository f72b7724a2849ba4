"""Stylist: picture + recipe -> masks -> repainted regions -> one picture and its layers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .canvas import PictureCanvas, fingerprint
from .composite import Repainted, composite
from .engines import Engine, PreparedStyle, Signal, Word, polisher
from .errors import RequestError
from .estimate import Estimate, Site, estimated, site_of
from .geometry import Extent
from .layers import Layer
from .masks import Mask
from .painted import PaintedRegions
from .picture import Picture
from .progress import CancelToken, Progress, Whole, silent
from .recipe import Pins, Recipe, Region, Source
from .region_painter import RegionPainter, RegionWork, polishing_steps
from .segmenter import Segmenter
from .selection import NOTHING_BY_HAND, ByHand, Selection, Selector, together
from .style_part import StyleParts
from .wording import listed

Floats = NDArray[np.float32]

DEFAULT_SIDE = 2048  # px, long side of the working size where the recipe names none
LEAST_SIDE = 512  # px that is advised where memory is short
STYLES_KEPT = 8

StyleKey = tuple[bytes | Word, float, str | None, tuple[str, ...]]
Mixture = list[tuple[StyleKey, PreparedStyle, float]]


@dataclass(frozen=True, eq=False)
class Result:
    """picture: where `mask` is 0 its samples are the input's. layers: topmost first, one for
    each region that shows, if they were asked for. mask [H, W] and region_masks [P, H, W] in
    [0, 1]. scores: best score of each phrase. recipe: with pins of what answered. work: the
    size worked at."""

    picture: Picture
    layers: tuple[Layer, ...]
    region_masks: Mask
    warnings: tuple[str, ...]
    scores: dict[str, float]
    recipe: Recipe
    work: Extent

    @property
    def mask(self) -> Mask:
        return together(self.region_masks)


class Stylist:
    """One segmenter and one engine, kept warm. Not for use by several threads at once.

    style_of: the picture of a source, HWC sRGB in [0, 1], or its word; RequestError for one that
    is gone. selector: the segmenter's, where several share it and what it keeps. kept: where
    painted regions go, to be taken again by a run that wants the same; by default nowhere.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        engine: Engine,
        style_of: Callable[[Source], Signal],
        selector: Selector | None = None,
        kept: PaintedRegions | None = None,
    ) -> None:
        self.segmenter, self.engine = segmenter, engine
        self._selector = selector or Selector(segmenter)
        self._painter = RegionPainter(engine, segmenter.name, kept)
        self._parts = StyleParts(segmenter)
        self._style_of = style_of
        self._prepared: OrderedDict[StyleKey, PreparedStyle] = OrderedDict()

    def masks(
        self,
        picture: Picture,
        recipe: Recipe,
        *,
        strict: bool = False,
        by_hand: ByHand = NOTHING_BY_HAND,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Selection:
        """Where the recipe's regions are: see Selector, whose cache `run` shares."""
        return self._selector.select(
            picture, recipe, strict=strict, by_hand=by_hand, progress=progress, cancel=cancel
        )

    def style_warnings(self, recipe: Recipe) -> list[str]:
        """A line for each word, of a style or for a part of one, that is not what it seems;
        RequestError for unknown ones."""
        parts = {r.style_region for r in recipe.regions if r.style_region is not None}
        found = [*self._words(recipe), *self._selector.finder.check(sorted(parts))]
        if recipe.polish not in ("auto", 0) and (words := style_words(recipe)):
            named = listed([f"word:{word}" for word in words], "and")
            found.append(f"{named}: no picture to polish towards, so that region is not polished")
        return found

    def mixture(
        self, recipe: Recipe, region: Region, cancel: CancelToken | None = None
    ) -> list[tuple[PreparedStyle, float]]:
        """What the engine makes of the styles of a region, with weights that sum to 1; what is
        made is kept. RequestError as from `run`."""
        mixture = self._mixture(recipe, region, self._styles(region), cancel or CancelToken())
        return [(style, weight) for _, style, weight in mixture]

    def estimate(
        self,
        picture: Picture | Extent,
        recipe: Recipe,
        selection: Selection | None = None,
        *,
        layers: bool = False,
    ) -> Estimate:
        """What `run` will take. Nothing is run but, once a process, a quick try of the engine.

        picture: or its extent, where it is not loaded yet. selection: what `masks` gave; without
        it every region counts as the whole picture, which is the most that it can be.
        """
        full = picture if isinstance(picture, Extent) else picture.extent
        sites = self._sites(full, recipe, selection, layers)
        return self._estimate(picture, recipe, sites, layers)

    def _estimate(
        self,
        picture: Picture | Extent,
        recipe: Recipe,
        sites: list[Site | None],
        layers: bool,
    ) -> Estimate:
        full = picture if isinstance(picture, Extent) else picture.extent
        return estimated(
            full,
            working_extent(full, recipe.size),
            [site for site in sites if site],
            self.engine,
            masks=len(recipe.regions),
            sample_bytes=1 if isinstance(picture, Extent) else picture.pixels.itemsize,
            loaded=isinstance(picture, Picture),
            layers=layers,
        )

    def run(
        self,
        picture: Picture,
        recipe: Recipe,
        *,
        strict: bool = False,
        layers: bool = True,
        by_hand: ByHand = NOTHING_BY_HAND,
        planned: Callable[[Estimate], None] | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Result:
        """The picture, repainted as the recipe says.

        layers: make them, too. by_hand: a selection and painted masks. planned: told what the
        rest will take once the regions are found, before anything is painted; what it raises
        ends the run. progress: one fraction of all;
        what is being done is "finding", "masks", "styling <region>", "compositing".

        RequestError for unknown words, styles that can't be had or that the engine can't take, a
        style region that the style picture does not show, and where memory does not suffice.
        PhraseNotFound if no region is in the picture; where only some are missing the others go
        on and a warning says so, unless `strict`. Cancelled.
        """
        try:
            return self._run(
                picture, recipe, strict, layers, by_hand, planned or _unplanned,
                progress or silent, cancel or CancelToken(),
            )  # fmt: skip
        except (MemoryError, RuntimeError) as error:
            from .device import out_of_memory

            if not out_of_memory(error):
                raise
        side = working_extent(picture.extent, recipe.size).long_side
        raise RequestError(
            f"there is not enough memory to work at {side} px: close other programs, or work "
            f"at a smaller size, such as {max(LEAST_SIDE, side // 2)} px"
        )

    def _run(
        self,
        picture: Picture,
        recipe: Recipe,
        strict: bool,
        with_layers: bool,
        by_hand: ByHand,
        planned: Callable[[Estimate], None],
        progress: Progress,
        cancel: CancelToken,
    ) -> Result:
        # Styles come first: a wrong name shall not cost a search through a large picture.
        style_warnings = self.style_warnings(recipe)
        parted = any(region.style_region is not None for region in recipe.regions)
        styles = [self._styles(region) for region in recipe.regions]
        whole = Whole(progress, _parts(self.estimate(picture, recipe, layers=with_layers)))
        selection = self._selector.select(
            picture, recipe, strict=strict, by_hand=by_hand,
            progress=whole.part("selecting"), cancel=cancel,
        )  # fmt: skip
        cancel.check()
        sites = self._sites(picture.extent, recipe, selection, with_layers)
        cancel.check()
        estimate = self._estimate(picture, recipe, sites, with_layers)
        planned(estimate)
        left = _parts(estimate)
        left.pop("selecting")
        whole.expect(left)

        cancel.check()
        photo = PictureCanvas(picture, estimate.work)
        seen = self._painter.seen(picture.pixels, picture.profile)
        painted: list[Repainted] = []
        for k, (region, sources, mask, site) in enumerate(
            zip(recipe.regions, styles, selection.region_masks, sites, strict=True)
        ):
            cancel.check()
            if site is None:
                continue
            stage = whole.part(f"styling {len(painted)}", f"styling {site.name}")
            mixture = self._mixture(recipe, region, sources, cancel)
            # What takes from a part of a style shall look as that part does: sky as its sky.
            like = mask if region.style_region is not None else None
            shown = [(style, part) for style, part, _ in sources]
            work = RegionWork(site, mask, like, shown, mixture, recipe.style_scale)
            stylised = self._painter.paint(seen, photo, work, stage, cancel)
            painted.append(
                Repainted(site.name, mask, region.strength, site.box, stylised, site.part, k)
            )
        result, layers = composite(
            picture,
            painted,
            photo,
            keep_colors=recipe.keep_colors,
            with_layers=with_layers,
            progress=whole.part("compositing"),
            cancel=cancel,
        )
        return Result(
            picture=result,
            layers=layers,
            region_masks=selection.region_masks,
            warnings=tuple(dict.fromkeys((*style_warnings, *selection.warnings))),
            scores=selection.scores,
            recipe=replace(recipe, pins=self._pins(recipe, selection.asked or parted, sites)),
            work=estimate.work,
        )

    def _sites(
        self, full: Extent, recipe: Recipe, selection: Selection | None, layers: bool
    ) -> list[Site | None]:
        """Where each region is painted; None for one that does not show."""
        work = working_extent(full, recipe.size)
        sites: list[Site | None] = []
        for k, region in enumerate(recipe.regions):
            name = selection.names[k] if selection else ""
            mask = selection.region_masks[k] if selection else None
            site = site_of(name, mask, full, work, all_of_it=layers) if region.strength else None
            if site is not None:
                steps = polishing_steps(recipe, region, site.part, work, self.engine)
                site = replace(site, steps=steps)
            sites.append(site)
        return sites

    def _words(self, recipe: Recipe) -> list[str]:
        """What the engine warns of about the words that are styles."""
        return [line for word in style_words(recipe) for line in self.engine.check_word(word)]

    def _styles(self, region: Region) -> list[tuple[Signal, Mask | None, float]]:
        """The region's styles, the part of each picture that is meant, and its weight."""
        styles: list[tuple[Signal, Mask | None, float]] = []
        for source, weight in zip(region.style, region.weights, strict=True):
            if weight > 0:
                style, phrase, part = self._style_of(source), region.style_region, None
                if phrase is not None and not isinstance(style, Word):
                    part = self._parts.find(style, phrase, source)
                styles.append((style, part, weight))
        return styles

    def _mixture(
        self,
        recipe: Recipe,
        region: Region,
        sources: list[tuple[Signal, Mask | None, float]],
        cancel: CancelToken,
    ) -> Mixture:
        mixture = []
        for style, part, weight in sources:
            key, prepared = self._prepare(recipe, style, region.style_region, part)
            mixture.append((key, prepared, weight))
            cancel.check()
        return mixture

    def _prepare(
        self, recipe: Recipe, style: Signal, phrase: str | None, part: Mask | None
    ) -> tuple[StyleKey, PreparedStyle]:
        scale, transfer = recipe.style_scale, recipe.transfer
        shown = style if isinstance(style, Word) else fingerprint(style)
        key = (shown, scale, phrase, transfer)
        if key not in self._prepared:
            self._prepared[key] = self.engine.prepare(
                style, scale=scale, region=part, transfer=transfer
            )
            while len(self._prepared) > STYLES_KEPT:
                self._prepared.popitem(last=False)
        self._prepared.move_to_end(key)
        return key, self._prepared[key]

    def _pins(self, recipe: Recipe, asked: bool, sites: list[Site | None]) -> Pins:
        weights = self.engine.weights(words=bool(style_words(recipe)))
        weights += self.segmenter.weights() if asked else ()
        if any(site is not None and site.steps for site in sites):
            weights += polisher(self.engine).polishing_weights()
        return Pins(self.segmenter.name, self.engine.name, weights, self.engine.dtype)


def working_extent(own: Extent, size: int | str | None) -> Extent:
    """The size at which the whole picture would be worked: never larger than its own.

    size: long side in px, "full" for its own, None for its own up to 2048.
    """
    if size == "full":
        return own
    return own.fitted(DEFAULT_SIDE if size is None else int(size))


def style_words(recipe: Recipe) -> list[str]:
    """The words that are styles, each once."""
    sources = [source for region in recipe.regions for source in region.style]
    return list(dict.fromkeys(s.value for s in sources if s.kind == "word" and s.weight > 0))


def _parts(estimate: Estimate) -> dict[str, float]:
    """Seconds of the parts that a run has, in order."""
    parts = dict(estimate.parts)
    del parts["saving"]
    return {"selecting": parts.pop("finding") + parts.pop("masks"), **parts}


def _unplanned(estimate: Estimate) -> None:
    """Nobody asked what it will take."""
