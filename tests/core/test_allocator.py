"""What a process holds after large blocks were freed."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

CHILD = """
import numpy as np, psutil
from semantic_style.core.allocator import be_frugal, reused, share_arena, steady

share_arena()
held = psutil.Process().memory_info
block = 200_000_000
start = held().rss
with reused():
    np.ones(block, np.uint8)
    assert held().rss > start + 0.9 * block, "given back at once"
assert held().rss < start + 0.1 * block, "kept for good"
np.ones(block, np.uint8)
assert held().rss < start + 0.1 * block, "kept after the end, too"
with steady():
    parts = [np.ones(block // 100, np.uint8) for _ in range(100)]
    del parts
    assert held().rss > start + 0.8 * block, "the heap's end was given back"
parts = [np.ones(block // 100, np.uint8) for _ in range(100)]
del parts
assert held().rss < start + 0.5 * block, "kept after a steady part"
parts = [np.ones(block // 100, np.uint8) for _ in range(100)]
last = np.ones(1000, np.uint8)  # lies above them, so that the heap can't shrink
be_frugal()
del parts
be_frugal()
assert held().rss < start + 0.2 * block, "kept where memory is short"
parts = [np.ones(block // 100, np.uint8) for _ in range(100)]
del parts
assert held().rss < start + 0.2 * block, "not given back at once"
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_freed_memory_stays_within_the_block_and_goes_back_after_it() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
