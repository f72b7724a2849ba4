"""Pixels and words in one space: the network behind the built-in segmenter.

An EfficientNet-Lite trunk (Tan and Le 2019, "EfficientNet", ICML; the Lite variant has no squeeze
and excitation and ReLU6 throughout) with its batch norms folded into the convolutions, and a small
feature pyramid (Lin et al. 2017, "Feature Pyramid Networks", CVPR) that ends in one vector a
pixel at half of the input's resolution, or at a quarter without the finest level. A word is a
point in the same space: the linear image of its sentence vector plus a correction learned for that
word. The logit of a word at a pixel is their dot product plus the word's bias, so any number of
words can be asked of one encoding.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# B pictures, H x W input pixels, C channels, D dimensions of the shared space, K words

# (kernel, stride, expansion, channels out, repeats) of EfficientNet-B0, which Lite0 shares
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
# How much wider and deeper than that the others of the family are (paper, section 3.3); Lite keeps
# the repeats of the first and the last stage, stem and head.
TRUNKS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}
TAPS = (0, 1, 2, 4)  # stages that end at strides 2, 4, 8 and 16
HEAD = 1280  # channels of what ImageNet's classifier was shown
STRIDE = 32  # sides of the input must be multiples of this

# A word's few numbers must move further than a filter's at one learning rate: without these gains
# the logits of most words had not left their start after 2,000 steps.
PROJECT_GAIN, RESIDUAL_GAIN, BIAS_GAIN = 12.0, 20.0, 10.0


@dataclass(frozen=True)
class WordSegmenterConfig:
    """What the network's shape depends on; travels in the weight file's metadata as 'config'."""

    words: tuple[str, ...]
    dim: int = 96
    width: int = 160
    sentence_dim: int = 256
    long_side: int = 384  # the input size at which it was measured, in pixels
    trunk: str = "lite0"  # of TRUNKS
    fine: int = 0  # channels of the finest level, at half of the input's resolution; 0: none

    @property
    def cell(self) -> int:
        """Input pixels along a side of what one pixel vector stands for."""
        return 2 if self.fine else 4

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> WordSegmenterConfig:
        """ValueError for several networks that look together."""
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise ValueError("several networks that look together")
        return cls.of(fields)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> WordSegmenterConfig:
        """From what JSON made of it."""
        return cls(**{**fields, "words": tuple(fields["words"])})


class SameConv(nn.Module):
    """Convolution, bias and optionally ReLU6, padded as TensorFlow pads ('same').

    For stride 2 that puts the odd pixel at the right and the bottom, which the trunk's filters
    were trained with.
    """

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        act: bool = True,
    ) -> None:
        super().__init__()
        self.act = act
        total = kernel - stride
        self.pad = (total // 2, total - total // 2) * 2 if stride > 1 else None
        self.conv = nn.Conv2d(
            before, after, kernel, stride, kernel // 2 if stride == 1 else 0, groups=groups
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.pad is not None:
            x = F.pad(x, self.pad)
        x = self.conv(x)
        return F.relu6(x) if self.act else x


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow; with a skip where the shape allows."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = before * expansion
        self.expand = SameConv(before, middle, 1) if expansion > 1 else None
        self.depthwise = SameConv(middle, middle, kernel, stride, groups=middle)
        self.project = SameConv(middle, after, 1, act=False)
        self.skip = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return x + y if self.skip else y


def _stages(trunk: str) -> list[tuple[int, int, int, int, int]]:
    """STAGES as wide and as deep as the named one of TRUNKS."""
    width, depth = TRUNKS[trunk]
    stages = []
    for index, (kernel, stride, expansion, channels, repeats) in enumerate(STAGES):
        if index not in (0, len(STAGES) - 1):
            repeats = math.ceil(depth * repeats)
        # To the nearest multiple of 8, but not by more than a tenth down.
        wide = max(8, int(width * channels + 4) // 8 * 8)
        if wide < 0.9 * width * channels:
            wide += 8
        stages.append((kernel, stride, expansion, wide, repeats))
    return stages


class Trunk(nn.Module):
    """An EfficientNet-Lite without its classifier, batch norms folded.

    channels: of the maps that it gives.
    """

    def __init__(self, name: str = "lite0") -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        blocks: list[InvertedResidual] = []
        before, self._taps, channels = 32, set[int](), []
        for stage, (kernel, stride, expansion, after, repeats) in enumerate(_stages(name)):
            for repeat in range(repeats):
                step = stride if repeat == 0 else 1
                blocks.append(InvertedResidual(before, after, kernel, step, expansion))
                before = after
            if stage in TAPS:
                self._taps.add(len(blocks) - 1)
                channels.append(after)
        self.blocks = nn.ModuleList(blocks)
        self.head = SameConv(before, HEAD, 1)
        self.channels = (*channels, before + HEAD)

    def residuals(self) -> list[InvertedResidual]:
        """The blocks from the first to the last."""
        return [block for block in self.blocks if isinstance(block, InvertedResidual)]

    def forward(self, x: Tensor) -> list[Tensor]:
        """x: [B, 3, H, W] in [-1, 1]; gives the maps at strides 2, 4, 8, 16 and 32. The last is
        the last block's and the head's: what tells a lobster from a crab is plainest where the
        classifier looks."""
        x = self.stem(x)  # B 32 H/2 W/2
        maps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self._taps:
                maps.append(x)
        return [*maps, torch.cat([x, self.head(x)], dim=1)]


class NormConv(nn.Module):
    """3x3 convolution, group norm, ReLU."""

    def __init__(self, before: int, after: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.GroupNorm(8, after)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class Finest(nn.Module):
    """The level at stride 2. It begins at nothing, so that a network without it can go on from
    where it is."""

    def __init__(self, before: int, above: int, width: int, dim: int) -> None:
        """before, above: channels of the maps at strides 2 and 4."""
        super().__init__()
        self.lateral = nn.Conv2d(before, width, 1)
        self.narrow = nn.Conv2d(above, width, 1)
        self.mix = NormConv(width, width)
        self.out = nn.Conv2d(width, dim, 1, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, at2: Tensor, above: Tensor) -> Tensor:
        """at2: [B, before, H/2, W/2]; above: [B, above, H/4, W/4]; gives [B, dim, H/2, W/2]."""
        difference: Tensor = self.out(self.mix(F.relu(self.lateral(at2) + _up(self.narrow(above)))))
        return difference


class Pyramid(nn.Module):
    """Joins the maps of strides 32, 16, 8 and 4, the coarsest with the whole picture's mean; the
    map of stride 2 then says how a vector of stride 4 differs within its cell."""

    def __init__(
        self, channels: Sequence[int], width: int, dim: int, finest: int, dropout: float
    ) -> None:
        """channels: of the maps at strides 2, 4, 8, 16 and 32. finest: channels of the level at
        stride 2, 0 for none. dropout: share of the coarsest map's that is left out in training."""
        super().__init__()
        fine, coarse = width // 2, width
        at2, at4, at8, at16, at32 = channels
        self.scene = nn.Conv2d(at32, coarse, 1)
        self.lateral32 = nn.Conv2d(at32, coarse, 1)
        self.lateral16 = nn.Conv2d(at16, coarse, 1)
        self.lateral8 = nn.Conv2d(at8, coarse, 1)
        self.lateral4 = nn.Conv2d(at4, fine, 1)
        self.mix32 = NormConv(coarse, coarse)
        self.mix16 = NormConv(coarse, coarse)
        self.mix8 = NormConv(coarse, coarse)
        self.narrow = nn.Conv2d(coarse, fine, 1)
        self.mix4 = NormConv(fine, fine)
        self.out = nn.Conv2d(fine, dim, 1)
        self.finest = Finest(at2, fine, finest, dim) if finest else None
        self.dropout = nn.Dropout2d(dropout)

    def entries(self) -> list[nn.Conv2d | None]:
        """What each map goes through first, from stride 2 on; None for one that is not taken."""
        finest = None if self.finest is None else self.finest.lateral
        return [finest, self.lateral4, self.lateral8, self.lateral16, self.lateral32]

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        at2, at4, at8, at16, at32 = maps
        at32 = self.dropout(at32)
        scene = self.scene(at32.mean((2, 3), keepdim=True))  # B C 1 1
        x = self.mix32(F.relu(self.lateral32(at32) + scene))  # B C H/32 W/32
        x = self.mix16(F.relu(self.lateral16(at16) + _up(x)))  # B C H/16 W/16
        x = self.mix8(F.relu(self.lateral8(at8) + _up(x)))  # B C H/8 W/8
        x = self.mix4(F.relu(self.lateral4(at4) + _up(self.narrow(x))))  # B C/2 H/4 W/4
        vectors: Tensor = self.out(x)  # B D H/4 W/4
        return vectors if self.finest is None else _up(vectors) + self.finest(at2, x)


