"""What a process holds after large blocks were freed."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

CHILD = """
import numpy as np, psutil
from semantic_style.core.allocator import be_frugal, kept, reused, share_arena, trim

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
with kept():
    np.ones(block, np.uint8)
assert held().rss > start + 0.9 * block, "given back after a small picture"
with kept():
    np.ones(2 * block, np.uint8)
np.ones(1000, np.uint8)
parts = [np.ones(block // 100, np.uint8) for _ in range(100)]
del parts
assert held().rss < start + 1.5 * block, "more kept than was said"
trim()
assert held().rss < start + 0.1 * block, "not given back when asked"
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
