"""What is wanted, as plain data. A recipe that could be built is a recipe with valid values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from . import recipe_checks as checks
from .errors import RequestError
from .wording import listed, shown

SourceKind = Literal["name", "file", "word", "embedded"]
TargetKind = Literal["all", "phrase", "image", "mask", "embedded"]
EngineName = Literal["adaattn", "adaattn-published", "zmnet", "gatys"]
SegmenterName = Literal["auto", "clipseg", "builtin"]
Group = Literal["details", "colours", "textures"]

SCHEMA = 4  # the newest version; a recipe says the oldest that has all it uses
SOURCE_KINDS: tuple[str, ...] = get_args(SourceKind)
TARGET_KINDS: tuple[str, ...] = get_args(TargetKind)
ENGINES: tuple[str, ...] = get_args(EngineName)
SEGMENTERS: tuple[str, ...] = get_args(SegmenterName)
GROUPS: tuple[str, ...] = get_args(Group)
POLISHED: tuple[EngineName, ...] = ("adaattn", "zmnet")  # engines that can be polished
MOST_STEPS = 200  # of polishing
AUTO_SCHEMA = 4  # the first one in which polishing may be left to the engine
WORD_ENGINE: EngineName = "zmnet"  # the one that takes words, and transfers groups one by one

MOST_REGIONS = 64
MOST_SOURCES = 16
MOST_TERMS = 16
SIDE_RANGE = (64, 65535)  # px, of `size`


@dataclass(frozen=True)
class Source:
    """Where a style comes from.

    kind: name (of a shipped or added style), file (a path), word (a style that a network
    knows by name), embedded (base64 of a PNG of at most 512 px a side).
    weight: share in a mixture, finite and >= 0, as written (`Region.weights` sum to 1).
    sha256: of the file that was meant; a file that differs is refused by who loads it.
    """

    kind: SourceKind
    value: str
    weight: float = 1.0
    sha256: str | None = None

    def __post_init__(self) -> None:
        checks.choice("kind of style", self.kind, SOURCE_KINDS)
        _set(self, value=_source_value(self.kind, self.value))
        _set(self, weight=checks.number("a style's weight", self.weight, 0))
        if self.sha256 is not None:
            checks.sha256("a style's checksum", self.sha256)


@dataclass(frozen=True)
class Target:
    """What is repainted.

    kind: all (the whole picture, value empty), phrase, image (path of a picture that shows
    the thing meant), mask (path of a mask), embedded (a hand-painted mask as base64 PNG).
    """

    kind: TargetKind
    value: str = ""

    def __post_init__(self) -> None:
        checks.choice("kind of region", self.kind, TARGET_KINDS)
        _set(self, value=_target_value(self.kind, self.value))


@dataclass(frozen=True)
class Region:
    """One target and how it is repainted. Pixels are those of the whole picture.

    plus: what also belongs to the target. within: what bounds all of it. Both since schema 2.
    strength: 0 (nothing) to 1. style_region: phrase for the part of the style picture to take
    from. threshold: 0 < t < 1, None = the segmenter's natural 0.5. grow: px outwards, -500 to
    500. feather: px, 0 to 500. invert: everything but the target.
    """

    target: Target
    style: tuple[Source, ...]
    strength: float = 1.0
    style_region: str | None = None
    threshold: float | None = None
    grow: int = 0
    feather: float = 2.0
    invert: bool = False
    plus: tuple[Target, ...] = ()
    within: Target | None = None

    def __post_init__(self) -> None:
        _set(self, plus=checks.sequence("plus", self.plus, MOST_TERMS - 1))
        if self.plus and any(term.kind == "all" for term in self.terms):
            raise RequestError("* is the whole picture already: leave out what + joins to it")
        if self.within is not None and self.within.kind == "all":
            raise RequestError("within * bounds nothing: leave it out")
        sources = checks.sequence("a mixture", self.style, MOST_SOURCES)
        if not sources:
            raise RequestError("a region needs a style, such as sky = mosaic")
        if not any(source.weight for source in sources):
            raise RequestError("the weights of a mixture are all 0: give one style more than 0")
        _set(self, style=sources, strength=checks.number("strength", self.strength, 0, 1))
        if self.style_region is not None:
            _set(self, style_region=checks.phrase("the style region", self.style_region))
            for source in sources:
                if source.kind == "word":
                    raise RequestError(
                        f"{shown(f'word:{source.value}')} is no picture that "
                        f"{shown(self.style_region)} could be taken from: leave the style region "
                        "out there, or name a picture as the style"
                    )
        if self.threshold is not None:
            _set(self, threshold=checks.number("threshold", self.threshold, 0, 1))
            if self.threshold in (0, 1):
                raise RequestError(
                    f"threshold must lie between 0 and 1, not at {self.threshold:g}: "
                    "try 0.3 for more, 0.7 for less"
                )
        _set(self, grow=checks.whole("grow", self.grow, -500, 500))
        _set(self, feather=checks.number("feather", self.feather, 0, 500))
        checks.flag("invert", self.invert)

    @property
    def terms(self) -> tuple[Target, ...]:
        """All that the region is made of: the target and what was added to it."""
        return (self.target, *self.plus)

    @property
    def targets(self) -> tuple[Target, ...]:
        """All that must be found for the region: its terms and what bounds them."""
        return self.terms if self.within is None else (*self.terms, self.within)

    @property
    def weights(self) -> tuple[float, ...]:
        """The mixture's weights, one a source, brought to a sum of 1."""
        largest = max(source.weight for source in self.style)
        shares = [source.weight / largest for source in self.style]  # the plain sum may overflow
        return tuple(share / sum(shares) for share in shares)


