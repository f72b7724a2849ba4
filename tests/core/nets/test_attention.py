"""Attention-weighted moments against the plain formula in float64."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from semantic_style.core.nets import attention
from semantic_style.core.nets.attention import attention_moments, plain_attention_moments


def drawn(b: int, d: int, c: int, n: int, m: int, offset: float = 0.0) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(b + d + c + n + m)
    query, key = (torch.randn(b, d, k, generator=generator) for k in (n, m))
    return query, key, torch.randn(b, c, m, generator=generator) + offset


def error(result: Tensor, truth: Tensor) -> float:
    return float((result.double() - truth).norm() / truth.norm())


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("offset", [0.0, 30.0])
@pytest.mark.parametrize("trained", [True, False])
def test_blocks_equal_the_plain_formula(
    scaled: bool, offset: float, trained: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where values lie far from 0, where E[V^2] - M^2 cancels in float32."""
    monkeypatch.setattr(attention, "BLOCK_ELEMENTS", 700)  # several blocks, the last one short
    tensors = drawn(2, 24, 8, 50, 70, offset)
    with torch.set_grad_enabled(trained):
        mean, deviation = attention_moments(*tensors, scaled=scaled)
    true_mean, true_deviation = plain_attention_moments(
        *(t.double() for t in tensors), scaled=scaled
    )
    assert error(mean, true_mean) < 1e-5
    assert error(deviation, true_deviation) < 1e-5


def test_the_plain_formula_in_float32_is_what_cancels() -> None:
    """The reason for centring: without it the deviation is wrong by far more than rounding."""
    tensors = drawn(1, 8, 4, 20, 200, 3000.0)
    truth = plain_attention_moments(*(t.double() for t in tensors))[1]
    assert error(plain_attention_moments(*tensors)[1], truth) > 1e-3
    assert error(attention_moments(*tensors)[1], truth) < 1e-3


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 9), st.integers(1, 5), st.integers(1, 40), st.integers(1, 40)
)
def test_any_shape(b: int, d: int, c: int, n: int, m: int) -> None:
    query, key, value = drawn(b, d, c, n, m)
    mean, deviation = attention_moments(query, key, value)
    true_mean, _ = plain_attention_moments(query.double(), key.double(), value.double())
    assert mean.shape == deviation.shape == (b, c, n)
    torch.testing.assert_close(mean.double(), true_mean, rtol=1e-4, atol=1e-5)
    low, high = value.amin(2, keepdim=True), value.amax(2, keepdim=True)
    assert ((mean >= low - 1e-4) & (mean <= high + 1e-4)).all()


def test_gradients_are_finite_at_a_constant_style() -> None:
    """Its deviation is 0 everywhere, where the root's gradient is infinite."""
    query = torch.randn(1, 4, 6, requires_grad=True)
    key = torch.zeros(1, 4, 5, requires_grad=True)
    value = torch.full((1, 3, 5), 0.7, requires_grad=True)
    mean, deviation = attention_moments(query, key, value)
    (mean.sum() + deviation.sum()).backward()
    for tensor in (query, key, value):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
    torch.testing.assert_close(mean, torch.full_like(mean, 0.7))


def test_memory_stays_under_the_matrix() -> None:
    """No tensor of a block's loop holds N x M weights: the blocks are what the limit says."""
    seen: list[int] = []
    original = torch.Tensor.softmax

    def watched(self: Tensor, *args: object, **kwargs: object) -> Tensor:
        seen.append(self.numel())
        return original(self, *args, **kwargs)  # type: ignore[arg-type]

    torch.Tensor.softmax = watched  # type: ignore[method-assign,assignment]
    try:
        attention_moments(*drawn(1, 4, 2, 6000, 3000))
    finally:
        torch.Tensor.softmax = original  # type: ignore[method-assign]
    assert sum(seen) == 6000 * 3000
    assert max(seen) <= attention.BLOCK_ELEMENTS


def test_under_autocast_only_scaled_logits_of_a_picture_are_rounded() -> None:
    tensors = drawn(1, 24, 8, 50, 70)
    for scaled in (True, False):
        truth = plain_attention_moments(*(t.double() for t in tensors), scaled=scaled)
        with torch.autocast("cpu", torch.bfloat16):
            trained = attention_moments(*tensors, scaled=scaled)
            with torch.inference_mode():
                shown = attention_moments(*tensors, scaled=scaled)
        for true, exact, found in zip(truth, trained, shown, strict=True):
            assert exact.dtype == found.dtype == torch.float32
            assert error(exact, true) < 1e-5
            if scaled:
                assert 1e-4 < error(found, true) < 1e-2
            else:
                assert error(found, true) < 1e-5


MANY_BLOCKS = """
import resource, torch
from semantic_style.core.nets.attention import attention_moments

query, key, value = (torch.randn(1, d, n) for d, n in ((8, 8_000), (8, 24_000), (48, 24_000)))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
with torch.inference_mode():
    attention_moments(query[..., :400], key, value)
    before = peak()
    answers = attention_moments(query, key, value)
print(peak() - before - 2 * sum(answer.nbytes for answer in answers))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="units of the peak differ")
def test_memory_does_not_grow_from_block_to_block() -> None:
    done = subprocess.run([sys.executable, "-c", MANY_BLOCKS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100_000_000, "beside the answers and the list of their parts"
