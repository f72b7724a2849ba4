"""The small networks of the ZM-Net experiments: ten styles in one, and its baselines.

All begin with the same TNet, since they are made under the same seed, and see the same photos.
"""

from __future__ import annotations

import json

import torch
from PIL import Image

from ....weights.store import load_weights
from ...nets.encoder import with_tuples
from ...nets.transformer_net import TNetConfig
from ...train.zmnet import ZMNetTask, ZMNetTraining
from ...train.zmnet_baselines import ConditionalNorm, FastStyleTransfer, TableNet, TableTraining
from ..methods import Method
from .frame import Bench
from .judging import picture_of, ten_styles, tensor_of
from .scales import CAPACITY, Scale
from .training import PAPER_LOSSES, Trained, settings, trained


def zmnet_settings(
    bench: Bench, scale: Scale, style: tuple[str, ...], **more: object
) -> ZMNetTraining:
    """Each crop has a style of its own: with one a minibatch, as in the paper, so few steps got
    nowhere."""
    return settings(
        ZMNetTraining, bench, scale, style=style, style_size=scale.size, **PAPER_LOSSES, **more
    )


def table_settings(
    bench: Bench, scale: Scale, style: tuple[str, ...], styles: int, **more: object
) -> TableTraining:
    return settings(
        TableTraining, bench, scale, style=style, style_size=scale.size, contents=scale.batch,
        styles=styles, **PAPER_LOSSES, **more,
    )  # fmt: skip


def ten_style_run(bench: Bench) -> Trained:
    config = zmnet_settings(bench, CAPACITY, (ten_styles(bench),))
    return trained(bench, "zmnet-10", lambda: ZMNetTask(config), config)


def cin_run(bench: Bench) -> Trained:
    config = table_settings(bench, CAPACITY, (ten_styles(bench),), 10)
    return trained(bench, "cin-10", lambda: ConditionalNorm(config), config)


def fst_run(bench: Bench) -> Trained:
    """Of the first of the ten styles."""
    config = table_settings(bench, CAPACITY, (ten_styles(bench, 1),), 1)
    return trained(bench, "fst", lambda: FastStyleTransfer(config), config)


def table_method(name: str, run: Trained) -> Method:
    """A network of fixed styles, which looks at the style picture's name alone: another style
    than its own becomes the first one."""
    state, metadata = load_weights(run.weights)
    names = json.loads(metadata["styles"])
    network = TableNet(TNetConfig(**with_tuples(json.loads(metadata["config"]))), len(names))
    network.load_state_dict({k: v.float() for k, v in state.items()})
    network.eval().requires_grad_(False)

    @torch.inference_mode()
    def stylise(photo: Image.Image, style: Image.Image) -> Image.Image:
        known = style.info.get("name")
        row = names.index(known) if known in names else 0
        return picture_of(network(tensor_of(photo), torch.tensor([row])).float())

    return Method(name, stylise)
