"""In place of the AdaAttN paper's user study: a sheet for anybody's eyes, its key kept apart."""

from __future__ import annotations

import json
import random
from pathlib import Path

from PIL import Image

from ....weights.contact_sheet import contact_sheet
from ....weights.style_store import StyleStore
from ..methods import Method, engine_method, peer
from ..quality import draw_pairs
from .frame import Bench, Experiment, Outcome, Shown, save_picture
from .judging import load_zmnet, network_method, opened, shipped_photos
from .scales import BLIND as SCALE

ROWS = 4  # pairs on a sheet
SIDE = 176  # px of a picture
LETTERS = "ABCDEFGH"
SEED = 20


def run(bench: Bench, folder: Path) -> Outcome:
    from ...engines.adaattn import AdaAttNEngine

    methods = [
        engine_method(AdaAttNEngine(bench.shipped.adaattn), polish=0),
        network_method("zmnet", load_zmnet(bench.shipped.zmnet_styles)),
    ]
    rival = peer()
    if rival:
        methods.append(rival.method)
    styles = [s.path for s in StyleStore().list() if s.origin == "shipped"]
    pairs = draw_pairs(shipped_photos(), styles, bench.count(SCALE.pairs, 2), SEED)
    key: dict[str, dict[str, str]] = {}
    sheets: list[Shown] = []
    tiles: list[tuple[str, Image.Image]] = []
    rng = random.Random(SEED)
    for number, pair in enumerate(pairs, start=1):
        photo, style = opened(pair.photo, SCALE.shown), opened(pair.style, SCALE.shown)
        order = rng.sample(methods, len(methods))
        key[str(number)] = {a: m.name for a, m in zip(LETTERS, order, strict=False)}
        tiles += [(f"{number}: photo", photo), ("style", style)]
        tiles += [
            (f"{number}{letter}", method.stylise(photo, style))
            for letter, method in zip(LETTERS, order, strict=False)
        ]
        if number % ROWS == 0 or number == len(pairs):
            name = f"blind-{len(sheets) + 1}.jpg"
            drawn = contact_sheet(tiles, columns=2 + len(methods), side=SIDE, square=False)
            save_picture(drawn, folder / name)
            first = number - len(tiles) // (2 + len(methods)) + 1
            sheets.append(Shown(name, f"Rows {first} to {number}: which do you prefer?"))
            tiles = []
    return Outcome(
        about=[
            f"{len(pairs)} pairs of shipped photos and styles at {SCALE.shown} px, each painted by "
            f"{', '.join(m.name for m in methods)}; their places are shuffled in every row.",
            "How to take part: [blind.md](reproduction/blind.md). Who painted what: "
            "[blind-key.json](reproduction/blind-key.json), after you have chosen.",
        ],
        notes=["Nobody's answers are in this document: the sheet is for the reader's own."],
        pictures=sheets,
        attached={
            "blind.md": instruction(methods, len(pairs), [s.file for s in sheets]),
            "blind-key.json": json.dumps(key, indent=1) + "\n",
        },
    )


def instruction(methods: list[Method], pairs: int, sheets: list[str]) -> str:
    letters = [*LETTERS[: len(methods)]]
    named = f"{', '.join(letters[:-1])} or {letters[-1]}"
    rows = "\n".join(f"| {n} | | |" for n in range(1, pairs + 1))
    return f"""# Choose without knowing

{len(methods)} networks painted the same {pairs} photos in the same styles. Please say which
picture you would keep, before you look at the key.

1. Open the sheets: {", ".join(f"[{name}]({name})" for name in sheets)}. A row shows the photo, the
   style, and the painted pictures {", ".join(letters)}. The networks change places from row to row.
2. In each row choose the picture that you prefer as a whole: it should look painted in that style,
   and still show what the photo shows. Don't take longer than ten seconds a row.
3. Write {named}, or "same" if you can't tell, and whether the choice was clear.
4. Then open [blind-key.json](blind-key.json), put the network's name in place of each letter, and
   count. "same" counts as half for each of the two that you hesitated between.
5. Of {pairs} rows, one network needs at least {_needed(pairs)} more clear choices than another
   before it is more than chance (sign test, 5%).

| row | choice | clear? |
|---|---|---|
{rows}
"""


def _needed(count: int) -> int:
    """Smallest difference in `count` choices between two that a two-sided sign test at 5%
    rejects."""
    from scipy.stats import binomtest

    for wins in range(count // 2, count + 1):
        if binomtest(wins, count).pvalue <= 0.05:
            return 2 * wins - count
    return count


EXPERIMENT = Experiment(
    "blind",
    "A blind sheet in place of the user study",
    "AdaAttN, section 5",
    "People were asked which configurations look better or the same.",
    run,
    uses=("adaattn", "zmnet_styles"),
)
