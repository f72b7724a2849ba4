"""How the threads that PyTorch shares an operation among wait for the next one."""

from __future__ import annotations

import os

# Turns of GNU OpenMP's waiting loop: a millisecond or less. By itself it takes fifteen times as
# many, which were 8 ms. In that time a thread has a processor to itself and does nothing, while
# other libraries' threads would have work for it; the next operation comes sooner, or much later.
TURNS = 20_000


def wait_briefly() -> None:
    """Have threads give their processor away soon after an operation. To be called before PyTorch
    is imported; whoever set GOMP_SPINCOUNT is left alone, and so are other OpenMP libraries."""
    os.environ.setdefault("GOMP_SPINCOUNT", str(TURNS))
