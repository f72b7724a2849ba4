"""Messages between a face and the worker: what goes in comes out, and nothing else is taken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantic_style.core.errors import RequestError
from semantic_style.core.picture import Picture
from semantic_style.plugin.gimp.semantic_style.link.wire import (
    SAMPLE_BYTES,
    WireError,
    digest,
    pack,
    pack_picture,
    unpack,
)
from semantic_style.plugin.worker.pictures import Mask, read_picture

plain = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
values = st.recursive(
    plain.filter(lambda value: value not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
headers = st.dictionaries(st.text(), values, max_size=5)


@given(headers, st.lists(st.binary(max_size=50), max_size=3))
def test_a_message_comes_out_as_it_went_in(header: dict[str, Any], samples: list[bytes]) -> None:
    parts = pack(header, *samples)
    body = b"".join(parts)
    found, rest = unpack(body)
    assert found == header
    assert bytes(rest) == b"".join(samples)
    assert digest(parts) == digest([body])


@given(st.binary(max_size=200))
def test_noise_is_refused_or_read(body: bytes) -> None:
    try:
        header, rest = unpack(body)
    except WireError:
        return
    assert isinstance(header, dict)
    assert len(rest) < len(body)


@given(headers, st.binary(min_size=4, max_size=60), st.data())
def test_a_damaged_message_is_refused_or_read(
    header: dict[str, Any], samples: bytes, data: st.DataObject
) -> None:
    body = bytearray(b"".join(pack(header, samples)))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    del body[data.draw(st.integers(0, len(body))) :]
    try:
        found, _ = unpack(body)
    except WireError:
        return
    assert isinstance(found, dict)


@given(
    width=st.integers(16, 40),
    height=st.integers(16, 40),
    channels=st.sampled_from([1, 3, 4]),
    depth=st.sampled_from(sorted(SAMPLE_BYTES)),
    icc=st.binary(max_size=200),
    data=st.data(),
)
def test_a_damaged_picture_is_refused_or_a_picture(
    width: int, height: int, channels: int, depth: str, icc: bytes, data: st.DataObject
) -> None:
    samples = bytes(width * height * channels * SAMPLE_BYTES[depth])
    body = bytearray(b"".join(pack_picture(width, height, channels, depth, samples, icc=icc)))
    assert isinstance(read_picture(body), Mask if channels == 1 else Picture)
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, min(150, len(body) - 1)))] = data.draw(st.integers(0, 255))
    del body[len(body) - data.draw(st.integers(0, 3)) :]
    try:
        found = read_picture(body)
    except RequestError:
        return
    assert isinstance(found, Mask | Picture)


def test_samples_that_do_not_fit() -> None:
    with pytest.raises(WireError, match="3 bytes"):
        pack_picture(16, 16, 3, "u8", b"abc")
    for body in (b"", b"\0\0\0", b"\xff\xff\xff\xff{}", b"\0\0\0\2[]", b"\0\0\0\2{,"):
        with pytest.raises(WireError):
            unpack(body)
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(WireError):
        unpack(len(deep).to_bytes(4, "big") + deep)
