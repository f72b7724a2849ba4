"""What losses see that statistics of features do not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from semantic_style.core.nets.patterns import fine_pattern_loss, grid_loss


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


def test_fine_stripes_that_neither_picture_has_are_seen() -> None:
    torch.manual_seed(0)
    content, style = torch.rand(2, 3, 96, 96), torch.rand(1, 3, 96, 128)
    smooth = [F.avg_pool2d(x, 9, 1, 4) for x in (content, style)]
    stripes = 0.2 * torch.sin(torch.arange(96) * 2 * torch.pi / 3.7)
    found = fine_pattern_loss(smooth[0] + stripes, *smooth)
    assert found.shape == (2,)
    assert (found > 0.3).all()
    coloured = stripes * torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1)  # grey is as before
    assert (fine_pattern_loss(smooth[0] + coloured, *smooth) > 0.3).all()
    # Not where the style, or the photograph, has them; nor waves as long as brush strokes.
    along = 0.3 * torch.sin(torch.arange(128) * 2 * torch.pi / 3.7)
    waves = 0.2 * torch.sin(torch.arange(96) * 2 * torch.pi / 16)
    for none in (
        fine_pattern_loss(smooth[0], *smooth),
        fine_pattern_loss(smooth[0] + stripes, smooth[0], smooth[1] + along),
        fine_pattern_loss(smooth[0] + stripes, smooth[0] + 1.1 * stripes, smooth[1]),
        fine_pattern_loss(smooth[0] + waves, *smooth),
    ):
        assert (none < 0.01).all()
