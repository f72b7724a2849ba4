"""One worker, asked over HTTP. Every call blocks: a dialog makes them from a thread."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import uuid
from collections.abc import Generator, Sequence
from typing import Any

from .address import Address
from .wire import MEDIA_TYPE, PROTOCOL, digest, pack, unpack

CONNECTING = 5.0  # s
GOING_ON = ("queued", "stage")  # events after which others come
QUIET = 60.0  # s without a byte, after which the worker counts as gone; it sends signs of life

STOPPED = (
    "the worker stopped in the middle of the work: run it again; where that does not help, close "
    "other programs or choose a smaller size, and look at semantic-style doctor"
)


class WorkerError(Exception):
    """The worker said no, in one line. code: a short word for programs: "picture" means that it
    does not hold the picture (any more)."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class WorkerGone(WorkerError):
    """Nobody answers at the address, or the connection broke."""


class Client:
    """Asks the worker at one address. Safe in several threads: each call has its own
    connection."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.name = uuid.uuid4().hex  # previews of one client replace each other

    def capabilities(self) -> dict[str, Any]:
        """What answers there; see the server's GET /capabilities. WorkerError for a worker of
        another protocol."""
        found: dict[str, Any] = self._json("GET", "/capabilities")
        if found.get("protocol") != PROTOCOL:
            raise WorkerError(
                "the plug-in and the worker are of different versions: run semantic-style gimp "
                "install, and restart GIMP",
                "protocol",
            )
        return found

    def styles(self, side: int = 96) -> tuple[list[dict[str, Any]], memoryview]:
        """Styles that can be named, each with name, title, origin, width, height and offset of
        its thumbnail's RGB u8 samples in the second part."""
        header, samples = unpack(self._whole("GET", f"/styles?side={side}"))
        return header["styles"], samples

    def canonical(self, recipe: str | dict[str, Any]) -> dict[str, Any]:
        """{"recipe": canonical data, "text": in the region language} of a recipe in either form.
        WorkerError where it is wrong."""
        found: dict[str, Any] = self._json("POST", "/recipes", {"recipe": recipe})
        return found

    def put_picture(self, parts: Sequence[bytes | memoryview]) -> str:
        """Bring a message of wire.pack_picture there, unless it is there. Its name, a sha256."""
        name = digest(parts)
        try:
            self._whole("HEAD", f"/pictures/{name}")
        except WorkerError as error:
            if isinstance(error, WorkerGone):
                raise
            self._whole("PUT", f"/pictures/{name}", parts)
        return name

    def submit(self, kind: str, picture: str, recipe: str | dict[str, Any], **more: Any) -> str:
        """A new job's name. kind: mask, preview, stylize or animate. more: see POST /jobs."""
        job = {"kind": kind, "picture": picture, "recipe": recipe, "client": self.name, **more}
        return str(self._json("POST", "/jobs", job)["id"])

    def follow(self, job: str) -> Generator[dict[str, Any], None, None]:
        """Events until the job has ended. Closing the iterator cancels a job that has not.

        {"event": "queued", "before": jobs before it}, {"event": "stage", "stage": what is being
        done, "fraction": 0 to 1 of all}, and one of "done", "cancelled", "failed" (with
        "message" and "code") at the end.
        """
        with contextlib.closing(self._connect()) as connection:
            response = self._ask(connection, "GET", f"/jobs/{job}/events")
            broken = WorkerGone(STOPPED)
            try:
                for line in response:
                    if not line.strip():
                        continue
                    event = json.loads(line)
                    yield event
                    if event["event"] not in GOING_ON:
                        return
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
                raise broken from None
            raise broken

    def result(self, job: str) -> tuple[dict[str, Any], memoryview]:
        """What a job that is done has made; the worker forgets it then."""
        return unpack(self._whole("GET", f"/jobs/{job}/result"))

    def cancel(self, job: str) -> None:
        """End a job; no error where it has ended."""
        with contextlib.suppress(WorkerError):
            self._whole("DELETE", f"/jobs/{job}")

    def shut_down(self) -> None:
        self._whole("POST", "/shutdown")

    def _json(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        parts = () if data is None else pack(data)
        try:
            return json.loads(self._whole(method, path, parts))
        except ValueError:
            raise WorkerError("the worker's answer is no JSON: restart it") from None

    def _whole(self, method: str, path: str, parts: Sequence[bytes | memoryview] = ()) -> bytes:
        with contextlib.closing(self._connect()) as connection:
            try:
                return self._ask(connection, method, path, parts).read()
            except (OSError, http.client.HTTPException):
                raise WorkerGone(STOPPED) from None

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        parts: Sequence[bytes | memoryview] = (),
    ) -> http.client.HTTPResponse:
        headers = {}
        if parts:
            headers["Content-Type"] = MEDIA_TYPE
            headers["Content-Length"] = str(sum(len(part) for part in parts))
        if self.address.token:
            headers["Authorization"] = f"Bearer {self.address.token}"
        try:
            # Who refuses a body does not read it to its end: what it says still arrives.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                body = iter(parts) if parts else None
                connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException):
            raise WorkerGone("no worker answers: run it again") from None
        if response.status < 400:
            return response
        raise _refusal(response)

    def _connect(self) -> http.client.HTTPConnection:
        return _Connection(self.address)


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket, or over TCP to this machine."""

    def __init__(self, address: Address) -> None:
        super().__init__("127.0.0.1" if address.socket is None else "localhost", address.port or 80)
        self._address = address

    def connect(self) -> None:
        if self._address.socket is None:
            self.sock = socket.create_connection(("127.0.0.1", self._address.port), CONNECTING)
        else:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(CONNECTING)
            self.sock.connect(str(self._address.socket))
        self.sock.settimeout(QUIET)


def _refusal(response: http.client.HTTPResponse) -> WorkerError:
    try:
        said = json.loads(response.read())
        return WorkerError(str(said["error"]), str(said.get("code", "")))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return WorkerError(f"the worker refused it ({response.status})")
