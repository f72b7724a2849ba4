"""What can go wrong in a document, in words, and where the unexpected is written down."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent
LOG = "gimp.log"
LARGEST_LOG = 1 << 20  # bytes; a log that has grown larger is begun anew


class Refused(Exception):
    """A run that can't be, in one line: what is wrong and what to do instead."""


class Stopped(Exception):
    """The person took the run back."""


def written_down(error: BaseException) -> str:
    """The line for an error that nobody foresaw; where it arose goes into a log file."""
    what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    log = _log_folder() / LOG
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        mode = "w" if log.exists() and log.stat().st_size > LARGEST_LOG else "a"
        with log.open(mode, encoding="utf-8") as stream:
            traceback.print_exception(error, file=stream)
    except OSError:
        return f"an error of the plug-in itself ({what}): please report it"
    return f"an error of the plug-in itself ({what}): please report it with {log}"


def _log_folder() -> Path:
    """Where the worker's log is, too."""
    try:
        told = json.loads((FOLDER / "environment.json").read_text("utf-8"))
        return Path(str(told["log"])).parent
    except (OSError, ValueError, KeyError, TypeError):
        return Path.home() / ".cache" / "semantic-style"
