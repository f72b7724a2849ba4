"""`train zmnet`: one network for many style pictures (ZM-Net, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..nets.zmnet import ZMNet, ZMNetConfig, compact, paper
from .data import OneStyle, RandomCrops, find_pictures
from .loop import place
from .style_losses import StyleLosses
from .transfer import (
    TransferTraining,
    fit_vectors,
    go_on_from,
    load_encoder,
    over_pairs,
    save_samples,
)


@dataclass(frozen=True)
class ZMNetTraining(TransferTraining):
    """network: compact (ours) or paper. signal: what PNet looks at, see ZMNetConfig; empty: the
    network's own. style_size: px of a style crop. styles: how many of the style pictures are
    used, 0 = all. contents: content crops in a row that share a style. The paper's whole
    minibatch does; for a network of thousands of styles, steps that each follow another style
    hardly got anywhere (see the model card).
    """

    network: Literal["compact", "paper"] = "compact"
    signal: str = ""
    pnet: Literal["serial", "parallel"] = "serial"
    style_size: int = 256
    contents: int = 1
    styles: int = 0
    content_weight: float = 0.42


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
            go_on_from(model, config.init)
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
        return RandomCrops(files, c.style_size, c.smallest_crop, c.seed + 1, square=c.square)

    def dataset(self) -> Dataset[Any]:
        c = self.config
        content = RandomCrops(
            find_pictures(c.content), c.size, c.smallest_crop, c.seed, square=c.square
        )
        return OneStyle(content, self.style_crops(), c.contents)

    def loss(self, model: nn.Module, batch: Any) -> tuple[Tensor, Mapping[str, Tensor]]:
        if torch.is_tensor(batch[0]) and self.config.contents >= len(batch[0]):
            batch = batch[0], batch[1][:1]  # one style a minibatch (section 4.1)
        return over_pairs(self.losses, model, batch)

    @torch.no_grad()
    def sample(self, model: nn.Module, path: Path) -> None:
        """Four fixed pairs: content, style, result."""
        items = [self.dataset()[i * self.config.contents] for i in range(4)]
        save_samples(model, items, path)

    def metadata(self) -> dict[str, str]:
        return {"config": self.network.to_json(), "perceptual": self.losses.judge}
