"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from .errors import RequestError
from .streams import hearing
from .wording import shown_path


def check_target(path: str | os.PathLike[str], *, force: bool = False) -> Path:
    """The file that a result may be written to, links followed.

    Worth calling before the work as well: RequestError where the folder is missing or not
    writable, the path is a folder, or a file is there and `force` is not given.
    """
    name = shown_path(path)
    try:
        target = Path(os.path.realpath(path))  # a link stays a link, its file is replaced
        folder_there, taken = target.parent.is_dir(), target.exists()
    except (OSError, ValueError):
        raise RequestError(f"{name} can't be a file's name: choose another") from None
    if not folder_there:
        raise RequestError(f"the folder of {name} does not exist: make it first")
    if target.is_dir():
        raise RequestError(f"{name} is a folder: name a file in it")
    if taken and not force:
        raise RequestError(f"{name} already exists: choose another name, or --force to replace it")
    if taken and not target.is_file():
        raise RequestError(f"{name} is not a regular file: choose another name")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise RequestError(f"the folder of {name} can't be written to: choose another")
    return target


@contextmanager
def replacing(path: str | os.PathLike[str], *, force: bool = False) -> Iterator[BinaryIO]:
    """A stream whose content becomes the file when the block ends without an error.

    Until then it is a hidden file in the same folder, which is removed on any error and on
    Ctrl+C. A full disk and its like are a RequestError. See streams.heard for how to stop it.
    """
    target = check_target(path, force=force)
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
    try:
        with temporary.open("x+b") as stream:
            yield hearing(stream)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise RequestError(f"can't write {shown_path(path)}: {why}") from error
    finally:
        temporary.unlink(missing_ok=True)
