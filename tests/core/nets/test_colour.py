"""Recolouring: what a picture's colours become, by their mean and covariance."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from semantic_style.core.nets.colour import Colours, colours_of, recoloured

# Wide enough that LEAST_DEVIATION's share of the covariance is small.
TARGET = torch.tensor([[0.3, 0.1, 0.05], [0.1, 0.25, -0.1], [0.0, 0.15, 0.3]])


def noise(seed: int, height: int = 40, width: int = 50) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def colourful(seed: int) -> Tensor:
    mixing = torch.eye(3) * 0.6 + TARGET
    return torch.einsum("ij,njhw->nihw", mixing, noise(seed))


def covariance(image: Tensor) -> Tensor:
    return torch.cov(image[0].flatten(1), correction=0)


def test_the_target_s_mean_and_covariance_are_reached() -> None:
    photo, style = noise(0) * torch.tensor([0.9, 0.6, 0.8]).view(1, 3, 1, 1), colourful(1)
    out = recoloured(photo, colours_of(photo), colours_of(style), torch.ones(1))
    torch.testing.assert_close(out.mean((2, 3)), style.mean((2, 3)), atol=1e-4, rtol=0)
    before = (covariance(photo) - covariance(style)).abs().max()
    assert (covariance(out) - covariance(style)).abs().max() < 0.05 * before


def test_share_0_is_the_picture_and_half_a_share_half_the_way() -> None:
    photo, style = noise(0), colourful(1)
    own, target = colours_of(photo), colours_of(style)
    none, half, full = (
        recoloured(photo, own, target, torch.tensor([share])) for share in (0.0, 0.5, 1.0)
    )
    torch.testing.assert_close(none, photo, atol=1e-6, rtol=0)
    torch.testing.assert_close(half, (photo + full) / 2, atol=1e-5, rtol=0)


def test_its_own_colours_leave_a_picture_as_it_is() -> None:
    photo = noise(3)
    own = colours_of(photo)
    torch.testing.assert_close(recoloured(photo, own, own, torch.ones(1)), photo, atol=1e-5, rtol=0)


def test_a_mask_means_its_part_alone() -> None:
    image = torch.cat([noise(0), colourful(1)], dim=3)
    left = torch.zeros(1, 1, 40, 100)
    left[..., :50] = 1
    found, truth = colours_of(image, left), colours_of(image[..., :50])
    torch.testing.assert_close(found.mean, truth.mean, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.factor, truth.factor, atol=1e-4, rtol=0)


def test_light_stays_light() -> None:
    """Of two greys the lighter one stays the lighter, whatever the target's colours."""
    photo = torch.linspace(0, 1, 64).view(1, 1, 1, 64).expand(1, 3, 8, 64)
    for seed in range(4):
        target = colours_of(colourful(seed))
        out = recoloured(photo, colours_of(photo), target, torch.ones(1))
        assert (out.sum(1).diff(dim=2) > 0).all()


def test_the_noise_of_a_picture_without_colour_is_not_blown_up() -> None:
    flat = 0.5 + (noise(0) - 0.5) / 255
    out = recoloured(flat, colours_of(flat), colours_of(colourful(1)), torch.ones(1))
    assert out.isfinite().all()
    assert float(out.std()) < 0.2


def test_between_two_targets_lie_colours() -> None:
    a, b = colours_of(colourful(1)), colours_of(noise(2) ** 3)
    between = Colours(0.3 * a.mean + 0.7 * b.mean, 0.3 * a.factor + 0.7 * b.factor)
    assert (between.factor.diagonal(dim1=1, dim2=2) > 0).all()
    photo = noise(0)
    assert recoloured(photo, colours_of(photo), between, torch.ones(1)).isfinite().all()


@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_is_its_pictures(count: int) -> None:
    photos = torch.cat([noise(k) for k in range(count)])
    target = colours_of(colourful(9))
    together = recoloured(photos, colours_of(photos), target, torch.ones(1))
    for photo, answer in zip(photos.split(1), together, strict=True):
        alone = recoloured(photo, colours_of(photo), target, torch.ones(1))[0]
        torch.testing.assert_close(answer, alone, atol=1e-5, rtol=0)


def test_autocast_puts_no_steps_into_smooth_colours() -> None:
    photo = torch.linspace(0, 1, 4096).view(1, 1, 1, 4096).expand(1, 3, 8, 4096)
    target = colours_of(colourful(1))
    exact = recoloured(photo, colours_of(photo), target, torch.ones(1))
    with torch.autocast("cpu", torch.bfloat16):
        fast = recoloured(photo, colours_of(photo), target, torch.ones(1))
    torch.testing.assert_close(fast, exact)
