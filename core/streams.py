"""Files that hear, between two reads or writes, that somebody wants to stop.

Decoders and encoders are other people's loops, in C at their core. What they all do again and
again is read from or write to a stream: there a cancel is heard, and progress is counted.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, BinaryIO, TypeVar, cast

PATIENCE = 0.1  # s

T = TypeVar("T")
Listener = Callable[[int], None]


def _nobody(passed: int | None) -> None:
    """The listener where nobody listens."""


_listener: ContextVar[Callable[[int | None], None]] = ContextVar("listener", default=_nobody)


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Streams opened within the block, by this thread, call `listener` before every read and
    write, with the number of bytes that passed; what it raises ends the reading or writing.

    Pillow reads and writes in pieces: 64 KB, or some rows. What is one piece to it, whatever the
    size (a WebP, a progressive JPEG, 16 bits), is left to another thread: see `aside`.
    """
    last = 0

    def listen(passed: int | None) -> None:
        nonlocal last
        last = last if passed is None else passed
        listener(last)

    token = _listener.set(listen)
    try:
        yield
    finally:
        _listener.reset(token)


def aside(work: Callable[[], T]) -> T:
    """What `work` gives. Where somebody listens it runs in a thread of its own, and the listener
    is called every PATIENCE seconds meanwhile, with what it was told last: one long call of a C
    library can't be ended, but it need not be waited for. What it still does then is lost."""
    listener = _listener.get()
    if listener is _nobody:
        return work()
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not wait([future], PATIENCE).done:
        listener(None)
    return future.result()


def hearing(stream: BinaryIO) -> BinaryIO:
    """The stream with the listener of the block in which it was opened."""
    return cast(BinaryIO, _HeardStream(stream))


class _HeardStream(io.BufferedIOBase):
    """A binary file with a listener. It has no file number: where there is one, Pillow hands the
    whole picture to C at once, and not even Ctrl+C is heard."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._listener, self._passed = stream, _listener.get(), 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._listener(self._passed)
        data = self._stream.read(-1 if size is None else size)
        self._passed += len(data)
        return data

    def readline(self, size: int | None = -1, /) -> bytes:
        return self._stream.readline(-1 if size is None else size)

    def write(self, data: Any, /) -> int:
        self._listener(self._passed)
        count = self._stream.write(data)
        self._passed += count
        return count

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def truncate(self, size: int | None = None, /) -> int:
        return self._stream.truncate(size)

    def flush(self) -> None:
        if not self._stream.closed:
            self._stream.flush()

    def close(self) -> None:
        self._stream.close()
        super().close()

    def readable(self) -> bool:
        return self._stream.readable()

    def writable(self) -> bool:
        return self._stream.writable()

    def seekable(self) -> bool:
        return self._stream.seekable()
