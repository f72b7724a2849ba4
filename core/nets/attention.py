"""Attention-weighted mean and deviation (AdaAttN, equations 5 and 6), without the N x N matrix.

One-letter dimensions: B batch, D key channels, C value channels, N content positions (queries),
M style positions (keys).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from .sharp_attention import SharpAttention

VARIANCE_FLOOR = 1e-6  # inside the root: the gradient of sqrt is infinite at 0
BLOCK_ELEMENTS = 4_194_304  # attention weights held at once: 16 MB in float32


class AttentionMoments(Protocol):
    """Both forms of equation 6; see `attention_moments`."""

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        scaled: bool = False,
        each_block: Callable[[], None] | None = None,
    ) -> tuple[Tensor, Tensor]: ...


def plain_attention_moments(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    scaled: bool = False,
    each_block: Callable[[], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """The paper's formula as it stands, with the whole B x N x M matrix: for tests and `bench`.
    The matrix is the only block."""
    if each_block is not None:
        each_block()
    logits = query.transpose(1, 2) @ key  # B N M
    if scaled:
        logits = logits / math.sqrt(query.shape[1])
    weights = logits.softmax(dim=-1)
    mean = value @ weights.transpose(1, 2)  # B C N
    second = (value * value) @ weights.transpose(1, 2)
    return mean, (second - mean * mean).clamp_min(0).add(VARIANCE_FLOOR).sqrt()


def attention_moments(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    scaled: bool = False,
    each_block: Callable[[], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """M and S of equation 6, over all keys, a block of queries at a time.

    query [B, D, N], key [B, D, M], value [B, C, M] -> mean and deviation, both [B, C, N] float32.
    Memory beside inputs and outputs is bounded by BLOCK_ELEMENTS weights. scaled: logits times
    1/sqrt(D); off in the published layout. each_block: called before each block, so that whoever
    waits can be heard. Both products are in the format that `product_format` gives.
    """
    b, d, n = query.shape
    dtype = product_format(query, scaled=scaled)
    m = key.shape[2]
    # E[V^2] - M^2 cancels where |V| is large beside its spread: both moments are taken about the
    # channel's own mean, which moves M by a constant and S not at all.
    values = value.float().transpose(1, 2)
    centre = values.mean(dim=1, keepdim=True)  # B 1 C
    centred = values - centre
    both = torch.cat([centred, centred * centred], dim=2).to(dtype)  # B M 2C
    factor = 1 / math.sqrt(d) if scaled else 1.0
    rows, keys = query.transpose(1, 2), key.to(dtype)  # B N D, B D M
    block = min(n, _block(b * m))
    products = _Products(keys, both, block, sharp=not scaled)
    means, deviations = [], []
    with torch.autocast(query.device.type, enabled=False):
        for part in rows.split(block, dim=1):
            if each_block is not None:
                each_block()
            part = (part.float() * factor).to(dtype)
            product = products.of(part)  # B n 2C
            first, second = product.float().chunk(2, dim=-1)  # B n C
            means.append(first + centre)
            variance = (second - first * first).clamp_min(0)
            deviations.append(variance.add(VARIANCE_FLOOR).sqrt())
    return torch.cat(means, dim=1).transpose(1, 2), torch.cat(deviations, dim=1).transpose(1, 2)


class _Products:
    """Softmax(queries keys) values, block by block, by the shortest way.

    The blocks of weights are held once: taken anew for each block of queries, the answers kept
    between them settled in the gaps that the last ones had left, which then did not hold the next
    ones, and memory grew by a gigabyte.
    """

    def __init__(self, keys: Tensor, values: Tensor, block: int, *, sharp: bool) -> None:
        """keys: [B, D, M], values: [B, M, 2C], in one format. block: queries at once, at most."""
        self.keys, self.values, self.block = keys, values, block
        self.logits: Tensor | None = None
        self.sharp: SharpAttention | None = None
        alone = len(keys) == 1 and keys.device.type == "cpu"
        if sharp and alone and not torch.is_grad_enabled():
            self.sharp = SharpAttention(keys[0], values[0])

    def of(self, queries: Tensor) -> Tensor:
        """queries: [B, n, D] -> [B, n, 2C]."""
        if torch.is_grad_enabled():
            return (queries @ self.keys).softmax(dim=-1) @ self.values
        chosen = self.sharp(queries[0]) if self.sharp is not None else None
        if chosen is not None:
            return chosen[None]
        if self.logits is None:
            size = (2, len(self.keys), self.block, self.keys.shape[2])
            self.logits, self.weights = self.values.new_empty(size)
        logits, weights = (x[:, : queries.shape[1]] for x in (self.logits, self.weights))
        torch.bmm(queries, self.keys, out=logits)
        torch.softmax(logits, dim=-1, out=weights)
        return weights @ self.values


def product_format(query: Tensor, *, scaled: bool) -> torch.dtype:
    """Autocast's, where only a picture is asked for and logits are scaled: attention takes half
    the time, and pictures of adaattn-compact lose 0.3 dB of 55 at most. Unscaled logits make single
    weights of 1, and moments as exact as their values: float32, as for training.
    """
    kind = query.device.type
    if scaled and torch.is_autocast_enabled(kind) and not torch.is_grad_enabled():
        return torch.get_autocast_dtype(kind)
    return torch.float32


def blocks(queries: int, keys: int) -> int:
    """How many blocks `attention_moments` takes for them, in a batch of one."""
    return -(-queries // _block(keys))


def _block(weights: int) -> int:
    """Queries at once; weights: of one query."""
    return max(1, BLOCK_ELEMENTS // weights)
