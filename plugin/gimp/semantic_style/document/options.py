"""What a call of the procedure asks for, and what that makes of a recipe. No gi."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .faults import Refused

AS_RECIPE = "recipe"  # of a choice: as the recipe says
NO_GROW = -1000  # px: as the recipe says
FULL_SIZE = -1
AUTO_POLISH = -2
HOW = "write what to repaint and with what, such as sky = mosaic"


@dataclass(frozen=True)
class Options:
    """The procedure's arguments; each default leaves the recipe as it is.

    recipe: region language or JSON, empty to do again what a group of layers holds. size: long
    side in px at which is worked, 0 as the recipe says, -1 the picture's own. style_scale: 0 as
    the recipe says. keep_colors, invert: recipe, yes, no. transfer: groups with commas between
    them. threshold 0, grow -1000, feather -1, seed -1, polish -1: as the recipe says. polish -2:
    as the engine finds worth its time.
    accept_changes: redo a group whose source has changed on the source as it is.
    """

    recipe: str = ""
    engine: str = AS_RECIPE
    segmenter: str = AS_RECIPE
    size: int = 0
    style_scale: float = 0.0
    keep_colors: str = AS_RECIPE
    transfer: str = ""
    threshold: float = 0.0
    grow: int = NO_GROW
    feather: float = -1.0
    invert: str = AS_RECIPE
    seed: int = -1
    polish: int = -1
    selection_only: bool = True
    merge: bool = False
    strict: bool = False
    recompute_masks: bool = False
    accept_changes: bool = False

    @property
    def wording(self) -> str | dict[str, Any]:
        """The recipe as the worker takes it. Refused for one that is empty or broken JSON."""
        text = self.recipe.strip()
        if not text:
            raise Refused(f"no recipe is given: {HOW}")
        if not text.startswith("{"):
            return text
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            raise Refused(f"the recipe is no valid JSON: {HOW}") from None
        if not isinstance(data, dict):
            raise Refused(f"the recipe is no JSON object: {HOW}")
        return data

    def over(self, recipe: dict[str, Any]) -> dict[str, Any]:
        """A canonical recipe with what is asked for beside it; the worker judges the values."""
        said = {name: value for name, value in self._settings().items() if value is not None}
        of_regions = {name: value for name, value in self._regions().items() if value is not None}
        regions = [region | of_regions for region in recipe["regions"]]
        changed = {**recipe, **said, "regions": regions}
        changed.pop("pins", None)  # they are of a result, not of a wish
        return changed

    def _settings(self) -> dict[str, Any]:
        transfer = [part.strip() for part in self.transfer.split(",") if part.strip()]
        return {
            "engine": None if self.engine == AS_RECIPE else self.engine,
            "segmenter": None if self.segmenter == AS_RECIPE else self.segmenter,
            "size": "full" if self.size == FULL_SIZE else self.size or None,
            "style_scale": self.style_scale or None,
            "keep_colors": _flag(self.keep_colors),
            "transfer": transfer or None,
            "seed": self.seed if self.seed >= 0 else None,
            "polish": _steps(self.polish),
        }

    def _regions(self) -> dict[str, Any]:
        return {
            "threshold": self.threshold or None,
            "grow": None if self.grow == NO_GROW else self.grow,
            "feather": self.feather if self.feather >= 0 else None,
            "invert": _flag(self.invert),
        }


def _steps(polish: int) -> int | str | None:
    if polish < 0:
        return "auto" if polish == AUTO_POLISH else None
    return polish


def _flag(choice: str) -> bool | None:
    return None if choice == AS_RECIPE else choice == "yes"
