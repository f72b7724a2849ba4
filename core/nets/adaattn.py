"""AdaAttN: attention-weighted adaptive normalisation (papers: AdaAttN, equations 1 to 7).

`paper()` is the paper's network and `published()` that of the authors' code, which differs from
the paper; every difference is a field of the config. The compact network adds four things, each
a switch of the config: the photograph is first brought to the style's colours, the decoder adds
to that picture instead of painting from nothing, levels 1 and 2 are handed to the decoder through
equation 7 with a uniform attention map (which is AdaIN), and a style code steers the decoder by
dynamic instance normalisation (ZM-Net, equation 3).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from .attention import AttentionMoments, attention_moments
from .colour import Colours, colours_of, recoloured
from .decoder import Decoder, StyleCode
from .encoder import (
    COMPACT,
    VGG19,
    VGG19_NORMALISED,
    Encoder,
    EncoderConfig,
    Features,
    with_tuples,
)
from .normalisation import DynamicNorms
from .parameter_net import described
from .perceptual import keys_of
from .prepared_style import (
    ContentStatistics,
    PreparedStyle,
    blended,
    blended_colours,
    blended_modulation,
)
from .statistics import Moments, inside, kept, moments, normalise, part_moments, transferred


@dataclass(frozen=True)
class AdaAttNConfig:
    """layers: levels with attention, a subset of 3, 4, 5. scaled: logits over sqrt(d).

    style_positions: at most so many keys, evenly spaced; 0 takes all. nearest: how keys of
    shallower levels are down-sampled, else bilinear. unbiased: variances over N - 1.
    linear_merge: no ReLU after the sum of levels 4 and 5 is convolved. uniform: levels with a
    uniform attention map. recolour, residual, steered: see the module's first lines. covariance:
    colours are brought over by colour.py, else R, G and B each alone.
    """

    encoder: EncoderConfig = field(default_factory=lambda: COMPACT)
    layers: tuple[int, ...] = (3, 4, 5)
    uniform: tuple[int, ...] = (1, 2)
    scaled: bool = True
    style_positions: int = 1024
    nearest: bool = False
    unbiased: bool = False
    linear_merge: bool = False
    recolour: bool = True
    residual: bool = True
    steered: bool = True
    covariance: bool = False

    def __post_init__(self) -> None:
        if not self.layers or not set(self.layers) <= {3, 4, 5}:
            raise ValueError(f"attention works at levels 3, 4 and 5, not {self.layers}")
        if not set(self.uniform) <= {1, 2}:
            raise ValueError(f"a uniform map is for levels 1 and 2, not {self.uniform}")

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> AdaAttNConfig:
        data = with_tuples(json.loads(text))
        return cls(**{**data, "encoder": EncoderConfig(**with_tuples(data["encoder"]))})


def paper(encoder: EncoderConfig = VGG19) -> AdaAttNConfig:
    """The paper's network: nothing added, all style positions, no 1/sqrt(d)."""
    return AdaAttNConfig(
        encoder=encoder,
        uniform=(),
        scaled=False,
        style_positions=0,
        recolour=False,
        residual=False,
        steered=False,
    )


def published(encoder: EncoderConfig = VGG19_NORMALISED) -> AdaAttNConfig:
    """The network of the authors' code and checkpoint (github.com/Huage001/AdaAttN).

    Beside the paper's: keys are down-sampled with nearest and then normalised, level by level
    (which equals normalising them concatenated), variances are unbiased, the merging convolution
    has no ReLU, and level 3 takes 64 x 64 style positions at most. That code draws them at
    random; here they are a regular grid, so that the same request gives the same picture, and
    levels 4 and 5 keep the same limit, which they reach only for brushes larger than 1.
    """
    return dataclasses.replace(
        paper(encoder), style_positions=64 * 64, nearest=True, unbiased=True, linear_merge=True
    )


class AttentionLevel(nn.Module):
    """One AdaAttN module: f, g and h are 1 x 1 convolutions that start as identities, so that
    the untrained module already transfers."""

    def __init__(
        self, key_width: int, width: int, attend: AttentionMoments = attention_moments
    ) -> None:
        super().__init__()
        self.attend = attend
        self.f = _identity(key_width)
        self.g = _identity(key_width)
        self.h = _identity(width)
        self.each_block: Callable[[], None] | None = None  # see attention_moments

    def forward(
        self, query: Tensor, content: Tensor, key: Tensor, value: Tensor, *, scaled: bool
    ) -> Tensor:
        """query: normalised F_c^{1:x}; content: normalised F_c^x; both NCHW. Equation 7."""
        mean, deviation = self.attend(
            self.f(query).flatten(2), key, value, scaled=scaled, each_block=self.each_block
        )  # N C HW
        return deviation.view_as(content) * content + mean.view_as(content)


