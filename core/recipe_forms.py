"""A recipe as JSON (canonical: sorted keys, one line, every setting) and as TOML (for people:
targets and mixtures in the region language, settings at their default left out)."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import tomli_w

from .errors import RequestError
from .recipe_data import (
    AUTO_SCHEMA,
    Pins,
    Recipe,
    Region,
    Source,
    Target,
    check_schema,
    engine_for,
)
from .recipe_language import (
    format_mixture,
    format_target,
    format_term,
    parse_mixture,
    parse_recipe,
    parse_target,
    parse_term,
)
from .wording import nearest, shown, shown_path

_AREA = ("target", "plus", "within")  # a region's settings that say where it is
FILE_LIMIT = 64 * 2**20  # bytes of a recipe file, embedded pictures included


def to_json(recipe: Recipe) -> str:
    """One line of JSON; equal recipes give equal text."""
    return json.dumps(to_data(recipe), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> Recipe:
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise RequestError(f"no valid JSON at line {error.lineno}: {_reason(error.msg)}") from None
    except (ValueError, RecursionError) as error:
        raise RequestError(f"no valid JSON: {_reason(str(error))}") from None
    return from_data(data)


def to_toml(recipe: Recipe) -> str:
    """TOML that a person can read and change."""
    data = to_data(recipe)
    data["regions"] = [_readable(region) for region in recipe.regions]
    # The order in which one reads: settings first, tables after them.
    tables = {name: data.pop(name) for name in ("regions", "pins") if name in data}
    defaults = {field.name: field.default for field in fields(Recipe)}
    defaults |= {"schema": None, "engine": engine_for(recipe.regions)}
    settings = {
        name: value
        for name, value in data.items()
        if (tuple(value) if isinstance(value, list) else value) != defaults[name]
    }
    return tomli_w.dumps(settings | tables)


def from_toml(text: str) -> Recipe:
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"no valid TOML: {_reason(str(error))}") from None
    return from_data(data)


def load_recipe(path: str | Path) -> Recipe:
    """The recipe in a .json or .toml file, in a .txt file in the region language, or the one
    that a result's PNG carries."""
    file, name = Path(path), shown_path(path)
    suffix = file.suffix.lower()
    if suffix == ".png":
        from .image import read_recipe_text

        return from_json(read_recipe_text(file))
    readers = {".json": from_json, ".toml": from_toml, ".txt": parse_recipe}
    if suffix not in readers:
        raise RequestError(f"{name} is no recipe file: its name ends in .json, .toml, .txt or .png")
    try:
        with file.open("rb") as stream:
            raw = stream.read(FILE_LIMIT + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a file name"
        raise RequestError(f"can't read the recipe {name}: {why}") from None
    if len(raw) > FILE_LIMIT:
        raise RequestError(f"the recipe {name} is larger than {FILE_LIMIT >> 20} MiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RequestError(f"the recipe {name} is no text: save it as UTF-8") from None
    return readers[suffix](text)


def to_data(recipe: Recipe) -> dict[str, Any]:
    """Dictionaries, lists, text and numbers; what is None is left out."""
    return {
        **_present(recipe, but=("regions", "pins", "polish")),
        **({"polish": recipe.polish} if recipe.polish else {}),  # schema 3 and newer
        "regions": [
            {
                **_present(region, but=(*_AREA, "style")),
                **_area_data(region),
                "style": [_present(source) for source in region.style],
            }
            for region in recipe.regions
        ],
        **({"pins": _pins_data(recipe.pins)} if recipe.pins else {}),
    }


def from_data(data: Any) -> Recipe:
    """The recipe of `to_data`. A target or a style may also be text in the region language; where
    no engine is named, see engine_for."""
    values = _table(data, "the recipe", (field.name for field in fields(Recipe)), newer=True)
    regions = values.get("regions", [])
    if not isinstance(regions, list):
        raise RequestError(f"regions must be a list, not {shown(regions)}")
    values["regions"] = tuple(_region(region) for region in regions)
    if "pins" in values:
        values["pins"] = _pins(values["pins"])
    if values.get("schema", AUTO_SCHEMA) < AUTO_SCHEMA:
        values.setdefault("polish", 0)  # as it was painted when it was written
    return Recipe(**{"engine": engine_for(values["regions"])} | values)


def _region(data: Any) -> Region:
    values = _table(data, "a region", (field.name for field in fields(Region)))
    if "target" not in values or "style" not in values:
        raise RequestError("a region needs a target and a style: target = sky, style = mosaic")
    if "plus" in values:
        plus = values["plus"]
        if not isinstance(plus, list):
            raise RequestError(f"plus must be a list, not {shown(plus)}")
        values["plus"] = tuple(_target(each) for each in plus)
    if values.get("within") is not None:
        values["within"] = _target(values["within"])
    target, style = values["target"], values["style"]
    if isinstance(target, str):
        values = _joined(values, parse_target(target)._asdict())
    else:
        values["target"] = _target(target)
    if isinstance(style, str):
        values = _joined(values, parse_mixture(style)._asdict())
    else:
        sources = style if isinstance(style, list) else [style]
        values["style"] = tuple(_source(source) for source in sources)
    return Region(**values)


def _joined(values: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """A region's settings with what a text of the region language says; nothing twice."""
    main = next(iter(said))
    told = {name: value for name, value in said.items() if value}
    for name in told:
        if name != main and values.get(name):
            raise RequestError(f"{name} is given twice: on its own and in the text of {main}")
    return values | told


def _target(data: Any) -> Target:
    if isinstance(data, str):
        return parse_term(data)
    values = _table(data, "a target", ("kind", "value"))
    return Target(values.get("kind", "phrase"), values.get("value", ""))


def _source(data: Any) -> Source:
    values = _table(data, "a style", (field.name for field in fields(Source)))
    if "kind" not in values or "value" not in values:
        raise RequestError("a style in this form needs a kind and a value")
    return Source(**values)


def _pins(data: Any) -> Pins:
    names = [field.name for field in fields(Pins)]
    values = _table(data, "pins", names)
    missing = [name for name in names if name not in values]
    if missing:
        raise RequestError(f"pins lack {missing[0]}")
    weights = values["weights"]
    if not isinstance(weights, dict):
        raise RequestError(f"the pinned weights must be a table, not {shown(weights)}")
    return Pins(**values | {"weights": tuple(weights.items())})


def _pins_data(pins: Pins) -> dict[str, Any]:
    return {**_present(pins, but=("weights",)), "weights": dict(pins.weights)}


def _present(record: Any, but: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a dataclass that say something, tuples as lists."""
    names = [field.name for field in fields(record) if field.name not in but]
    values = {name: getattr(record, name) for name in names}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None
    }


def _readable(region: Region) -> dict[str, Any]:
    """A region's table with target and style as text where the language has words for them."""
    defaults = {field.name: field.default for field in fields(Region)}
    if any(term.kind == "embedded" for term in region.terms):
        table = _area_data(region)
    else:
        table = {"target": format_target(region)}
    if region.within is not None:
        painted = region.within.kind == "embedded"
        table["within"] = _present(region.within) if painted else format_term(region.within)
    spoken = all(source.kind != "embedded" and not source.sha256 for source in region.style)
    table["style"] = (
        format_mixture(region.style) if spoken else [_present(source) for source in region.style]
    )
    rest = _present(region, but=(*_AREA, "style"))
    return table | {name: value for name, value in rest.items() if value != defaults[name]}


def _area_data(region: Region) -> dict[str, Any]:
    """Where the region is; what came with schema 2 only where it is used."""
    return {
        "target": _present(region.target),
        **({"plus": [_present(term) for term in region.plus]} if region.plus else {}),
        **({"within": _present(region.within)} if region.within else {}),
    }


def _table(data: Any, what: str, known: Iterable[str], newer: bool = False) -> dict[str, Any]:
    """A copy of a table that holds nothing unknown; a schema that is too new is said first."""
    if not isinstance(data, dict):
        raise RequestError(f"{what} must be a table of settings, not {shown(data)}")
    if newer and "schema" in data:
        check_schema(data["schema"])
    names = list(known)
    for name in data:
        if name not in names:
            raise RequestError(
                f"{what} has no setting {shown(name)}: did you mean {nearest(name, names)}?"
            )
    return dict(data)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a setting is given twice")
    return table


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that JSON has")


def _reason(message: str) -> str:
    return shown(message).strip('"')
