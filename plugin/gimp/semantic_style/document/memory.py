"""What a group of layers remembers of how it was made, in parasites that XCF files keep.

On the group, or on the layer that holds all regions merged ("the holder"): RECORD, and SELECTION
where the run was bounded by one. On each layer that came back: MARK. Only layers that carry a
mark of their holder's own id are ever replaced.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, replace
from typing import Any

from gi.repository import Gimp

from .pixels import box_of, read
from .placing import checksum

RECORD = "semantic-style"
SELECTION = "semantic-style-selection"
MARK = "semantic-style-layer"
FORMAT = 1
MERGED = -1  # the region's number of a layer that holds all of them


@dataclass(frozen=True)
class Record:
    """How a holder was made.

    id: names the holder. recipe: canonical data, as it was asked for. merge, strict: see Options.
    tattoo, name: of the source layer. box: [x, y, width, height] of the source in the image.
    sha256: of the message that brought its samples to the worker. regions: numbers of those
    that got a layer.
    """

    id: str
    recipe: dict[str, Any]
    merge: bool
    strict: bool
    tattoo: int
    name: str
    box: tuple[int, ...]
    sha256: str
    regions: tuple[int, ...]


@dataclass(frozen=True)
class Mark:
    """What a layer was when it came back. holder: its holder's id. tattoo: the layer's own, by
    which it is told from copies of it. mask: checksum of the layer mask in the document;
    sent, pixels: of mask and samples as the worker gave them."""

    holder: str
    tattoo: int
    region: int
    mask: str
    sent: str
    pixels: str


def remember(holder: Any, record: Record, bound: bytes | None) -> None:
    """Write the record; with what bounded the run, one channel of the source's size."""
    _write(holder, RECORD, vars(record))
    if bound is not None:
        _attach(holder, SELECTION, base64.b64encode(zlib.compress(bound, 1)))
    elif holder.get_parasite(SELECTION) is not None:
        holder.detach_parasite(SELECTION)


def record_of(holder: Any) -> Record | None:
    """The record that an item carries itself; None where it carries none that can be read."""
    data = _read(holder, RECORD)
    if data is None:
        return None
    try:
        x, y, width, height = map(int, data.pop("box"))
        regions = tuple(map(int, data.pop("regions")))
        record = Record(**data, box=(x, y, width, height), regions=regions)
        # A document may come from anywhere: what is read on is at least of the right kind.
        return record if all(isinstance(each, dict) for each in record.recipe["regions"]) else None
    except (KeyError, TypeError, ValueError):
        return None


def selection_of(holder: Any) -> bytes | None:
    """What bounded the run."""
    parasite = holder.get_parasite(SELECTION)
    try:
        if parasite is None:
            return None
        return zlib.decompress(base64.b64decode(bytes(parasite.get_data())))
    except (ValueError, zlib.error):
        return None


def mark(layer: Any, holder: str, region: int, sent: str, pixels: str) -> None:
    """Write down what the layer is now."""
    _write(
        layer, MARK, vars(Mark(holder, layer.get_tattoo(), region, mask_sum(layer), sent, pixels))
    )


def marked_again(layer: Any, old: Mark, pixels: str) -> None:
    """A copy of a layer whose mask a person painted: that its mask is theirs is kept."""
    _write(layer, MARK, vars(replace(old, tattoo=layer.get_tattoo(), pixels=pixels)))


def renumber(layer: Any, region: int) -> None:
    """The layer stays, and its region has another number in the recipe now."""
    own = mark_of(layer)
    if own is not None and own.region != region:
        _write(layer, MARK, vars(replace(own, region=region)))


def mark_of(layer: Any) -> Mark | None:
    data = _read(layer, MARK)
    try:
        return None if data is None else Mark(**data)
    except TypeError:
        return None


def holder_of(item: Any) -> Any | None:
    """The group or merged layer that an item is or belongs to; None where it is not ours."""
    if record_of(item) is not None:
        return item
    parent, own = item.get_parent(), mark_of(item)
    above = None if parent is None else record_of(parent)
    return parent if own is not None and above is not None and above.id == own.holder else None


def own_layers(holder: Any, record: Record) -> dict[int, Any]:
    """The holder's layers by their regions, as far as they are still there with their masks.

    Of copies the one that came back itself counts.
    """
    found: dict[int, Any] = {}
    for layer in holder.get_children() if holder.is_group() else [holder]:
        own = mark_of(layer)
        if own is None or own.holder != record.id or layer.get_mask() is None:
            continue
        if own.region not in found or own.tattoo == layer.get_tattoo():
            found[own.region] = layer
    return found


def mask_sum(layer: Any) -> str:
    """The checksum of the layer's mask at 16 bits, which every image's masks can be read in."""
    mask = layer.get_mask()
    return checksum(read(mask, box_of(layer).at_origin, "Y u16", 2))


def is_painted(layer: Any) -> bool:
    """Whether a person has changed the layer's mask since it came back."""
    own = mark_of(layer)
    return own is not None and own.mask != mask_sum(layer)


def _write(item: Any, name: str, data: dict[str, Any]) -> None:
    # Text of ASCII: GIMP 3.0 takes no bytes above 127.
    _attach(item, name, json.dumps({"format": FORMAT, **data}, separators=(",", ":")).encode())


def _read(item: Any, name: str) -> dict[str, Any] | None:
    """What was written, if this version can read it."""
    parasite = item.get_parasite(name)
    try:
        data = json.loads(bytes(parasite.get_data())) if parasite is not None else None
    except ValueError:
        return None
    if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
        return None
    return data


def _attach(item: Any, name: str, data: bytes) -> None:
    flags = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
    item.attach_parasite(Gimp.Parasite.new(name, flags, data))
