"""What a job is made of: the layer that was selected, what bounds it, and what a person painted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gi.repository import Gegl, Gimp

from ..link.wire import SAMPLE_BYTES, pack_picture
from . import memory
from .faults import Refused
from .memory import Record
from .pixels import Picture, box_of, mask_depth_of, read, read_picture
from .placing import Box, at_depth, carried_over, laid_over

Parts = list[bytes | memoryview]


class SourceChanged(Refused):
    """The layer that a group was made from has other pixels than it had."""


@dataclass(frozen=True)
class Former:
    """What an earlier run left. layers: those that are still there, by their regions."""

    holder: Any
    record: Record
    layers: dict[int, Any]


@dataclass(frozen=True)
class Source:
    """A layer to be repainted and, where it was before, what came of it."""

    layer: Any
    former: Former | None = None

    @property
    def name(self) -> str:
        return str(self.layer.get_name())


@dataclass(frozen=True)
class Work:
    """All that the worker needs beside the recipe. bound: samples of mask_depth, one channel of
    the picture's size, or None. painted: the masks by the number of their region."""

    picture: Picture
    mask_depth: str
    bound: bytes | None
    painted: dict[int, Parts] = field(default_factory=dict)

    @property
    def bound_parts(self) -> Parts | None:
        return None if self.bound is None else mask_parts(self.picture, self.bound, self.mask_depth)


def mask_parts(picture: Picture, samples: bytes, depth: str) -> Parts:
    return pack_picture(picture.box.width, picture.box.height, 1, depth, samples)


def sources_of(image: Any, drawables: list[Any]) -> list[Source]:
    """What is to be repainted, each once, in the order selected. Refused in a line otherwise."""
    if not image.is_valid():
        raise Refused("the image was closed")
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise Refused(
            "an indexed image can't take new colours: choose Image > Mode > RGB, and try again"
        )
    if image.get_floating_sel() is not None:
        raise Refused("there is a floating selection: choose Layer > Anchor Layer, and try again")
    if not drawables:
        raise Refused("no layer is selected: select the layer to repaint")
    found: list[Source] = []
    holders: set[int] = set()
    for drawable in drawables:
        if not drawable.is_valid():
            raise Refused("the layer was deleted")
        if not drawable.is_layer():
            raise Refused(f"{drawable.get_name()} is a channel or a mask: select a layer instead")
        holder = memory.holder_of(drawable)
        if holder is None and drawable.is_group():
            raise Refused(
                f"{drawable.get_name()} is a group of layers: select a layer in it, or merge it"
            )
        if holder is None:
            found.append(Source(drawable))
        elif holder.get_id() not in holders:
            holders.add(holder.get_id())
            found.append(_former(image, holder))
    return found


def _former(image: Any, holder: Any) -> Source:
    record = memory.record_of(holder)
    assert record is not None  # what holder_of gives has one
    layer = image.get_layer_by_tattoo(record.tattoo)
    if layer is None or layer.is_group():
        raise Refused(
            f"the layer {record.name} that {holder.get_name()} was made from is gone: select "
            "another layer, and run it anew"
        )
    return Source(layer, Former(holder, record, memory.own_layers(holder, record)))


def carried_numbers(former: Former, regions: list[dict[str, Any]]) -> dict[int, int]:
    """Which number each region of the former run has now; of a merged layer, its own only."""
    if former.record.merge:
        return {memory.MERGED: memory.MERGED}
    return carried_over(former.record.recipe["regions"], regions)


def painted_of(layers: dict[int, Any]) -> list[int]:
    """The numbers of the layers whose masks a person painted."""
    return [number for number, layer in layers.items() if memory.is_painted(layer)]


def work_of(
    source: Source, recipe: dict[str, Any], options: Any, picture: Picture | None = None
) -> Work:
    """Read what the worker needs. picture: the layer's, where it was read before. SourceChanged,
    and Refused where the selection misses the layer."""
    layer, former = source.layer, source.former
    picture = picture or read_picture(layer)
    depth = mask_depth_of(layer.get_image())
    painted: dict[int, Parts] = {}
    if former is None or options.recompute_masks:
        bound = _bound(layer, picture, depth, options.selection_only)
    else:
        bound = _former_bound(former, picture, SAMPLE_BYTES[depth])
        painted = _painted(former, picture, recipe["regions"])
    return Work(picture, depth, bound, painted)