@dataclass(frozen=True)
class Pins:
    """What answered: names of segmenter and engine, (name, sha256) of every weight file in
    order of name, and the number format that the networks ran in."""

    segmenter: str
    engine: str
    weights: tuple[tuple[str, str], ...]
    dtype: str

    def __post_init__(self) -> None:
        _set(self, segmenter=checks.phrase("the pinned segmenter", self.segmenter))
        _set(self, engine=checks.phrase("the pinned engine", self.engine))
        _set(self, dtype=checks.phrase("the pinned number format", self.dtype))
        pairs = {
            checks.phrase("a pinned weight's name", name): checks.sha256("a pinned weight", digest)
            for name, digest in self.weights
        }
        _set(self, weights=tuple(sorted(pairs.items())))


@dataclass(frozen=True)
class Recipe:
    """Everything that makes a result what it is, but for the picture.

    keep: phrases that stay untouched. size: long side in px at which the whole picture would
    be worked, 'full' for its own, None for its own up to 2048. style_scale: brush size, 0.1 to
    10. keep_colors: the picture's own chroma. transfer: which groups of features take the
    style, fewer than all with zmnet only. polish: how many steps are spent on coming nearer to the
    style pictures before anything is painted (adaattn and zmnet), since schema 3; "auto" leaves it
    to the engine, since schema 4. pins: on a result, what answered. schema: whatever is given, the
    oldest version that has all that the recipe uses, so that an older program reads what it can.
    """

    regions: tuple[Region, ...]
    keep: tuple[str, ...] = ()
    engine: EngineName = "adaattn"
    segmenter: SegmenterName = "auto"
    size: int | Literal["full"] | None = None
    style_scale: float = 1.0
    keep_colors: bool = False
    transfer: tuple[str, ...] = GROUPS
    seed: int = 0
    polish: int | Literal["auto"] = "auto"
    pins: Pins | None = None
    schema: int = 1

    def __post_init__(self) -> None:
        check_schema(self.schema)
        regions = checks.sequence("the list of regions", self.regions, MOST_REGIONS)
        if not regions:
            raise RequestError("the recipe names no region: add one, such as sky = mosaic")
        keep = checks.sequence("keep", self.keep, MOST_REGIONS)
        _set(self, polish=_steps(self.polish))
        joined = any(len(region.targets) > 1 for region in regions)
        oldest = 3 if self.polish else 2 if joined else 1
        _set(self, schema=AUTO_SCHEMA if self.polish == "auto" else oldest)
        _set(self, regions=regions, keep=tuple(checks.phrase("a keep phrase", k) for k in keep))
        checks.choice("engine", self.engine, ENGINES)
        checks.choice("segmenter", self.segmenter, SEGMENTERS)
        if isinstance(self.size, str) and self.size != "full":
            raise RequestError(f"size {shown(self.size)} is not known: use full or a number of px")
        if self.size not in ("full", None):
            _set(self, size=checks.whole("size", self.size, *SIDE_RANGE))
        _set(self, style_scale=checks.number("style scale", self.style_scale, 0.1, 10))
        checks.flag("keep_colors", self.keep_colors)
        _set(self, transfer=_groups(self.transfer))
        if self.transfer != GROUPS and self.engine != WORD_ENGINE:
            raise RequestError(
                f"transfer works with the engine {WORD_ENGINE} only: {self.engine} restyles "
                f"{listed(GROUPS, 'and')} together, so leave it out"
            )
        asked = self.polish not in ("auto", 0)
        if asked and self.engine not in POLISHED:
            raise RequestError(
                f"polish works with the engines {listed(POLISHED, 'and')} only: leave it out, or "
                "use one of them"
            )
        if asked and self.transfer != GROUPS:
            raise RequestError(
                f"polish changes {listed(GROUPS, 'and')} together: leave it out, or transfer"
            )
        _set(self, seed=checks.whole("seed", self.seed, 0, 2**32 - 1))

    @property
    def phrases(self) -> tuple[str, ...]:
        """All that a segmenter is asked in words, of the picture or of styles, each once."""
        named = [t.value for r in self.regions for t in r.targets if t.kind == "phrase"]
        parts = [r.style_region for r in self.regions if r.style_region is not None]
        return tuple(dict.fromkeys([*named, *parts, *self.keep]))

    @property
    def asks(self) -> bool:
        """Whether anything has to be found by a segmenter."""
        prompts = any(t.kind == "image" for region in self.regions for t in region.targets)
        return bool(self.phrases) or prompts


