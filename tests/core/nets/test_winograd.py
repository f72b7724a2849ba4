"""3 x 3 convolutions by Winograd's minimal filtering, against direct ones."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.profiler import ProfilerActivity, profile

from semantic_style.core.engines.adaattn import AdaAttNEngine
from semantic_style.core.nets import winograd
from semantic_style.core.nets.convolution import Convolution, DoublingConvolution, laid_out

pytestmark = pytest.mark.skipif(
    not winograd.at_hand(), reason="no NNPACK in this PyTorch, or no AVX2"
)
WIDE, SIDE = 256, 72


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(3, 40), width=st.integers(3, 40), before=st.integers(1, 70),
    after=st.integers(1, 70), padding=st.integers(0, 1), seed=st.integers(0, 99),
)  # fmt: skip
def test_it_is_the_convolution_whatever_the_sizes(
    height: int, width: int, before: int, after: int, padding: int, seed: int
) -> None:
    torch.manual_seed(seed)
    x, bias = torch.randn(1, before, height, width), torch.randn(after)
    weight = torch.randn(after, before, 3, 3) / (9 * before) ** 0.5
    expected = F.conv2d(x.double(), weight.double(), bias.double(), padding=padding)
    for order in (torch.contiguous_format, torch.channels_last):
        found = winograd.convolved(x.contiguous(memory_format=order), weight, bias, padding)
        torch.testing.assert_close(found.double(), expected, atol=3e-4, rtol=0)


def _by_nnpack(network: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, bool]:
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        answer = network(x)
    return answer, any("nnpack" in event.key for event in seen.key_averages())


@pytest.mark.parametrize("padding_mode", ["reflect", "zeros"])
def test_large_pictures_go_its_way_and_look_the_same(padding_mode: str) -> None:
    torch.manual_seed(0)
    conv = Convolution(WIDE, WIDE, padding_mode=padding_mode)  # type: ignore[arg-type]
    x = torch.randn(1, WIDE, SIDE, SIDE)
    with torch.inference_mode():
        expected, direct = _by_nnpack(conv, x)
        laid_out(conv)
        found, quick = _by_nnpack(conv, x)
    assert (direct, quick) == (False, True)
    torch.testing.assert_close(found, expected, atol=3e-4, rtol=0)


def test_gradients_batches_short_formats_and_small_pictures_go_the_direct_way() -> None:
    conv = Convolution(WIDE, WIDE)
    laid_out(conv)
    x = torch.randn(1, WIDE, SIDE, SIDE)
    assert not _by_nnpack(conv, x)[1]
    with torch.inference_mode():
        assert not _by_nnpack(conv, x.expand(2, -1, -1, -1))[1]
        assert not _by_nnpack(conv, x[..., :9, :9])[1]
        with torch.autocast("cpu", torch.bfloat16):
            assert not _by_nnpack(conv, x)[1]
        x = torch.zeros(1).expand(1, WIDE, 512, 512)
        assert not winograd.fits(x, WIDE), "its numbers would not fit"


def test_strided_doubling_and_narrow_convolutions_are_left_as_they_are() -> None:
    network = nn.Sequential(
        Convolution(WIDE, WIDE, stride=2),
        Convolution(WIDE, WIDE, 5),
        DoublingConvolution(WIDE, WIDE),
        Convolution(3, WIDE),
    )
    laid_out(network)
    assert not any(conv.winograd for conv in network)


def test_graphics_cards_keep_the_order_that_they_are_fast_in() -> None:
    conv = Convolution(WIDE, WIDE).to("meta")
    laid_out(conv)
    assert not conv.winograd
    assert conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_the_plain_path_has_none_of_it() -> None:
    def marked(engine: AdaAttNEngine) -> list[bool]:
        return [m.winograd for m in engine.network.modules() if isinstance(m, Convolution)]

    assert any(marked(AdaAttNEngine(device="cpu", exact=True)))
    assert not any(marked(AdaAttNEngine(device="cpu", plain=True)))
