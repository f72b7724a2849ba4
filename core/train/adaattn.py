"""`train adaattn`: equations 8 to 10, with the losses divided as the judge divides them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.utils import save_image

from ...weights.store import load_weights
from ..nets.adaattn import AdaAttN, AdaAttNConfig
from ..nets.encoder import COMPACT, Encoder
from ..nets.parameter_net import Standardised
from ..nets.perceptual import content_loss, global_style_loss, gram_loss, local_feature_loss
from ..perceptual_weights import load_perceptual
from .config import TrainConfig
from .data import Pairs, RandomCrops, find_pictures, to_unit
from .loop import place
from .style_losses import fine_pattern_loss, grid_loss

LEAST_POWER = 1e-8  # of features; an encoder that sees nothing is left as it is
FITTED = 256  # style crops that what a network sees of styles is standardised by


@dataclass(frozen=True)
class AdaAttNTraining(TrainConfig):
    """global_weight, local_weight: lambda of equation 8; content_weight: of the content term.

    loss_scale: the stylised picture is made smaller by so much before the perceptual network
    sees it, as whoever looks at a large picture does; it also makes the losses cheaper.
    style_positions: the limit of keys while training; the network that ships takes more.
    encoder: where the encoder's weights come from; it stays frozen unless train_encoder.
    gram_weight: of Gram matrices, relative. grid_weight, fine_weight: see style_losses.
    covariance: see AdaAttNConfig.
    """

    size: int = 256
    batch: int = 2
    learning_rate: float = 1e-3
    global_weight: float = 1.3
    gram_weight: float = 0.7
    content_weight: float = 0.16
    local_weight: float = 0.0
    skew_weight: float = 0.0
    range_weight: float = 10.0
    grid_weight: float = 3.0
    fine_weight: float = 0.2
    loss_scale: int = 2
    layers: tuple[int, ...] = (3, 4, 5)
    encoder: str = "encoder-compact"
    train_encoder: bool = False
    covariance: bool = True
    style_positions: int = 400
    smallest_crop: float = 0.5


class AdaAttNTask:
    name = "adaattn-compact"

    def __init__(self, config: AdaAttNTraining) -> None:
        self.config = config
        self.network = AdaAttNConfig(
            encoder=COMPACT, layers=config.layers, covariance=config.covariance
        )
        model = AdaAttN(replace(self.network, style_positions=config.style_positions))
        if config.init:
            model.load_state_dict(load_weights(config.init)[0])
        else:
            load_encoder(model.encoder, config.encoder)
            even_out(model.encoder, self.style_crops())
            fit_vectors(model.code.vector, model.described, self.style_crops())
        model.encoder.requires_grad_(config.train_encoder)
        self.model: nn.Module = model
        self.perceptual, self.judge = load_perceptual(config.vgg16)

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        place(self.perceptual, device, dtype)

    def style_crops(self) -> RandomCrops:
        c = self.config
        return RandomCrops(find_pictures(c.style), c.size, c.smallest_crop, c.seed + 1)

    def dataset(self) -> Dataset[Any]:
        c = self.config
        content = RandomCrops(find_pictures(c.content), c.size, c.smallest_crop, c.seed)
        return Pairs(content, self.style_crops())

    def _seen(self, image: Tensor) -> Tensor:
        """What the perceptual network is shown of a picture."""
        return F.avg_pool2d(image, self.config.loss_scale) if self.config.loss_scale > 1 else image

    def loss(
        self, model: nn.Module, batch: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        c = self.config
        content, style = (to_unit(x) for x in batch)
        output = model(content, style)
        with torch.no_grad():
            of_content = self.perceptual(self._seen(content))
            of_style = self.perceptual(self._seen(style))
            # Each sample counts by the share of the way that is left, so that a style far from
            # the photograph does not drown a near one.
            style_unit = global_style_loss(of_content, of_style, skew=c.skew_weight).clamp_min(1)
            content_unit = content_loss(of_style[3], of_content[3]).clamp_min(0.5)
        of_output = self.perceptual(self._seen(output))
        style_share = global_style_loss(of_output, of_style, skew=c.skew_weight) / style_unit
        content_share = content_loss(of_output[3], of_content[3]) / content_unit
        outside = (output - output.clamp(0, 1)).pow(2).mean()
        parts = {
            "style": style_share.mean(),
            "content": content_share.mean(),
            "range": outside,
            "grid": grid_loss(output).mean(),
            "fine": fine_pattern_loss(output, content, style).mean(),
        }
        total = (
            c.global_weight * parts["style"]
            + c.content_weight * parts["content"]
            + c.range_weight * outside
            + c.grid_weight * parts["grid"]
            + c.fine_weight * parts["fine"]
        )
        if c.gram_weight:
            unit = gram_loss(of_content, of_style).clamp_min(1)
            parts["gram"] = (gram_loss(of_output, of_style) / unit).mean()
            total = total + c.gram_weight * parts["gram"]
        if c.local_weight:
            parts["local"] = local_feature_loss(
                of_output, of_content, of_style, c.layers, scaled=self.network.scaled
            ).mean()
            total = total + c.local_weight * parts["local"]
        return total, parts

    @torch.no_grad()
    def sample(self, model: nn.Module, path: Path) -> None:
        """Four fixed pairs: content, style, result."""
        device = next(model.parameters()).device
        pairs = [self.dataset()[i] for i in range(4)]
        content, style = (to_unit(torch.stack(x).to(device)) for x in zip(*pairs, strict=True))
        output = model(content, style).float().clamp(0, 1)
        save_image(torch.cat([content, style, output]), path, nrow=4)

    def metadata(self) -> dict[str, str]:
        return {"config": self.network.to_json(), "perceptual": self.judge}


def load_encoder(encoder: Encoder, source: str) -> None:
    """Weights of `train encoder` (without its heads), or of nothing if source is empty."""
    if source:
        state, _ = load_weights(source)
        prefix = "encoder."
        encoder.load_state_dict(
            {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        )


@torch.no_grad()
def even_out(encoder: Encoder, pictures: Dataset[Tensor]) -> None:
    """Scale the convolutions so that all features are about 1 large over FITTED pictures, as in
    the VGG-19 that AdaAttN was published with. What an encoder shows stays the same; but where
    level 5 was a hundred times as large as level 3, a decoder learned to look at nothing else."""
    convs = [conv for stage in encoder.stages for conv in cast("nn.ModuleList", stage)]
    power = dict.fromkeys(convs, 0.0)

    def add(conv: nn.Module, _: Any, found: Tensor) -> None:
        power[conv] += float(F.relu(found).square().mean()) / FITTED

    hooks = [conv.register_forward_hook(add) for conv in convs]
    for index in range(FITTED):
        encoder(to_unit(pictures[index][None]))
    for hook in hooks:
        hook.remove()
    before = 1.0
    for conv in cast("list[nn.Conv2d]", convs):
        scale = max(power[conv], LEAST_POWER) ** -0.5
        conv.weight *= scale / before
        if conv.bias is not None:
            conv.bias *= scale
        before = scale


@torch.no_grad()
def fit_vectors(
    vector: Standardised, describe: Callable[[Tensor], Tensor], styles: Dataset[Tensor]
) -> None:
    """Standardise what a network sees of style pictures by FITTED of them."""
    vector.fit(torch.cat([describe(to_unit(styles[i][None])) for i in range(FITTED)]))
