"""A sheet of pairs: photo, style picture, and each method's output beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ...weights.contact_sheet import contact_sheet
from ..engines import Engine
from ..progress import CancelToken, Progress, silent
from .methods import all_methods, fitted, peer
from .quality import Pair, draw_pairs, pictures_in


def sheet(
    engines: Sequence[Engine],
    photos: Path,
    styles: Path,
    out: Path,
    *,
    pairs: int = 40,
    size: int = 512,
    seed: int = 0,
    polish: int = 0,
    with_peer: bool = True,
    side: int = 150,
    across: int = 2,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> list[Pair]:
    """Write a JPEG of the first `pairs` pairs that `quality.run` measures with the same seed.

    size: long side that pictures are stylised at; side: px of a tile; across: pairs side by side.
    polish: as in `quality.run`.
    Returns the pairs. Raises RequestError as `quality.draw_pairs` does.
    """
    drawn = draw_pairs(pictures_in(photos), pictures_in(styles), pairs, seed)
    rival = peer() if with_peer else None
    methods = all_methods(engines, rival, baselines=False, polish=polish)
    tiles: list[tuple[str, Image.Image]] = []
    for done, pair in enumerate(drawn):
        if cancel:
            cancel.check()
        progress("drawing the sheet", done / len(drawn))
        with Image.open(pair.photo) as file:
            photo = fitted(file, size)
        with Image.open(pair.style) as file:
            style = fitted(file, size)
        tiles += [("photo", photo), ("style", style)]
        tiles += [(method.name, method.stylise(photo, style)) for method in methods]
    columns = across * (2 + len(methods))
    contact_sheet(tiles, columns=columns, side=side, square=False).save(
        out, "JPEG", quality=82, optimize=True, progressive=True
    )
    progress("drawing the sheet", 1.0)
    return drawn