def _former_bound(former: Former, picture: Picture, size: int) -> bytes | None:
    """The selection of the former run, which bounds this one, too."""
    bound = memory.selection_of(former.holder)
    try:
        pixels = picture.box.width * picture.box.height
        return None if bound is None else at_depth(bound, pixels, size)
    except ValueError:
        raise Refused(
            f"{former.record.name} was resized since {former.holder.get_name()} was made within a "
            "selection: select again, and choose recompute masks"
        ) from None


def _painted(former: Former, picture: Picture, regions: list[dict[str, Any]]) -> dict[int, Parts]:
    """The masks that a person painted, as maps of the picture, by their regions' numbers now."""
    numbers = carried_numbers(former, regions)
    if former.record.merge:
        # One mask for all regions can only stand for the one that there is.
        numbers = {memory.MERGED: 0} if len(regions) == 1 else {}
    x, y, *_ = former.record.box
    whole = Box(x, y, picture.box.width, picture.box.height)
    parts: dict[int, Parts] = {}
    for number in painted_of(former.layers):
        if number in numbers:
            layer = former.layers[number]
            box = box_of(layer)
            mask = read(layer.get_mask(), box.at_origin, "Y u16", 2)
            parts[numbers[number]] = mask_parts(picture, laid_over(mask, box, whole, 2), "u16")
    return parts


def _bound(layer: Any, picture: Picture, depth: str, selection_only: bool) -> bytes | None:
    """What may be repainted: the selection, and where other layers show through the layer only
    as much of it as it covers. None for all of it."""
    image, box, size = layer.get_image(), picture.box, SAMPLE_BYTES[depth]
    maps = []
    if selection_only and not Gimp.Selection.is_empty(image):
        samples = read(image.get_selection(), box, f"Y {depth}", size)
        if samples == bytes(len(samples)):
            raise Refused(
                f"the selection lies outside the layer {layer.get_name()}: choose Select > None, "
                "or select a part of the layer"
            )
        maps.append(samples)
    if something_below(layer):
        alpha = picture.alpha(layer)
        if alpha is not None:
            maps.append(alpha)
        mask = layer.get_mask()
        if mask is not None and layer.get_apply_mask():
            maps.append(read(mask, box.at_origin, f"Y {depth}", size))
    opaque = b"\xff" * (box.width * box.height * size)
    maps = [samples for samples in maps if samples != opaque]
    while len(maps) > 1:
        maps[:2] = [_product(maps[0], maps[1], box, f"Y {depth}")]
    return maps[0] if maps else None


def something_below(layer: Any) -> bool:
    """Whether other layers may be seen through the layer."""
    parent = layer.get_parent()
    siblings = parent.get_children() if parent is not None else layer.get_image().get_layers()
    ids = [each.get_id() for each in siblings]
    below = siblings[ids.index(layer.get_id()) + 1 :]
    if any(each.get_visible() for each in below):
        return True
    through = parent is not None and parent.get_mode() == Gimp.LayerMode.PASS_THROUGH
    return through and something_below(parent)


def _product(one: bytes, other: bytes, box: Box, form: str) -> bytes:
    """Two masks multiplied, by GEGL, since Python alone takes seconds for it."""
    Gegl.init(None)
    place = Gegl.Rectangle.new(0, 0, box.width, box.height)
    graph, out = Gegl.Node(), Gegl.Buffer.new(form, 0, 0, box.width, box.height)
    inputs = []
    for samples in (one, other):
        buffer = Gegl.Buffer.new(form, 0, 0, box.width, box.height)
        buffer.set(place, form, samples)
        inputs.append(graph.create_child("gegl:buffer-source"))
        inputs[-1].set_property("buffer", buffer)
    product, sink = graph.create_child("gegl:multiply"), graph.create_child("gegl:write-buffer")
    sink.set_property("buffer", out)
    inputs[0].link(product)
    inputs[1].connect_to("output", product, "aux")
    product.link(sink)
    sink.process()
    return bytes(out.get(place, 1.0, form, Gegl.AbyssPolicy.NONE))
