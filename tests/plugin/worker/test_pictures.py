"""Pictures that travel: what arrives is what was sent, and what is kept is bounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from semantic_style.core.errors import RequestError
from semantic_style.core.picture import Picture
from semantic_style.core.profiles import rgb_profile
from semantic_style.plugin.gimp.semantic_style.link.wire import pack
from semantic_style.plugin.worker.pictures import Mask, NoRoom, Pictures, read_picture

from ...worker import named

KINDS = (np.uint8, np.uint16, np.float32)


def samples(kind: Any, *shape: int) -> Any:
    values = np.random.default_rng(5).random(shape)
    high = 1 if kind is np.float32 else np.iinfo(kind).max
    return (values * high).astype(kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("icc", [b"", rgb_profile(1.8)])
def test_a_picture_arrives_as_it_was(kind: Any, channels: int, icc: bytes) -> None:
    sent = samples(kind, 17, 23, channels)
    picture = read_picture(bytearray(named(sent, icc=icc)[1]))
    assert isinstance(picture, Picture)
    assert picture.pixels.dtype == kind
    assert np.array_equal(picture.pixels, sent[..., :3])
    assert (picture.alpha is None) == (channels == 3)
    assert picture.alpha is None or np.array_equal(picture.alpha, sent[..., 3])
    assert (picture.info.icc or b"") == icc
    assert not picture.grey


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_arrives_as_values(kind: Any) -> None:
    sent = samples(kind, 17, 23)
    mask = read_picture(named(sent)[1])
    assert isinstance(mask, Mask)
    high = 1 if kind is np.float32 else np.iinfo(kind).max
    assert np.allclose(mask.values, sent / high, atol=1e-6)


def test_a_mask_of_floats_holds_what_a_mask_can() -> None:
    sent = np.tile(np.array([np.nan, np.inf, -np.inf, -1, 2, 0.25], np.float32), (16, 3))
    mask = read_picture(named(sent)[1])
    assert isinstance(mask, Mask)
    assert mask.values[0, :6].tolist() == [0, 1, 0, 0, 1, 0.25]


def test_grey_is_believed_where_it_is_true() -> None:
    plain = np.repeat(samples(np.uint8, 16, 16, 1), 3, axis=2)
    colourful = plain.copy()
    colourful[3, 3, 0] ^= 1
    grey, coloured = (
        read_picture(named(plain, grey=True)[1]),
        read_picture(named(colourful, grey=True)[1]),
    )
    assert isinstance(grey, Picture)
    assert isinstance(coloured, Picture)
    assert grey.grey
    assert not coloured.grey


RIGHT = {"width": 16, "height": 16, "channels": 3, "depth": "u8", "icc": 0, "grey": False}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"width": 0}, "width"),
        ({"width": -16}, "width"),
        ({"width": True}, "width"),
        ({"width": 16.0}, "width"),
        ({"width": "16"}, "width"),
        ({"width": None}, "width"),
        ({"height": 2**40}, "height"),
        ({"width": 2**30, "height": 2**30}, "200 megapixels"),
        ({"width": 8, "height": 32}, "at least 16"),
        ({"height": 17}, "bytes"),
        ({"channels": 2}, "channels"),
        ({"channels": 4}, "bytes"),
        ({"depth": "u32"}, "depth"),
        ({"depth": ["u8"]}, "depth"),
        ({"depth": "u16"}, "bytes"),
        ({"icc": 1}, "bytes"),
        ({"icc": 2**31 - 1}, "profile"),
        ({"grey": 1}, "grey"),
    ],
)
def test_a_header_that_can_not_be(wrong: dict[str, Any], says: str) -> None:
    body = b"".join(pack({**RIGHT, **wrong}, bytes(16 * 16 * 3)))
    with pytest.raises(RequestError, match=says) as refusal:
        read_picture(body)
    assert "\n" not in str(refusal.value)


def put(pictures: Pictures, number: int, side: int = 16) -> str:
    name, body = named(np.full((side, side, 3), number, np.uint8))
    pictures.expect(len(body))
    pictures.arrived(len(body), name, read_picture(body))
    return name


def test_the_longest_unused_make_room() -> None:
    pictures = Pictures(room=3000)  # three of them, of 768 bytes each, and one that arrives
    a, b, c = (put(pictures, number) for number in range(3))
    assert a in pictures
    d = put(pictures, 3)
    assert [name in pictures for name in (a, b, c, d)] == [True, False, True, True]


def test_what_a_job_needs_stays_and_goes_afterwards() -> None:
    pictures = Pictures(room=2000)
    a = put(pictures, 1)
    assert isinstance(pictures.take([a, a])[a], Picture)
    put(pictures, 2)
    put(pictures, 3)
    assert a in pictures
    with pytest.raises(NoRoom):
        pictures.expect(1500)
    pictures.release([a, a])
    pictures.expect(1500)
    pictures.arrived(1500)
    assert a not in pictures


def test_one_that_is_larger_than_the_room_has_it_for_itself() -> None:
    pictures = Pictures(room=2000)
    small = put(pictures, 1)
    large = put(pictures, 2, side=64)
    assert large in pictures
    assert small not in pictures
    assert put(pictures, 3) in pictures
    assert large not in pictures


def test_what_is_arriving_counts() -> None:
    pictures = Pictures(room=2000)
    pictures.expect(1500)
    with pytest.raises(NoRoom):
        pictures.expect(1500)
    pictures.arrived(1500)
    pictures.expect(1500)


def test_one_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        Pictures().take(["0" * 64])
