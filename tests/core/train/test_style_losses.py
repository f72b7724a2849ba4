"""What a network is trained by sees photograph, style and output alike."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F

from semantic_style.core.train.style_losses import StyleLosses, StyleWeights


def test_losses_squash_all_three_pictures(vgg16: Path) -> None:
    """A photograph against itself keeps all and takes nothing, whatever its shape and the
    style's."""
    torch.manual_seed(0)
    photo, style = torch.rand(1, 3, 70, 100), torch.rand(1, 3, 96, 64)
    losses = StyleLosses(StyleWeights(seen_at=48), str(vgg16))
    _, parts = losses(photo, photo, style)
    assert float(parts["content"]) == 0
    assert float(parts["style"]) <= 1
    _, parts = losses(F.interpolate(style, (70, 100), mode="bilinear"), photo, style)
    assert float(parts["content"]) > 0.1
