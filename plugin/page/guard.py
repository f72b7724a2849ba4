"""What stands before the page: only who names this machine as the host, and comes from the page
itself, is let through, and only to addresses that the page needs."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LONGEST = 32_000_000  # bytes of a request that is no upload: brushed masks make them long
SAFE = ("GET", "HEAD")
# Everything else that Gradio answers (proxies, recordings, deep links, reloading ...) is closed.
OPEN = re.compile(
    r"/($|config/?$|theme\.css$|robots\.txt$|favicon\.ico$|manifest\.json$|pwa_icon(/\d+)?$"
    r"|login/?$|logout/?$|assets/|static/"
    r"|gradio_api/(info/?$|app_id/?$|user/?$|login_check/?$|token/?$|startup-events$|theme\.css$"
    r"|upload$|upload_progress$|queue/(join|data)$|call/|cancel$|reset/?$|heartbeat/|file=))"
)
POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio compiles its templates
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Guard:
    """An ASGI app around another. largest: bytes of an upload."""

    def __init__(self, app: App, largest: int) -> None:
        self._app, self._largest = app, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = self._refusal(scope)
        if refusal is None and _has_json(scope):
            body, refusal = await _whole(receive)
            if refusal is None and _fetches(body):
                refusal = 400, "files are sent, not fetched: upload them"
            receive = _again(body, receive)
        if refusal is not None:
            await _refuse(send, *refusal)
            return
        await self._app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        path, headers = scope["path"], _headers(scope)
        if not OPEN.match(path):
            return 404, "there is nothing at this address"
        if "/file=" in path and "://" in unquote(path):
            return 403, "only files of this page are given out"
        if not _own(scope, headers):
            return 403, "another site may not use this page"
        if scope["method"] in SAFE:
            return None
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdecimal() and len(length) < 16):
            return 411, "the request has no Content-Length: give one"
        most = self._largest if path.endswith("/upload") else LONGEST
        if int(length) > most:
            return 413, f"at most {most // 1_000_000} MB are taken"
        return None


def _own(scope: Scope, headers: dict[str, str]) -> bool:
    """Whether the request comes from the page itself, from the address bar, or from a program."""
    origin, host = headers.get("origin"), headers.get("host", "")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return False
    site = headers.get("sec-fetch-site", "none")
    visits = headers.get("sec-fetch-mode") == "navigate" and scope["method"] in SAFE
    # A link on another site may lead to the page, but to nothing else here.
    return site in ("same-origin", "none") or (visits and scope["path"] == "/")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _has_json(scope: Scope) -> bool:
    return scope["method"] not in SAFE and not scope["path"].endswith("/upload")


async def _whole(receive: Receive) -> tuple[bytes, tuple[int, str] | None]:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body), (400, "the request broke off")
        body += message.get("body", b"")
        if len(body) > LONGEST:
            return b"", (413, f"at most {LONGEST // 1_000_000} MB are taken")
        if not message.get("more_body"):
            return bytes(body), None


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, and then what comes."""
    told = False

    async def replay() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _fetches(body: bytes) -> bool:
    """Whether a request names an address where a file's path should stand: Gradio would get it."""
    try:
        waiting = [json.loads(body)] if body else []
    except (ValueError, RecursionError):
        return False  # a login form, or what Gradio will refuse itself
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            path, url = str(each.get("path", "")), str(each.get("url", ""))
            # The page's own files come back with their address on this page.
            if "://" in path or ("://" in url and "/gradio_api/file=" not in url):
                return True
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return False


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in HEADERS}
            kept = [each for each in message.get("headers", []) if each[0].lower() not in ours]
            message = {**message, "headers": [*kept, *HEADERS]}
        await send(message)

    return sending


async def _refuse(send: Send, status: int, line: str) -> None:
    body = json.dumps({"error": line}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *HEADERS]})
    await send({"type": "http.response.body", "body": body})
