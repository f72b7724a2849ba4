"""A warm stylist and a picture that are small enough for outcomes to be worked out by hand, and a
perceptual network for what trains."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semantic_style.core.nets.encoder import VGG16, Encoder
from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist

from .tiny import ColourSegmenter, TintEngine, fields, style_of


@pytest.fixture
def stylist() -> Stylist:
    return Stylist(ColourSegmenter(), TintEngine(), style_of)


@pytest.fixture
def picture() -> Picture:
    return Picture(fields())


@pytest.fixture(scope="session")
def vgg16(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in torchvision's layout with random filters: the mechanics need no more."""
    torch.manual_seed(0)
    state, position = {}, 0
    for stage in Encoder(VGG16).stages:
        for conv in stage:  # type: ignore[union-attr]
            for name in ("weight", "bias"):
                state[f"features.{position}.{name}"] = getattr(conv, name).detach().half()
            position += 2
        position += 1
    path = tmp_path_factory.mktemp("vgg16") / "vgg16.safetensors"
    save_file(state, path)
    return path
