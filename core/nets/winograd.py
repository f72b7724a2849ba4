"""3 x 3 convolutions with a fifth of the multiplications: Winograd's minimal filtering, F(6 x 6,
3 x 3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016). The kernels
are those of NNPACK, which PyTorch carries and by itself takes for large batches only."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

TILE = 36 / 64  # places that a tile gives, over the numbers that it is transformed to
# Of transformed numbers. NNPACK keeps them for the thread's next convolution, and does not give
# them back when the thread ends: let one that stays run the networks, as the worker does.
MOST_BYTES = 160 << 20
NEVER = float("inf")


@cache
def _least() -> tuple[float, float]:
    """Width (see `pays`) and multiplications of a direct convolution from which on Winograd's way
    is the quicker one on this processor; `NEVER` where NNPACK is not to be had.

    NNPACK knows AVX2 and no AVX-512, which makes the direct way twice as quick. It transforms the
    kernels each time, which only many places are worth. Its threads are others than PyTorch's,
    which are to let it have the processor: see core.threads.
    """
    form = torch.backends.cpu.get_cpu_capability()
    if form not in ("AVX2", "AVX512") or not torch._nnpack_available():
        return NEVER, NEVER
    return (24, 0.4e9) if form == "AVX2" else (40, 2.5e9)


def at_hand() -> bool:
    """Whether this processor and this PyTorch have it."""
    return _least()[0] < NEVER


def pays(before: int, after: int) -> bool:
    """Whether convolutions between so many channels gain by it, if they are large. The width of
    both sides together is b a / (b + a): transforms grow as b + a, multiplications as b a."""
    return before * after / (before + after) >= _least()[0]


def fits(x: Tensor, after: int) -> bool:
    """Whether x, NCHW, is a picture for it: large, but not too large, alone, in float32, of no
    gradient. after: channels of the answer."""
    places, before = x.shape[2] * x.shape[3], x.shape[1]
    numbers = places * (before + after) / TILE + 64 * before * after
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and len(x) == 1
        and 9 * places * before * after >= _least()[1]
        and 4 * numbers <= MOST_BYTES
        and not torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
    )


def convolved(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
    """[1, C, H, W], float32 -> [1, C', H', W'] with stride 1; padding: of zeros."""
    return torch._nnpack_spatial_convolution(
        x.contiguous(), weight, bias, (padding, padding), (1, 1)
    )
