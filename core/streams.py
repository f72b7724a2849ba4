"""Files that hear, between two reads or writes, that somebody wants to stop.

Decoders and encoders are other people's loops, in C at their core. What they all do again and
again is read from or write to a stream: there a cancel is heard, and progress is counted.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, BinaryIO, cast

Listener = Callable[[int], None]


def _nobody(passed: int) -> None:
    """The listener where nobody listens."""


_listener: ContextVar[Listener] = ContextVar("listener", default=_nobody)


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Streams opened within the block, by this thread, call `listener` before every read and
    write, with the number of bytes that passed; what it raises ends the reading or writing.

    Pillow reads and writes in pieces: 64 KB, or some rows. One piece, whatever its size, are a
    WebP, a TIFF of 8 bits, a JPEG that is progressive or of quality 95 and more, and a PNG of
    16 bits.
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


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
