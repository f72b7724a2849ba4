"""What the page's controls say, as a recipe; and a recipe as what the controls should say.

A region travels as JSON: {"phrase", "style": {"title", "sources": [...]} or null, "strength",
"threshold", "grow", "feather", "invert", "from", "painted", "bound"}. painted and bound are masks
of the brush, PNGs in base64: what it added, and where it has erased nothing. They stand in the
recipe, so whoever runs the recipe again gets the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...core.errors import RequestError
from ...core.recipe import (
    GROUPS,
    Recipe,
    Region,
    Source,
    Target,
    engine_for,
    parse_target,
)
from ...core.recipe_language import format_mixture, format_target, format_term
from ...core.wording import shown

WHOLE = ("whole picture", "everything", "all", "the whole picture")
MOST_ROWS = 12
NATURAL = 0.5  # the threshold of a region that names none


class Problem(Exception):
    """Something that a person can put right. place: the control that caused it, such as "photo",
    "region 0", "keep", "engine", "animation"."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True)
class Settings:
    """The controls that speak of all regions. engine: "auto" leaves it to the styles. polish: -1
    leaves it to the engine. size: 0 is automatic, -1 the picture's own."""

    engine: str = "auto"
    segmenter: str = "auto"
    transfer: tuple[str, ...] = GROUPS
    brush: float = 1.0
    keep_colors: bool = False
    polish: int = -1
    size: int = 0


@dataclass(frozen=True)
class Wish:
    """recipe: of the rows that say something. rows: the row of each of its regions. styled:
    whether any has a style; those without one have strength 0 and a style that is not used. free:
    nobody chose an engine."""

    recipe: Recipe
    rows: tuple[int, ...]
    styled: bool
    free: bool = False


def wish_of(data: Any, settings: Settings, spare: str, *, final: bool = False) -> Wish | None:
    """What the rows and settings ask for; None where no row says anything yet.

    spare: the name of any style. final: rows without a style are left out. Problem.
    """
    rows = _rows(data)
    regions, places, bare = [], [], []
    for number, row in enumerate(rows):
        phrase, painted = _text(row, "phrase"), _text(row, "painted")
        if not phrase and not painted:
            if final and row.get("style"):
                raise Problem(f"region {number}", "say what to repaint, such as sky")
            continue
        try:
            region = _region(row, phrase, painted, spare)
        except RequestError as error:
            raise Problem(f"region {number}", str(error)) from None
        if not row.get("style"):
            bare.append(number)
            if final:
                continue
        regions.append(region)
        places.append(number)
    if not regions:
        if bare:
            raise Problem(f"region {bare[0]}", "choose a style for it")
        return None
    styled = any(region.strength for region in regions)
    recipe = _recipe(regions, _keep(data), settings)
    return Wish(recipe, tuple(places), styled, settings.engine == "auto")


def rows_of(recipe: Recipe) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows that ask for a recipe, and a line for each thing that the page can't take over."""
    rows, lost = [], []
    for region in recipe.regions[:MOST_ROWS]:
        row, lines = _row(region)
        rows.append(row)
        lost += lines
    if len(recipe.regions) > MOST_ROWS:
        lost.append(f"the page shows {MOST_ROWS} regions, the recipe has {len(recipe.regions)}")
    return rows, lost


def settings_of(recipe: Recipe) -> Settings:
    """The other controls of a recipe."""
    natural = engine_for(recipe.regions)
    whole = -1 if recipe.size == "full" else int(recipe.size or 0)
    return Settings(
        engine="auto" if recipe.engine == natural else recipe.engine,
        segmenter=recipe.segmenter,
        transfer=recipe.transfer,
        brush=recipe.style_scale,
        keep_colors=recipe.keep_colors,
        polish=-1 if recipe.polish == "auto" else recipe.polish,
        size=whole,
    )


def blamed(line: str, wish: Wish) -> str:
    """The control that a line of the worker is about; empty where it is about no row."""
    for row, region in zip(wish.rows, wish.recipe.regions, strict=True):
        words = [target.value for target in region.targets if target.kind == "phrase"]
        words += [source.value for source in region.style if source.kind != "embedded"]
        words += [region.style_region or ""]
        if any(word and (shown(word) in line or f"word:{word}" in line) for word in words):
            return f"region {row}"
    if any(shown(phrase) in line for phrase in wish.recipe.keep):
        return "keep"
    return ""


def _rows(data: Any) -> list[dict[str, Any]]:
    rows = data.get("regions") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Problem("", "the page sent what is no list of regions: load it again")
    if len(rows) > MOST_ROWS:
        raise Problem("", f"at most {MOST_ROWS} regions fit on the page: use the command for more")
    return rows


