"""TNet: J. Johnson's image transformation network (ECCV 2016) with the normalisation of ZM-Net.

Ten layers (ZM-Net, section 3.2): three convolutions, five residual blocks, an up-sampling stage,
an output convolution. The first nine end in dynamic instance normalisation (equation 3), whose
scale and shift come from outside: of a parameter network (ZM-Net), or learned constants (one
style: fast style transfer; one of a table: V. Dumoulin's conditional instance normalisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .colour import Colours, colours_of, recoloured
from .convolution import Convolution, DoublingConvolution
from .statistics import EPSILON, Moments, masked_moments, moments

LAYERS = 9  # that are normalised
# Figure 7: what the normalisation of these layers was seen to carry over.
GROUPS = {"details": (1, 2, 3), "colours": (4, 5, 6), "textures": (7, 8, 9)}


@dataclass(frozen=True)
class TNetConfig:
    """widths: channels at full, half and quarter size. kernel: of the first and last convolution.

    recolours: the picture first takes the mean and covariance of the signal's colours, and the
    last convolution adds to it; else it gives the picture itself, as in the paper.
    """

    widths: tuple[int, int, int] = (32, 64, 128)
    blocks: int = 5
    kernel: int = 9
    recolours: bool = False

    @property
    def norms(self) -> list[list[int]]:
        """Channels of the normalisations of layers 1 to 9; blocks and the up-sampling have two."""
        a, b, c = self.widths
        return [[a], [b], [c], *([c, c] for _ in range(self.blocks)), [b, a]]


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
    moments of every normalisation under one set of parameters."""

    colours: Colours
    norms: list[Moments]


def dynamic_instance_norm(
    x: Tensor, gamma: Tensor, beta: Tensor, of: Moments | None = None
) -> Tensor:
    """Equation 3; x: NCHW, gamma, beta: [N, C]. `of`: moments to take in place of x's own.

    gamma = 1 and beta = 0 is plain instance normalisation.
    """
    if of is None and x.device.type == "cpu" and not torch.is_grad_enabled():
        # One pass, and one rounding; by itself each sample, which has a scale and shift of its own.
        # Graphics cards don't take these float32 parameters beside a bfloat16 picture.
        channels, size = x.shape[1], x.shape[2] * x.shape[3]
        parts = [
            torch.native_group_norm(each, g, b, 1, channels, size, channels, EPSILON)[0]
            for each, g, b in zip(x.split(1), gamma.float(), beta.float(), strict=True)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)
    if of is None:
        return _DynamicInstanceNorm.apply(x, gamma, beta)  # type: ignore[no-any-return]
    scale = gamma[..., None, None] / of.deviation
    shift = beta[..., None, None] - of.mean * scale
    return torch.addcmul(shift, x.float(), scale).to(x.dtype)


class _DynamicInstanceNorm(torch.autograd.Function):
    """Equation 3 and its derivative in few passes over x: written out term by term, and left to
    autograd, it took as long as the convolutions between."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        normal, _, rate = torch.native_group_norm(
            x, None, None, count, channels, height * width, channels, EPSILON
        )
        ctx.save_for_backward(normal, rate, gamma)
        return torch.addcmul(_spread(beta, x), normal, _spread(gamma, x))

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (slope,) = slopes
        normal, rate, gamma = ctx.saved_tensors
        pixels = slope.shape[2] * slope.shape[3]
        of_beta = slope.sum((2, 3), dtype=torch.float32)
        of_gamma = (slope * normal).sum((2, 3), dtype=torch.float32)
        scale = rate.float().view_as(of_beta) * gamma
        of_x = torch.addcmul(
            _spread(-scale * of_beta / pixels, slope), slope, _spread(scale, slope)
        )
        of_x.addcmul_(normal, _spread(-scale * of_gamma / pixels, slope))
        return of_x, of_gamma, of_beta


def _spread(numbers: Tensor, like: Tensor) -> Tensor:
    return numbers[..., None, None].to(like.dtype)


class TNet(nn.Module):
    """RGB NCHW in [0, 1] and Parameters -> RGB, unbounded, of the same size."""

    def __init__(self, config: TNetConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c = config.widths
        self.down = nn.ModuleList(
            [_conv(3, a, config.kernel), _conv(a, b, stride=2), _conv(b, c, stride=2)]
        )
        self.blocks = nn.ModuleList(
            nn.ModuleList([_conv(c, c), _conv(c, c)]) for _ in range(config.blocks)
        )
        self.up = nn.ModuleList([DoublingConvolution(c, b), DoublingConvolution(b, a)])
        self.out = _conv(a, 3, config.kernel)
        if config.recolours:  # training starts from the recoloured picture
            nn.init.zeros_(self.out.weight)
            nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]
        self.split = [width for layer in config.norms for width in layer]

    def forward(
        self, image: Tensor, parameters: Parameters, of: PictureStatistics | None = None
    ) -> Tensor:
        """of: statistics of the picture that `image` is a tile of (None = image is all of it)."""
        return self._run(image, parameters, of, None)

    def measure(
        self, image: Tensor, parameters: Parameters, mask: Tensor | None = None
    ) -> PictureStatistics:
        """Of the whole picture, or of where mask [1, 1, H, W] is set, under these parameters."""
        found: list[Moments] = []
        of = PictureStatistics(colours_of(image, mask), found)
        self._run(image, parameters, None, found, colours=of.colours, mask=mask)
        return of

    def _run(
        self,
        image: Tensor,
        parameters: Parameters,
        of: PictureStatistics | None,
        found: list[Moments] | None,
        *,
        colours: Colours | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        gammas = parameters.gamma.float().split(self.split, dim=1)
        betas = parameters.beta.float().split(self.split, dim=1)
        index = 0

        def norm(x: Tensor) -> Tensor:
            nonlocal index
            by = of.norms[index] if of else None
            if found is not None:
                by = moments(x) if mask is None else masked_moments(x, mask)
                found.append(by)
            x = dynamic_instance_norm(x, gammas[index], betas[index], by)
            index += 1
            return x

        if self.config.recolours:
            own = of.colours if of else colours or colours_of(image)
            image = recoloured(image, own, parameters.colours, parameters.share)
        x, sizes = image * 2 - 1, []
        for conv in self.down:
            sizes.append(x.shape[-2:])
            x = F.relu(norm(conv(x)))
        first: Any
        second: Any
        for first, second in self.blocks:  # type: ignore[misc]
            x = x + norm(second(F.relu(norm(first(x)))))
        for up, (height, width) in zip(self.up, reversed(sizes[1:]), strict=True):
            x = F.relu(norm(up(x)[..., :height, :width]))
        x = self.out(x).float()
        return image + x if self.config.recolours else 0.5 + 0.5 * torch.tanh(x)


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


def _conv(before: int, after: int, kernel: int = 3, stride: int = 1) -> Convolution:
    """Reflection padding: no dark frame. No bias where it would be normalised away."""
    return Convolution(before, after, kernel, stride, padding=kernel // 2, padding_mode="reflect")
