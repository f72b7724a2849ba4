"""What training of every network that paints in a given style has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.utils import save_image

from ...weights.store import load_weights
from ..errors import RequestError
from ..nets.encoder import Encoder
from ..nets.parameter_net import Standardised
from .config import TrainConfig
from .data import to_unit
from .style_losses import StyleWeights

FITTED = 256  # style crops that what a network sees of styles is standardised by


@dataclass(frozen=True)
class TransferTraining(TrainConfig):
    """encoder: where the encoder's weights come from, empty = nowhere. smallest_crop: share of a
    picture's short side. The losses' weights and loss_scale: see StyleWeights."""

    size: int = 256
    batch: int = 3
    learning_rate: float = 1e-3
    style_weight: float = 1.4
    gram_weight: float = 0.6
    content_weight: float = 0.3
    range_weight: float = 10.0
    variation_weight: float = 1.0
    grid_weight: float = 8.0
    fine_weight: float = 0.3
    skew_weight: float = 0.0
    loss_scale: int = 2
    encoder: str = "encoder-compact"
    smallest_crop: float = 0.5

    def weights(self) -> StyleWeights:
        return StyleWeights(
            style=self.style_weight,
            gram=self.gram_weight,
            content=self.content_weight,
            range=self.range_weight,
            variation=self.variation_weight,
            grid=self.grid_weight,
            fine=self.fine_weight,
            skew=self.skew_weight,
            loss_scale=self.loss_scale,
        )


def load_encoder(encoder: Encoder, source: str) -> None:
    """Weights of `train encoder` (without its heads), or of nothing if source is empty."""
    if source:
        state, _ = load_weights(source)
        prefix = "encoder."
        encoder.load_state_dict(
            {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        )


def go_on_from(model: nn.Module, source: str) -> None:
    """The weights of an earlier run. RequestError for those of another network."""
    try:
        model.load_state_dict(grown(load_weights(source)[0], model))
    except RuntimeError:
        raise RequestError(
            f"{source} does not fit: give init the weights of an earlier run of the same network"
        ) from None


def grown(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The weights of a network whose TNet had fewer kernels, or none, for `model`, which then
    paints as that network did: of the further ones nothing is blended before training. What is of
    another shape altogether stays as it is, for the caller to refuse."""
    found = dict(state)
    for name, ours in model.state_dict().items():
        had = found.get(name)
        if had is None and name.endswith(".more"):
            found[name] = ours
        elif had is not None and had.shape[1:] == ours.shape[1:]:
            if name.endswith(".more"):
                found[name] = torch.cat([had, ours[len(had) :]])
            elif "heads.layers." in name:
                found[name] = torch.cat([had, torch.zeros_like(ours[len(had) :])])
    return found


@torch.no_grad()
def fit_vectors(
    vector: Standardised, describe: Callable[[Tensor], Tensor], styles: Dataset[Tensor]
) -> None:
    """Standardise what a network sees of style pictures by FITTED of them."""
    vector.fit(torch.cat([describe(to_unit(styles[i][None])) for i in range(FITTED)]))


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