def _region(row: dict[str, Any], phrase: str, painted: str, spare: str) -> Region:
    area: dict[str, Any] = {"target": None, "plus": (), "within": None}
    invert, bound = bool(row.get("invert")), _text(row, "bound")
    if phrase:
        said = "*" if phrase.casefold() in WHOLE else phrase
        area = parse_target(said)._asdict()
        _check_terms(area)
    if painted and not invert and not (area["target"] and area["target"].kind == "all"):
        brush = Target("embedded", painted)
        area |= {"plus": (*area["plus"], brush)} if area["target"] else {"target": brush}
    if bound:
        if area["within"] is not None:
            raise RequestError("the eraser can't be joined with within: take one of them back")
        area["within"] = Target("embedded", bound)
    style = row.get("style")
    sources = _sources(style) if style else (Source("name", spare),)
    threshold = _number(row, "threshold", NATURAL)
    return Region(
        **area,
        style=sources,
        strength=_number(row, "strength", 1.0) if style else 0.0,
        style_region=_text(row, "from") or None if style else None,
        threshold=None if threshold == NATURAL else threshold,
        grow=round(_number(row, "grow", 0)),
        feather=_number(row, "feather", 2.0),
        invert=invert,
    )


def _check_terms(area: dict[str, Any]) -> None:
    for term in (area["target"], *area["plus"], area["within"]):
        if term is not None and term.kind in ("mask", "image"):
            raise RequestError(
                f"{term.kind}: names a file, and a page opens none: say it in words, or paint the "
                "mask"
            )


def _sources(style: Any) -> tuple[Source, ...]:
    given = style.get("sources") if isinstance(style, dict) else None
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise RequestError("the style is none: choose one again")
    known = ("kind", "value", "weight", "sha256")
    sources = []
    for each in given:
        source = Source(**{name: each[name] for name in known if name in each})
        if source.kind == "file":
            raise RequestError(f"the style {shown(source.value)} is a file: bring the picture here")
        sources.append(source)
    return tuple(sources)


def _recipe(regions: Sequence[Region], keep: tuple[str, ...], settings: Settings) -> Recipe:
    engine: Any = engine_for(regions) if settings.engine == "auto" else settings.engine
    if settings.engine == "auto" and set(settings.transfer) != set(GROUPS):
        engine = "zmnet"
    checked: dict[str, Any] = {"engine": engine, "segmenter": settings.segmenter}
    try:
        recipe = Recipe(tuple(regions), **checked)
    except RequestError as error:
        raise Problem("engine", str(error)) from None
    parts: dict[str, dict[str, Any]] = {
        "keep": {"keep": keep},
        "transfer": {"transfer": settings.transfer},
        "brush": {"style_scale": settings.brush},
        "size": {"size": "full" if settings.size < 0 else settings.size or None},
        "engine": {"keep_colors": settings.keep_colors},
        "polish": {"polish": "auto" if settings.polish == -1 else settings.polish},
    }
    for place, values in parts.items():
        try:
            recipe = replace(recipe, **values)
        except RequestError as error:
            raise Problem(place, str(error)) from None
    return recipe


def _keep(data: dict[str, Any]) -> tuple[str, ...]:
    parts = _text(data, "keep").replace(";", ",").split(",")
    return tuple(part.strip() for part in parts if part.strip())


def _row(region: Region) -> tuple[dict[str, Any], list[str]]:
    lost = []
    named = [t for t in region.terms if t.kind in ("all", "phrase")]
    painted = [t for t in region.terms if t.kind == "embedded"]
    lost += [
        f"{t.kind}:{shown(t.value)} is a file: paint the mask here instead"
        for t in region.targets
        if t.kind in ("mask", "image")
    ]
    lost += ["of several painted masks the first one is shown"] if len(painted) > 1 else []
    phrase = ""
    if named:
        phrase = format_target(replace(region, target=named[0], plus=tuple(named[1:]), within=None))
    bound = ""
    if region.within is not None and region.within.kind == "embedded":
        bound = region.within.value
    elif region.within is not None and region.within.kind == "phrase":
        phrase += f" within {format_term(region.within)}"
    style, lines = _style(region)
    return {
        "phrase": "whole picture" if phrase == "*" else phrase,
        "style": style,
        "strength": region.strength,
        "threshold": NATURAL if region.threshold is None else region.threshold,
        "grow": region.grow,
        "feather": region.feather,
        "invert": region.invert,
        "from": region.style_region or "",
        "painted": painted[0].value if painted else "",
        "bound": bound,
    }, [*lost, *lines]


def _style(region: Region) -> tuple[dict[str, Any] | None, list[str]]:
    files = [source.value for source in region.style if source.kind == "file"]
    if files:
        return None, [
            f"the style {shown(name)} is a file: bring the picture here" for name in files
        ]
    embedded = any(source.kind == "embedded" for source in region.style)
    title = "your picture" if embedded else format_mixture(region.style).removeprefix("word:")
    sources = []
    for source in region.style:
        entry: dict[str, Any] = {"kind": source.kind, "value": source.value}
        entry |= {"weight": source.weight} if source.weight != 1 else {}
        entry |= {"sha256": source.sha256} if source.sha256 else {}
        sources.append(entry)
    return {"title": title, "sources": sources}, []


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name) or ""
    if not isinstance(value, str):
        raise Problem("", f"the page sent a {name} that is no text: load it again")
    return value.strip()


def _number(row: dict[str, Any], name: str, usual: float) -> float:
    value = row.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RequestError(f"{name} is no number")
    return float(value)
