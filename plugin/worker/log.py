"""The worker's log: a file of bounded size, which `doctor` and error messages name."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

LONGEST = 1_000_000  # bytes; one older file of that size is kept beside it


def worker_log_path() -> Path:
    """Where the worker writes what went wrong."""
    from ..faults import log_path

    return log_path().with_name("worker.log")


def open_log() -> None:
    """Let this process log to the file. Where it can't be written nothing is kept."""
    path = worker_log_path()
    handler: logging.Handler
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=LONGEST, backupCount=1, encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(__package__).setLevel(logging.INFO)
