"""Words to a selection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gi.repository import Babl, Gimp

from ..link.client import Client
from ..link.wire import WireError
from .asking import Answer, answer_of, only_region
from .faults import Refused
from .pixels import box_of, read_picture, write
from .placing import Box, laid_over
from .waiting import Event, awaited

OPERATIONS = {
    "replace": Gimp.ChannelOps.REPLACE,
    "add": Gimp.ChannelOps.ADD,
    "subtract": Gimp.ChannelOps.SUBTRACT,
    "intersect": Gimp.ChannelOps.INTERSECT,
}
ANY_STYLE = "none"  # a recipe needs one; for a mask nobody looks at it


@dataclass(frozen=True)
class Choice:
    """What is to be selected. threshold: above 0, below 1. grow, feather: px of the layer."""

    phrase: str
    operation: str = "replace"
    threshold: float = 0.5
    grow: int = 0
    feather: float = 2.0
    invert: bool = False
    segmenter: str = "auto"


def layer_to_search(image: Any, drawables: list[Any]) -> Any:
    """The one layer, or group of layers, that is searched. Refused."""
    if not image.is_valid():
        raise Refused("the image was closed")
    if len(drawables) != 1:
        raise Refused("select one layer: it is what the words are looked for in")
    if not drawables[0].is_valid() or not drawables[0].is_layer():
        raise Refused("a channel or a mask can't be searched: select a layer")
    return drawables[0]


def select(
    client: Client, image: Any, layer: Any, choice: Choice, seen: Callable[[Event], None]
) -> None:
    """Find the phrase in the layer and select it there, one undo step; soft edges stay soft.

    seen: called with the worker's events. Refused, WorkerError (also where the phrase is not
    found): the selection stays as it is.
    """
    if not choice.phrase.strip():
        raise Refused("nothing is named: type what to select, such as sky")
    picture = read_picture(layer)

    def ask(tell: Callable[[Event], None]) -> Answer:
        recipe = only_region(client, f"{choice.phrase} = {ANY_STYLE}")
        recipe["regions"][0].update(
            threshold=choice.threshold,
            grow=choice.grow,
            feather=choice.feather,
            invert=choice.invert,
        )
        recipe["segmenter"] = choice.segmenter
        name = client.put_picture(picture.parts)
        job = client.submit("mask", name, recipe, side=0, strict=True)
        return answer_of(client, job, tell)

    def look() -> None:
        if not image.is_valid():
            raise Refused("the image was closed")

    header, samples = awaited(ask, seen, look)
    look()
    if not layer.is_valid():
        raise Refused("the layer was deleted meanwhile")
    mask = _mask(header, samples, picture.box)
    _select(image, mask, box_of(layer), choice)


def _mask(header: dict[str, Any], samples: memoryview, box: Box) -> memoryview:
    """One channel u8 of the layer's size. WireError."""
    start, length = int(header["regions"][0]["offset"]), box.width * box.height
    if (header["width"], header["height"]) != (box.width, box.height) or start + length > len(
        samples
    ):
        raise WireError("the mask has another size than the layer: update semantic-style")
    return samples[start : start + length]


def _select(image: Any, mask: memoryview, box: Box, choice: Choice) -> None:
    whole = Box(0, 0, image.get_width(), image.get_height())
    channel = Gimp.Channel.new(
        image, choice.phrase, whole.width, whole.height, 50.0, Gimp.context_get_foreground()
    )
    # A channel counts by its own values, and those of an 8-bit image's are not linear.
    curved = Babl.get_name(channel.get_format()).startswith("Y'")
    write(channel, "Y' u8" if curved else "Y u8", 1, laid_over(mask, box, whole, 1))
    image.undo_group_start()
    # A channel that comes into the image becomes the chosen item: the layers are chosen again.
    layers, channels = image.get_selected_layers(), image.get_selected_channels()
    try:
        if not image.insert_channel(channel, None, 0):
            raise Refused("GIMP made no channel: is there memory left?")
        try:
            image.select_item(OPERATIONS[choice.operation], channel)
        finally:
            image.remove_channel(channel)
            if channels:
                image.set_selected_channels(channels)
            elif layers:
                image.set_selected_layers(layers)
    finally:
        image.undo_group_end()
        Gimp.displays_flush()