def engine_for(regions: Sequence[Region]) -> EngineName:
    """The engine where none is named: the one that takes words if any style is a word."""
    named = any(source.kind == "word" for region in regions for source in region.style)
    return WORD_ENGINE if named else "adaattn"


def check_schema(value: object) -> None:
    """RequestError for a recipe of a version that this program does not know."""
    version = checks.whole("schema", value, 1, 2**31)
    if version > SCHEMA:
        raise RequestError(
            f"the recipe has schema {version}, this version reads up to {SCHEMA}: "
            "update semantic-style"
        )


def _source_value(kind: str, value: object) -> str:
    if kind == "embedded":
        return checks.embedded_png("an embedded style", value, checks.STYLE_SIDE_LIMIT)
    if kind == "file":
        text = checks.path("a style's file name", value)
        # "./" keeps a bare file name from being read as the name of a style.
        return text if checks.reads_as_file(text) else f"./{text}"
    text = checks.phrase("a style's name" if kind == "name" else "a style's word", value)
    if kind == "name" and checks.reads_as_file(text):
        raise RequestError(f"{shown(text)} is no name of a style: it reads as a file")
    return text


def _target_value(kind: str, value: object) -> str:
    if kind == "phrase":
        return checks.phrase("the phrase", value)
    if kind == "embedded":
        return checks.embedded_png("an embedded mask", value, checks.MASK_SIDE_LIMIT)
    if kind in ("image", "mask"):
        return checks.path(f"the {kind}'s file name", value)
    if value != "":
        raise RequestError(f"the whole picture takes no value, but got {shown(value)}")
    return ""


def _steps(value: object) -> int | Literal["auto"]:
    if isinstance(value, str) and value != "auto":
        raise RequestError(f"polish {shown(value)} is not known: use auto or a number of steps")
    return "auto" if value == "auto" else checks.whole("polish", value, 0, MOST_STEPS)


def _groups(value: object) -> tuple[str, ...]:
    """The groups in their one order, so that equal choices are equal recipes."""
    named = {
        checks.choice("transfer group", each, GROUPS)
        for each in checks.sequence("transfer", value, MOST_SOURCES)
    }
    if not named:
        raise RequestError("transfer is empty: name details, colours or textures")
    return tuple(group for group in GROUPS if group in named)


def _set(data: Source | Target | Region | Pins | Recipe, **values: object) -> None:
    """Put a value in its canonical form into a frozen dataclass that is being made."""
    for name, value in values.items():
        object.__setattr__(cast(object, data), name, value)
