"""semantic-style serve: the worker that GIMP and other programs on this machine ask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    socket: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="A Unix socket other than where GIMP looks."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="N", help="A port of 127.0.0.1, with a token; 0 takes a free one."),
    ] = None,
    idle_exit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Leave when nothing was asked for so long."),
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Answer GIMP, and other programs of this user, with networks that stay loaded.

    GIMP starts it by itself; run it where GIMP can't, as in a sandbox.
    """
    from ..core.errors import RequestError
    from .worker.serving import serve as run

    if socket is not None and port is not None:
        raise RequestError("--socket and --port are two places to listen: choose one")
    if port is not None and not 0 <= port < 65536:
        raise RequestError(f"--port takes a number from 0 to 65535, not {port}")
    if idle_exit is not None and not idle_exit > 0:
        raise RequestError(f"--idle-exit takes seconds above 0, not {idle_exit:g}")
    run(socket, port, idle_exit, device)
