"""A still photograph in motion: one region of it, painted in frame after frame of a way through
mixtures, while the rest stands still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, cast, runtime_checkable

import numpy as np

from . import recipe_checks as checks
from .canvas import PictureCanvas, Stored, store
from .composite import Repainted, composite
from .engines import PreparedStyle
from .errors import RequestError
from .estimate import Estimate, Site, site_of
from .film import Frame
from .geometry import Bounds, Extent
from .keyframes import MOTIONS, Keyframes, Motion, positions
from .masks import Mask
from .picture import Picture, from_float, scaled
from .pipeline import Floats, Stylist, working_extent
from .progress import CancelToken, Progress, Whole, silent
from .recipe import Recipe
from .region_painter import LIKE_SIDE
from .resample import resized_map, resized_pixels

SIDE = 512  # px, long side of a film where nobody says
MOST_FRAMES = 100_000
MOST_KEYS = 64
KEPT_BYTES = 256_000_000  # of painted frames that come again, as on the way back of a ping-pong

Mixture = list[tuple[PreparedStyle, float]]


@runtime_checkable
class Batches(Protocol):
    """What an engine also fulfils that paints a picture in many mixtures at less cost."""

    def batch(
        self,
        content: PictureCanvas,
        mixtures: Sequence[Mixture],
        *,
        bounds: Bounds | None = None,
        region: Floats | None = None,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Floats]:
        """`bounds` of the picture, HWC sRGB, in one mixture after the other; see
        Engine.stylize."""
        ...


@dataclass(frozen=True)
class Animation:
    """keys: one recipe a key of the way, that differ in their one region's style alone; their
    size is the film's long side, and pixels of grow and feather are the film's. frames: 1 or
    more. motion: see keyframes.positions."""

    keys: tuple[Recipe, ...]
    frames: int
    motion: Motion = "linear"

    def __post_init__(self) -> None:
        checks.whole("the number of frames", self.frames, 1, MOST_FRAMES)
        checks.choice("motion", self.motion, MOTIONS)
        if not self.keys:
            raise RequestError("the way is empty: name styles, such as word:noon, word:night")
        if (count := len(self.keys)) > MOST_KEYS:
            raise RequestError(f"the way has {count} styles, at most {MOST_KEYS} are taken")
        if any(len(key.regions) != 1 for key in self.keys):
            raise RequestError("an animation has one region: join what belongs to it with +")
        if len({key.regions[0].style_region is None for key in self.keys}) > 1:
            raise RequestError(
                "only some styles of the way name a part with from: name one in each, or in none"
            )

    @property
    def recipe(self) -> Recipe:
        """What makes the first frame: all that all frames have in common."""
        return self.keys[0]


@dataclass(frozen=True, eq=False)
class Animated:
    """frames: HWC uint8 sRGB, with alpha where the picture has it; each is painted when it is
    asked for, and where `mask` [H, W] is 0 it has the samples of `still`, the picture at the
    film's size. scores: best score of each phrase."""

    frames: Iterator[Frame]
    still: Picture
    mask: Mask
    scores: dict[str, float]
    warnings: tuple[str, ...]


def film_extent(own: Extent, size: int | str | None) -> Extent:
    """size: long side in px, never larger than the picture's own; "full" for that; None for its
    own up to 512."""
    return working_extent(own, SIDE if size is None else size)


