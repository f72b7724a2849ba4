"""ZM-Net, figure 7: dynamic instance normalisation on in some layers only."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ...nets.transformer_net import GROUPS, Parameters, mixed
from ...nets.zmnet import ZMNet
from ..measures import Judge, gram_distance, luminance
from ..methods import Method
from ..quality import Pair
from .frame import Bench, Experiment, Outcome, Shown, Table
from .judging import (
    UNSEEN_STYLES,
    held_out,
    judge_of,
    load_zmnet,
    means,
    network_method,
    opened,
    sheet,
    shipped_photos,
    shipped_styles,
    tensor_of,
)
from .scales import GROUPS as SCALE

COARSE = 16  # px of a side that colours are compared at: no edge or texture is left
ALONE = "colours, not recoloured"
CASES: dict[str, tuple[str, ...]] = {
    "off": (),
    "details": ("details",),
    "colours": ("colours",),
    ALONE: ("colours",),
    "textures": ("textures",),
    "all": tuple(GROUPS),
}
LAYERS = {"details": "1-3", "colours": "4-6 and recolouring", ALONE: "4-6", "textures": "7-9"}


def run(bench: Bench, folder: Path) -> Outcome:
    network = load_zmnet(bench.shipped.zmnet_styles)
    methods = {name: network_method(name, partial(_paint, network, name, None)) for name in CASES}
    judge, judge_name = judge_of(bench)
    pairs = held_out(bench, bench.count(SCALE.pairs, 2))
    plain = photograph(network)
    kept = {
        name: network_method(name, partial(_paint, network, name, plain))
        for name in CASES
        if name != ALONE
    }
    moved: dict[str, list[dict[str, float]]] = {name: [] for name in LAYERS}
    for pair in pairs:
        for name, row in _movement(methods, pair, judge).items():
            moved[name].append(row)
    found = {name: means(rows) for name, rows in moved.items()}
    rows = [
        (f"layers {LAYERS[name]}", row["edges"], row["colours"], row["textures"])
        for name, row in found.items()
    ]
    shown = list(zip(shipped_photos(4), shipped_styles(UNSEEN_STYLES[:4]), strict=True))
    sheet([*methods.values()], shown, folder / "groups.jpg")
    sheet([*kept.values()], shown, folder / "groups-photo.jpg")
    layers = {name: row for name, row in found.items() if name != "colours"}
    notes = []
    for measure, paper in (("edges", "details"), ("colours", ALONE), ("textures", "textures")):
        most = max(layers, key=lambda name: layers[name][measure])
        agrees = "as" if most == paper else f"not {LAYERS[paper]} as"
        notes.append(
            f"Of the layers alone, {LAYERS[most]} move {measure} most, {agrees} in the paper."
        )
    return Outcome(
        about=[
            f"{bench.shipped.shown('zmnet_styles')} on {len(pairs)} held-out photos and paintings, "
            f"{SCALE.shown} px on the long side; textures by {judge_name}.",
            "Our TNet is shown the photo in the style's colours, which counts as colours and "
            "which the paper's network does not do: layers 4-6 are also looked at without it.",
        ],
        tables=[
            Table(
                ("on", "edges", "colours", "textures"),
                rows,
                "How far a picture moves from the one with all groups off, as a share of how far "
                "it moves with all on. Edges: mean difference of luminance's gradients; colours: "
                f"of the pictures at {COARSE} x {COARSE} px; textures: of Gram matrices of their "
                "luminance.",
            )
        ],
        notes=notes,
        pictures=[
            Shown("groups.jpg", "Photo, style, DIN off, in layers 1-3, in 4-6 with and without "
                  "recolouring, in 7-9, in all (figure 7)"),
            Shown("groups-photo.jpg", "The same as the engine does it: where a group is off, gamma "
                  "and beta are the mean of what PNet reads from photographs"),
        ],
    )  # fmt: skip


@torch.inference_mode()
def photograph(network: ZMNet) -> Parameters:
    """The mean of what PNet reads from the photos that ship, as the engine takes it."""
    photos = [opened(path, SCALE.shown) for path in shipped_photos()]
    return mixed([(network.read(tensor_of(photo)), 1 / len(photos)) for photo in photos])


def _paint(
    network: ZMNet, case: str, off: Parameters | None, photo: Tensor, style: Tensor
) -> Tensor:
    parameters = network.read(style).only(CASES[case], network.config.tnet, off)
    if case == ALONE:
        parameters = replace(parameters, share=torch.zeros_like(parameters.share))
    answer: Tensor = network.tnet(photo, parameters)
    return answer


def _movement(methods: dict[str, Method], pair: Pair, judge: Judge) -> dict[str, dict[str, float]]:
    """A group -> edges, colours, textures: 0 as with all off, 1 as far as with all on."""
    photo, style = opened(pair.photo, SCALE.shown), opened(pair.style, SCALE.shown)
    painted = {name: method.stylise(photo, style) for name, method in methods.items()}
    away = {
        name: {
            "edges": float(np.abs(_edges(p) - _edges(painted["off"])).mean()),
            "colours": float(np.linalg.norm(_coarse(p) - _coarse(painted["off"]), axis=-1).mean()),
            "textures": gram_distance(judge.look(_grey(p)), judge.look(_grey(painted["off"]))),
        }
        for name, p in painted.items()
    }
    whole = away["all"]
    return {
        name: {key: away[name][key] / max(whole[key], 1e-9) for key in whole} for name in LAYERS
    }


def _edges(picture: Image.Image) -> NDArray[np.float64]:
    down, right = np.gradient(luminance(picture))
    return np.hypot(down, right)


def _coarse(picture: Image.Image) -> NDArray[np.float64]:
    small = picture.resize((COARSE, COARSE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64) / 255


def _grey(picture: Image.Image) -> Image.Image:
    return picture.convert("L")


EXPERIMENT = Experiment(
    "groups",
    "What the layers' normalisation carries over",
    "ZM-Net, figure 7",
    "With DIN on in some layers only, layers 1-3 bring details such as edges, 4-6 roughly the "
    "colours, 7-9 textures.",
    run,
    needs=("test_content", "test_style"),
    uses=("zmnet_styles",),
)
