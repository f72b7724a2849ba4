"""The page in a browser: what it is served by, and who may ask. See plugin/page for what is on
it."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from ..core.errors import RequestError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from .page.guard import App
    from .page.visits import Visits

PORT = 7860
TRIES = 20  # ports after it that are tried where nobody names one
WAITING = 64  # requests that may wait; more are refused
UPLOADS = 200_000_000  # bytes of a file
SHORTEST = 8  # characters of a password
LOCAL = ("127.0.0.1", "localhost", "[::1]")


def serve_page(
    port: int | None = None,
    host: str = "127.0.0.1",
    password: str | None = None,
    *,
    open_browser: bool = True,
) -> None:
    """Answer until a signal. port: None for the first free one from 7860.

    RequestError for a host beyond this machine without a password, and where the port is taken.
    """
    local = _is_local(host)
    if not local and not password:
        raise RequestError(
            f"{host} can be reached from other machines: add --password, or leave out --host"
        )
    if password is not None and len(password) < SHORTEST:
        raise RequestError(f"the password is too short: use at least {SHORTEST} characters")
    listener = _listening(host, port)
    with listener, tempfile.TemporaryDirectory(prefix="semantic-style-web-") as home:
        _run(listener, Path(home), host, password, open_browser)


def _run(
    listener: socket.socket, home: Path, host: str, password: str | None, open_browser: bool
) -> None:
    from .page.room import Room

    _quiet_gradio(home)
    room = Room()
    room.open()  # it loads while the page is built
    try:
        import uvicorn

        from .console import say
        from .page.visits import Visits

        visits = Visits(room, home)
        app = create_app(visits, host, password)
        address = _address(listener, host)

        class Server(uvicorn.Server):
            def handle_exit(self, sig: int, frame: FrameType | None) -> None:
                """A signal is a clean end here, not one to be raised again afterwards."""
                self.should_exit = True

            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                say(f"the page is at {address} (Ctrl+C ends it)")
                if open_browser:
                    _show(address)

        config = uvicorn.Config(
            app, http="h11", ws="none", lifespan="on", loop="asyncio", log_config=None,
            access_log=False, server_header=False, timeout_graceful_shutdown=2,
        )  # fmt: skip
        try:
            Server(config).run([listener])
        finally:
            visits.close()
    finally:
        room.close()


def create_app(visits: Visits, host: str = "127.0.0.1", password: str | None = None) -> App:
    """The whole app: the page within what guards it."""
    import gradio as gr
    from fastapi import FastAPI
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from .page.guard import Guard
    from .page.layout import build, front, theme

    page = build(visits)
    page.queue(max_size=WAITING, default_concurrency_limit=8)
    app: FastAPI = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app = gr.mount_gradio_app(
        app, page, path="/", server_name=host, footer_links=["api"], run_history=False,
        allowed_paths=[], max_file_size=UPLOADS, ssr_mode=False, mcp_server=False, pwa=False,
        enable_monitoring=False, auth=_login(password) if password else None,
        auth_message="Any user name will do." if password else None, theme=theme(),
        css=front("page.css"), head=f"<script>{front('model.js')}</script>", show_error=False,
    )  # fmt: skip
    hosts = [*LOCAL, "::1"] if _is_local(host) else ["*"]  # elsewhere the password protects it
    return Guard(TrustedHostMiddleware(app, allowed_hosts=hosts), UPLOADS + 1_000_000)


def _login(password: str) -> Callable[[str, str], bool]:
    def right(name: str, given: str) -> bool:
        return secrets.compare_digest(given.encode(), password.encode())

    return right


def _quiet_gradio(home: Path) -> None:
    """What Gradio reads when it is imported: no reports to anybody, and where its files are."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_RUN_HISTORY"] = "False"
    os.environ["GRADIO_SHARE"] = "False"
    os.environ["GRADIO_MCP_SERVER"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(home)
    os.environ["HF_HUB_OFFLINE"] = "1"


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int | None) -> socket.socket:
    """A socket there. RequestError."""
    reason = ""
    for number in [port] if port is not None else range(PORT, PORT + TRIES):
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM)
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((host, number))
                listener.listen()
            except BaseException:
                listener.close()
                raise
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            continue
        return listener
    where = f"port {port}" if port is not None else f"any port from {PORT}"
    raise RequestError(f"can't listen at {host} on {where}: {reason}; name another --port")


def _address(listener: socket.socket, host: str) -> str:
    number = listener.getsockname()[1]
    return f"http://{f'[{host}]' if ':' in host else host}:{number}"


def _show(address: str) -> None:
    """Open the page in this machine's browser, where it has one with a screen."""
    import threading
    import webbrowser

    def show() -> Any:
        return webbrowser.open(address)

    if os.name != "posix" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        threading.Thread(target=show, daemon=True).start()
