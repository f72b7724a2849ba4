"""semantic-style expand-styles: new style pictures for training, out of a few paintings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import RequestError
from ..core.wording import shown_path
from .console import progress_bar, say


def expand_styles(
    seeds: Annotated[
        list[Path], typer.Option("--seeds", metavar="DIR", help="Paintings; repeatable.")
    ],
    content: Annotated[
        list[Path], typer.Option("--content", metavar="DIR", help="Photographs; repeatable.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Gets train/, validation/ and test/.")
    ],
    count: Annotated[int, typer.Option(min=1, help="How many pictures in all.")] = 1000,
    size: Annotated[int, typer.Option(min=32, metavar="PX", help="Sides of a picture.")] = 128,
    iterations: Annotated[int, typer.Option(min=1, help="Of the optimisation.")] = 16,
    seed: Annotated[int, typer.Option(help="Of the choice of pairs and crops.")] = 0,
    batch: Annotated[int, typer.Option(min=1, help="Pictures optimised at once.")] = 8,
    vgg16: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="VGG-16, if it is not among the weights."),
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Paint photographs in the styles of paintings, split for training first; Ctrl+C keeps what
    is done, the same command goes on."""
    from .session import DEVICES

    for folder in (*seeds, *content):
        if not folder.is_dir():
            raise RequestError(f"there is no folder {shown_path(folder)}: check its name")
    if device not in DEVICES:
        raise RequestError(f"the device {device} is not known: use {', '.join(DEVICES)}")
    import torch

    from ..core.device import choose_device
    from ..core.perceptual_weights import load_perceptual
    from ..core.train.expand import SPLITS, Expansion, expand

    place = choose_device(device)  # type: ignore[arg-type]
    network, judge = load_perceptual(str(vgg16 or ""))
    network.to(place.place).to(memory_format=torch.channels_last)
    settings = Expansion(size=size, iterations=iterations, seed=seed, network=judge)
    with progress_bar("expanding") as progress:
        made = expand(
            network, [str(folder) for folder in seeds], [str(folder) for folder in content], out,
            count=count, batch=batch, device=place, settings=settings, progress=progress,
        )  # fmt: skip
    there = ", ".join(f"{sum(1 for _ in (out / name).glob('*.jpg'))} {name}" for name in SPLITS)
    say(f"{made} new pictures, by {judge}; {out} holds {there}")
