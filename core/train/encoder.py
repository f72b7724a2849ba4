"""`train encoder`: distil VGG-16's five levels into encoder-compact and its heads, or into a
factored VGG-16 (perceptual-compact)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.utils import save_image

from ..errors import RequestError
from ..nets.encoder import COMPACT, VGG16, Encoder, EncoderConfig
from ..nets.perceptual import DistilledFeatures
from ..nets.statistics import moments
from ..perceptual_weights import load_vgg16
from .config import TrainConfig
from .data import RandomCrops, find_pictures, to_unit
from .factoring import factor
from .loop import place
from .transfer import go_on_from


@dataclass(frozen=True)
class EncoderTraining(TrainConfig):
    """moments_weight: how much channel means and deviations count beside single positions.
    ranks: with them the network is a factored VGG-16 (EncoderConfig), widths and depths aside.
    fitted: crops to which a factored one's start is fitted."""

    learning_rate: float = 2e-3
    smallest_crop: float = 0.4
    moments_weight: float = 0.5
    widths: tuple[int, ...] = COMPACT.widths
    depths: tuple[int, ...] = COMPACT.depths
    ranks: tuple[int, ...] = ()
    fitted: int = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ranks and len(self.ranks) != sum(VGG16.depths):
            raise RequestError(f"ranks takes {sum(VGG16.depths)} numbers, one a convolution")


class EncoderTask:
    def __init__(self, config: EncoderTraining) -> None:
        self.config = config
        self.teacher = load_vgg16(config.vgg16 or "vgg16")
        if config.ranks:
            self.name, self.network = "perceptual-compact", replace(VGG16, ranks=config.ranks)
            model: nn.Module = Encoder(self.network)
        else:
            self.network = EncoderConfig(widths=config.widths, depths=config.depths)
            self.name, model = "encoder-compact", DistilledFeatures(self.network)
        if config.init:
            go_on_from(model, config.init)
        elif isinstance(model, Encoder):
            crops = self.dataset()
            factor(model, self.teacher, [to_unit(crops[i][None]) for i in range(config.fitted)])
        self.model = model

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        place(self.teacher, device, dtype)

    def dataset(self) -> Dataset[Any]:
        files = find_pictures((*self.config.content, *self.config.style))
        return RandomCrops(files, self.config.size, self.config.smallest_crop, self.config.seed)

    def loss(self, model: nn.Module, batch: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The share of VGG's variance left unexplained, a level; plus relative moments."""
        image = to_unit(batch)
        with torch.no_grad():
            targets = self.teacher(image)
        total, parts = torch.zeros((), device=image.device), {}
        for level, (mine, target) in enumerate(zip(model(image), targets, strict=True), start=1):
            # A quarter of the two large levels tells as much, at a quarter of the time.
            step = 2 if level <= 2 else 1
            mine, target = (f[..., ::step, ::step].float() for f in (mine, target))
            spread = (target - target.mean(dim=(0, 2, 3), keepdim=True)).pow(2).mean()
            unexplained = (mine - target).pow(2).mean() / spread
            a, b = moments(mine), moments(target)
            statistics = sum(
                ((x - y).flatten(1).norm(dim=1) / y.flatten(1).norm(dim=1)).mean()
                for x, y in ((a.mean, b.mean), (a.deviation, b.deviation))
            )
            total = total + unexplained + self.config.moments_weight * statistics
            parts[f"level{level}"] = unexplained
        return total, parts

    @torch.no_grad()
    def sample(self, model: nn.Module, path: Path) -> None:
        """A few channels of level 3: ours above, VGG's below."""
        image = to_unit(self.dataset()[0][None].to(next(model.parameters()).device))
        rows = [network(image)[2][0, :8, None].float() for network in (model, self.teacher)]
        save_image(torch.cat(rows), path, nrow=8, normalize=True, scale_each=True)

    def metadata(self) -> dict[str, str]:
        return {"config": json.dumps(dataclasses.asdict(self.network))}
