"""What training of every network that paints in a given style has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.utils import save_image

from ...weights.store import load_weights
from ..errors import RequestError
from ..nets.encoder import Encoder
from ..nets.parameter_net import Standardised
from ..nets.perceptual import squashed
from .config import TrainConfig
from .data import to_unit
from .style_losses import StyleLosses, StyleWeights

SAMPLE = 256  # px of the pictures of a sample
FITTED = 256  # style crops that what a network sees of styles is standardised by


@dataclass(frozen=True)
class TransferTraining(TrainConfig):
    """encoder: where the encoder's weights come from, empty = nowhere. smallest_crop: share of a
    picture's short side. square: crops are; else they have their pictures' shapes (`random_view`).
    The losses' weights, loss_scale and seen_at: see StyleWeights."""

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
    seen_at: int = 0
    square: bool = True
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
            seen_at=self.seen_at,
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
        model.load_state_dict(load_weights(source)[0])
    except RuntimeError:
        raise RequestError(
            f"{source} does not fit: give init the weights of an earlier run of the same network"
        ) from None


def over_pairs(
    losses: StyleLosses, model: nn.Module, batch: Any
) -> tuple[Tensor, Mapping[str, Tensor]]:
    """The losses of a batch of contents and styles; of a list of such batches their mean."""
    if isinstance(batch, list) and isinstance(batch[0], list | tuple):
        found = [over_pairs(losses, model, part) for part in batch]
        parts = {k: torch.stack([p[k] for _, p in found]).mean() for k in found[0][1]}
        return torch.stack([total for total, _ in found]).mean(), parts
    content, style = (to_unit(x) for x in batch)
    return losses(model(content, style), content, style)


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
        rows += [squashed(x, SAMPLE) for x in (content, style, output)]
    save_image(torch.cat(rows[0::3] + rows[1::3] + rows[2::3]), path, nrow=len(items))
