"""Feature encoders in VGG's layout: `compact` (ours), `vgg16` and `vgg19` (Simonyan and Zisserman).

Five stages; the features of level x are those after the first ReLU of stage x (relu x_1), the
levels that AdaAttN, the style losses and the judge all speak of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .convolution import Convolution

Features = list[
    Tensor
]  # five NCHW tensors, relu1_1 to relu5_1; each half as wide as the one before

# Mean of ImageNet in 0..255 RGB, which VGG's published weights expect to be subtracted.
CAFFE_MEAN = (123.68, 116.779, 103.939)
TORCHVISION_MEAN, TORCHVISION_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class EncoderConfig:
    """widths, depths: channels and convolutions of each stage. mean, std: of RGB in [0, 1].

    ceil_mode: pooling keeps a last odd row and column, so that no border of the picture is
    dropped; torchvision's VGG drops them. ranks: of each convolution in order (see
    `FactoredConvolution`), 0 = not factored; empty = none is.
    """

    kind: Literal["compact", "vgg16", "vgg19"] = "compact"
    widths: tuple[int, ...] = (16, 48, 96, 192, 256)
    depths: tuple[int, ...] = (2, 2, 2, 2, 1)
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.25, 0.25, 0.25)
    padding: Literal["zeros", "reflect"] = "reflect"
    ceil_mode: bool = True
    ranks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.ranks and len(self.ranks) != sum(self.depths):
            raise ValueError(f"{sum(self.depths)} convolutions need as many ranks")


def with_tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    """A config's fields as parsed from JSON, which has lists where the configs hold tuples."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}


COMPACT = EncoderConfig()
VGG16 = EncoderConfig(
    "vgg16",
    (64, 128, 256, 512, 512),
    (2, 2, 3, 3, 1),
    tuple(m / 255 for m in CAFFE_MEAN),
    (1 / 255,) * 3,
    "zeros",
    ceil_mode=False,
)
VGG19 = EncoderConfig(
    "vgg19",
    VGG16.widths,
    (2, 2, 4, 4, 1),
    TORCHVISION_MEAN,
    TORCHVISION_STD,
    "zeros",
    ceil_mode=False,
)
# The VGG-19 that AdaIN and AdaAttN were published with: each filter's mean activation is 1, and
# what brings RGB to its input is folded into the first convolution (weights/published.py).
VGG19_NORMALISED = EncoderConfig("vgg19", VGG19.widths, VGG19.depths, (0.0,) * 3, (1.0,) * 3)


class FactoredConvolution(nn.Sequential):
    """A 3 x 3 convolution of low rank: to `rank` channels, then 1 x 1 to all of them (X. Zhang et
    al., "Accelerating Very Deep Convolutional Networks", TPAMI 2016)."""

    def __init__(
        self, before: int, after: int, rank: int, *, padding_mode: Literal["zeros", "reflect"]
    ) -> None:
        super().__init__(
            Convolution(before, rank, padding_mode=padding_mode, bias=False),
            nn.Conv2d(rank, after, 1),
        )

    @property
    def parts(self) -> tuple[nn.Conv2d, nn.Conv2d]:
        """The 3 x 3 convolution and the 1 x 1 one."""
        first, second = self.children()
        return cast(nn.Conv2d, first), cast(nn.Conv2d, second)


class Encoder(nn.Module):
    """RGB NCHW in [0, 1] -> Features. Sides should be at least 16 px."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: EncoderConfig = COMPACT) -> None:
        super().__init__()
        self.config = config
        self.stages = nn.ModuleList()
        channels, ranks = 3, iter(config.ranks or (0,) * sum(config.depths))
        for width, depth in zip(config.widths, config.depths, strict=True):
            convs = nn.ModuleList()
            for _ in range(depth):
                convs.append(_convolution(channels, width, next(ranks), config.padding))
                channels = width
            self.stages.append(convs)
        # Constants of the architecture, rebuilt from the config: not part of the weights.
        self.register_buffer("mean", torch.tensor(config.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor, levels: int = 5) -> Features:
        """Features of the first `levels` levels; what lies deeper is not computed."""
        x = (image - self.mean) / self.std
        features: Features = []
        convs: Any
        for level, convs in enumerate(self.stages, start=1):
            if level > 1:
                x = pooled(x, ceil_mode=self.config.ceil_mode)
            for index, conv in enumerate(convs):
                x = F.relu(conv(x), inplace=True)  # a wide map less at the peak
                if index == 0:
                    features.append(x)
                    if level == levels:
                        return features
        return features


def _convolution(
    before: int, after: int, rank: int, padding: Literal["zeros", "reflect"]
) -> nn.Module:
    if rank:
        return FactoredConvolution(before, after, rank, padding_mode=padding)
    conv = Convolution(before, after, padding_mode=padding)
    # PyTorch's own start shrinks activations at every ReLU: level 5 would not learn.
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv


def pooled(x: Tensor, *, ceil_mode: bool) -> Tensor:
    """The largest of each 2 x 2 positions, NCHW; ceil_mode: of a last odd row and column, too.

    Where channels come first PyTorch's own notes where each was found: fifteen times the work.
    """
    if torch.is_grad_enabled() or x.is_contiguous(memory_format=torch.channels_last):
        return F.max_pool2d(x, 2, ceil_mode=ceil_mode)
    height, width = (side + side % 2 if ceil_mode else side // 2 * 2 for side in x.shape[2:])
    missing = (0, max(0, width - x.shape[3]), 0, max(0, height - x.shape[2]))
    x = F.pad(x, missing, mode="replicate") if any(missing) else x[..., :height, :width]
    x = torch.maximum(x[:, :, ::2], x[:, :, 1::2])
    return torch.maximum(x[..., ::2], x[..., 1::2])


def load_torchvision(encoder: Encoder, state: Mapping[str, Tensor]) -> None:
    """Fill a vgg16 or vgg19 encoder from torchvision's names, features.N.{weight,bias}.

    Raises KeyError for a layer that is not there. Deeper layers of `state` are left unread.
    """
    position = 0
    with torch.no_grad():
        convs: Any
        for convs in encoder.stages:
            for conv in convs:
                conv.weight.copy_(state[f"features.{position}.weight"].float())
                conv.bias.copy_(state[f"features.{position}.bias"].float())
                position += 2  # a convolution and its ReLU
            position += 1  # the pooling after a stage
