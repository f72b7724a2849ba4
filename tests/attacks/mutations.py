"""Requests that were right, with something in them changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote_to_bytes

METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE", "BREW")
TEXTS = (
    "", " ", "\0", "\n", "\ud800", "\u202e", "é" * 50, "x" * 5000, "../../etc/passwd", "file:///etc",
    "http://localhost/", "%s%n", "';--", "{{7*7}}", "*", "sky =", "= mosaic", "a" * 64, "0" * 64,
    "word:", "sky = 1e999*mosaic", "sky = word:night @ nan", "keep", ";" * 300, "null", "embedded",
    "mask", "preview", "stylize", "animate", "zmnet", "gatys", "adaattn", "clipseg", "full",
)  # fmt: skip
NUMBERS = (0, -1, 1, 2, 63, 64, 65, 2048, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, 1e-320)
PIECES = (
    "..",
    ".",
    "",
    "%00",
    "%2e%2e",
    "%ff",
    "%",
    "é",
    "\u202e",
    "jobs",
    "x" * 3000,
    "?",
    "#",
    "//",
)
KEYS = ("kind", "picture", "recipe", "client", "regions", "painted", "selection", "side", "frames",
        "through", "schema", "value", "__proto__", "", "0", "-1", "style", "target")  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A request. body: JSON, or bytes as they are."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    async def sent_to(self, app: Any) -> tuple[int, bytes]:
        """Status and body of an ASGI app's answer. Nothing on the way makes it any righter."""
        content = self.body
        if content is not None and not isinstance(content, bytes):
            content = json.dumps(content).encode()
        content = content or b""
        raw, _, query = self.path.encode("utf-8", "replace").partition(b"?")
        given = {"Content-Length": str(len(content)), "Host": "worker", **self.headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": unquote_to_bytes(raw).decode("utf-8", "replace"),
            "raw_path": raw,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "client": None,
            "server": None,
        }
        half = len(content) // 2
        arriving = [content[:half], content[half:]]
        ended, statuses, body = asyncio.Event(), [], bytearray()

        async def receive() -> dict[str, Any]:
            if arriving:
                piece = arriving.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(arriving)}
            await ended.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                ended.set()

        await app(scope, receive, send)
        (status,) = statuses
        return status, bytes(body)


def mutated(asked: Asked, chosen: random.Random) -> Asked:
    """One to three changes."""
    for _ in range(chosen.choice((1, 1, 1, 2, 3))):
        ways: list[Callable[[Asked, random.Random], Asked]] = [_method, _path, _header]
        if asked.body is not None:
            ways += [_body] * 6
        asked = chosen.choice(ways)(asked, chosen)
    if asked.method == "PUT" and isinstance(asked.body, bytes) and chosen.random() < 0.7:
        # Named rightly, so that it is looked at.
        asked = replace(asked, path=f"/pictures/{hashlib.sha256(asked.body).hexdigest()}")
    if asked.path.split("?")[0].rstrip("/") == "/shutdown":
        return replace(asked, path="/")
    return asked


def _method(asked: Asked, chosen: random.Random) -> Asked:
    return replace(asked, method=chosen.choice(METHODS))


def _path(asked: Asked, chosen: random.Random) -> Asked:
    parts = asked.path.split("/")
    at = chosen.randrange(1, len(parts))
    parts[at] = chosen.choice((parts[at] + chosen.choice(PIECES), chosen.choice(PIECES)))
    path = "/".join(parts)
    if chosen.random() < 0.2:
        path += "?side=" + str(chosen.choice((*NUMBERS, *TEXTS)))[:500]
    return replace(asked, path=path)


def _header(asked: Asked, chosen: random.Random) -> Asked:
    lengths = ("-1", "x", "", "1", "99999999999999999999", "4000000000", "0x10", "+5", "٣")
    types = ("application/json", "application/x-semantic-style", "text/plain", "", ";", "a/b;c=d")
    name, value = chosen.choice([
        *(("Content-Length", each) for each in lengths if each.isascii()),
        *(("Content-Type", each) for each in types),
        ("Authorization", "Bearer x"),
        ("Accept", "x" * 2000),
        ("Host", "evil.example"),
        ("Range", "bytes=0-1"),
        ("Expect", "100-continue"),
    ])  # fmt: skip
    return replace(asked, headers={**asked.headers, name: value})


def _body(asked: Asked, chosen: random.Random) -> Asked:
    body = asked.body
    if not isinstance(body, bytes):
        if chosen.random() < 0.85:
            return replace(asked, body=_changed(body, chosen))
        body = json.dumps(body).encode()
    damaged = bytearray(body)
    for _ in range(chosen.randint(1, 4)):
        # Most of what can go wrong stands at the beginning.
        at = chosen.randrange(min(len(damaged), chosen.choice((8, 300, 10**9)))) if damaged else 0
        way = chosen.randrange(4)
        if way == 0 and damaged:
            damaged[at] = chosen.randrange(256)
        elif way == 1:
            damaged[at:at] = chosen.randbytes(chosen.choice((1, 4, 60)))
        elif way == 2:
            del damaged[at : at + chosen.choice((1, 4, 60, 10**9))]
        else:
            damaged += chosen.randbytes(chosen.choice((1, 3, 100)))
    if chosen.random() < 0.02:
        damaged = bytearray(b'{"recipe":' + b"[" * 50_000)
    return replace(asked, body=bytes(damaged))


def _changed(value: Any, chosen: random.Random) -> Any:
    """The data with one place of it changed."""
    inside = value and isinstance(value, dict | list) and chosen.random() < 0.8
    if inside and isinstance(value, dict):
        copy, key = dict(value), chosen.choice(list(value))
        way = chosen.random()
        if way < 0.7:
            copy[key] = _changed(copy[key], chosen)
        elif way < 0.8:
            del copy[key]
        else:
            copy[chosen.choice(KEYS)] = _any(chosen)
        return copy
    if inside:
        items, at = list(value), chosen.randrange(len(value))
        items[at] = _changed(items[at], chosen)
        return items * chosen.choice((1, 1, 2, 70))
    if isinstance(value, str) and value and chosen.random() < 0.5:
        at = chosen.randrange(len(value))
        return value[:at] + chosen.choice((*TEXTS, *'=;+*@"\\:,')) + value[at + 1 :]
    return _any(chosen)


def _any(chosen: random.Random) -> Any:
    return chosen.choice([
        None, True, False, [], {}, [[]], {"": {}}, [None] * 80, float("nan"), float("inf"),
        chosen.choice(NUMBERS), chosen.choice(TEXTS), [chosen.choice(TEXTS)],
        {chosen.choice(KEYS): chosen.choice(TEXTS)},
    ])  # fmt: skip
