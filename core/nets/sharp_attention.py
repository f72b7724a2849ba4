"""Attention whose logits are not scaled, as in AdaAttN's paper: they run to several hundred, so
that of thousands of keys a query listens to a handful. On the processor these are found first, by
the quick product of 8-bit integers where it has one, and then weighted in float32.

One-letter dimensions: D key channels, E value channels, N queries, M keys, P pairs of both.
"""

from __future__ import annotations

import math
import warnings

import torch
import torch.nn.functional as F
from torch import Tensor

from ..device import cpu_has_bfloat16

# What lies so far below a query's best logit has e^-18 of its weight: 2e-8.
NEGLIGIBLE = 18.0
# Rounding errs evenly by half a step at most; a logit is the sum of many such errors. So many of
# its deviations is further off than one is from another in all but one of 90,000 cases.
SURE = 6.0
MOST = 768  # keys a query on average, and groups of them; of more, all at once are the shorter way
GROUP = 16  # keys whose best logit is looked at first, far apart, so that one pass finds it
STEPS = 127  # of an 8-bit integer


class SharpAttention:
    """Softmax(queries keys) values by the keys that weigh anything; for pictures, not training."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        """keys: [D, M], values: [M, E], both float32."""
        # Rows that lie together: gathered from columns, each would be brought in from afar.
        self.keys, self.values = keys.mT.contiguous(), values.contiguous()
        missing = -keys.shape[1] % GROUP
        sought = F.pad(keys[None], (0, missing), mode="replicate")[0] if missing else keys
        self.rounds = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
        if self.rounds:
            # What multiplies bfloat16 multiplies 8-bit integers, too. Others add two products up
            # in 16 bits, into which those of halved keys go.
            steps = STEPS if cpu_has_bfloat16() else STEPS // 2
            self.step = max(abs(float(x)) for x in keys.aminmax()) / steps or 1.0
            self.longest = float(self.keys.norm(dim=1).amax())
            sought = (sought / self.step).round_().to(torch.int8)
        self.sought = sought

    def __call__(self, queries: Tensor) -> Tensor | None:
        """queries: [N, D], float32 -> [N, E]; None where too many keys weigh something, as in flat
        pictures."""
        pairs = self._pairs(queries)
        if pairs is None:
            return None
        rows, columns = pairs
        bounds = _bounds(rows, queries)
        exact = self._exact(queries, bounds, columns)
        above = exact - torch.segment_reduce(exact, "max", offsets=bounds)[rows]
        kept = above > -NEGLIGIBLE
        rows, columns, weights = rows[kept], columns[kept], above[kept].exp_()
        bounds = _bounds(rows, queries)
        weights = weights / torch.segment_reduce(weights, "sum", offsets=bounds)[rows]
        # A sum of rows of a table, each by its weight.
        return F.embedding_bag(
            columns, self.values, bounds, mode="sum", per_sample_weights=weights,
            include_last_offset=True,
        )  # fmt: skip

    def _exact(self, queries: Tensor, bounds: Tensor, columns: Tensor) -> Tensor:
        """The logits of these pairs, [P], nothing gathered: thirty times as fast as that."""
        size, nothing = (len(queries), len(self.keys)), queries.new_zeros(len(columns))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
            pairs = torch.sparse_csr_tensor(bounds, columns, nothing, size, check_invariants=False)
        return torch.sparse.sampled_addmm(pairs, queries, self.keys.mT, beta=0.0).values()

    def _pairs(self, queries: Tensor) -> tuple[Tensor, Tensor] | None:
        """Queries, in their order, and keys, [P] each, that weigh anything; None for too many."""
        logits, negligible = self._logits(queries)
        logits = logits.view(len(queries), GROUP, -1)
        of_groups = logits.amax(dim=1)  # N M/GROUP
        least = of_groups.amax(dim=1, keepdim=True) - negligible
        rows, groups = (of_groups >= least).nonzero().unbind(1)
        if len(rows) > MOST * len(queries):
            return None
        found = logits[rows, :, groups] >= least[rows]
        if int(found.sum()) > MOST * len(queries):
            return None  # before their places take more memory than all weights would
        which, place = found.nonzero().unbind(1)
        rows, columns = rows[which], place * of_groups.shape[1] + groups[which]
        there = columns < len(self.keys)  # not the last one's copies
        return rows[there], columns[there]

    def _logits(self, queries: Tensor) -> tuple[Tensor, Tensor | float]:
        """[N, M] in steps of each query's own, and how many of them, [N, 1], are negligible."""
        if not self.rounds:
            return queries @ self.sought, NEGLIGIBLE
        step = queries.abs().amax(dim=1, keepdim=True).clamp_min_(1e-20) / STEPS  # N 1
        rounded = (queries / step).round_().to(torch.int8)
        error = torch.hypot(queries.norm(dim=1, keepdim=True) * self.step, step * self.longest)
        negligible = (NEGLIGIBLE + SURE / math.sqrt(12) * error) / (step * self.step)
        # PyTorch's product of integers is wrong for a single row.
        rounded = F.pad(rounded, (0, 0, 0, 1)) if len(rounded) == 1 else rounded
        product = torch._int_mm(rounded, self.sought)[: len(queries)]
        return product, negligible.clamp_max_(2**30).int()


def _bounds(rows: Tensor, queries: Tensor) -> Tensor:
    """Where each query's pairs begin, and where the last one's end, [N + 1]."""
    return F.pad(torch.bincount(rows, minlength=len(queries)).cumsum(0), (1, 0))
