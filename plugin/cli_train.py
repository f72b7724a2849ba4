"""semantic-style train: hands over to core.train, which owns the settings."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import RequestError
from ..core.wording import shown_path


class Network(StrEnum):
    """What can be trained."""

    ENCODER = "encoder"
    ADAATTN = "adaattn"
    ZMNET = "zmnet"
    ZMNET_WORDS = "zmnet-words"
    FST = "fst"
    CIN = "cin"
    SEGMENTER = "segmenter"


def train(
    what: Annotated[Network, typer.Argument(help="The network to train.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="The run's folder.")],
    content: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Photographs; repeatable.")
    ] = None,
    style: Annotated[
        list[Path] | None, typer.Option(metavar="DIR", help="Paintings; repeatable.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Labelled pictures: words, masks.")
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings, TOML.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting; repeatable."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")
    ] = False,
) -> None:
    """Train a network from folders of pictures; Ctrl+C saves, --resume goes on."""
    for folder in (*(content or ()), *(style or ()), *((data,) if data else ())):
        if not folder.is_dir():
            raise RequestError(f"there is no folder {shown_path(folder)}: check its name")
    from ..core.train.__main__ import main

    arguments = [what.value, "--out", str(out)]
    for flag, values in (("--content", content), ("--style", style), ("--set", settings)):
        for value in values or ():
            arguments += [f"{flag}={value}"]
    if data:
        arguments += [f"--data={data}"]
    if config:
        arguments += [f"--config={config}"]
    main(arguments + (["--resume"] if resume else []))
