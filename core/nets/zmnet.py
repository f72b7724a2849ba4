"""ZM-Net (Wang et al.): a guiding signal -> PNet -> the parameters of TNet -> a picture.

What a signal is, is pluggable: a picture (the paper's serial CNN looks at it, or the moments of a
trained encoder's features are taken as a vector), a word's vector, any plain vector.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from .colour import colours_of, unpacked
from .encoder import COMPACT, Encoder, EncoderConfig, with_tuples
from .parameter_net import (
    Heads,
    ParallelCNN,
    ParallelMLP,
    SerialCNN,
    SerialMLP,
    Standardised,
    described,
)
from .perceptual import feature_moments
from .transformer_net import COMPACT_TNET, Parameters, TNet, TNetConfig

SignalKind = Literal["picture", "statistics", "words", "vector"]
# Colours that a network of words or vectors starts from: about those of a photograph.
PHOTO_COLOURS = (0.8, 0.0, 0.0, 0.4, 0.0, 0.0, 0.05, 0.0, 0.1)


@dataclass(frozen=True)
class ZMNetConfig:
    """signal: picture (CNN PNet), statistics (of a picture: moments of `encoder`'s features),
    words or vector of `inputs` numbers. compressed: principal components that are kept of a
    signal's vector, 0 = all of it. hidden: width of an MLP PNet."""

    tnet: TNetConfig = field(default_factory=TNetConfig)
    signal: SignalKind = "picture"
    pnet: Literal["serial", "parallel"] = "serial"
    hidden: int = 256
    inputs: int = 0
    compressed: int = 0
    encoder: EncoderConfig | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> ZMNetConfig:
        data = with_tuples(json.loads(text))
        encoder = data.pop("encoder", None)
        return ZMNetConfig(
            tnet=TNetConfig(**with_tuples(data.pop("tnet"))),
            encoder=EncoderConfig(**with_tuples(encoder)) if encoder else None,
            **data,
        )


def paper() -> ZMNetConfig:
    """The paper's network for style pictures: TNet and PNet in J. Johnson's layout."""
    return ZMNetConfig()


def compact() -> ZMNetConfig:
    """Ours: half the width, recoloured first, steered by the moments of encoder-compact."""
    return ZMNetConfig(COMPACT_TNET, "statistics", encoder=COMPACT)


class ZMNet(nn.Module):
    """`read` once for each signal, then `tnet` for each picture."""

    def __init__(self, config: ZMNetConfig) -> None:
        super().__init__()
        self.config = config
        self.tnet = TNet(config.tnet)
        self.encoder = Encoder(config.encoder) if config.encoder else None
        if self.encoder is not None:
            self.encoder.requires_grad_(False)
        self.pnet: nn.Module
        self.vector: Standardised | None = None
        serial = config.pnet == "serial"
        if config.signal == "picture":
            self.pnet = (SerialCNN if serial else ParallelCNN)(config.tnet)
        else:
            inputs = config.inputs
            if config.encoder is not None:
                inputs = 2 * sum(config.encoder.widths) + len(PHOTO_COLOURS)
            self.vector = Standardised(inputs, config.compressed)
            self.pnet = (SerialMLP if serial else ParallelMLP)(self.vector.outputs, config.hidden)
        self.heads = Heads(self.pnet.widths, config.tnet.norms)  # type: ignore[arg-type]
        self.colours: nn.Linear | None = None
        if config.signal in ("words", "vector"):
            self.colours = nn.Linear(config.hidden, len(PHOTO_COLOURS))
            nn.init.zeros_(self.colours.weight)
            with torch.no_grad():
                self.colours.bias.copy_(torch.tensor(PHOTO_COLOURS))

    def read(self, signal: Tensor, mask: Tensor | None = None) -> Parameters:
        """The parameters that a signal stands for.

        signal: [N, 3, H, W] RGB in [0, 1] for pictures, else [N, inputs]. mask: [N, 1, H, W],
        the part of the pictures that is meant; for the kinds that look at pictures only.
        """
        seen = signal
        if self.config.signal == "statistics":
            seen = self.describe(signal, mask)
        elif mask is not None:
            # A CNN has no weights for a mask: it is shown the mask's box, all else at its mean.
            seen = _outside_grey(signal, mask)
        psi = self.pnet(self.vector(seen) if self.vector is not None else seen)
        gamma, beta = self.heads(psi)
        if self.colours is not None:
            colours = unpacked(self.colours(psi[-1]).float())
        else:
            colours = colours_of(signal, mask)
        share = gamma.new_full((len(gamma),), float(self.config.tnet.recolours))
        return Parameters(gamma, beta, colours, share)

    def describe(self, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """[N, inputs] of pictures: see `described`."""
        assert self.encoder is not None
        levels = feature_moments(self.encoder(image), mask)
        return described(levels, colours_of(image, mask))

    def forward(self, image: Tensor, signal: Tensor) -> Tensor:
        """image, signal: as many of both, or one signal for all. RGB, unbounded."""
        return self.tnet(image, self.read(signal).expand(len(image)))


def _outside_grey(image: Tensor, mask: Tensor) -> Tensor:
    weight = mask / mask.sum(dim=(2, 3), keepdim=True).clamp_min(1e-6)
    mean = (image * weight).sum(dim=(2, 3), keepdim=True)
    return torch.where(mask > 0.5, image, mean)