def animate(
    stylist: Stylist,
    picture: Picture,
    animation: Animation,
    *,
    strict: bool = False,
    planned: Callable[[Estimate], None] | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Animated:
    """The film's frames, once the region is found and every style is prepared.

    The first frame is what `Stylist.run` makes of `still` with the first key. planned: told what
    the frames take, before one is painted; what it raises ends the work. progress: one fraction
    of all; "finding", "masks", "styles", then "frame 3 of 48".

    RequestError, PhraseNotFound and Cancelled as from `Stylist.run`; the last also while frames
    are asked for.
    """
    cancel = cancel or CancelToken()
    recipe = animation.recipe
    still = still_picture(picture, recipe.size)
    canvas = PictureCanvas(still)
    recipes = [replace(key, size="full") for key in animation.keys]
    way = Keyframes([key.regions[0] for key in recipes])
    warnings = [line for key in recipes for line in stylist.style_warnings(key)]

    rough = stylist.estimate(still, recipes[0])
    whole = Whole(progress or silent, _parts(rough, len(way.guides), animation.frames))
    selection = stylist.masks(
        still, recipes[0], strict=strict, progress=whole.part("selecting"), cancel=cancel
    )
    region, mask, name = recipes[0].regions[0], selection.region_masks[0], selection.names[0]
    estimate = stylist.estimate(still, recipes[0], selection)
    if planned:
        parts = _parts(estimate, len(way.guides), animation.frames)
        planned(replace(estimate, parts={**parts, "selecting": 0.0}))

    styles = whole.part("styles", "styles")
    prepared: list[PreparedStyle] = []
    with enough_memory(still.extent):
        for guide in way.guides:
            styles("styles", len(prepared) / len(way.guides))
            alone = replace(region, style=(guide.source,), style_region=guide.style_region)
            ((style, _),) = stylist.mixture(recipes[0], alone, cancel)
            prepared.append(style)

    places = positions(len(recipes), animation.frames, animation.motion)
    mixtures: list[Mixture] = [
        [(style, float(weight)) for style, weight in zip(prepared, row, strict=True) if weight > 0]
        for row in way.at(places)
    ]
    site = site_of(name, mask, still.extent, still.extent, all_of_it=False)
    painter = _Painter(stylist, still, canvas, recipe, mask, site if region.strength else None)
    return Animated(
        frames=painter.frames(mixtures, whole.part("frames"), cancel),
        still=still,
        mask=mask,
        scores=selection.scores,
        warnings=tuple(dict.fromkeys((*warnings, *selection.warnings))),
    )


def still_picture(picture: Picture, size: int | str | None) -> Picture:
    """The picture as films can hold it: 8 bits, sRGB, at the film's size; alpha stays."""
    extent = film_extent(picture.extent, size)
    canvas, alpha = PictureCanvas(picture, extent), None
    if not picture.opaque:
        assert picture.alpha is not None
        alpha = from_float(scaled(resized_pixels(picture.alpha, extent)))
    return Picture(from_float(canvas.window(Bounds.whole(extent))), alpha)


class _Painter:
    """Frames of one film."""

    def __init__(
        self,
        stylist: Stylist,
        still: Picture,
        canvas: PictureCanvas,
        recipe: Recipe,
        mask: Mask,
        site: Site | None,
    ) -> None:
        self._engine, self._still, self._canvas = stylist.engine, still, canvas
        self._recipe, self._mask, self._site = recipe, mask, site
        # What takes from a part of a style shall look as that part does: sky as its sky.
        like = recipe.regions[0].style_region is not None
        self._like = resized_map(mask, still.extent.fitted(LIKE_SIDE)) if like else None

    def frames(
        self, mixtures: Sequence[Mixture], progress: Progress, cancel: CancelToken
    ) -> Iterator[Frame]:
        names: list[object] = [
            tuple((id(style), round(weight, 9)) for style, weight in mixture)
            for mixture in mixtures
        ]
        if (len(names) - len(set(names))) * self._still.pixels.nbytes > KEPT_BYTES:
            names = list(range(len(names)))  # each is painted, however often it comes
        again = Counter(names)
        kept: dict[object, Frame] = {}
        fresh = dict(zip(names, mixtures, strict=True))
        with enough_memory(self._still.extent):
            painted = self._painted(list(fresh.values()), cancel)
            for number, name in enumerate(names):
                cancel.check()
                progress(f"frame {number + 1} of {len(names)}", number / len(names))
                frame = kept[name] if name in kept else self._frame(next(painted), cancel)
                again[name] -= 1
                if again[name]:
                    kept[name] = frame
                else:
                    kept.pop(name, None)
                yield frame
        progress("frames", 1.0)

    def _frame(self, stylised: Stored | None, cancel: CancelToken) -> Frame:
        site, recipe, regions = self._site, self._recipe, []
        if site is not None and stylised is not None:
            strength = recipe.regions[0].strength
            regions = [Repainted(site.name, self._mask, strength, site.box, stylised, site.part)]
        result, _ = composite(
            self._still,
            regions,
            self._canvas,
            keep_colors=recipe.keep_colors,
            with_layers=False,
            cancel=cancel,
        )
        if result.alpha is None:
            return cast(Frame, result.pixels)
        return np.concatenate([result.pixels, result.alpha[..., None]], axis=2)

    def _painted(self, mixtures: Sequence[Mixture], cancel: CancelToken) -> Iterator[Stored | None]:
        """The region in each mixture, as canvas.store puts it; None where nothing shows."""
        site = self._site
        if site is None:
            yield from [None] * len(mixtures)
            return
        shape = (site.part.height, site.part.width, 3)
        if isinstance(self._engine, Batches):
            for values in self._engine.batch(
                self._canvas, mixtures, bounds=site.part, region=self._like, cancel=cancel
            ):
                out = np.zeros(shape, np.uint16)
                store(values, out)
                yield out
            return
        for mixture in mixtures:
            yield self._engine.stylize(
                self._canvas, mixture, bounds=site.part, out=np.zeros(shape, np.uint16),
                wanted=site.wanted, region=self._like, cancel=cancel,
            )  # fmt: skip


@contextmanager
def enough_memory(extent: Extent) -> Iterator[None]:
    """What comes of too little memory, as a RequestError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        from .device import out_of_memory

        if not out_of_memory(error):
            raise
        side = extent.long_side
        raise RequestError(
            f"there is not enough memory for frames of {side} px: close other programs, or "
            f"choose a smaller film, such as one of {max(64, side // 2)} px"
        ) from error


def _parts(estimate: Estimate, guides: int, frames: int) -> dict[str, float]:
    """Seconds of the parts that an animation has, in order."""
    parts = dict(estimate.parts)
    selecting = parts.pop("finding") + parts.pop("masks")
    del parts["saving"]
    frame = sum(parts.values())
    return {"selecting": selecting, "styles": guides * frame, "frames": frames * frame}
