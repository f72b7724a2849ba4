"""What the worker gives is checked before the document is touched."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_style.plugin.gimp.semantic_style.document.arrived import arrived_layers
from semantic_style.plugin.gimp.semantic_style.link.wire import WireError

ENTRY = {
    "name": "sky", "region": 0, "x": 1, "y": 0, "width": 2, "height": 1,
    "depth": "u8", "offset": 0, "mask_depth": "u8", "mask_offset": 6,
}  # fmt: skip
SAMPLES = memoryview(b"abcdefgh")


def test_a_layer_is_cut_out_of_the_samples() -> None:
    (layer,) = arrived_layers({"layers": [ENTRY]}, SAMPLES, 3, 1)
    assert (layer.name, layer.box.x, layer.box.width) == ("sky", 1, 2)
    assert (bytes(layer.pixels), bytes(layer.mask)) == (b"abcdef", b"gh")


def test_the_same_mask_elsewhere_is_another_mask() -> None:
    there, moved = (
        arrived_layers({"layers": [{**ENTRY, "x": x}]}, SAMPLES, 3, 1)[0].sums for x in (0, 1)
    )
    assert there[0] != moved[0]
    assert there[1] == moved[1]


NUMBERS = st.integers(-5, 12)
CHANGES = st.dictionaries(
    st.sampled_from([*ENTRY]), NUMBERS | st.none() | st.sampled_from(["u8", "u16", "float", "x"])
)


@given(CHANGES)
def test_whatever_an_entry_says_no_sample_from_elsewhere_is_taken(changes: dict[str, Any]) -> None:
    try:
        layers = arrived_layers({"layers": [{**ENTRY, **changes}]}, SAMPLES, 3, 1)
    except WireError:
        return
    for layer in layers:
        area = layer.box.width * layer.box.height
        assert area >= 1
        assert 0 <= layer.box.x <= layer.box.right <= 3
        assert 0 <= layer.box.y <= layer.box.bottom <= 1
        assert len(layer.pixels) == 3 * area * {"u8": 1, "u16": 2, "float": 4}[layer.depth]


@pytest.mark.parametrize("header", [{}, {"layers": 3}, {"layers": ["sky"]}, {"layers": [{}]}])
def test_a_damaged_answer_is_said_in_a_line(header: dict[str, Any]) -> None:
    with pytest.raises(WireError, match="run it again"):
        arrived_layers(header, SAMPLES, 3, 1)
