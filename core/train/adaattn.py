"""`train adaattn`: equations 8 to 10, with the losses divided as the judge divides them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ...weights.store import load_weights
from ..errors import RequestError
from ..nets.adaattn import AdaAttN, AdaAttNConfig, AttentionLevel
from ..nets.encoder import COMPACT
from .data import Pairs, RandomCrops, find_pictures, to_unit
from .loop import place
from .style_losses import StyleLosses, StyleWeights
from .transfer import (
    FITTED,
    TransferTraining,
    fit_vectors,
    go_on_from,
    load_encoder,
    over_pairs,
    save_samples,
)

LEAST_POWER = 1e-8  # of features; an encoder that sees nothing is left as it is


@dataclass(frozen=True)
class AdaAttNTraining(TransferTraining):
    """style_weight: lambda_g of equation 8, local_weight: lambda_l. layers: levels with attention.

    start: a ZM-Net for style pictures, whose encoder, PNet and TNet training starts with, so that
    only attention is new; empty: all but the encoder is, which stays frozen unless train_encoder.
    style_positions: see AdaAttNConfig.
    """

    size: int = 512
    square: bool = False
    seen_at: int = 256
    smallest_crop: float = 0.8
    batch: int = 2
    steps: int = 850
    learning_rate: float = 4e-4
    warmup: int = 50
    ema: float = 0.998
    content_weight: float = 0.5
    grid_weight: float = 16.0
    fine_weight: float = 0.6
    local_weight: float = 0.1
    layers: tuple[int, ...] = (3, 4, 5)
    start: str = "zmnet-styles"
    train_encoder: bool = False
    style_positions: int = 400

    def weights(self) -> StyleWeights:
        return replace(super().weights(), local=self.local_weight, layers=self.layers)


class AdaAttNTask:
    name = "adaattn-compact"

    def __init__(self, config: AdaAttNTraining) -> None:
        self.config = config
        self.network = AdaAttNConfig(COMPACT, config.layers, style_positions=config.style_positions)
        model = AdaAttN(self.network)
        if config.init:
            go_on_from(model, config.init)
        else:
            if config.start:
                load_start(model, config.start)
            else:
                load_encoder(model.encoder, config.encoder)
                fit_vectors(model.code.vector, model.described, self.style_crops())
            even_out(model, self.style_crops())
        model.encoder.requires_grad_(config.train_encoder)
        self.model: nn.Module = model
        self.losses = StyleLosses(config.weights(), config.vgg16)

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        place(self.losses.perceptual, device, dtype)

    def style_crops(self) -> RandomCrops:
        c = self.config
        return RandomCrops(
            find_pictures(c.style), c.size, c.smallest_crop, c.seed + 1, square=c.square
        )

    def dataset(self) -> Dataset[Any]:
        c = self.config
        content = RandomCrops(
            find_pictures(c.content), c.size, c.smallest_crop, c.seed, square=c.square
        )
        return Pairs(content, self.style_crops())

    def loss(self, model: nn.Module, batch: Any) -> tuple[Tensor, Mapping[str, Tensor]]:
        return over_pairs(self.losses, model, batch)

    @torch.no_grad()
    def sample(self, model: nn.Module, path: Path) -> None:
        """Four fixed pairs: content, style, result."""
        save_samples(model, [self.dataset()[i] for i in range(4)], path)

    def metadata(self) -> dict[str, str]:
        return {"config": self.network.to_json(), "perceptual": self.losses.judge}


def load_start(model: AdaAttN, source: str) -> None:
    """A ZM-Net's encoder, PNet and TNet, all of them, into an AdaAttN that paints as it does.

    RequestError for a file of another network.
    """
    state, _ = load_weights(source)
    places = {"tnet.": "decoder.tnet.", "encoder.": "encoder."}
    places |= {part: f"code.{part}" for part in ("vector.", "pnet.", "heads.")}
    ours = {
        new + name.removeprefix(old): tensor
        for name, tensor in state.items()
        for old, new in places.items()
        if name.startswith(old)
    }
    wanted = model.state_dict()
    if {n: t.shape for n, t in ours.items()} != {
        n: t.shape for n, t in wanted.items() if n.startswith(tuple(places.values()))
    }:
        raise RequestError(f"{source} is no ZM-Net for style pictures of this network's layout")
    model.load_state_dict({**wanted, **ours})


@torch.no_grad()
def even_out(model: AdaAttN, pictures: Dataset[Tensor]) -> None:
    """Scale h of each level so that values are about 1 large over FITTED pictures. Where level 5
    was a hundred times as large as level 3, a decoder learned to look at nothing else."""
    power = torch.zeros(len(model.config.encoder.widths))
    for index in range(FITTED):
        features = model.encoder(to_unit(pictures[index][None]))
        power += torch.stack([f.float().square().mean() for f in features]) / FITTED
    for level in model.config.layers:
        module = cast("AttentionLevel", model.attention[str(level)])
        module.h.weight *= max(float(power[level - 1]), LEAST_POWER) ** -0.5
