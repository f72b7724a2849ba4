"""Requests to the page that no browser on it would make: refused, and the page goes on."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..page_server import PageServer, served

SECRET = "root:"  # stands in /etc/passwd


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers = response.status, response.headers
        self.body = b"" if "text/event-stream" in str(self.headers) else response.read()


Ask = Callable[..., Answer]


@pytest.fixture
def ask(page_server: PageServer) -> Ask:
    """A request as it is written, with the page's own Host unless another is given."""

    def request(path: str, method: str = "GET", body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", page_server.port, timeout=30)
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, dict):
            named["Content-Type"] = "application/json"
        try:
            connection.request(method, path, data, named)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    return request


@pytest.fixture(autouse=True)
def still_there(ask: Ask) -> Any:
    """After each attack the page answers as before."""
    yield
    assert ask("/").status == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:7860", "10.0.0.1", ""])
def test_a_foreign_host_is_refused(ask: Ask, host: str) -> None:
    for path in ("/", "/config", "/gradio_api/info"):
        assert ask(path, Host=host).status == 400


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1", "null", "file://"])
def test_another_sites_page_can_change_nothing(ask: Ask, origin: str) -> None:
    for path in ("/gradio_api/queue/join", "/gradio_api/upload", "/gradio_api/call/stylize"):
        answer = ask(path, "POST", {"data": []}, Origin=origin)
        assert answer.status == 403
        assert b"another site may not use this page" in answer.body
    assert ask("/config", Origin=origin).status == 403
    preflight = ask(
        "/gradio_api/queue/join", "OPTIONS", Origin=origin, Access_Control_Request_Method="POST"
    )
    assert preflight.status == 403
    assert preflight.headers["Access-Control-Allow-Origin"] is None


def test_another_site_can_lead_to_the_page_and_to_nothing_in_it(ask: Ask) -> None:
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert ask("/", **link).status == 200
    assert ask("/config", **link).status == 403
    assert ask("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors").status == 403
    assert ask("/gradio_api/info", Sec_Fetch_Site="same-site").status == 403
    assert ask("/gradio_api/info", Sec_Fetch_Site="same-origin").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "//etc/passwd", "..%2f..%2f..%2f..%2fetc/passwd", "../../../etc/passwd",
        "%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/proc/self/environ", "/proc/self/cwd/README.md",
        "README.md", "pyproject.toml", "plugin/web.py", "/dev/zero", "/tmp", "~/.bashrc",
        "/etc/passwd%00.png", "C:/Windows/win.ini", "\\\\server\\share", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_no_file_of_this_machine_is_given_out(ask: Ask, path: str) -> None:
    for route in ("/gradio_api/file=", "/gradio_api/file/", "/file=", "/static/", "/assets/"):
        for method in ("GET", "HEAD"):
            answer = ask(route + path, method)
            assert answer.status in (400, 403, 404, 405), route + path
            assert SECRET.encode() not in answer.body


def test_the_pages_folder_and_what_it_writes_are_not_given_out(
    ask: Ask, page_server: PageServer
) -> None:
    home = next((page_server.folder / "tmp").glob("semantic-style-web-*"))
    assert home.stat().st_mode & 0o077 == 0
    log = next((page_server.folder / "data").rglob("*.log"), page_server.folder / "home")
    for path in (home, home.parent, log, home / ".." / ".." / "data", Path("/etc/hostname")):
        assert ask(f"/gradio_api/file={path}").status == 403
    (home / "link.png").symlink_to("/etc/passwd")
    assert SECRET.encode() not in ask(f"/gradio_api/file={home}/link.png").body
    (home / "link.png").unlink()


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/proxy=http://127.0.0.1:1/", "/gradio_api/file=http://127.0.0.1:1/x.png",
        "/gradio_api/file=https://example.org/x.png", "/gradio_api/file=HTTP:%2f%2fexample.org",
        "/gradio_api/dev/reload", "/gradio_api/vibe-code", "/gradio_api/deep_link",
        "/gradio_api/runs", "/gradio_api/run-history/buckets", "/monitoring", "/monitoring/summary",
        "/gradio_api/custom_component/1/client/component/index.js", "/svelte/x", "/docs",
        "/openapi.json", "/gradio_api/openapi.json", "/gradio_api/profiling/traces",
        "/gradio_api/mcp/", "/gradio_api/stream/a/b/1/playlist.m3u8", "/../etc/passwd",
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_closed(ask: Ask, path: str) -> None:
    assert ask(path).status in (403, 404)


@pytest.mark.parametrize("path", ["/gradio_api/run/predict", "/gradio_api/api/look",
                                  "/gradio_api/process_recording", "/gradio_api/vibe-edit",
                                  "/gradio_api/component_server"])  # fmt: skip
def test_other_ways_to_post_are_closed(ask: Ask, path: str) -> None:
    assert ask(path, "POST", {"data": []}).status == 404


@pytest.mark.parametrize("place", ["http://127.0.0.1:1/x.png", "https://example.org/x.png",
                                   "file:///etc/passwd", "ftp://example.org/x"])  # fmt: skip
