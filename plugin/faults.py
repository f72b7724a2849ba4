"""What a run ends with: exit codes, one line on stderr, and signals that end work cleanly."""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer

from ..core.errors import Cancelled, RequestError

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130
STOPPED = "stopped; nothing was left half written"
PATIENCE = 3.0  # s in which further signals don't disturb the cleaning up
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A signal asked to stop. Not KeyboardInterrupt itself: where that passes through exec() of a
    text, as in imports of large libraries, Python ends by SIGINT later, whoever caught it."""


def run_guarded(work: Callable[[], int | None], *, debug: bool = False) -> int:
    """The exit code of `work`: its own, 0 for None; every error becomes one line on stderr.

    2 for a RequestError and for a usage error of the command line, 130 for Ctrl+C and SIGTERM,
    1 for anything else. With `debug` the traceback comes before the line.
    """
    with _interruptible():
        try:
            code = work() or DONE
            if code == INTERRUPTED:  # newer Typer makes this of a KeyboardInterrupt
                say_error(STOPPED)
            return code
        except (KeyboardInterrupt, Cancelled, typer.Abort) as error:
            return _ended(error, STOPPED, INTERRUPTED, debug)
        except RequestError as error:
            return _ended(error, str(error), REFUSED, debug)
        except MemoryError as error:
            return _ended(error, "out of memory: try a smaller --size", FAILED, debug)
        except BrokenPipeError:
            # Whoever read our output has gone: there is nobody to tell. Closing stderr keeps
            # the interpreter from complaining about the unflushed rest.
            sys.stderr.close()
            return FAILED
        except Exception as error:
            if is_usage_error(error):
                return _ended(error, _usage(error), REFUSED, debug)
            return _ended(error, _unexpected(error, debug), FAILED, debug)


def is_usage_error(error: BaseException) -> bool:
    """Whether the command line's parser raised this; its classes differ between Typer versions."""
    return hasattr(error, "format_message") and getattr(error, "exit_code", None) == REFUSED


def say_error(message: str) -> None:
    """One line on stderr, whatever the message holds."""
    print(f"semantic-style: {' '.join(message.split())}", file=sys.stderr)


def _ended(error: BaseException, message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    say_error(message)
    return code


def _usage(error: Exception) -> str:
    message = error.format_message().strip().rstrip(".")  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "semantic-style"
    return f"{message}; see {command} --help"


def _unexpected(error: Exception, debug: bool) -> str:
    what = " ".join(str(error).split())
    if len(what) > 200:
        what = what[:197] + "..."
    told = f"{type(error).__name__}: {what}" if what else type(error).__name__
    advice = "" if debug else "see more with --debug, "
    where = _keep_log(error)
    enclose = f"and enclose {where}" if where else "and enclose what --debug shows"
    return f"unexpected error, {told}; this looks like a bug: {advice}please report it {enclose}"


def log_path() -> Path:
    """Where the traceback of the last unexpected error is kept."""
    from ..weights.store import user_folder

    return user_folder() / "last-error.log"


def _keep_log(error: Exception) -> Path | None:
    """Where the error's traceback was written; None where it can't be."""
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return None
    return path


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends work as Ctrl+C does, and a second signal does not cut the cleaning up short."""
    last = -PATIENCE

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if time.monotonic() - last > PATIENCE:
            last = time.monotonic()
            raise Interrupted

    try:
        before = [signal.signal(number, stop) for number in _SIGNALS]
    except ValueError:  # only the main thread may set handlers; another one gets no signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)
