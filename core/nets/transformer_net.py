"""TNet: J. Johnson's image transformation network (ECCV 2016) with the normalisation of ZM-Net.

Ten layers (ZM-Net, section 3.2): three convolutions, five residual blocks, an up-sampling stage,
an output convolution. The first nine end in dynamic instance normalisation (equation 3), whose
scale and shift come from outside: of a parameter network (ZM-Net), or learned constants (one
style: fast style transfer; one of a table: V. Dumoulin's conditional instance normalisation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .colour import Colours, colours_of, recoloured
from .convolution import Convolution, DoublingConvolution
from .normalisation import DynamicNorms
from .statistics import Moments, masked_moments

LAYERS = 9  # that are normalised
# Figure 7: what the normalisation of these layers was seen to carry over.
GROUPS = {"details": (1, 2, 3), "colours": (4, 5, 6), "textures": (7, 8, 9)}


@dataclass(frozen=True)
class TNetConfig:
    """widths: channels at full, half and quarter size. kernel: of the first and last convolution.

    recolours: the picture first takes the mean and covariance of the signal's colours, and the
    last convolution adds to it; else it gives the picture itself, as in the paper. retouch: how
    far what was painted is brought to these colours once more, 0 to 1.
    """

    widths: tuple[int, int, int] = (32, 64, 128)
    blocks: int = 5
    kernel: int = 9
    recolours: bool = False
    retouch: float = 0.0

    @property
    def norms(self) -> list[list[int]]:
        """Channels of the normalisations of layers 1 to 9; blocks and the up-sampling have two."""
        a, b, c = self.widths
        return [[a], [b], [c], *([c, c] for _ in range(self.blocks)), [b, a]]


# Of both networks that ship.
COMPACT_TNET = TNetConfig((16, 48, 96), kernel=5, recolours=True, retouch=0.5)


@dataclass(frozen=True)
class Parameters:
    """What a guiding signal makes of TNet: all that has to be kept of a style.

    gamma, beta: [N, T], of all normalisations side by side. colours: what to recolour to.
    share: [N] in [0, 1], how far to recolour.
    """

    gamma: Tensor
    beta: Tensor
    colours: Colours
    share: Tensor

    def only(
        self, groups: Sequence[str], config: TNetConfig, off: Parameters | None = None
    ) -> Parameters:
        """The same in the layers of the groups, `off` in all others; recolouring counts as
        colours.

        off: None is gamma = 1 and beta = 0, plain instance normalisation, as in figure 7.
        """
        kept = {layer for group in groups for layer in GROUPS[group]}
        on = [
            layer in kept
            for layer, widths in enumerate(config.norms, start=1)
            for _ in range(sum(widths))
        ]
        mask = torch.tensor(on, device=self.gamma.device)
        return replace(
            self,
            gamma=torch.where(mask, self.gamma, 1.0 if off is None else off.gamma),
            beta=torch.where(mask, self.beta, 0.0 if off is None else off.beta),
            share=self.share * float("colours" in groups),
        )

    def to(self, device: torch.device) -> Parameters:
        return _zipped([self], lambda x: x[0].to(device))

    def clone(self) -> Parameters:
        """A copy in memory of its own, which gradients may be taken of."""
        return _zipped([self], lambda x: x[0].clone())

    def expand(self, count: int) -> Parameters:
        """The same for `count` samples."""
        return _zipped([self], lambda x: x[0].expand(count, *x[0].shape[1:]))


def mixed(parts: Sequence[tuple[Parameters, float]]) -> Parameters:
    """Weighted sums of everything; what has the weight 0 is not looked at.

    Linear in gamma and beta, hence in every normalised feature; of triangular factors with
    positive diagonals a convex sum is one again. The same signal twice is that signal once.
    ValueError where nothing is left.
    """
    parts = [(p, w) for p, w in parts if w != 0]
    if not parts:
        raise ValueError("a mixture needs a weight above 0")
    first = parts[0][0]
    if all(p is first for p, _ in parts) and abs(sum(w for _, w in parts) - 1) < 1e-6:
        return first
    return _zipped(
        [p for p, _ in parts],
        lambda x: torch.stack([w * t for t, (_, w) in zip(x, parts, strict=True)]).sum(0),
    )


def stacked(parts: Sequence[Parameters]) -> Parameters:
    """Several signals as one batch."""
    return _zipped(parts, torch.cat)


def _zipped(parts: Sequence[Parameters], join: Any) -> Parameters:
    return Parameters(
        join([p.gamma for p in parts]),
        join([p.beta for p in parts]),
        Colours(join([p.colours.mean for p in parts]), join([p.colours.factor for p in parts])),
        join([p.share for p in parts]),
    )


@dataclass(frozen=True)
class PictureStatistics:
    """Of a whole picture, so that its tiles are normalised alike: its own colours, and the
    moments of every normalisation and the colours of what is painted, both under one set of
    parameters."""

    colours: Colours
    norms: list[Moments]
    painted: Colours


class TNet(nn.Module):
    """RGB NCHW in [0, 1] and Parameters -> RGB, unbounded, of the same size."""

    def __init__(self, config: TNetConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c = config.widths
        self.down = nn.ModuleList(
            [
                Convolution(3, a, config.kernel),
                Convolution(a, b, stride=2),
                Convolution(b, c, stride=2),
            ]
        )
        self.blocks = nn.ModuleList(
            nn.ModuleList([Convolution(c, c), Convolution(c, c)]) for _ in range(config.blocks)
        )
        self.up = nn.ModuleList([DoublingConvolution(c, b), DoublingConvolution(b, a)])
        self.out = Convolution(a, 3, config.kernel)
        if config.recolours:  # training starts from the recoloured picture
            nn.init.zeros_(self.out.weight)
            nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]
        self.split = [width for layer in config.norms for width in layer]

    def forward(
        self, image: Tensor, parameters: Parameters, of: PictureStatistics | None = None
    ) -> Tensor:
        """of: statistics of the picture that `image` is a tile of (None = image is all of it)."""
        base = self.recolour(image, parameters, of.colours if of else None)
        painted = self.paint(base, self.norms(parameters, of.norms if of else None))
        return self.retouch(painted, parameters, of.painted if of else None)

    def measure(
        self, image: Tensor, parameters: Parameters, mask: Tensor | None = None
    ) -> PictureStatistics:
        """Of the whole picture, or of where mask [1, 1, H, W] is set, under these parameters."""
        found: list[Moments] = []
        own = colours_of(image, mask)
        norms = self.norms(
            parameters,
            found=found,
            measured=None if mask is None else lambda x: masked_moments(x, mask),
        )
        painted = self.paint(self.recolour(image, parameters, own), norms)
        return PictureStatistics(own, found, colours_of(painted.clamp(0, 1), mask))

    def trial(
        self, image: Tensor, parameters: Parameters, mask: Tensor | None = None
    ) -> Callable[[Parameters], Tensor]:
        """What paints the whole picture under other gammas and betas, with a gradient. mask: as in
        `measure`."""
        with torch.no_grad():
            base = self.recolour(image, parameters, colours_of(image, mask))

        def paint(tried: Parameters) -> Tensor:
            norms = self.norms(tried)
            if mask is not None:
                norms = self.norms(tried, found=[], measured=lambda x: masked_moments(x, mask))
            painted = self.paint(base, norms)
            return self.retouch(painted, tried, colours_of(painted.clamp(0, 1), mask))

        return paint

    def recolour(self, image: Tensor, parameters: Parameters, own: Colours | None = None) -> Tensor:
        """The picture that is painted on. own: its colours, those of all of it for a tile."""
        if not self.config.recolours:
            return image
        return recoloured(image, own or colours_of(image), parameters.colours, parameters.share)

    def retouch(
        self, painted: Tensor, parameters: Parameters, own: Colours | None = None
    ) -> Tensor:
        """What `paint` gives, nearer to the signal's colours, from which brushwork has taken it
        away again. own: its colours, those of all that is painted for a tile."""
        if not self.config.retouch:
            return painted
        painted = painted.clamp(0, 1)  # what can't be seen is no colour
        share = parameters.share * self.config.retouch
        return recoloured(painted, own or colours_of(painted), parameters.colours, share)

    def norms(
        self, parameters: Parameters, of: Sequence[Moments] | None = None, **measuring: Any
    ) -> DynamicNorms:
        """For one `paint`. of, measuring: see DynamicNorms."""
        return DynamicNorms(self.layers(parameters), of, **measuring)

    def layers(self, parameters: Parameters) -> list[tuple[Tensor, Tensor]]:
        """gamma and beta, both [N, C], of each normalisation.

        What the second one of a block shifts a whole channel by, the normalisations behind every
        convolution that sees it take away again, as padding by reflection keeps a constant one.
        All that it does is to cost digits: shifts of a thousand add up beside deviations of a
        hundred. So it is left out.
        """
        gammas = parameters.gamma.float().split(self.split, dim=1)
        betas = list(parameters.beta.float().split(self.split, dim=1))
        before = len(self.down)
        for second in range(before + 1, before + 2 * len(self.blocks), 2):
            betas[second] = torch.zeros_like(betas[second])
        return list(zip(gammas, betas, strict=True))

    def paint(
        self, base: Tensor, norms: DynamicNorms, heard: Callable[[int], Tensor] | None = None
    ) -> Tensor:
        """What `recolour` gives -> RGB. heard: for each block what is added to what it
        normalises first, before that is scaled: [N, C, H / 4, W / 4]."""
        x, sizes = base * 2 - 1, []
        for conv in self.down:
            sizes.append(x.shape[-2:])
            x = F.relu(norms(conv(x)), inplace=True)
        first: Any
        second: Any
        for index, (first, second) in enumerate(self.blocks):  # type: ignore[misc, arg-type]
            y = norms(first(x), heard(index) if heard is not None else None)
            x = x + norms(second(F.relu(y, inplace=True)))
        for up, (height, width) in zip(self.up, reversed(sizes[1:]), strict=True):
            x = F.relu(norms(up(x)[..., :height, :width]), inplace=True)
        x = self.out(x).float()
        return base + x if self.config.recolours else 0.5 + 0.5 * torch.tanh(x)


class StyleTable(nn.Module):
    """Learned gamma and beta of each of `styles` styles (Dumoulin et al., ICLR 2017, equation 5);
    one style is J. Johnson's fast style transfer with instance normalisation."""

    def __init__(self, config: TNetConfig, styles: int = 1) -> None:
        super().__init__()
        width = sum(sum(layer) for layer in config.norms)
        self.gamma = nn.Parameter(torch.ones(styles, width))
        self.beta = nn.Parameter(torch.zeros(styles, width))

    def forward(self, styles: Tensor) -> Parameters:
        """styles: [N] rows of the table. Learned constants know no colours: share is 0."""
        return plain(self.gamma[styles], self.beta[styles])


def plain(gamma: Tensor, beta: Tensor) -> Parameters:
    """Parameters of a signal that says nothing of colours."""
    count, place = len(gamma), gamma.device
    eye = torch.eye(3, device=place).expand(count, 3, 3)
    zeros = torch.zeros(count, 3, device=place)
    return Parameters(gamma, beta, Colours(zeros, eye), zeros[:, 0])
