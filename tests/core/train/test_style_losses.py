"""What the losses see that statistics of features do not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from semantic_style.core.train.style_losses import grid_loss


def test_a_grid_of_repeated_pixels_is_seen_and_noise_is_not() -> None:
    source = torch.Generator().manual_seed(0)
    noise = torch.rand(2, 3, 256, 256, generator=source)
    blocks = F.interpolate(noise[..., :64, :64], scale_factor=4, mode="nearest")
    assert (grid_loss(noise) < 0.01).all()
    assert (grid_loss(blocks) > 1).all()


@pytest.mark.parametrize("turn", [2, 3])
def test_a_grid_of_either_direction_counts_alike(turn: int) -> None:
    lines = torch.zeros(1, 3, 64, 64)
    lines.transpose(turn, 3)[..., ::8] = 1
    assert grid_loss(lines).item() == pytest.approx(grid_loss(lines.mT).item(), rel=1e-5)


def test_a_flat_picture_has_a_finite_slope() -> None:
    flat = torch.full((1, 3, 64, 64), 0.5, requires_grad=True)
    grid_loss(flat).sum().backward()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()
