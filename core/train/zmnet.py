"""`train zmnet`: one network for many style pictures (ZM-Net, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.utils import save_image

from ...weights.store import load_weights
from ..nets.zmnet import ZMNet, ZMNetConfig, compact, paper
from .adaattn import fit_vectors, load_encoder
from .config import TrainConfig
from .data import OneStyle, RandomCrops, find_pictures, to_unit
from .loop import place
from .style_losses import StyleLosses, StyleWeights


@dataclass(frozen=True)
class ZMNetTraining(TrainConfig):
    """network: compact (ours) or paper. signal: what PNet looks at, see ZMNetConfig; empty: the
    network's own. style_size: px of a style crop. styles: how many of the style pictures are
    used, 0 = all. contents: content crops in a row that share a style. The paper's whole
    minibatch does; for a network of thousands of styles, steps that each follow another style
    hardly got anywhere (see the model card).

    The losses' weights and loss_scale: see StyleWeights.
    """

    size: int = 256
    batch: int = 3
    learning_rate: float = 1e-3
    network: Literal["compact", "paper"] = "compact"
    signal: str = ""
    pnet: Literal["serial", "parallel"] = "serial"
    style_size: int = 256
    contents: int = 1
    styles: int = 0
    style_weight: float = 1.4
    gram_weight: float = 0.6
    content_weight: float = 0.3
    range_weight: float = 10.0
    variation_weight: float = 1.0
    grid_weight: float = 8.0
    fine_weight: float = 0.2
    loss_scale: int = 2
    encoder: str = "encoder-compact"
    smallest_crop: float = 0.5

    def weights(self) -> StyleWeights:
        return StyleWeights(
            self.style_weight, self.gram_weight, self.content_weight, self.range_weight,
            self.variation_weight, self.grid_weight, self.fine_weight, self.loss_scale,
        )  # fmt: skip


def network_config(config: ZMNetTraining) -> ZMNetConfig:
    """What the settings ask for."""
    base = paper() if config.network == "paper" else compact()
    if config.signal == "picture":
        base = replace(base, signal="picture", encoder=None)
    return replace(base, pnet=config.pnet)


class ZMNetTask:
    name = "zmnet-styles"

    def __init__(self, config: ZMNetTraining) -> None:
        self.config = config
        self.network = network_config(config)
        model = ZMNet(self.network)
        if config.init:
            model.load_state_dict(load_weights(config.init)[0])
        elif model.encoder is not None:
            load_encoder(model.encoder, config.encoder)
            assert model.vector is not None
            fit_vectors(model.vector, model.describe, self.style_crops())
        self.model: nn.Module = model
        self.losses = StyleLosses(config.weights(), config.vgg16)

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        place(self.losses.perceptual, device, dtype)

    def style_crops(self) -> RandomCrops:
        c = self.config
        files = find_pictures(c.style)
        files = files[:: max(1, len(files) // c.styles)][: c.styles] if c.styles else files
        return RandomCrops(files, c.style_size, c.smallest_crop, c.seed + 1)

    def dataset(self) -> Dataset[Any]:
        c = self.config
        content = RandomCrops(find_pictures(c.content), c.size, c.smallest_crop, c.seed)
        return OneStyle(content, self.style_crops(), c.contents)

    def loss(
        self, model: nn.Module, batch: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        content, style = (to_unit(x) for x in batch)
        if self.config.contents >= len(content):
            style = style[:1]  # one style a minibatch (section 4.1)
        return self.losses(model(content, style), content, style)

    @torch.no_grad()
    def sample(self, model: nn.Module, path: Path) -> None:
        """Four fixed pairs: content, style, result."""
        items = [self.dataset()[i * self.config.contents] for i in range(4)]
        save_samples(model, items, path)

    def metadata(self) -> dict[str, str]:
        return {"config": self.network.to_json(), "perceptual": self.losses.judge}


@torch.no_grad()
def save_samples(model: nn.Module, items: Sequence[tuple[Tensor, Tensor]], path: Path) -> None:
    """One column an item: content, style, result."""
    device = next(model.parameters()).device
    rows = []
    for item in items:
        content, style = (to_unit(x[None].to(device)) for x in item)
        output = model(content, style).float().clamp(0, 1)
        style = torch.nn.functional.interpolate(style, content.shape[-2:], mode="area")
        rows += [content, style, output]
    save_image(torch.cat(rows[0::3] + rows[1::3] + rows[2::3]), path, nrow=len(items))