def test_nothing_is_fetched_for_anybody(ask: Ask, place: str) -> None:
    for entry in ({"path": place}, {"path": "x.png", "url": place}):
        file = {**entry, "meta": {"_type": "gradio.FileData"}}
        for path in ("/gradio_api/call/mask", "/gradio_api/queue/join"):
            answer = ask(path, "POST", {"data": [file, "sky", 0.5, 0, 2, False], "fn_index": 0})
            assert answer.status == 400
            assert b"files are sent, not fetched" in answer.body


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../../etc/passwd", "/proc/self/environ"])
def test_a_file_that_was_not_uploaded_is_not_read(
    ask: Ask, page_server: PageServer, path: str
) -> None:
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [file, "sky", 0.5, 0, 2, False]}
    begun = json.loads(ask("/gradio_api/call/mask", "POST", body).body)
    connection = http.client.HTTPConnection("127.0.0.1", page_server.port, timeout=30)
    connection.request("GET", f"/gradio_api/call/mask/{begun['event_id']}")
    said = connection.getresponse().read().decode()
    connection.close()
    assert said.startswith("event: error")
    assert SECRET not in said


def test_uploads_are_bounded_before_they_are_read(ask: Ask) -> None:
    for length in ("100000000000", "250000000"):
        assert ask("/gradio_api/upload", "POST", Content_Length=length).status == 413
    answer = ask("/gradio_api/queue/join", "POST", Content_Length="40000000")
    assert answer.status == 413
    assert json.loads(answer.body)["error"] == "at most 32 MB are taken"
    for length in ("-1", "1e9", "0x10", ""):
        assert ask("/gradio_api/upload", "POST", Content_Length=length).status in (400, 411)
    assert ask("/gradio_api/upload", "POST", iter([b"x"] * 3)).status == 411


@pytest.mark.parametrize("name", ["../../escaped.png", "/tmp/escaped.png", "a/../../escaped.png",
                                  "..\\..\\escaped.png", "\x00escaped.png"])  # fmt: skip
def test_an_uploads_name_leads_nowhere(ask: Ask, page_server: PageServer, name: str) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="' + name.encode()
        + b'"\r\nContent-Type: image/png\r\n\r\nhello\r\n--x--\r\n'
    )  # fmt: skip
    answer = ask("/gradio_api/upload", "POST", body, Content_Type="multipart/form-data; boundary=x")
    home = next((page_server.folder / "tmp").glob("semantic-style-web-*"))
    if answer.status == 200:
        (stored,) = json.loads(answer.body)
        assert Path(stored).resolve().is_relative_to(home)
    assert not Path("/tmp/escaped.png").exists()
    assert not list(page_server.folder.glob("escaped*"))


@pytest.mark.parametrize("body", [b"", b"no json", b"[" * 200_000, b'{"data": 3}', b"{}", b"\xff",
                                  b'{"data": [], "fn_index": 10000}', b"null"])  # fmt: skip
def test_a_malformed_call_is_an_error_of_the_caller(ask: Ask, body: bytes) -> None:
    for path in ("/gradio_api/queue/join", "/gradio_api/call/stylize"):
        answer = ask(path, "POST", body, Content_Type="application/json")
        assert answer.status >= 400 or b"event_id" in answer.body


def test_what_the_page_does_for_itself_is_no_api(ask: Ask) -> None:
    described = json.loads(ask("/gradio_api/info").body)
    names = {"/stylize", "/mask", "/animate", "/estimate", "/styles"}
    assert set(described["named_endpoints"]) == names
    assert described["unnamed_endpoints"] == {}


def test_no_answer_may_be_framed_or_guessed_at(ask: Ask) -> None:
    for path in ("/", "/config", "/gradio_api/info", "/nowhere"):
        headers = ask(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--host", "0.0.0.0"), ("--host", "::"), ("--host", "192.168.1.10"),
        ("--host", "example.org"), ("--host", "0.0.0.0", "--password", "short"),
        ("--port", "70000"), ("--host", "0.0.0.0", "--password", ""),
    ],
)  # fmt: skip
def test_beyond_this_machine_only_with_a_password(
    cli: Callable, arguments: tuple[str, ...]
) -> None:
    ran = cli("web", "--no-open", *arguments)
    assert ran.code == 2
    assert len(ran.err.strip().splitlines()) == 1


def test_with_a_password_nothing_is_shown_without_it() -> None:
    with served("--password", "correct horse") as server:
        closed = ["/config", "/gradio_api/info", "/gradio_api/file=/etc/passwd"]
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

        def asked(path: str, method: str = "GET", body: str | None = None, **headers: str) -> Any:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read(), response.getheader("set-cookie") or ""

        for path in closed:
            assert asked(path)[0] == 401
        for path in ("/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/call/styles"):
            assert asked(path, "POST", "{}")[0] == 401
        assert b"ss-regions" not in asked("/")[1]
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert asked("/login", "POST", "username=me&password=wrong", **form)[0] == 400
        status, _, cookie = asked("/login", "POST", "username=me&password=correct+horse", **form)
        assert status == 200
        cookies = "; ".join(part.split(";")[0] for part in cookie.split(", "))
        assert asked("/config", Cookie=cookies)[0] == 200
        connection.close()
