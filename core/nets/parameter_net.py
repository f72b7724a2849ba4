"""PNet: a guiding signal -> gamma and beta of every normalised layer of TNet (ZM-Net, 3.2.2).

Serial: layer l of one deep network gives psi_l, so that deeper layers of TNet are steered by
deeper features. Parallel: a shallow network of its own for each layer. Of both there is a form
for pictures (convolutions, psi_l being the spatial mean of their maps) and one for vectors.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .colour import Colours, packed
from .statistics import Moments
from .transformer_net import LAYERS, TNetConfig

# Deviation of a number of a signal; one that hardly varies would be blown up by standardising.
LEAST_SPREAD = 0.02
Psi = list[Tensor]  # psi_1 to psi_9, each [N, D_l]


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
            self.basis.copy_(1 / away.std(0).clamp_min(LEAST_SPREAD))
            return
        axes = torch.linalg.svd(away, full_matrices=False).Vh[: self.outputs].T
        self.basis.copy_(axes / (away @ axes).std(0).clamp_min(1e-6))

    def forward(self, vector: Tensor) -> Tensor:
        away = vector.float() - self.centre
        return away @ self.basis if self.compresses else away * self.basis


def described(levels: Sequence[Moments], colours: Colours) -> Tensor:
    """What a PNet for vectors is told of a picture: moments of an encoder's levels, on a
    logarithmic scale since those of a style span orders of magnitude, and the colours;
    [N, 2 C + 9] of C channels in all, float32, not standardised."""
    logarithms = [torch.log1p(v.flatten(1)) for m in levels for v in (m.mean, m.deviation)]
    return torch.cat([*logarithms, packed(colours)], dim=1)


class SerialMLP(nn.Module):
    """Fully connected layers with residual connections; vectors [N, inputs] -> Psi.

    Each residual branch normalises its input and starts at 0. Without that, plain ReLU layers
    died in training (19 of 20 units), and all psi were nearly the first one.
    """

    def __init__(self, inputs: int, hidden: int, layers: int = LAYERS) -> None:
        super().__init__()
        self.widths = [hidden] * layers
        self.first = nn.Linear(inputs, hidden)
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(hidden),
                nn.Linear(hidden, 2 * hidden),
                nn.GELU(),
                nn.Linear(2 * hidden, hidden),
            )
            for _ in range(layers - 1)
        )
        for branch in self.branches:
            nn.init.zeros_(branch[3].weight)  # type: ignore[index, arg-type]
            nn.init.zeros_(branch[3].bias)  # type: ignore[index, arg-type]

    def forward(self, signal: Tensor) -> Psi:
        psi = [F.relu(self.first(signal))]
        for branch in self.branches:
            psi.append(psi[-1] + branch(psi[-1]))
        return psi


class ParallelMLP(nn.Module):
    """One hidden layer for each layer of TNet; vectors [N, inputs] -> Psi."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.widths = [hidden] * LAYERS
        self.layers = nn.ModuleList(nn.Linear(inputs, hidden) for _ in range(LAYERS))

    def forward(self, signal: Tensor) -> Psi:
        return [F.relu(layer(signal)) for layer in self.layers]


class SerialCNN(nn.Module):
    """TNet's own layout, of which only the means are kept; pictures [N, 3, H, W] -> Psi.

    Not normalised: instance normalisation would take away the means that speak of the style.
    """

    def __init__(self, config: TNetConfig) -> None:
        super().__init__()
        a, b, c = config.widths
        self.widths = [a, b, c, *[c] * config.blocks, a]
        kernels = (config.kernel, 3, 3)
        self.down = nn.ModuleList(
            _conv(before, after, kernel, 1 if index == 0 else 2)
            for index, (before, after, kernel) in enumerate(
                zip((3, a, b), (a, b, c), kernels, strict=True)
            )
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(_conv(c, c), nn.ReLU(), _conv(c, c)) for _ in range(config.blocks)
        )
        for block in self.blocks:
            nn.init.zeros_(block[2].weight)  # type: ignore[index, arg-type]
        self.up = nn.Sequential(_conv(c, b), nn.ReLU(), _conv(b, a), nn.ReLU())

    def forward(self, signal: Tensor) -> Psi:
        x, maps = signal * 2 - 1, []
        for conv in self.down:
            x = F.relu(conv(x))
            maps.append(x)
        for block in self.blocks:
            x = x + block(x)
            maps.append(x)
        # A mean is the same with and without nearest-neighbour up-sampling: none is done.
        maps.append(self.up(x))
        return [m.float().mean(dim=(2, 3)) for m in maps]


class ParallelCNN(nn.Module):
    """Three convolutions for each layer of TNet; pictures [N, 3, H, W] -> Psi."""

    def __init__(self, config: TNetConfig) -> None:
        super().__init__()
        a, b, c = config.widths
        self.widths = [c] * LAYERS
        self.layers = nn.ModuleList(
            nn.Sequential(
                _conv(3, a, 3, 2), nn.ReLU(), _conv(a, b, 3, 2), nn.ReLU(), _conv(b, c, 3, 2),
                nn.ReLU(),
            )
            for _ in range(LAYERS)
        )  # fmt: skip

    def forward(self, signal: Tensor) -> Psi:
        return [layer(signal * 2 - 1).float().mean(dim=(2, 3)) for layer in self.layers]


class Heads(nn.Module):
    """Equations 4 and 5, gamma predicted as 1 + delta; starts as plain instance normalisation."""

    def __init__(self, widths: Sequence[int], norms: Sequence[Sequence[int]]) -> None:
        """widths: of each psi. norms: channels of the normalisations of each layer."""
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Linear(width, 2 * sum(of_layer))
            for width, of_layer in zip(widths, norms, strict=True)
        )
        for layer in self.layers:
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, psi: Psi) -> tuple[Tensor, Tensor]:
        """gamma and beta, each [N, T]: all normalisations side by side, float32."""
        halves = [
            layer(p).float().chunk(2, dim=1) for layer, p in zip(self.layers, psi, strict=True)
        ]
        return 1 + torch.cat([g for g, _ in halves], 1), torch.cat([b for _, b in halves], 1)


def _conv(before: int, after: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(before, after, kernel, stride, padding=kernel // 2, padding_mode="reflect")
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv
