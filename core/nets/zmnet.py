"""ZM-Net (Wang et al.): a guiding signal -> PNet -> the parameters of TNet -> a picture.

What a signal is, is pluggable: a picture (the paper's serial CNN looks at it, or the moments of a
trained encoder's features are taken as a vector), a word's vector, any plain vector.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .colour import Colours, colours_of
from .encoder import COMPACT, Encoder, EncoderConfig, with_tuples
from .parameter_net import Heads, ParallelCNN, ParallelMLP, SerialCNN, SerialMLP
from .statistics import masked_moments, moments
from .transformer_net import Parameters, TNet, TNetConfig

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
    return ZMNetConfig(
        TNetConfig((16, 48, 96), kernel=5, recolours=True), "statistics", encoder=COMPACT
    )


class Standardised(nn.Module):
    """Vectors brought to mean 0 and deviation 1 over what training saw, or to their first
    principal components; [N, inputs] -> [N, outputs]."""

    centre: Tensor
    basis: Tensor

    def __init__(self, inputs: int, outputs: int = 0) -> None:
        """outputs: 0 keeps every number, else the count of principal components."""
        super().__init__()
        self.inputs, self.outputs = inputs, outputs or inputs
        self.compresses = bool(outputs)
        self.register_buffer("centre", torch.zeros(inputs))
        shape = (inputs, outputs) if outputs else (inputs,)
        self.register_buffer("basis", torch.ones(shape))

    @torch.no_grad()
    def fit(self, vectors: Tensor) -> None:
        """vectors: [M, inputs], what is to have mean 0 and, in each output, deviation 1."""
        self.centre.copy_(vectors.mean(0))
        away = vectors - self.centre
        if not self.compresses:
            self.basis.copy_(1 / away.std(0).clamp_min(1e-3))
            return
        axes = torch.linalg.svd(away, full_matrices=False).Vh[: self.outputs].T
        self.basis.copy_(axes / (away @ axes).std(0).clamp_min(1e-6))

    def forward(self, vector: Tensor) -> Tensor:
        away = vector.float() - self.centre
        return away @ self.basis if self.compresses else away * self.basis


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
        self.heads = Heads(self.pnet.widths, config.tnet)  # type: ignore[arg-type]
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
            colours = _unpacked(self.colours(psi[-1]).float())
        else:
            colours = colours_of(signal, mask)
        share = gamma.new_full((len(gamma),), float(self.config.tnet.recolours))
        return Parameters(gamma, beta, colours, share)

    def describe(self, image: Tensor, mask: Tensor | None = None) -> Tensor:
        """[N, inputs] of pictures: moments of the encoder's five levels, on a logarithmic scale
        since they span orders of magnitude, and the colours; float32, not standardised."""
        assert self.encoder is not None
        parts = []
        for level in self.encoder(image):
            found = moments(level) if mask is None else masked_moments(level, mask)
            parts += [torch.log1p(v.flatten(1)) for v in (found.mean, found.deviation)]
        colours = colours_of(image, mask)
        return torch.cat([*parts, colours.mean, _packed(colours)], dim=1)

    def forward(self, image: Tensor, signal: Tensor) -> Tensor:
        """image, signal: as many of both, or one signal for all. RGB, unbounded."""
        return self.tnet(image, self.read(signal).expand(len(image)))


def _packed(colours: Colours) -> Tensor:
    """[N, 6]: the lower triangle."""
    rows, columns = torch.tril_indices(3, 3)
    return colours.factor[:, rows, columns]


def _unpacked(numbers: Tensor) -> Colours:
    """Any [N, 9] as colours: mean and lower triangle, whose diagonal is kept positive."""
    rows, columns = torch.tril_indices(3, 3)
    factor = numbers.new_zeros(len(numbers), 3, 3)
    factor[:, rows, columns] = numbers[:, 3:]
    diagonal = F.softplus(factor.diagonal(dim1=1, dim2=2), beta=20)
    return Colours(numbers[:, :3], factor.tril(-1) + torch.diag_embed(diagonal))


def _outside_grey(image: Tensor, mask: Tensor) -> Tensor:
    weight = mask / mask.sum(dim=(2, 3), keepdim=True).clamp_min(1e-6)
    mean = (image * weight).sum(dim=(2, 3), keepdim=True)
    return torch.where(mask > 0.5, image, mean)
