"""A warm stylist and a picture that are small enough for outcomes to be worked out by hand."""

from __future__ import annotations

import pytest

from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist

from .tiny import ColourSegmenter, TintEngine, fields, style_of


@pytest.fixture
def stylist() -> Stylist:
    return Stylist(ColourSegmenter(), TintEngine(), style_of)


@pytest.fixture
def picture() -> Picture:
    return Picture(fields())
