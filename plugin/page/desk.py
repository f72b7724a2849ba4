"""What happens when a visitor does something: plain values in, what the page shows out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from ...core.recipe import Recipe
from ...weights.style_store import StyleStore
from .arriving import Arrived, arrived
from .catalogue import film_styles
from .shown import Shown, bar
from .visit import LOOK_SIDE, Look, Made, Report, Visit
from .wishes import Problem, Settings, Wish, blamed, rows_of, settings_of, wish_of

EVERY = 0.2  # s between two reports of progress
SLOW = ("gatys",)  # engines without a preview: one takes minutes
ROW_PLACES = ("region", "keep")

_numbers = itertools.count(1)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Opening:
    """What came of a file. settings: of its recipe, None where it brings none. line: what was
    done, and what is next. offers: whether the file's own picture can be used, too."""

    shown: Shown
    settings: Settings | None = None
    line: str = ""
    offers: bool = False


def bring(visit: Visit, path: Path) -> Opening:
    """A file that was uploaded. Problem."""
    visit.uploads.add(path)
    came = arrived(path)
    if came.recipe is not None:
        visit.offered = came if came.picture is not None else None
        return restored(visit, came.recipe, came.name)
    return _opened(visit, came)


def example(visit: Visit, name: str) -> Opening:
    """A shipped photo. Problem."""
    photos = {photo.name: photo.path for photo in StyleStore().photos()}
    if name not in photos:
        raise Problem("photo", "there is no such example")
    return _opened(visit, arrived(photos[name]))


def use_offered(visit: Visit) -> Opening:
    """The picture of a PNG whose settings were taken. Problem."""
    if visit.offered is None:
        raise Problem("photo", "the file is gone: bring it again")
    came, visit.offered = visit.offered, None
    return _opened(visit, came)


def restored(visit: Visit, recipe: Recipe, name: str) -> Opening:
    """The settings of a recipe, for the picture that is open."""
    rows, lost = rows_of(recipe)
    shown = replace(visit.shown, errors={}, notes={}, said=lost, after=None, label="", masks={})
    shown.restore = {"id": next(_numbers), "regions": rows, "keep": ", ".join(recipe.keep)}
    visit.shown = shown
    line = f"The settings of {name} are back."
    if visit.opened is None:
        line += " Now choose the photo for them."
    return Opening(shown, settings_of(recipe), line, visit.offered is not None)


def look(visit: Visit, data: Any, settings: Settings) -> tuple[Shown, str]:
    """Masks and a preview for what the controls say now, and what the whole picture would take.
    Problem with the control that is wrong, Stopped where a newer look took its place."""
    if visit.opened is None:
        return visit.shown, ""
    wish = wish_of(data, settings, spare())
    if wish is None:
        visit.shown = replace(_blank(visit), picture=visit.shown.picture)
        return visit.shown, ""
    slow = wish.styled and wish.recipe.engine in SLOW
    found = visit.look(replace(wish, styled=False) if slow else wish)
    visit.shown = _looked(visit, wish, found)
    if slow:
        visit.shown.said.append(
            f"{wish.recipe.engine} takes minutes, so there is no preview: press Paint"
        )
    return visit.shown, _takes(visit.estimate(wish)) if wish.styled else ""


def wrong(visit: Visit, problem: Problem) -> Shown:
    """The stage with a line by the control that is wrong."""
    visit.shown = replace(visit.shown, errors={problem.place: str(problem)}, restore=None)
    return visit.shown


def belongs_to_rows(problem: Problem) -> bool:
    """Whether the line is shown among the rows."""
    return problem.place.split(" ")[0] in ROW_PLACES


def paint(visit: Visit, data: Any, settings: Settings) -> Iterator[str | Made]:
    """Progress as HTML, and the result at the end. Problem, Stopped."""
    wish = wish_of(data, settings, spare(), final=True)
    if wish is None:
        raise Problem("region 0", "say what to repaint, such as sky")
    for each in _reported(lambda report: visit.paint(wish, report)):
        if isinstance(each, Made):
            visit.shown = replace(
                visit.shown, after=each.shown, label=_finished(visit, each), errors={},
                said=list(each.warnings), restore=None,
            )  # fmt: skip
        yield each


