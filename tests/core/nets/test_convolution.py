"""Convolutions that pad by themselves, against torch's own forms."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from semantic_style.core.nets.convolution import Convolution, DoublingConvolution


@pytest.mark.parametrize("stride", [1, 2])
def test_reflection_is_torchs_own(stride: int) -> None:
    ours = Convolution(3, 5, 5, stride)
    theirs = nn.Conv2d(3, 5, 5, stride, padding=2, padding_mode="reflect")
    theirs.load_state_dict(ours.state_dict())
    x = torch.rand(2, 3, 17, 12)
    assert torch.equal(ours(x), theirs(x))


def test_autocast_changes_the_convolution_alone() -> None:
    ours = Convolution(3, 5)
    x = torch.rand(1, 3, 16, 16).bfloat16()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        padded = F.pad(x.float(), (1, 1, 1, 1), mode="reflect")
        assert torch.equal(ours(x), F.conv2d(padded, ours.weight, ours.bias))


@given(
    height=st.integers(2, 9), width=st.integers(2, 9), before=st.integers(1, 4),
    after=st.integers(1, 4), count=st.integers(1, 2), seed=st.integers(0, 99),
)  # fmt: skip
def test_the_short_way_gives_what_enlarging_first_gives(
    height: int, width: int, before: int, after: int, count: int, seed: int
) -> None:
    torch.manual_seed(seed)
    conv = DoublingConvolution(before, after)
    x = torch.randn(count, before, height, width)
    plain = conv(x)  # with gradients: enlarges
    with torch.no_grad():
        short = conv(x)
    assert plain.shape == short.shape == (count, after, 2 * height, 2 * width)
    assert (plain - short).abs().max() < 1e-5
