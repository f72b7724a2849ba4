"""What came back goes into the document: all of it, in one undo step, or nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gi.repository import Gimp

from . import group, memory
from .arrived import Arrived
from .faults import Refused
from .memory import Record
from .options import Options
from .pixels import box_of
from .placing import Box
from .renewal import Fate, Standing, fates
from .source import Source, Work, carried_numbers, painted_of, something_below


@dataclass(frozen=True)
class Wish:
    """What is asked of one source: a recipe that holds all it names, as it is remembered."""

    recipe: dict[str, Any]
    merge: bool
    strict: bool


@dataclass(frozen=True, eq=False)
class Done:
    """What came back for one source. sha256: the name of its picture at the worker."""

    source: Source
    wish: Wish
    work: Work
    sha256: str
    layers: list[Arrived]
    warnings: list[str]


def written(image: Any, done: list[Done], options: Options) -> list[Any]:
    """Put all into the document, in one undo step, made ready before it. Refused."""
    puts = [_prepared(image, each, options) for each in done]
    image.undo_group_start()
    try:
        holders = [put() for put in puts]
        image.set_selected_layers(holders)
    finally:
        image.undo_group_end()
        Gimp.displays_flush()
    return holders


Put = Callable[[], Any]  # changes the document; gives the holder


def _prepared(image: Any, done: Done, options: Options) -> Put:
    former = done.source.former
    if former is None or former.record.merge != done.wish.merge:
        return _fresh(image, done)
    return _again(image, done, options)


def _record(done: Done, holder: str, regions: list[int], box: Box) -> Record:
    layer = done.source.layer
    return Record(
        id=holder,
        recipe=done.wish.recipe,
        merge=done.wish.merge,
        strict=done.wish.strict,
        tattoo=layer.get_tattoo(),
        name=done.source.name,
        box=(box.x, box.y, box.width, box.height),
        sha256=done.sha256,
        regions=tuple(regions),
    )


def _fresh(image: Any, done: Done) -> Put:
    """A new holder above the source; in place of the former one, if that was of another kind."""
    source, former, name = box_of(done.source.layer), done.source.former, uuid.uuid4().hex
    title = group.title_of(done.layers)
    layers = [group.new_layer(image, each, source, name) for each in done.layers]
    if not layers:
        raise Refused("nothing came back: none of the regions shows in the layer")
    holder = layers[0] if done.wish.merge else group.new_group(image, title)
    if done.wish.merge:
        holder.set_name(title)
    if something_below(done.source.layer):
        holder.set_opacity(done.source.layer.get_opacity())
    record = _record(done, name, [each.region for each in done.layers], source)
    memory.remember(holder, record, done.work.bound)

    def put() -> Any:
        above = done.source.layer if former is None else former.holder
        position = image.get_item_position(above)
        group.insert(image, holder, above.get_parent(), position)
        try:
            for number, layer in enumerate(layers if holder.is_group() else []):
                group.insert(image, layer, holder, number)
        except Refused:
            image.remove_layer(holder)
            raise
        if former is not None:
            for layer in former.layers.values():
                image.remove_layer(layer)
            old = former.holder
            if old.is_valid() and old.is_group() and not old.get_children():
                image.remove_layer(old)
        return holder

    return put


def _again(image: Any, done: Done, options: Options) -> Put:
    """Of the former holder's layers, only those that changed."""
    former = done.source.former
    assert former is not None
    record, source, recipe = former.record, box_of(done.source.layer), done.wish.recipe
    numbers = carried_numbers(former, recipe["regions"])
    there = {numbers[k]: layer for k, layer in former.layers.items() if k in numbers}
    painted = [] if options.recompute_masks else painted_of(there)
    marks = {k: mark for k, layer in there.items() if (mark := memory.mark_of(layer)) is not None}
    standing = {k: Standing((mark.sent, mark.pixels), k in painted) for k, mark in marks.items()}
    deleted = frozenset(
        numbers[k]
        for k in record.regions
        if k in numbers and k not in former.layers and not options.recompute_masks
    )
    arrived = {each.region: each for each in done.layers}
    what = fates(standing, [(k, each.sums) for k, each in arrived.items()], deleted)
    old = Box(*record.box)
    made: dict[int, Any] = {}
    for k, fate in what.items():
        if fate in (Fate.REPLACE, Fate.INSERT):
            made[k] = group.new_layer(image, arrived[k], source, record.id, there.get(k))
        elif fate is Fate.REPAINT:
            made[k] = group.repainted_copy(there[k], arrived[k], old, marks[k])
    dropped = [layer for k, layer in former.layers.items() if k not in numbers]
    dropped += [there[k] for k, fate in what.items() if fate is Fate.REMOVE]
    regions = sorted(deleted | {k for k, fate in what.items() if fate is not Fate.REMOVE})
    now = _record(done, record.id, regions, source)
    changed_recipe = record.recipe["regions"] != recipe["regions"]

    def put() -> Any:
        holder = former.holder
        for k, fate in what.items():
            if fate in (Fate.STAY, Fate.REPAINT):
                layer = made.get(k, there[k])
                memory.renumber(layer, k)
                _, x, y = layer.get_offsets()
                if (source.x, source.y) != (old.x, old.y):
                    layer.set_offsets(x + source.x - old.x, y + source.y - old.y)
            if fate in (Fate.REPLACE, Fate.REPAINT):
                group.replace(image, there[k], made[k])
        standing_now = {k: made.get(k, there.get(k)) for k in what if what[k] is not Fate.INSERT}
        for k, fate in what.items():
            if fate is Fate.INSERT:
                place = group.place_below(holder, k, list(arrived), standing_now)
                group.insert(image, made[k], holder, place)
                standing_now[k] = made[k]
        for layer in dropped:
            image.remove_layer(layer)
        group.put_in_order(image, [standing_now[k] for k in arrived if k in standing_now])
        if record.merge:
            holder = made.get(memory.MERGED, holder)
        elif changed_recipe and holder.get_name().startswith(group.TITLE):
            holder.set_name(group.title_of(done.layers))
        if now != record or holder is not former.holder:
            memory.remember(holder, now, done.work.bound)
        return holder

    return put