def _up(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class WordSegmenter(nn.Module):
    """Pictures to pixel vectors, sentence vectors to word vectors, and the logits between them."""

    sentences: Tensor  # K sentence_dim, unit length
    calibration: Tensor  # K, added to the logits so that 0.5 is the threshold of best IoU

    def __init__(self, config: WordSegmenterConfig, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        count = len(config.words)
        self.trunk = Trunk(config.trunk)
        self.pyramid = Pyramid(self.trunk.channels, config.width, config.dim, config.fine, dropout)
        self.project = nn.Linear(config.sentence_dim, config.dim, bias=False)
        self.residual = nn.Parameter(torch.zeros(count, config.dim))
        self.bias = nn.Parameter(torch.full((count,), -2.0 / BIAS_GAIN))
        self.register_buffer("sentences", torch.zeros(count, config.sentence_dim))
        self.register_buffer("calibration", torch.zeros(count))

    def embed(self, pictures: Tensor) -> Tensor:
        """pictures: [B, 3, H, W] sRGB in [0, 1], sides multiples of 32; gives [B, D, H/c, W/c] with
        c = config.cell."""
        if pictures.shape[-1] % STRIDE or pictures.shape[-2] % STRIDE:
            raise ValueError(
                f"sides must be multiples of {STRIDE}, not {tuple(pictures.shape[-2:])}"
            )
        return self.pyramid(self.trunk(pictures * 2 - 1))

    def words(self) -> tuple[Tensor, Tensor]:
        """The vectors of config.words in the shared space, [K, D], and their biases, [K]."""
        learned = PROJECT_GAIN * self.project(self.sentences) + RESIDUAL_GAIN * self.residual
        return learned * self.config.dim**-0.5, BIAS_GAIN * self.bias

    @torch.no_grad()
    def bring_nearer(self, word: str, other: str) -> None:
        """Half-way from one word to another: its vector, bias and calibration. ValueError for words
        that are not the network's."""
        one, two = (self.config.words.index(each) for each in (word, other))
        vectors, biases = self.words()
        way = (vectors[two] - vectors[one]) / 2
        self.residual[one] += way * self.config.dim**0.5 / RESIDUAL_GAIN
        self.bias[one] += (biases[two] - biases[one]) / 2 / BIAS_GAIN
        self.calibration[one] += (self.calibration[two] - self.calibration[one]) / 2

    def to_json(self) -> str:
        """What `segmenter_of` takes."""
        return self.config.to_json()

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pixel vectors [B, D, H/c, W/c], word vectors [K, D] and word biases [K], uncalibrated."""
        return self.embed(pictures), *self.words()


class JoinedSegmenter(nn.Module):
    """Several networks that look together: their logits' mean, which is one dot product of their
    vectors side by side."""

    calibration: Tensor  # K, of the mean

    def __init__(self, members: Sequence[WordSegmenter]) -> None:
        """ValueError for networks of different words or cells."""
        super().__init__()
        self.members = nn.ModuleList(members)
        self.config = members[0].config
        if any(member.config.words != self.config.words for member in members):
            raise ValueError("networks that look together must know the same words")
        if any(member.config.cell != self.config.cell for member in members):
            raise ValueError("networks that look together must have cells of one size")
        self.register_buffer("calibration", torch.zeros(len(self.config.words)))

    def embed(self, pictures: Tensor) -> Tensor:
        """As WordSegmenter's; D is the sum of the members'."""
        return torch.cat([member.embed(pictures) for member in self._each()], dim=1)

    def words(self) -> tuple[Tensor, Tensor]:
        """As WordSegmenter's."""
        vectors, biases = zip(*(member.words() for member in self._each()), strict=True)
        count = len(self.members)
        return torch.cat(vectors, dim=1) / count, torch.stack(biases).mean(0)

    @torch.no_grad()
    def bring_nearer(self, word: str, other: str) -> None:
        """As WordSegmenter's, in every member."""
        for member in self._each():
            member.bring_nearer(word, other)
        one, two = (self.config.words.index(each) for each in (word, other))
        self.calibration[one] += (self.calibration[two] - self.calibration[one]) / 2

    def to_json(self) -> str:
        """What `segmenter_of` takes."""
        return f"[{', '.join(member.config.to_json() for member in self._each())}]"

    def _each(self) -> list[WordSegmenter]:
        return [member for member in self.members if isinstance(member, WordSegmenter)]


def segmenter_of(config: str) -> WordSegmenter | JoinedSegmenter:
    """The network of a weight file's metadata: one config, or a list of those that are joined."""
    parsed = json.loads(config)
    if isinstance(parsed, dict):
        return WordSegmenter(WordSegmenterConfig.of(parsed))
    return JoinedSegmenter([WordSegmenter(WordSegmenterConfig.of(each)) for each in parsed])


def fitted(pictures: Tensor, long_side: int) -> Tensor:
    """pictures: [B, 3, H, W]; resized to about that long side, each side a multiple of 32.

    The shape changes by a few per cent at most, and no border has to be made up.
    """
    scale = long_side / max(pictures.shape[-2:])
    sides = [max(1, round(side * scale / STRIDE)) * STRIDE for side in pictures.shape[-2:]]
    resized = F.interpolate(pictures, sides, mode="bilinear", align_corners=False, antialias=True)
    return resized.contiguous(memory_format=torch.channels_last)


def word_logits(pixels: Tensor, words: Tensor, bias: Tensor) -> Tensor:
    """pixels: [B, D, h, w]; words: [k, D]; bias: [k]; gives [B, k, h, w]."""
    return F.conv2d(pixels, words[:, :, None, None].to(pixels.dtype), bias.to(pixels.dtype))
