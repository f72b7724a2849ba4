"""What the worker gave for a layer, checked before the document is touched. No gi."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..link.wire import SAMPLE_BYTES, WireError
from .placing import Box, checksum


@dataclass(frozen=True, eq=False)
class Arrived:
    """One layer. region: its number in the recipe, -1 for all of them merged. box: in the source
    layer. pixels: RGB of `depth`. mask: one channel of `mask_depth`."""

    name: str
    region: int
    box: Box
    depth: str
    pixels: memoryview
    mask_depth: str
    mask: memoryview

    @property
    def sums(self) -> tuple[str, str]:
        """Checksums of mask and pixels. The box counts as part of the mask."""
        box = self.box
        place = f"{box.x} {box.y} {box.width} {box.height} ".encode()
        return checksum(place + bytes(self.mask)), checksum(self.pixels)


def arrived_layers(
    header: Mapping[str, Any], samples: memoryview, width: int, height: int
) -> list[Arrived]:
    """The layers of a job's result, topmost first. width, height: of the picture that was sent.
    WireError for what does not fit together."""
    try:
        return [_layer(each, samples, Box(0, 0, width, height)) for each in header["layers"]]
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"the worker's answer is damaged ({error}): run it again") from None


def _layer(entry: Mapping[str, Any], samples: memoryview, whole: Box) -> Arrived:
    box = Box(*(int(entry[name]) for name in ("x", "y", "width", "height")))
    if box.empty or box.shared_with(whole) != box:
        raise ValueError(f"{box} lies outside the layer")
    depth, mask_depth = str(entry["depth"]), str(entry["mask_depth"])
    return Arrived(
        name=str(entry["name"]),
        region=int(entry["region"]),
        box=box,
        depth=depth,
        pixels=_part(samples, int(entry["offset"]), box, 3 * SAMPLE_BYTES[depth]),
        mask_depth=mask_depth,
        mask=_part(samples, int(entry["mask_offset"]), box, SAMPLE_BYTES[mask_depth]),
    )


def _part(samples: memoryview, start: int, box: Box, size: int) -> memoryview:
    length = box.width * box.height * size
    if start < 0 or start + length > len(samples):
        raise ValueError("samples are missing")
    return samples[start : start + length]
