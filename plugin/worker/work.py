"""What a worker's jobs do: a request and its pictures in, a message out, by one warm session."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

import numpy as np

from ...core.errors import RequestError
from ...core.picture import Picture, from_float, to_screen, with_alpha
from ...core.progress import CancelToken, Progress
from ...core.recipe import Recipe, format_recipe, to_data
from ...core.resample import resized_map, shrunk
from ..gimp.semantic_style.link.wire import pack
from ..session import ENGINES, Session
from .job_request import JobRequest
from .jobs import Parts
from .offered import Offered
from .pictures import Mask

if TYPE_CHECKING:
    from ...core.animation import Animated
    from ...core.layers import Layer
    from ...core.pipeline import Result
    from ...core.selection import ByHand, Selection

SHRUNK = 3  # pictures made small that are kept
TRIED = 64  # px a side of the picture that a network is first tried on
FILM_BYTES = 1_000_000_000  # of an animation's frames, at most
DEPTHS = {"uint8": "u8", "uint16": "u16", "float32": "float"}

log = logging.getLogger(__name__)


Answer = tuple[dict[str, Any], list[Any]]  # header and arrays of a message


@dataclass(frozen=True, eq=False)
class Task:
    """A request with all that it needs: its recipe (of an animation one a key), and its pictures,
    of which `picture` is one and the others are masks of its size."""

    request: JobRequest
    recipes: list[Recipe]
    picture: Picture
    masks: dict[str, Mask]
    progress: Progress
    cancel: CancelToken

    def by_hand(self, picture: Picture) -> ByHand:
        """The request's masks, at the size of `picture`."""
        from ...core.selection import ByHand

        request = self.request

        def mask(name: str) -> Any:
            return resized_map(self.masks[name].values, picture.extent)

        return ByHand(
            bound=mask(request.selection) if request.selection else None,
            painted={int(k): mask(name) for k, name in request.painted.items()},
        )


