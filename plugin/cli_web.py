"""semantic-style web: the whole thing on one page in a browser."""

from __future__ import annotations

from typing import Annotated

import typer


def web(
    port: Annotated[
        int | None, typer.Option(metavar="N", help="Default: the first free one from 7860.")
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Beyond this machine only with --password.")
    ] = "127.0.0.1",
    password: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            envvar="SEMANTIC_STYLE_PASSWORD",
            show_envvar=True,
            help="Asked for before the page is shown.",
        ),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Everything on one page in a browser, for this machine alone."""
    from ..core.errors import RequestError
    from .web import serve_page

    if port is not None and not 0 <= port < 65536:
        raise RequestError(f"--port takes a number from 0 to 65535, not {port}")
    serve_page(port, host, password, open_browser=open_browser)
