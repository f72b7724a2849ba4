"""A linear probe on VGG features that tells night from day: logistic regression, no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..nets.perceptual import PerceptualNetwork
from ..nets.statistics import moments
from .measures import luminance
from .methods import fitted, unit

SIDE = 256  # px, long side that the probe looks at
DECAY = 1.0  # of the squared weights, against the summed loss
SAME_LIGHT = 0.4  # mean luminance that the probe that is blind to exposure brings pictures to
FOLDS = 5


@dataclass(frozen=True)
class Probe:
    """night = weights @ standardised features + bias, a log of odds."""

    centre: Tensor
    spread: Tensor
    weights: Tensor
    bias: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """[N, D] -> [N], the log of the odds that it is night."""
        return ((features - self.centre) / self.spread) @ self.weights + self.bias

    @classmethod
    def fitted(cls, features: Tensor, night: Tensor) -> Probe:
        """features: [N, D]. night: [N], 1 or 0; both kinds weigh the same."""
        centre, spread = features.mean(0), features.std(0).clamp_min(1e-3)
        x = (features - centre) / spread
        share = night.mean()
        weigh = torch.where(night > 0.5, 0.5 / share, 0.5 / (1 - share))
        weights = torch.zeros(x.shape[1], requires_grad=True)
        bias = torch.zeros((), requires_grad=True)
        optimizer = torch.optim.LBFGS([weights, bias], max_iter=200, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(
                x @ weights + bias, night, weight=weigh, reduction="sum"
            )
            loss = loss + DECAY * weights.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        return cls(centre, spread, weights.detach(), bias.detach())


def accuracy(features: Tensor, night: Tensor, seed: int = 0) -> float:
    """Share called rightly, each by a probe that was fitted without it (FOLDS folds)."""
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    right = 0
    for fold in order.tensor_split(FOLDS):
        rest = torch.ones(len(features), dtype=torch.bool)
        rest[fold] = False
        probe = Probe.fitted(features[rest], night[rest])
        right += int(((probe(features[fold]) > 0) == (night[fold] > 0.5)).sum())
    return right / len(features)


@torch.inference_mode()
def features_of(
    network: PerceptualNetwork, pictures: Sequence[Image.Image], *, same_light: bool = False
) -> Tensor:
    """[N, D]: mean and deviation of each channel of relu1_1 to relu5_1, on a logarithmic scale.

    same_light: pictures are first brought to the mean luminance SAME_LIGHT, so that a probe can't
    tell night by darkness alone.
    """
    rows = []
    for picture in pictures:
        small = exposed(picture, SAME_LIGHT, SIDE) if same_light else fitted(picture, SIDE)
        image = torch.from_numpy(unit(small)).permute(2, 0, 1)[None]
        levels = [moments(level) for level in network(image)]
        parts = [torch.log1p(v.flatten(1)) for m in levels for v in (m.mean, m.deviation)]
        rows.append(torch.cat(parts, dim=1))
    return torch.cat(rows)


def exposed(picture: Image.Image, mean: float, side: int = 0) -> Image.Image:
    """The picture with another exposure: every number times one factor, clipped at white, so that
    the mean luminance is `mean`, in [0, 1], or as near to it as white lets it be."""
    image = fitted(picture, side) if side else picture.convert("RGB")
    factor = 1.0
    for _ in range(20):  # clipping takes light away: a few rounds make up for it
        changed = image.point([min(255, round(v * factor)) for v in range(256)] * 3)
        now = brightness(changed)
        if now <= 0 or abs(now - mean) < 1e-3:
            break
        factor = min(factor * mean / now, 255.0)
    return changed


def brightness(picture: Image.Image) -> float:
    """Mean luminance in [0, 1]."""
    return float(luminance(picture).mean())