def _identity(width: int) -> nn.Conv2d:
    conv = nn.Conv2d(width, width, 1)
    nn.init.dirac_(conv.weight)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv


class AdaAttN(nn.Module):
    """Content and style pictures, NCHW RGB in [0, 1] -> the stylised picture, not yet clamped.

    attend: in which form attention is computed; plain_attention_moments is the formula itself.
    """

    def __init__(
        self, config: AdaAttNConfig | None = None, attend: AttentionMoments = attention_moments
    ) -> None:
        super().__init__()
        self.config = config = config or AdaAttNConfig()
        widths = config.encoder.widths
        self.encoder = Encoder(config.encoder)
        self.attention = nn.ModuleDict(
            {str(x): AttentionLevel(sum(widths[:x]), widths[x - 1], attend) for x in config.layers}
        )
        levels = (*config.layers, *config.uniform)
        self.decoder = Decoder(config.encoder, levels, linear_merge=config.linear_merge)
        if config.steered:
            self.code = StyleCode(config.encoder, self.decoder.modulated_widths)
        if config.residual:  # starts as the recoloured photograph itself
            nn.init.zeros_(self.decoder.convs[-1].weight)  # type: ignore[arg-type]
            nn.init.zeros_(self.decoder.convs[-1].bias)  # type: ignore[arg-type]

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        return self.stylize(content, self.prepare(style))

    def described(self, style: Tensor) -> Tensor:
        """[N, inputs]: what the style code is told of whole pictures, not yet standardised."""
        return described([moments(f) for f in self.encoder(style)])

    def prepare(self, style: Tensor, mask: Tensor | None = None) -> PreparedStyle:
        """Everything that depends on the style alone.

        mask: [1, 1, H, W] in [0, 1]; keys, values and moments come from positions where it is
        above 0.5, or from those that it covers most where it covers half of none. Keys are
        normalised over the whole style picture all the same. ValueError for a mask of zeros.
        """
        config = self.config
        features = self.encoder(style)
        keys, values = {}, {}
        for level in config.layers:
            module: Any = self.attention[str(level)]
            key = self._keys(features, level)
            key = module.g(normalise(key, self._moments(key)))
            value = module.h(features[level - 1])
            keys[level], values[level] = self._positions(key, value, mask)
        levels = [moments(kept(f, mask)) for f in features]
        return PreparedStyle(
            colour=self._colours(style, mask),
            keys=keys,
            values=values,
            uniform={x: levels[x - 1] for x in config.uniform},
            modulation=self.code(levels) if config.steered else None,
        )

    def _positions(self, key: Tensor, value: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Style positions to the config's limit: on a regular grid, or in a mask every so many."""
        height, width = key.shape[-2:]
        limit = self.config.style_positions
        if mask is not None:
            chosen = inside(mask, (height, width))
            if limit and len(chosen) > limit:
                steps = torch.linspace(0, len(chosen) - 1, limit).round().long()
                chosen = chosen[steps.to(chosen.device)]
            return key.flatten(2)[..., chosen], value.flatten(2)[..., chosen]
        if limit and height * width > limit:
            share = (limit / (height * width)) ** 0.5
            rows = torch.linspace(0, height - 1, max(1, int(height * share))).round().long()
            columns = torch.linspace(0, width - 1, max(1, int(width * share))).round().long()
            key, value = (
                t[:, :, rows.to(t.device)][..., columns.to(t.device)] for t in (key, value)
            )
        return key.flatten(2), value.flatten(2)

    def _keys(self, features: Features, level: int) -> Tensor:
        return keys_of(features, level, nearest=self.config.nearest)

    def _moments(self, features: Tensor) -> Moments:
        return moments(features, unbiased=self.config.unbiased)

    def _colours(self, style: Tensor, mask: Tensor | None) -> Moments | Colours:
        if self.config.covariance:
            return colours_of(kept(style, mask))
        return moments(kept(style, mask))

    def _own_colours(self, content: Tensor, mask: Tensor | None = None) -> Moments | Colours:
        if self.config.covariance:
            return colours_of(kept(content, mask))
        return part_moments(content, mask, moments)

    def recolour(
        self, content: Tensor, colour: Moments | Colours, own: Moments | Colours | None = None
    ) -> Tensor:
        """The photograph with the style's mean and deviation of each of R, G and B, or with its
        mean and covariance."""
        if not self.config.recolour:
            return content
        own = own or self._own_colours(content)
        if isinstance(colour, Moments):
            own = cast("Moments", own)
            return (normalise(content, own) * colour.deviation + colour.mean).clamp(0, 1)
        return recoloured(content, cast("Colours", own), colour, content.new_ones(1)).clamp(0, 1)

    def measure(
        self,
        content: Tensor,
        mixture: Sequence[tuple[PreparedStyle, float]],
        mask: Tensor | None = None,
    ) -> ContentStatistics:
        """Statistics of a whole picture, for `stylize` of its tiles.

        mask: [1, 1, H, W], the part of it that counts, so that this part gets the style's mean
        and deviation; a plain part counts as varied as LEAST_VARIETY of the whole (with
        `covariance`, its colours as varied as colour.LEAST_DEVIATION).
        """
        own = self._own_colours(content, mask)
        base = self.recolour(content, blended_colours(mixture), own)
        features = self.encoder(base)
        found = self._statistics(own, features, mask)
        if not self.config.steered:
            return found
        decoder: list[Moments] = []
        norms = DynamicNorms(
            blended_modulation(mixture),
            found=decoder,
            measured=lambda x: part_moments(x, mask, moments),
        )
        self._decoded(features, mixture, found, norms)
        return dataclasses.replace(found, decoder=decoder)

    def _statistics(
        self, own: Moments | Colours, features: Features, mask: Tensor | None = None
    ) -> ContentStatistics:
        levels = (*self.config.uniform, *self.config.layers)
        return ContentStatistics(
            own,
            {x: part_moments(features[x - 1], mask, self._moments) for x in levels},
            {
                x: part_moments(self._keys(features, x), mask, self._moments)
                for x in self.config.layers
            },
        )

    def stylize(
        self,
        content: Tensor,
        style: PreparedStyle | Sequence[tuple[PreparedStyle, float]],
        statistics: ContentStatistics | None = None,
    ) -> Tensor:
        """NCHW RGB, unbounded. statistics: of the whole picture where content is a tile of it.

        A mixture blends what each style makes of the features, before one decoding.
        """
        mixture = [(style, 1.0)] if isinstance(style, PreparedStyle) else list(style)
        own = statistics.colour if statistics else self._own_colours(content)
        base = self.recolour(content, blended_colours(mixture), own)
        features = self.encoder(base)
        by = statistics or self._statistics(own, features)
        norms = (
            DynamicNorms(blended_modulation(mixture), by.decoder) if self.config.steered else None
        )
        out = self._decoded(features, mixture, by, norms).float()
        return base + out if self.config.residual else out

    def _decoded(
        self,
        features: Features,
        mixture: Sequence[tuple[PreparedStyle, float]],
        by: ContentStatistics,
        norms: DynamicNorms | None,
    ) -> Tensor:
        """What the decoder makes of the transferred features, which are taken from the list."""
        sizes = [(f.shape[-2], f.shape[-1]) for f in features]
        painted: dict[int, Tensor] = {}
        # Deepest first: no shallower level asks for a deeper one's features, so they can go.
        for level in range(len(features), 0, -1):
            here = features[level - 1]
            if level in self.config.uniform:
                wanted = blended([(s.uniform[level], w) for s, w in mixture])
                painted[level] = transferred(here, by.features[level], wanted).to(here.dtype)
            elif level in self.config.layers:
                query = normalise(self._keys(features, level), by.keys[level])
                normal = normalise(here, by.features[level])
                painted[level] = self._attended(level, query, normal, mixture).to(here.dtype)
            features.pop()
        return self.decoder(painted, sizes, norms)

    def _attended(
        self,
        level: int,
        query: Tensor,
        normal: Tensor,
        mixture: Sequence[tuple[PreparedStyle, float]],
    ) -> Tensor:
        module = self.attention[str(level)]
        parts = (
            w * module(query, normal, s.keys[level], s.values[level], scaled=self.config.scaled)
            for s, w in mixture
        )
        return sum(parts)  # type: ignore[return-value]
