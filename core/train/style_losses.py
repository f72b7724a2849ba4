"""What every transformation network is trained by: Gram style loss and content loss (ZM-Net,
equation 2), each as a share of the way that is left between photograph and style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..nets.encoder import Features
from ..nets.patterns import fine_pattern_loss, grid_loss, roughness
from ..nets.perceptual import (
    content_loss,
    global_style_loss,
    gram_loss,
    local_feature_loss,
    squashed,
)
from ..perceptual_weights import load_perceptual

CONTENT_LEVEL = 4  # relu4_1


@dataclass(frozen=True)
class StyleWeights:
    """gram: of equation 1's matrices. style: of means and deviations alone, which beyond the
    paper speed training up. content: of the normalised relu4_1. range: of values outside [0, 1].
    variation: of differences between neighbours that the photograph does not have. grid: of
    contrast that comes back every few pixels. fine: of patterns that neither picture has.
    skew: of skewness, relative to style (AdaAttN, section 4.2.3). local: of AdaAttN's equation 10,
    over `layers`.

    loss_scale: pictures are made smaller by so much before the perceptual network sees them, as
    whoever looks at a large picture does; it also makes the losses cheaper. seen_at: if not 0, they
    are squashed to a square of so many px instead.
    """

    style: float = 1.4
    gram: float = 0.6
    content: float = 0.3
    range: float = 10.0
    variation: float = 1.0
    grid: float = 8.0
    fine: float = 0.3
    skew: float = 0.0
    local: float = 0.0
    layers: tuple[int, ...] = (3, 4, 5)
    loss_scale: int = 2
    seen_at: int = 0


class StyleLosses:
    """The losses of an output against its photograph and style."""

    def __init__(self, weights: StyleWeights, vgg16: str = "") -> None:
        """vgg16: a file of the real network; empty takes the store's, or its stand-in."""
        self.weights = weights
        self.perceptual, self.judge = load_perceptual(vgg16)

    def _features(self, image: Tensor) -> Features:
        """What the perceptual network sees of a picture, made smaller as the weights say."""
        scale, side = self.weights.loss_scale, self.weights.seen_at
        if side:
            return self.perceptual(squashed(image, side))
        return self.perceptual(F.avg_pool2d(image, scale) if scale > 1 else image)

    def __call__(
        self, output: Tensor, content: Tensor, style: Tensor
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        """output, content: [N, 3, H, W]; style: [N or 1, 3, h, w]. The mean over the batch, and
        its parts: 1 = nothing transferred (style, gram), all lost (content); 0 = all."""
        w = self.weights
        with torch.no_grad():
            of_content = self._features(content)
            of_style = [f.expand(len(output), *f.shape[1:]) for f in self._features(style)]
            # Each sample counts by the share of the way that is left, so that a style far from
            # the photograph does not drown a near one; nor does one that is nearly there already.
            style_unit = global_style_loss(of_content, of_style, skew=w.skew).clamp_min(2)
            gram_unit = gram_loss(of_content, of_style).clamp_min(1.5)
        of_output = self._features(output)
        level = CONTENT_LEVEL - 1
        outside = (output - output.clamp(0, 1)).pow(2).mean()
        parts = {
            "style": (global_style_loss(of_output, of_style, skew=w.skew) / style_unit).mean(),
            "gram": (gram_loss(of_output, of_style) / gram_unit).mean(),
            # Two unrelated pictures differ by 2 in features of deviation 1.
            "content": content_loss(of_output[level], of_content[level]).mean() / 2,
            "range": outside,
            "variation": roughness(output - content).mean(),
            "grid": grid_loss(output).mean(),
            "fine": fine_pattern_loss(output, content, style).mean(),
        }
        total = (
            w.style * parts["style"]
            + w.gram * parts["gram"]
            + w.content * parts["content"]
            + w.range * outside
            + w.variation * parts["variation"]
            + w.grid * parts["grid"]
            + w.fine * parts["fine"]
        )
        if w.local:
            local = local_feature_loss(of_output, of_content, of_style, w.layers, scaled=True)
            parts["local"] = local.mean()
            total = total + w.local * parts["local"]
        return total, parts
