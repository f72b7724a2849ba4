"""Where the worker listens: found in the same way by both ends.

A Unix socket in a folder that only its owner can enter. Where there are none (Windows), a port
of 127.0.0.1 and a token, both in a file that only its owner can read.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = "semantic-style"
SOCKET = "worker.sock"
PORT_FILE = "worker.json"
LONGEST_SOCKET = 100  # bytes of a Unix socket's path: 104 on macOS, 108 on Linux, less some slack
HAS_UNIX = hasattr(socket, "AF_UNIX") and os.name == "posix"


class AddressError(OSError):
    """No safe place to meet; the text says what to do."""


@dataclass(frozen=True)
class Address:
    """socket: path of a Unix socket, or None for TCP on 127.0.0.1 with port and token."""

    socket: Path | None = None
    port: int = 0
    token: str = ""


def meeting_folder() -> Path:
    """The first of `meeting_folders`. Raises AddressError where there is none."""
    return meeting_folders()[0]


def meeting_folders() -> list[Path]:
    """The folders for the socket, made if they are missing; private to this user.

    The session's runtime folder, and one under the home folder, which a sandboxed GIMP sees too;
    where both paths are too long for a socket, one under the temporary folder. Raises
    AddressError where none can be made, or only in what belongs to somebody else.
    """
    places = []
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir():
        places.append(Path(runtime) / FOLDER)
    places.append(Path.home() / ".cache" / FOLDER / "run")
    fitting = [each for each in places if len(os.fsencode(each / SOCKET)) <= LONGEST_SOCKET]
    if not fitting:
        owner = os.getuid() if hasattr(os, "getuid") else 0
        fitting = [Path(tempfile.gettempdir()) / f"{FOLDER}-{owner}"]
    found, refusals = [], []
    for place in fitting:
        try:
            found.append(private(place))
        except AddressError as error:
            refusals.append(error)
    if not found:
        raise refusals[0]
    return found


def private(folder: Path) -> Path:
    """The folder, made with mode 0700 if it is missing. Raises AddressError for one that others
    own or can enter and that can't be closed to them."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.lstat()
        if not HAS_UNIX:
            return folder
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            raise AddressError(f"{folder} belongs to somebody else: remove it")
        if about.st_mode & 0o077:
            folder.chmod(0o700)
    except AddressError:
        raise
    except OSError as error:
        raise AddressError(f"{folder} can't be made ({error.strerror}): check its rights") from None
    return folder


def addresses() -> list[Address]:
    """Where a worker of this user may listen, the likeliest first; it listens at all of them. On
    Windows what its file says. AddressError where there is no such place."""
    if HAS_UNIX:
        return [Address(socket=folder / SOCKET) for folder in meeting_folders()]
    return [read_port_file(meeting_folder() / PORT_FILE)]


def default_address() -> Address:
    """The first of `addresses`."""
    return addresses()[0]


def read_port_file(path: Path) -> Address:
    """The port and token that a worker wrote. Raises AddressError."""
    try:
        data = json.loads(path.read_text("utf-8"))
        return Address(port=int(data["port"]), token=str(data["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise AddressError(f"no worker has written {path}") from None


def write_port_file(path: Path, port: int) -> Address:
    """A new token beside the port, in a file of mode 0600 that appears whole."""
    address = Address(port=port, token=secrets.token_urlsafe(32))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump({"port": port, "token": address.token}, stream)
    Path(name).replace(path)
    return address
