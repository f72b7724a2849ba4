"""Attention that looks at the few keys which weigh anything."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semantic_style.core.nets import sharp_attention
from semantic_style.core.nets.attention import attention_moments, plain_attention_moments
from semantic_style.core.nets.sharp_attention import SharpAttention


@settings(max_examples=30, deadline=None)
@given(
    queries=st.integers(1, 40),
    keys=st.integers(1, 100),
    channels=st.integers(1, 60),
    sharpness=st.floats(0.1, 20),
    seed=st.integers(0, 99),
)
def test_it_is_the_formula_whatever_the_sizes(queries, keys, channels, sharpness, seed):
    torch.manual_seed(seed)
    query = torch.randn(1, channels, queries) * sharpness
    key, value = torch.randn(1, channels, keys), torch.randn(1, 3, keys)
    expected = plain_attention_moments(query, key, value)
    with torch.inference_mode():
        found = attention_moments(query, key, value)
    torch.testing.assert_close(found[0], expected[0], atol=1e-4, rtol=1e-4)
    # The root makes much of what the formula itself loses where a single key weighs all.
    torch.testing.assert_close(found[1] ** 2, expected[1] ** 2, atol=1e-4, rtol=1e-3)


def test_a_picture_of_one_position():
    torch.manual_seed(19)
    query, key, value = torch.randn(1, 39, 1) * 5, torch.randn(1, 39, 46), torch.randn(1, 3, 46)
    expected = plain_attention_moments(query, key, value)
    with torch.inference_mode():
        found = attention_moments(query, key, value)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


@torch.inference_mode()
@pytest.mark.parametrize("short", [True, False])
def test_keys_that_bfloat16_takes_for_each_other_are_told_apart(short, monkeypatch):
    """Logits of 2,000 and 2,004 are one number in bfloat16; the second weighs 50 times as much."""
    monkeypatch.setattr(sharp_attention, "cpu_has_bfloat16", lambda: short)
    keys = torch.tensor([[2000.0, 2004.0, 10.0]])
    assert keys[0, 0].bfloat16() == keys[0, 1].bfloat16()
    found = SharpAttention(keys, torch.eye(3))(torch.ones(2, 1))
    torch.testing.assert_close(found[0], torch.tensor([2000.0, 2004.0, 10.0]).softmax(0))


@torch.inference_mode()
@pytest.mark.parametrize("short", [True, False])
def test_keys_and_queries_as_large_as_can_be_are_not_cut_off(short, monkeypatch):
    """Without instructions of its own an 8-bit product saturates at 16 bits, and the best key
    would be the worst. This processor has them, so that what would is looked at: the integers."""
    monkeypatch.setattr(sharp_attention, "cpu_has_bfloat16", lambda: short)
    attention = SharpAttention(torch.ones(64, 3), torch.eye(3))
    if attention.rounds and not short:
        # Queries are handed over as unsigned numbers, up to 255, and added up in pairs.
        assert int(attention.sought.abs().max()) * 255 * 2 < 2**15
    torch.testing.assert_close(attention(torch.ones(1, 64)), torch.full((1, 3), 1 / 3))


@torch.inference_mode()
def test_where_every_key_weighs_something_it_leaves_the_work_to_the_formula():
    queries, keys = torch.zeros(5, 4), torch.randn(4, 9000)
    assert SharpAttention(keys, torch.randn(9000, 2))(queries) is None
    value = torch.randn(1, 2, 9000)
    mean, _ = attention_moments(queries.mT[None], keys[None], value)
    torch.testing.assert_close(mean, value.mean(2, keepdim=True).expand(1, 2, 5))


@torch.inference_mode()
def test_a_key_at_the_end_of_an_uneven_number_is_found_once():
    keys = torch.zeros(1, 17)
    keys[0, 16] = 50.0
    found = SharpAttention(keys, torch.eye(17))(torch.ones(1, 1))
    torch.testing.assert_close(found, torch.eye(17)[16:])