class Studio:
    """One session, for one thread; what it offers may be asked from any."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.offered = Offered(session)
        # The last pictures made small, the last used first
        self._shrunk: list[tuple[ReferenceType[Picture], int, Picture]] = []

    @property
    def warm(self) -> bool:
        return self.offered.warm

    def warm_up(self) -> None:
        """Load what the first job will need, and try it. What can't be is logged: jobs will say
        it."""
        started = time.perf_counter()
        try:
            self._load()
        except RequestError as error:
            log.warning("not ready: %s", error)
        except Exception as error:
            log.error("not ready", exc_info=error)
        self.offered.warm = True
        log.info("warm after %.1f s", time.perf_counter() - started)

    def _load(self) -> None:
        from ...core.device import choose_device
        from ...core.pipeline import Stylist  # noqa: F401  # with all that it imports

        offered, session = self.offered, self.session
        offered.device = choose_device(session.device).place.type
        segmenter = session.segmenter()
        offered.segmenter = segmenter.name
        segmenter.encode(np.zeros((TRIED, TRIED, 3), np.float32))
        if not offered.missing(ENGINES["zmnet"].words):
            offered.words = session.words()
        session.engine().pace()

    def do(self, task: Task) -> Parts:
        """The message that answers a task. RequestError, Cancelled and what networks raise."""
        started = time.perf_counter()
        kinds: dict[str, Callable[[Task], Answer]] = {
            "mask": self._mask,
            "preview": self._preview,
            "stylize": self._stylize,
            "animate": self._animate,
            "estimate": self._estimate,
        }
        header, arrays = kinds[task.request.kind](task)
        header["seconds"] = round(time.perf_counter() - started, 3)
        return pack(header, *(_bytes(each) for each in arrays))

    def _mask(self, task: Task) -> Answer:
        (recipe,) = task.recipes
        small, recipe = self._small(task.picture, recipe, task.request.side)
        found = self.session.selector(recipe).select(
            small, recipe, strict=task.request.strict, by_hand=task.by_hand(small),
            progress=task.progress, cancel=task.cancel,
        )  # fmt: skip
        return self._regions(recipe, small, found)

    def _preview(self, task: Task) -> Answer:
        (recipe,) = task.recipes
        self.session.check(recipe)
        small, recipe = self._small(task.picture, recipe, task.request.side)
        result = self.session.stylist(recipe).run(
            small, recipe, strict=task.request.strict, layers=False,
            by_hand=task.by_hand(small), progress=task.progress, cancel=task.cancel,
        )  # fmt: skip
        header, arrays = self._regions(recipe, small, result)
        header["picture"] = sum(each.nbytes for each in arrays)
        return header, [*arrays, to_screen(result.picture)]

    def _stylize(self, task: Task) -> Answer:
        from ...core.finding import name_of

        (recipe,) = task.recipes
        self.session.check(recipe)
        result = self.session.stylist(recipe).run(
            task.picture, recipe, strict=task.request.strict, layers=not task.request.merge,
            by_hand=task.by_hand(task.picture), progress=task.progress, cancel=task.cancel,
        )  # fmt: skip
        layers = list(result.layers)
        if task.request.merge:
            names = [name_of(region) for region in recipe.regions]
            layers = _merged(", ".join(names), task.picture, result)
        described, arrays, offset = [], [], 0
        for layer in layers:
            entry, samples = _described(layer, offset)
            described.append(entry)
            arrays += samples
            offset += sum(each.nbytes for each in samples)
        whole: dict[str, Any] = {}
        if task.request.whole:
            pixels = result.picture.pixels
            whole = {"whole": {"depth": DEPTHS[pixels.dtype.name], "offset": offset}}
            arrays.append(pixels)
        pins = result.recipe.pins
        assert pins is not None  # the pipeline pins every result
        return {
            **whole,
            "layers": described,
            "recipe": to_data(result.recipe),
            "text": recipe_text(result.recipe),
            "scores": _rounded(result.scores),
            "warnings": list(result.warnings),
            "note": self.session.fallback,
            "segmenter": pins.segmenter,
            "engine": pins.engine,
        }, arrays

    def _estimate(self, task: Task) -> Answer:
        """What stylize will take at most: every region counts as the whole picture."""
        (recipe,) = task.recipes
        self.session.check(recipe)
        estimate = self.session.stylist(recipe).estimate(
            task.picture, recipe, layers=not task.request.merge
        )
        return {
            "width": estimate.work.width,
            "height": estimate.work.height,
            "parts": {name: round(seconds, 3) for name, seconds in estimate.parts.items()},
            "peak_bytes": estimate.peak_bytes,
            "free_bytes": estimate.free_bytes,
            "short": estimate.short,
            "text": str(estimate),
        }, []

    def _animate(self, task: Task) -> Answer:
        from ...core.animation import Animation, animate, film_extent

        extent = film_extent(task.picture.extent, task.recipes[0].size)
        if extent.pixels * 4 * task.request.frames > FILM_BYTES:
            raise RequestError(
                f"{task.request.frames} frames of {extent.width} x {extent.height} px are too many "
                "to hold at once: choose a smaller size, or fewer frames"
            )
        for recipe in task.recipes:
            self.session.check(recipe)
        animation = Animation(tuple(task.recipes), task.request.frames, task.request.motion)
        animated: Animated = animate(
            self.session.stylist(task.recipes[0]), task.picture, animation,
            strict=task.request.strict, progress=task.progress, cancel=task.cancel,
        )  # fmt: skip
        frames = [with_alpha(frame) for frame in animated.frames]
        return {
            "frames": len(frames),
            "x": 0,
            "y": 0,
            "width": extent.width,
            "height": extent.height,
            "scores": _rounded(animated.scores),
            "warnings": list(animated.warnings),
            "note": self.session.fallback,
        }, frames

    def _small(self, picture: Picture, recipe: Recipe, side: int) -> tuple[Picture, Recipe]:
        """The picture and recipe at `side` px; the last pictures made small are kept."""
        from ...core.preview import preview_recipe

        if side == 0 or picture.extent.long_side <= side:
            return picture, recipe
        made = [each for each in self._shrunk if each[0]() is picture and each[1] == side]
        found = made[0] if made else (ref(picture), side, shrunk(picture, side))
        others = [each for each in self._shrunk if each is not found]
        self._shrunk = [found, *others][:SHRUNK]
        return found[2], preview_recipe(recipe, picture.extent, found[2].extent)

    def _regions(self, recipe: Recipe, picture: Picture, found: Selection | Result) -> Answer:
        from ...core.finding import name_of

        masks = from_float(found.region_masks)
        extent = picture.extent
        regions = [
            {
                "name": name_of(region),
                "score": _score(found.scores, recipe, k),
                "offset": k * extent.pixels,
            }
            for k, region in enumerate(recipe.regions)
        ]
        return {
            "width": extent.width,
            "height": extent.height,
            "regions": regions,
            "scores": _rounded(found.scores),
            "warnings": list(found.warnings),
            "segmenter": self.session.segmenter_for(recipe).name,
            "note": self.session.fallback,
        }, [masks]


def recipe_text(recipe: Recipe) -> str:
    """The recipe in the region language; empty where it holds pictures, for which there are no
    words."""
    try:
        return format_recipe(recipe)
    except RequestError:
        return ""


def _merged(name: str, picture: Picture, result: Result) -> list[Layer]:
    from ...core.layers import merged
    from ...core.masks import box_of

    mask = result.mask
    box = box_of(mask)
    if box is None:
        return []
    return [replace(merged(name, picture, result.picture, mask, box), number=-1)]


def _described(layer: Layer, offset: int) -> tuple[dict[str, Any], list[Any]]:
    """A layer's entry, and its samples, which begin at the offset."""
    return {
        "name": layer.name,
        "region": layer.number,
        "x": layer.bounds.x,
        "y": layer.bounds.y,
        "width": layer.bounds.width,
        "height": layer.bounds.height,
        "depth": DEPTHS[layer.pixels.dtype.name],
        "offset": offset,
        "mask_depth": DEPTHS[layer.mask.dtype.name],
        "mask_offset": offset + layer.pixels.nbytes,
    }, [layer.pixels, layer.mask]


def _bytes(samples: Any) -> memoryview:
    """Samples as they travel: row by row, little-endian."""
    kind = samples.dtype.newbyteorder("<")
    return np.ascontiguousarray(samples, kind).reshape(-1).view(np.uint8).data


def _score(scores: dict[str, float], recipe: Recipe, number: int) -> float | None:
    """The best score of a region's targets; None where nothing was asked for it."""
    asked = [scores[t.value] for t in recipe.regions[number].targets if t.value in scores]
    return round(max(asked), 4) if asked else None


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(score, 4) for name, score in scores.items()}
