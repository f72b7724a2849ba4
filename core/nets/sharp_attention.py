"""Attention whose logits are not scaled, as in AdaAttN's paper: they run to several hundred, so
that of thousands of keys a query listens to a handful. On the processor these are found first, by
the quick product in bfloat16 where it has one, and then weighted in float32.

One-letter dimensions: D key channels, E value channels, N queries, M keys, P pairs of both.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..device import cpu_has_bfloat16

# What lies so far below a query's best logit has e^-16 of its weight: 1e-7. bfloat16 errs besides:
# both factors of each product and the sum by 2^-9 each at most.
NEGLIGIBLE = 16.0
ERROR = 2.0**-6  # of the best logit
MOST = 64  # keys a query on average; of more, all at once are the shorter way
GROUP = 16  # keys whose best logit is looked at first, far apart, so that one pass finds it


class SharpAttention:
    """Softmax(queries keys) values by the keys that weigh anything; for pictures, not training."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        """keys: [D, M], values: [M, E], both float32."""
        self.keys, self.values = keys.mT.contiguous(), values
        missing = -keys.shape[1] % GROUP
        sought = torch.cat([keys, keys[:, -1:].expand(-1, missing)], dim=1)
        self.sought = sought.bfloat16() if cpu_has_bfloat16() else sought

    def __call__(self, queries: Tensor) -> Tensor | None:
        """queries: [N, D], float32 -> [N, E]; None where too many keys weigh something, as in flat
        pictures."""
        pairs = self._pairs(queries)
        if pairs is None:
            return None
        rows, columns = pairs
        exact = torch.linalg.vecdot(queries[rows], self.keys[columns])
        bounds = F.pad(torch.bincount(rows, minlength=len(queries)).cumsum(0), (1, 0))
        peaks = torch.segment_reduce(exact, "max", offsets=bounds)
        weights = (exact - peaks[rows]).exp()
        weights = weights / torch.segment_reduce(weights, "sum", offsets=bounds)[rows]
        # A sum of rows of a table, each by its weight.
        return F.embedding_bag(
            columns, self.values, bounds, mode="sum", per_sample_weights=weights,
            include_last_offset=True,
        )  # fmt: skip

    def _pairs(self, queries: Tensor) -> tuple[Tensor, Tensor] | None:
        """Queries, in their order, and keys, [P] each, that weigh anything; None for too many."""
        logits = queries.to(self.sought.dtype) @ self.sought
        logits = logits.view(len(queries), GROUP, -1)
        of_groups = logits.amax(dim=1)  # N M/GROUP
        best = of_groups.amax(dim=1, keepdim=True).float()
        least = best - NEGLIGIBLE
        if self.sought.dtype != queries.dtype:
            least = least - ERROR * best.abs()
        least = least.to(logits.dtype)
        rows, groups = (of_groups >= least).nonzero().unbind(1)
        if len(rows) > MOST * len(queries):
            return None
        which, place = (logits[rows, :, groups] >= least[rows]).nonzero().unbind(1)
        rows, columns = rows[which], place * of_groups.shape[1] + groups[which]
        there = columns < len(self.keys)  # not the last one's copies
        return rows[there], columns[there]
