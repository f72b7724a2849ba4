"""The one place where things are put together: weights, segmenter, engine and styles become one
warm Stylist, which answers request after request without loading anything twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.engines import Word
from ..core.errors import RequestError
from ..core.image import load_embedded, load_picture, to_float
from ..core.recipe import Recipe, Source
from ..core.wording import listed, shown, shown_path
from ..weights.manifest import file_sha256, is_file, weight_path
from ..weights.style_store import StyleStore

if TYPE_CHECKING:
    from ..core.device import DeviceName
    from ..core.engines import Engine, Signal
    from ..core.painted import PaintedRegions
    from ..core.pipeline import Stylist
    from ..core.segmenter import Segmenter
    from ..core.selection import Selector

DEVICES = ("auto", "cpu", "cuda", "mps")
ENCODINGS = 4  # of pictures: one large and made small for previews, and another one
OWN_WEIGHTS = "SEMANTIC_STYLE_WEIGHTS"  # names a folder: see Session

CLIPSEG_MISSING = (
    "CLIPSeg is not on this machine: the built-in segmenter answers "
    "(semantic-style weights fetch clipseg)"
)


def _adaattn(session: Session) -> Engine:
    from ..core.engines.adaattn import AdaAttNEngine

    return AdaAttNEngine(session.weights("adaattn-compact"), session.device)


def _adaattn_published(session: Session) -> Engine:
    from ..core.engines.adaattn import AdaAttNEngine

    engine = AdaAttNEngine(session.weights("adaattn-published"), session.device)
    engine.name = "adaattn-published"
    return engine


def _zmnet(session: Session) -> Engine:
    from ..core.engines.zmnet import ZMNetEngine

    styles, words = session.weights("zmnet-styles"), session.weights("zmnet-words")
    return ZMNetEngine(styles, words, session.device, cached=session.remember)


def _gatys(session: Session) -> Engine:
    from ..core.engines.gatys import GatysEngine

    return GatysEngine(device=session.device)


@dataclass(frozen=True)
class EngineEntry:
    """An engine that a recipe can name. weights: what it needs; words: what it needs for words,
    empty where it takes none. Perceptual networks are not named: one is always there."""

    make: Callable[[Session], Engine]
    weights: str = ""
    words: str = ""


ENGINES = {
    "adaattn": EngineEntry(_adaattn, "adaattn-compact"),
    "adaattn-published": EngineEntry(_adaattn_published, "adaattn-published"),
    "zmnet": EngineEntry(_zmnet, "zmnet-styles", words="zmnet-words"),
    "gatys": EngineEntry(_gatys),
}


class Session:
    """Holds what is slow to load, for one device. PyTorch is imported on first use."""

    def __init__(
        self,
        device: str = "auto",
        own: Path | None = None,
        *,
        remember: bool = True,
        kept_bytes: int = 0,
    ) -> None:
        """own: a folder of networks of one's own, such as a training run's: a file in it that is
        named as in the manifest (adaattn-compact.safetensors) answers in the shipped one's place.
        By default what the environment's SEMANTIC_STYLE_WEIGHTS names, if it is set. remember:
        whether styles once prepared may come from disk, and go there. kept_bytes: of painted
        regions that are kept for requests like those before; more pictures' encodings then
        are, too.

        Raises RequestError for a device that there is no such name for, and for a folder that is
        none.
        """
        if device not in DEVICES:
            raise RequestError(f"the device {shown(device)} is not known: use auto, cpu, cuda, mps")
        self.device: DeviceName = device  # type: ignore[assignment]
        self._own = own or (Path(os.environ[OWN_WEIGHTS]) if os.environ.get(OWN_WEIGHTS) else None)
        if self._own is not None and not self._own.is_dir():
            raise RequestError(f"there is no folder {shown_path(self._own)} of weights of your own")
        self.remember = remember
        self._engines: dict[str, Engine] = {}
        self._segmenters: dict[str, Segmenter] = {}
        self._kept_bytes = kept_bytes
        self._selectors: dict[str, Selector] = {}
        self._stylists: dict[tuple[str, str], Stylist] = {}
        # One line that says why the built-in segmenter answers for auto, once that is known
        self.fallback: str | None = None

    @cached_property
    def styles(self) -> StyleStore:
        return StyleStore()

    def shipped_photo(self, name: str) -> Path:
        """The file of a photo that ships. Raises RequestError with the nearest names."""
        return self.styles.photo(name).path

    def weights(self, name: str) -> str:
        """What to load for the manifest's name: a file of one's own, or the name itself."""
        file = self._own / f"{name}.safetensors" if self._own else None
        return str(file) if file and file.is_file() else name

    @property
    def own(self) -> list[str]:
        """The names for which a file of one's own answers."""
        names = [name for each in ENGINES.values() for name in (each.weights, each.words) if name]
        return [name for name in names if self.weights(name) != name]

    def words(self) -> tuple[str, ...]:
        """The words that zmnet was trained on. RequestError where its weights are missing."""
        from ..core.engines.zmnet import trained_words
        from ..weights.store import load_weights

        file = self.weights("zmnet-words")
        return trained_words(file, load_weights(file)[1])[0]

    def check(self, recipe: Recipe) -> None:
        """RequestError for all that can be refused before anything is painted.

        No network is loaded for it, but the engine's where a style is a word: which words it
        takes stands in its weights.
        """
        from ..core.finding import PAINTED, painted_mask

        entry = ENGINES[engine_name(recipe.engine)]
        words = any(s.kind == "word" for region in recipe.regions for s in region.style)
        for name in (entry.weights, entry.words if words else ""):
            if name and not is_file(self.weights(name)):
                weight_path(name)
        if recipe.segmenter == "clipseg":
            find_clipseg()
        for region in recipe.regions:
            for target in region.targets:
                if target.kind == "image":
                    load_picture(target.value)
                elif target.kind in PAINTED:
                    painted_mask(target)
            for source in region.style:
                self.style_of(source)
                if source.kind == "word":
                    self.engine(recipe.engine).check_word(source.value)

    def pinned(self, recipe: Recipe) -> Recipe:
        """The recipe with the sha256 of every style file, so that a later change is noticed."""

        def pin(source: Source) -> Source:
            if source.kind != "file" or source.sha256:
                return source
            return replace(source, sha256=file_sha256(Path(source.value)))

        regions = (
            replace(region, style=tuple(pin(source) for source in region.style))
            for region in recipe.regions
        )
        return replace(recipe, regions=tuple(regions))

    def stylist(self, recipe: Recipe) -> Stylist:
        """The warm Stylist for the recipe's engine and segmenter."""
        from ..core.pipeline import Stylist

        segmenter = self.segmenter_for(recipe)
        key = engine_name(recipe.engine), segmenter.name
        if key not in self._stylists:
            self._stylists[key] = Stylist(
                segmenter, self.engine(recipe.engine), self.style_of, self.selector(recipe),
                self._painted,
            )  # fmt: skip
        return self._stylists[key]

    @cached_property
    def _painted(self) -> PaintedRegions | None:
        """Of all engines together."""
        from ..core.painted import PaintedRegions

        return PaintedRegions(self._kept_bytes) if self._kept_bytes else None

    def selector(self, recipe: Recipe) -> Selector:
        """The warm Selector for the recipe's segmenter, which all its engines share: where only
        masks are wanted no engine need be there."""
        from ..core.selection import Selector

        segmenter = self.segmenter_for(recipe)
        if segmenter.name not in self._selectors:
            keep = ENCODINGS if self._kept_bytes else 1
            self._selectors[segmenter.name] = Selector(segmenter, keep)
        return self._selectors[segmenter.name]

    def segmenter_for(self, recipe: Recipe) -> Segmenter:
        """The segmenter that answers for the recipe."""
        # What asks nothing need not wait for CLIPSeg.
        idle = recipe.segmenter == "auto" and not recipe.asks
        return self.segmenter("builtin" if idle else recipe.segmenter)

    def segmenter(self, name: str = "auto") -> Segmenter:
        """The segmenter of that name, loaded once.

        auto: CLIPSeg where its weights are on this machine and sound, else the built-in one, and
        `fallback` says why. RequestError for an unknown name, and for clipseg without weights.
        """
        if name not in self._segmenters:
            self._segmenters[name] = self._load_segmenter(name)
        return self._segmenters[name]

    def _load_segmenter(self, name: str) -> Segmenter:
        if name == "auto":
            try:
                find_clipseg()
            except RequestError:
                self.fallback = CLIPSEG_MISSING
                return self.segmenter("builtin")
            try:
                return self.segmenter("clipseg")
            except RequestError as error:
                self.fallback = f"the built-in segmenter answers, not CLIPSeg: {error}"
                return self.segmenter("builtin")
        if name == "clipseg":
            from ..clipseg_bridge.clipseg import ClipSegSegmenter

            return ClipSegSegmenter(find_clipseg(), device=self.device)
        if name != "builtin":
            known = "auto, clipseg or builtin"
            raise RequestError(f"the segmenter {shown(name)} is not known: use {known}")
        from ..clipseg_bridge.builtin import BuiltinSegmenter
        from ..core.device import choose_device

        return BuiltinSegmenter(device=str(choose_device(self.device).place))

    def engine(self, name: str = "adaattn") -> Engine:
        """The engine of that name, loaded once."""
        if engine_name(name) not in self._engines:
            self._engines[name] = ENGINES[name].make(self)
        return self._engines[name]

    def style_of(self, source: Source) -> Signal:
        """What a source names: a style picture, HWC float32 sRGB in [0, 1], or a word.

        Raises RequestError for a name that no style has, and for a file that is missing, is no
        picture, or is not the one whose sha256 the source gives.
        """
        if source.kind == "word":
            return Word(source.value)
        if source.kind == "embedded":
            return to_float(load_embedded(source.value))
        path = self.styles.get(source.value).path if source.kind == "name" else Path(source.value)
        picture = load_picture(path)
        if source.sha256 and source.sha256 != file_sha256(path):
            raise RequestError(
                f"the style {shown_path(path)} has changed since the recipe was made: bring the "
                "old file back, or name it again in a new recipe"
            )
        return to_float(picture)


def engine_name(name: str) -> str:
    """The name, if an engine has it. RequestError where none does."""
    if name not in ENGINES:
        raise RequestError(f"the engine {shown(name)} is not known: use {listed(ENGINES)}")
    return name


def find_clipseg() -> str:
    """The manifest's name of the CLIPSeg that is on this machine. RequestError where none is."""
    from ..clipseg_bridge.clipseg import available

    name = available()
    if name is None:
        raise RequestError(
            "the segmenter clipseg has no weights on this machine: run semantic-style weights "
            "fetch clipseg (603 MB; clipseg-fp16 has 302 MB), or semantic-style weights import "
            "clipseg FOLDER"
        )
    return name
