"""Layers that come back: made aside first, so that the document changes in one short step."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from gi.repository import Gimp

from ..link.wire import SAMPLE_BYTES
from . import memory
from .arrived import Arrived
from .faults import Refused
from .memory import Mark
from .pixels import box_of, read, write
from .placing import Box, laid_over

TITLE = "Semantic Style"


def title_of(arrived: list[Arrived]) -> str:
    return f"{TITLE}: {', '.join(layer.name for layer in arrived)}"


def new_group(image: Any, name: str) -> Any:
    """A group that lets its layers blend with what lies under it; in no image yet."""
    group = Gimp.GroupLayer.new(image, name)
    group.set_mode(Gimp.LayerMode.PASS_THROUGH)
    return group


def new_layer(image: Any, arrived: Arrived, source: Box, holder: str, like: Any = None) -> Any:
    """A layer with its mask and mark, in no image yet. source: where the source layer is.
    like: a layer whose look in the stack it takes over."""
    grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = Gimp.ImageType.GRAY_IMAGE if grey else Gimp.ImageType.RGB_IMAGE
    box = arrived.box.moved(source.x, source.y)
    layer = Gimp.Layer.new(
        image, arrived.name, box.width, box.height, kind, 100.0, Gimp.LayerMode.NORMAL
    )
    layer.set_offsets(box.x, box.y)
    write(layer, f"R'G'B' {arrived.depth}", 3 * SAMPLE_BYTES[arrived.depth], arrived.pixels)
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    write(mask, f"Y {arrived.mask_depth}", SAMPLE_BYTES[arrived.mask_depth], arrived.mask)
    if not layer.add_mask(mask):
        raise Refused("GIMP made no layer mask: is there memory left?")
    # Colours are covered as core does it: in the image's own values, alpha stays what it is.
    layer.set_blend_space(Gimp.LayerColorSpace.RGB_NON_LINEAR)
    layer.set_composite_space(Gimp.LayerColorSpace.RGB_NON_LINEAR)
    layer.set_composite_mode(Gimp.LayerCompositeMode.CLIP_TO_BACKDROP)
    if like is not None:
        _take_look(layer, like)
    memory.mark(layer, holder, arrived.region, *arrived.sums)
    return layer


def _take_look(layer: Any, like: Any) -> None:
    """What a person set on the layer that this one replaces."""
    layer.set_opacity(like.get_opacity())
    layer.set_mode(like.get_mode())
    layer.set_blend_space(like.get_blend_space())
    layer.set_composite_space(like.get_composite_space())
    layer.set_composite_mode(like.get_composite_mode())
    layer.set_visible(like.get_visible())
    layer.set_color_tag(like.get_color_tag())
    layer.set_apply_mask(like.get_apply_mask())


def repainted_copy(layer: Any, arrived: Arrived, source: Box, mark: Mark) -> Any:
    """A copy of a layer with new pixels below the same mask; in no image yet."""
    copy = layer.copy()
    form, size = f"R'G'B' {arrived.depth}", 3 * SAMPLE_BYTES[arrived.depth]
    box, place = box_of(layer), arrived.box.moved(source.x, source.y)
    below = read(layer, box.at_origin, form, size)
    write(copy, form, size, laid_over(arrived.pixels, place, box, size, below))
    memory.marked_again(copy, mark, arrived.sums[1])
    return copy


def insert(image: Any, layer: Any, parent: Any, position: int) -> None:
    """Refused where GIMP will not have it."""
    if not image.insert_layer(layer, parent, position):
        raise Refused(f"GIMP did not take the layer {layer.get_name()}")


def replace(image: Any, old: Any, new: Any) -> None:
    parent, position, name = old.get_parent(), image.get_item_position(old), old.get_name()
    insert(image, new, parent, position)
    image.remove_layer(old)
    new.set_name(name)  # with two of the name, GIMP had added a number


def place_below(holder: Any, region: int, order: list[int], layers: Mapping[int, Any]) -> int:
    """The position in a group for a region's layer: below the nearest that comes before it."""
    image = holder.get_image()
    for before in reversed(order[: order.index(region)]):
        if before in layers:
            return int(image.get_item_position(layers[before])) + 1
    return 0


def put_in_order(image: Any, layers: list[Any]) -> None:
    """Layers of one group, topmost first; other layers between them stay where they are if
    nothing has to move."""
    for above, layer in itertools.pairwise(layers):
        place = image.get_item_position(above)
        if image.get_item_position(layer) < place:
            # What is taken away above lifts all that lies below it.
            image.reorder_item(layer, layer.get_parent(), place)