def film(
    visit: Visit, settings: Settings, through: str, target: str, **more: Any
) -> Iterator[str | tuple[Path, tuple[str, ...]]]:
    """Progress as HTML, then the film's file and warnings. Problem, Stopped."""
    looks = film_styles(through)
    row = {"phrase": target.strip() or "whole picture", "style": None}
    try:
        wish = wish_of({"regions": [row]}, settings, spare())
    except Problem as problem:
        raise Problem("animation", str(problem)) from None
    assert wish is not None  # the row has a phrase
    shown = replace(wish.recipe.regions[0], strength=1.0)
    wish = replace(wish, recipe=replace(wish.recipe, regions=(shown,)))
    yield from _reported(lambda report: visit.animate(wish, looks, report, **more))


def history(visit: Visit) -> list[dict[str, str]]:
    """Tiles of what was painted, the newest first."""
    return [
        {"name": made.id, "title": made.text, "caption": made.text, "picture": made.thumbnail}
        for made in reversed(visit.made)
    ]


def again(visit: Visit, name: Any) -> tuple[Made, Opening]:
    """An earlier result, with its settings. Problem."""
    made = next((made for made in visit.made if made.id == name), None)
    if made is None:
        raise Problem("paint", "this result is gone: paint it again")
    visit.offered = None
    opening = restored(visit, made.recipe, "this result")
    opening.shown.after, opening.shown.label = made.shown, _finished(visit, made)
    return made, opening


def _reported(work: Callable[[Report], _T]) -> Iterator[str | _T]:
    """Runs the work aside, and gives its progress now and then, and what it gave at the end."""
    stages = [("starting", 0.0)]
    ended: list[_T | BaseException] = []

    def run() -> None:
        try:
            ended.append(work(lambda stage, fraction: stages.append((stage, fraction))))
        except BaseException as error:
            ended.append(error)

    thread = Thread(target=run, name="page's job", daemon=True)
    thread.start()
    told = 0
    while thread.is_alive():
        if len(stages) > told:
            told = len(stages)
            yield bar(*stages[told - 1])
        thread.join(EVERY)
    (result,) = ended
    if isinstance(result, BaseException):
        raise result
    yield result


def _opened(visit: Visit, came: Arrived) -> Opening:
    if came.picture is None:
        raise Problem("photo", "there is no picture in this file")
    opened = visit.open(came.name, came.picture)
    extent = opened.picture.extent
    picture = {
        "id": next(_numbers),
        "name": opened.name,
        "width": extent.width,
        "height": extent.height,
        "shown": opened.shown,
    }
    note = opened.picture.info.note
    visit.shown = Shown(picture=picture, said=[note] if note else [])
    visit.shown.label = f"{opened.name}, {extent.width} × {extent.height} px"
    return Opening(visit.shown)


def _blank(visit: Visit) -> Shown:
    assert visit.opened is not None
    extent = visit.opened.picture.extent
    return Shown(label=f"{visit.opened.name}, {extent.width} × {extent.height} px")


def _looked(visit: Visit, wish: Wish, found: Look) -> Shown:
    notes: dict[str, str] = {}
    said = []
    for text in found.warnings:
        place = _row_of(text, wish)
        if place:
            notes[place] = f"{notes[place]}; {text}" if place in notes else text
        else:
            said.append(text)
    side = max(visit.opened.picture.extent.long_side, 1) if visit.opened else LOOK_SIDE
    return Shown(
        picture=visit.shown.picture,
        after=found.picture,
        label=f"preview at {min(side, LOOK_SIDE)} px" if found.picture else "",
        masks={str(row): mask for row, mask in found.masks.items()},
        notes=notes,
        said=said,
    )


def _row_of(text: str, wish: Wish) -> str:
    place = blamed(text, wish)
    return place.removeprefix("region ") if place.startswith("region ") else ""


def _finished(visit: Visit, made: Made) -> str:
    if visit.opened is None:
        return "finished"
    extent = visit.opened.picture.extent
    return f"finished: {extent.width} × {extent.height} px in {made.seconds:.1f} s"


def _takes(estimate: dict[str, Any]) -> str:
    """What painting takes, in a line."""
    at, _, cost = estimate["text"].partition(", ")
    return f"{cost[:1].upper()}{cost[1:]} at most, worked at {at}."


def spare() -> str:
    """Any style's name, for a region whose style nobody has chosen yet."""
    return StyleStore().list()[0].name
