"""Mean, covariance and what style losses make of them, against the formulas left to autograd."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from semantic_style.core.nets.covariance import style_statistics
from semantic_style.core.nets.perceptual import feature_moments, gram
from semantic_style.core.nets.statistics import Moments


def sum_of(moments: list[Moments], grams: tuple[Tensor, ...]) -> Tensor:
    """Something that hears of every number."""
    total = torch.zeros(())
    for level, matrix in zip(moments, grams, strict=True):
        weight = torch.arange(1, matrix.shape[1] + 1).view(-1, 1, 1)
        total = total + (level.mean * weight).sum() + (level.deviation**1.5 * weight).sum()
        total = total + matrix.square().sum()
    return total


def root(mask: Tensor | None, features: Tensor) -> Tensor:
    """Of what each position counts, 1 on average."""
    if mask is None:
        return torch.ones(())
    weight = F.adaptive_avg_pool2d(mask, features.shape[2:])
    return (weight / weight.mean(dim=(2, 3), keepdim=True)).sqrt()


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 2),
    channels=st.integers(1, 5),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    masked=st.booleans(),
    seed=st.integers(0, 99),
)
def test_they_and_their_slopes_are_those_of_the_formulas(
    count: int, channels: int, height: int, width: int, masked: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    ours = (torch.randn(count, channels, height, width) + 1).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    mask = (torch.rand(count, 1, 9, 9) + 0.01) if masked else None
    found, expected = style_statistics([ours], mask), (
        feature_moments([theirs], mask), (gram(theirs * root(mask, theirs)),),
    )  # fmt: skip
    for a, b in zip(
        (found[0][0].mean, found[0][0].deviation, found[1][0]),
        (expected[0][0].mean, expected[0][0].deviation, expected[1][0]),
        strict=True,
    ):
        torch.testing.assert_close(a, b, atol=2e-5, rtol=2e-4)
    sum_of(*found).backward()
    sum_of(*expected).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("masked", [False, True])
def test_a_flat_patch_keeps_its_small_deviation_in_bfloat16(masked: bool) -> None:
    """Products of the features themselves would lose it: 100 squared is 10,000, to 40."""
    torch.manual_seed(0)
    exact = 100 + torch.randn(1, 6, 64, 64)
    rounded = exact.bfloat16().to(memory_format=torch.channels_last)
    mask = torch.ones(1, 1, 64, 64) if masked else None
    (found,), _ = style_statistics([rounded], mask)
    (wanted,) = feature_moments([rounded.float()])
    torch.testing.assert_close(found.deviation, wanted.deviation, rtol=0.02, atol=0)
    torch.testing.assert_close(found.mean, wanted.mean, rtol=2e-4, atol=0)
