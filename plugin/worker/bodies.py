"""What comes in and goes out over HTTP: bounded, checked, and with errors that are one line."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from ...core.errors import RequestError
from ..gimp.semantic_style.link.wire import LONGEST_HEADER, MEDIA_TYPE, WireError, unpack
from .jobs import NO_MEMORY
from .log import worker_log_path

LONGEST_MESSAGE = LONGEST_HEADER + 4  # bytes of a body that is a header alone
QUIET = 30.0  # s without a byte of a body, after which whoever sends it counts as gone
PIECE = 1 << 20  # bytes of an answer that are sent at once

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)


class Json(Response):
    """JSON in ASCII, so that no text of a request can't be sent back."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False).encode("ascii")


class Refused(HTTPException):
    """An answer other than what was asked for. code: a short word for programs."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(status, message)
        self.code = code


def answer_errors(app: FastAPI) -> None:
    """Have every error of the app answered as {"error": one line, "code": word}."""

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        status, headers = error.status_code, error.headers
        if isinstance(error, Refused):
            return refusal(status, error.detail, error.code, headers)
        said = {404: "there is nothing at this address", 405: "this address takes other methods"}
        return refusal(status, said.get(status, str(error.detail)), headers=headers)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return refusal(400, first_error(error.errors()))

    async def wrong(request: Request, error: Exception) -> Response:
        return refusal(400, str(error), "request")

    async def short(request: Request, error: Exception) -> Response:
        log.warning("out of memory", exc_info=error)
        return refusal(507, NO_MEMORY, "memory")

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("a request failed", exc_info=error)
        line = f"unexpected error, {type(error).__name__}: report it with {worker_log_path()}"
        return refusal(500, line, "bug")

    app.add_exception_handler(StarletteHTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(RequestError, wrong)
    app.add_exception_handler(MemoryError, short)
    app.add_exception_handler(Exception, unexpected)


def first_error(errors: Sequence[Any]) -> str:
    """The first of pydantic's errors, as a line."""
    place = ".".join(str(each) for each in errors[0]["loc"])
    message = " ".join(str(errors[0]["msg"]).split())
    return f"{place[:60]}: {message[:200]}"


def refusal(status: int, message: str, code: str = "", headers: Any = None) -> Response:
    line = " ".join(message.split())
    return Json({"error": line, "code": code}, status_code=status, headers=headers)


async def whole_body(request: Request, most: int, take: Callable[[bytes], None]) -> int:
    """Hand on a body piece by piece; its length. Refused for one without a length, for one longer
    than `most` bytes, and where the sender falls silent."""
    length = expected_length(request, most)
    passed = 0
    stream = request.stream().__aiter__()
    while True:
        try:
            piece = await asyncio.wait_for(anext(stream, None), QUIET)
        except TimeoutError:
            raise Refused(408, "the body stopped coming: send it again") from None
        if piece is None:
            return passed
        passed += len(piece)
        if passed > length:
            raise Refused(400, "the body is longer than it said")
        take(piece)


def expected_length(request: Request, most: int) -> int:
    """The length that a request's header gives. Refused where it gives none, or more than may
    come."""
    text = request.headers.get("content-length", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise Refused(411, "the request has no Content-Length: give one")
    if int(text) > most:
        raise Refused(413, f"the body has {int(text)} bytes, at most {most} are taken")
    return int(text)


async def header_of(request: Request) -> dict[str, Any]:
    """The JSON object that a request brings, packed as in link/wire.py or plain. Refused."""
    body = bytearray()
    await whole_body(request, LONGEST_MESSAGE, body.extend)
    packed = request.headers.get("content-type", "").split(";")[0].strip() == MEDIA_TYPE
    try:
        if packed:
            return unpack(body)[0]
        data = json.loads(body)
    except WireError as error:
        raise Refused(400, str(error)) from None
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON") from None
    if not isinstance(data, dict):
        raise Refused(400, "the body is no JSON object")
    return data


def packed(parts: Sequence[bytes | memoryview]) -> StreamingResponse:
    """A message as the answer, in pieces, none of them copied before it is sent."""

    async def pieces() -> AsyncIterator[memoryview]:
        for part in parts:
            view = memoryview(part).cast("B")
            for start in range(0, len(view), PIECE):
                yield view[start : start + PIECE]

    length = sum(memoryview(part).nbytes for part in parts)
    return StreamingResponse(
        pieces(), media_type=MEDIA_TYPE, headers={"Content-Length": str(length)}
    )


class Guard:
    """Over TCP: lets through only who names this machine as the host, and knows the token."""

    def __init__(self, app: App, port: int, token: str) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode()}
        self._proof = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = scope["headers"]
        hosts = [value for name, value in headers if name == b"host"]
        proofs = [value for name, value in headers if name == b"authorization"]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            answer = refusal(403, "only programs on this machine are answered", "host")
        elif len(proofs) != 1 or not secrets.compare_digest(proofs[0], self._proof):
            answer = refusal(401, "the token is missing or wrong", "token")
        else:
            await self._app(scope, receive, send)
            return
        await answer(scope, receive, send)
