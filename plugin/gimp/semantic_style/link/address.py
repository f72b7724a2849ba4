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
    """The folder for the socket, made if it is missing; private to this user.

    The session's runtime folder; else one under the home folder, which a sandboxed GIMP sees
    too; else, where that path is too long for a socket, one under the temporary folder.
    Raises AddressError where a folder belongs to somebody else or can't be made private.
    """
    places = []
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir():
        places.append(Path(runtime) / FOLDER)
    places.append(Path.home() / ".cache" / FOLDER / "run")
    for place in places:
        if len(os.fsencode(place / SOCKET)) <= LONGEST_SOCKET:
            return private(place)
    owner = os.getuid() if hasattr(os, "getuid") else 0
    return private(Path(tempfile.gettempdir()) / f"{FOLDER}-{owner}")


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


def default_address() -> Address:
    """Where a worker of this user listens. On Windows what its file says: AddressError if there
    is none, since none runs then."""
    folder = meeting_folder()
    if HAS_UNIX:
        return Address(socket=folder / SOCKET)
    return read_port_file(folder / PORT_FILE)


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
