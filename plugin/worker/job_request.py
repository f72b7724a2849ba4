"""What a job asks for, read and checked; no path and no address in it is ever opened."""

from __future__ import annotations

import base64
import struct
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...core.errors import RequestError
from ...core.keyframes import Motion
from ...core.recipe import Recipe, from_data, parse_recipe, to_data
from ...core.recipe_data import WORD_ENGINE
from ...core.recipe_language import parse_mixture
from .bodies import first_error

MOST_KEYS = 64
MASK_PIXELS = 64_000_000  # of an embedded mask

Name = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="sha256 of a picture's message")]
RecipeForm = str | dict[str, Any]


class RecipeRequest(BaseModel):
    """A recipe in either form: text in the region language, or JSON data."""

    model_config = ConfigDict(extra="forbid", strict=True)

    recipe: RecipeForm


class JobRequest(RecipeRequest):
    """kind: mask and preview answer at `side` px (mask: 0 for the picture's own size). selection:
    a mask that bounds all. painted: masks by the number of their region. whole: stylize also gives
    the whole result. through, frames and motion: of an animation. estimate: what stylize would
    take."""

    kind: Literal["mask", "preview", "stylize", "animate", "estimate"]
    picture: Name
    client: str = Field("", max_length=100)
    selection: Name | None = None
    painted: dict[Annotated[str, Field(pattern="^[0-9]{1,2}$")], Name] = Field(default_factory=dict)
    side: int = Field(640, ge=0, le=2048)
    merge: bool = False
    whole: bool = False
    strict: bool = False
    through: list[str | list[dict[str, Any]]] = Field(default_factory=list, max_length=MOST_KEYS)
    frames: int = Field(1, ge=1, le=10_000)
    motion: Motion = "linear"

    @property
    def final(self) -> bool:
        """Whether somebody waits for it, and does not just look."""
        return self.kind in ("stylize", "animate") or (self.kind == "mask" and self.side == 0)

    @property
    def pictures(self) -> list[str]:
        """All that it needs, the picture first."""
        return [self.picture, *filter(None, [self.selection]), *self.painted.values()]


def read_job(data: dict[str, Any]) -> tuple[JobRequest, list[Recipe]]:
    """The request and its recipe; for an animation one a key. RequestError."""
    request = _validated(JobRequest, data)
    if request.side < 64 and not (request.kind == "mask" and request.side == 0):
        raise RequestError("side: 64 to 2048 px, or 0 for a mask of the picture's own size")
    recipe = read_recipe(request.recipe)
    _check_sources(recipe)
    wrong = [k for k in request.painted if int(k) >= len(recipe.regions)]
    if wrong:
        raise RequestError(f"painted: the recipe has no region {wrong[0]}")
    if request.kind != "animate":
        return request, [recipe]
    if request.selection or request.painted:
        raise RequestError("an animation takes no selection and no painted masks: leave them out")
    if not request.through:
        raise RequestError("through is empty: name styles, such as word:noon and word:night")
    keys = [_key(recipe, request.recipe, look) for look in request.through]
    for key in keys:
        _check_sources(key)
    return request, keys


def read_recipe_request(data: dict[str, Any]) -> Recipe:
    """RequestError."""
    return read_recipe(_validated(RecipeRequest, data).recipe)


def read_recipe(form: RecipeForm) -> Recipe:
    """RequestError."""
    return parse_recipe(form) if isinstance(form, str) else from_data(form)


def _key(recipe: Recipe, form: RecipeForm, look: str | list[dict[str, Any]]) -> Recipe:
    """The recipe with another style for its first region. Where no engine is named it is painted
    by the one that takes words, which is also the fastest."""
    named = isinstance(form, dict) and "engine" in form
    settings = to_data(recipe if named else replace(recipe, engine=WORD_ENGINE))
    area = settings["regions"][0]
    if isinstance(look, str):
        said = parse_mixture(look)
        if said.style_region is not None:
            area.pop("style_region", None)
    return from_data({**settings, "regions": [{**area, "style": look}, *settings["regions"][1:]]})


def _check_sources(recipe: Recipe) -> None:
    """RequestError for files, and for embedded masks that are too large to be unpacked."""
    for region in recipe.regions:
        for target in region.targets:
            if target.kind in ("image", "mask"):
                raise RequestError(
                    f"a job opens no files: send the {target.kind} itself, not its name"
                )
            if target.kind == "embedded":
                width, height = struct.unpack(">II", base64.b64decode(target.value[:32])[16:24])
                if width * height > MASK_PIXELS:
                    raise RequestError(
                        f"the embedded mask is {width} x {height} pixels, at most "
                        f"{MASK_PIXELS / 1e6:g} megapixels are taken: make it smaller"
                    )
        for source in region.style:
            if source.kind == "file":
                raise RequestError(
                    "a job opens no files: embed the style picture, or add it with "
                    "semantic-style styles add"
                )


_Model = TypeVar("_Model", bound=BaseModel)


def _validated(model: type[_Model], data: dict[str, Any]) -> _Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise RequestError(first_error(error.errors(include_url=False))) from None
