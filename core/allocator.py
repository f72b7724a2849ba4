"""Memory that one layer of a network frees and the next one takes again.

glibc hands every block above 32 MB back to the system as soon as it is freed; the next one is made
of new pages, each of which is zeroed and mapped. For tiles of a megapixel that is a sixth of the
time. Other C libraries are left as they are.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

# Parameters of mallopt(3)
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -3, -4, -8
NEVER = -1
# What glibc comes to by itself in a process that frees large blocks
MMAP_THRESHOLD, TRIM_THRESHOLD, MMAP_MAX = 32 << 20, 64 << 20, 65536
FRUGAL = 1 << 20
KEPT = 256 << 20


@cache
def _glibc() -> ctypes.CDLL | None:
    if platform.libc_ver()[0] != "glibc":
        return None
    try:
        return ctypes.CDLL("libc.so.6")
    except OSError:
        return None


def share_arena() -> None:
    """Let threads that start from now on take memory from where the first one does: only there can
    `reused` keep large blocks."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(M_ARENA_MAX, 1)


def reused() -> AbstractContextManager[None]:
    """Within the block what is freed stays with the process; then all of it goes back."""
    return _holding(lambda libc: _give_back(libc, MMAP_THRESHOLD))


def kept() -> AbstractContextManager[None]:
    """Within the block what is freed stays with the process, and up to KEPT bytes of it for the
    next picture, too: new pages took a seventh of a small one's time."""
    return _holding(_keep)


@contextmanager
def _holding(end: Callable[[ctypes.CDLL], None]) -> Iterator[None]:
    """Within the block nothing that is freed goes back; `end` says what does afterwards."""
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, NEVER)
    try:
        yield
    finally:
        end(libc)


def _keep(libc: ctypes.CDLL) -> None:
    libc.mallopt(M_MMAP_MAX, MMAP_MAX)
    libc.mallopt(M_TRIM_THRESHOLD, KEPT)


def trim() -> None:
    """What was freed in blocks too small to go back by themselves goes back to the system: a
    weight file leaves its own size behind where the network keeps a copy."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def be_frugal() -> None:
    """For a process that was short of memory: what was freed goes back to the system now, and
    from now on each block above a megabyte does at once, until a `reused` ends."""
    libc = _glibc()
    if libc is not None:
        _give_back(libc, FRUGAL)


def _give_back(libc: ctypes.CDLL, least: int) -> None:
    libc.mallopt(M_MMAP_MAX, MMAP_MAX)
    libc.mallopt(M_MMAP_THRESHOLD, least)
    libc.mallopt(M_TRIM_THRESHOLD, TRIM_THRESHOLD)
    libc.malloc_trim(0)
