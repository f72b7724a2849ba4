"""A picture as a screen shows it."""

from __future__ import annotations

import numpy as np

from semantic_style.core.picture import Picture, to_screen


def test_a_screen_gets_eight_bits_of_any_picture_with_alpha() -> None:
    deep = np.array([[[0, 32768, 65535]]], np.uint16)
    assert to_screen(Picture(deep)).tolist() == [[[0, 128, 255, 255]]]
    half = Picture(deep, alpha=np.array([[32768]], np.uint16))
    assert to_screen(half)[0, 0, 3] == 128


def test_what_is_no_number_is_shown_clear() -> None:
    broken = np.full((1, 1, 3), np.nan, np.float32)
    shown = to_screen(Picture(broken, alpha=np.full((1, 1), np.nan, np.float32)))
    assert shown.tolist() == [[[0, 0, 0, 0]]]
