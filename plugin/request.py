"""What was typed -> a Recipe: the three ways to give one, and the flags that overrule it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ..core.errors import RequestError
from ..core.recipe import (
    Recipe,
    Region,
    load_recipe,
    parse_item,
    parse_recipe,
    parse_term,
    recipe_of,
)

HOW = 'say what to repaint, such as -r "sky=mosaic"; semantic-style styles list shows the styles'


def split_positionals(positionals: Sequence[str]) -> tuple[list[Path], str | None]:
    """Photos, and the recipe if the last of them is one: it has "=" and is no file's name."""
    *photos, last = positionals
    if "=" in last and not _is_there(last):
        if not photos:
            raise RequestError("no photo is named: give the photo before the recipe")
        return [Path(photo) for photo in photos], last
    return [Path(photo) for photo in positionals], None


def given_recipe(items: Sequence[str], file: Path | None, text: str | None) -> Recipe:
    """The recipe of -r ITEM, --recipe FILE or the positional RECIPE; exactly one way is taken."""
    ways = [name for name, given in (("-r", items), ("--recipe", file), ("RECIPE", text)) if given]
    if not ways:
        raise RequestError(f"nothing to do: {HOW}")
    if len(ways) > 1:
        raise RequestError(f"the recipe is given twice, by {' and '.join(ways)}: choose one way")
    if file is not None:
        return load_recipe(file)
    if text is not None:
        return parse_recipe(text)
    return recipe_of(parse_item(item) for item in items)


def with_flags(
    recipe: Recipe,
    *,
    keep: Sequence[str] = (),
    style_regions: Sequence[str] = (),
    within: str | None = None,
    regions: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
) -> Recipe:
    """The recipe with what was given by flags; None stands for a flag that was not given.

    keep adds to the recipe's own. style_regions: one for every region, or as many as there are,
    in order. within: bounds every region, in the region language. `regions` are fields of
    Region, for every region; `settings` are fields of Recipe.
    """
    changes = {name: value for name, value in (regions or {}).items() if value is not None}
    if within is not None:
        changes["within"] = parse_term(within)
    parts = _one_each(style_regions, recipe.regions)
    return replace(
        recipe,
        regions=tuple(
            replace(region, **changes, style_region=part)
            for region, part in zip(recipe.regions, parts, strict=True)
        ),
        keep=(*recipe.keep, *keep),
        **{name: value for name, value in (settings or {}).items() if value is not None},
    )


def _one_each(given: Sequence[str], regions: Sequence[Region]) -> Sequence[str | None]:
    """The style region of each region, its own where none is given."""
    if not given:
        return [region.style_region for region in regions]
    if len(given) == 1:
        return [*given] * len(regions)
    if len(given) != len(regions):
        count = "1 region" if len(regions) == 1 else f"{len(regions)} regions"
        raise RequestError(
            f"--style-region is given {len(given)} times for {count}: give it once for all, "
            "once for each in order, or write it in the recipe: sky = a.jpg from sky"
        )
    return given


def size_value(text: str | None) -> int | Literal["full"] | None:
    """The long side that --size names, in pixels."""
    if text is None or text == "full":
        return "full" if text else None
    if not text.strip().isdecimal():
        raise RequestError(f"--size takes a number of pixels or full, not {text!r:.40}")
    return int(text)


def polish_value(text: str | None) -> int | Literal["auto"] | None:
    """The steps that --polish names."""
    if text is None or text == "auto":
        return "auto" if text else None
    if not text.strip().isdecimal():
        raise RequestError(f"--polish takes a number of steps or auto, not {text!r:.40}")
    return int(text)


def transfer_value(text: str | None) -> tuple[str, ...] | None:
    """The groups that --transfer names."""
    return None if text is None else tuple(part.strip() for part in text.split(","))


def _is_there(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # longer than a file's name can be, or holds a null byte
        return False
