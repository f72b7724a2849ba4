"""AdaAttN: attention-weighted adaptive normalisation (papers: AdaAttN, equations 1 to 7).

`paper()` is the paper's network and `published()` that of the authors' code, which differs from
the paper; every difference is a field of the config. The compact network (the config's defaults)
has another decoder: see painter.py.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from .attention import AttentionMoments, attention_moments
from .colour import colours_of
from .decoder import Decoder
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
from .painter import Painter, StyleCode
from .parameter_net import described
from .perceptual import keys_of
from .prepared_style import ContentStatistics, PreparedStyle
from .statistics import Moments, inside, kept, moments, normalise, part_moments
from .transformer_net import COMPACT_TNET, Parameters, TNetConfig, mixed


@dataclass(frozen=True)
class AdaAttNConfig:
    """layers: levels with attention, a subset of 3, 4, 5. scaled: logits over sqrt(d).

    style_positions: at most so many keys, evenly spaced; 0 takes all. nearest: how keys of
    shallower levels are down-sampled, else bilinear. unbiased: variances over N - 1.
    linear_merge: no ReLU after the sum of levels 4 and 5 is convolved. painter: the TNet that
    paints (its encoder pools in ceil_mode), None = the paper's decoder.
    """

    encoder: EncoderConfig = field(default_factory=lambda: COMPACT)
    layers: tuple[int, ...] = (3, 4, 5)
    scaled: bool = True
    style_positions: int = 400
    nearest: bool = False
    unbiased: bool = False
    linear_merge: bool = False
    painter: TNetConfig | None = COMPACT_TNET

    def __post_init__(self) -> None:
        if not self.layers or not set(self.layers) <= {3, 4, 5}:
            raise ValueError(f"attention works at levels 3, 4 and 5, not {self.layers}")
        if self.painter is not None and not self.encoder.ceil_mode:
            raise ValueError("TNet rounds odd sides up: its encoder needs ceil_mode")

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> AdaAttNConfig:
        data = with_tuples(json.loads(text))
        data["encoder"] = EncoderConfig(**with_tuples(data["encoder"]))
        if data["painter"] is not None:
            data["painter"] = TNetConfig(**with_tuples(data["painter"]))
        return cls(**data)


def paper(encoder: EncoderConfig = VGG19) -> AdaAttNConfig:
    """The paper's network: nothing added, all style positions, no 1/sqrt(d)."""
    return AdaAttNConfig(encoder=encoder, scaled=False, style_positions=0, painter=None)


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
        self.decoder: Decoder | Painter
        if config.painter is None:
            self.decoder = Decoder(config.encoder, config.layers, linear_merge=config.linear_merge)
        else:
            self.decoder = Painter(config.encoder, config.layers, config.painter)
            self.code = StyleCode(config.encoder, config.painter)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        return self.stylize(content, self.prepare(style))

    def described(self, style: Tensor) -> Tensor:
        """[N, inputs]: what the style code is told of whole pictures, not yet standardised."""
        return described([moments(f) for f in self.encoder(style)], colours_of(style))

    def prepare(self, style: Tensor, mask: Tensor | None = None) -> PreparedStyle:
        """Everything that depends on the style alone.

        mask: [1, 1, H, W] in [0, 1]; keys, values and moments come from positions where it is
        above 0.5, or from those that it covers most where it covers half of none. Keys are
        normalised over the whole style picture all the same. ValueError for a mask of zeros.
        """
        config = self.config
        keys, values = {}, {}
        with self._exactly_where_it_matters(style):
            features = self.encoder(style)
            for level in config.layers:
                module: Any = self.attention[str(level)]
                key = module.g(self._normalised(self._keys(features, level)))
                value = module.h(features[level - 1])
                keys[level], values[level] = self._positions(key, value, mask)
        parameters = None
        if config.painter is not None:
            levels = [moments(kept(f, mask)) for f in features]
            parameters = self.code(levels, colours_of(kept(style, mask)))
        return PreparedStyle(keys, values, parameters)

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

    def _normalised(self, features: Tensor, by: Moments | None = None) -> Tensor:
        """By the whole picture's moments, or by the features' own."""
        return normalise(features, by, unbiased=self.config.unbiased)

    def measure(
        self,
        content: Tensor,
        mixture: Sequence[tuple[PreparedStyle, float]],
        mask: Tensor | None = None,
    ) -> ContentStatistics:
        """Statistics of a whole picture, for `stylize` of its tiles.

        mask: [1, 1, H, W], the part of it that counts, so that this part gets the style's mean
        and deviation; a plain part counts as varied as LEAST_VARIETY of the whole, and its
        colours as colour.LEAST_DEVIATION.
        """
        parameters = _parameters(mixture)
        if parameters is None:
            with self._exactly_where_it_matters(content):
                return self._statistics(self.encoder(content), mask)
        colours = colours_of(kept(content, mask))
        norms: list[Moments] = []
        base = self._painter.tnet.recolour(content, parameters, colours)
        features = self.encoder(base)
        found = self._statistics(features, mask)
        of_part = None if mask is None else lambda x: part_moments(x, mask, moments)
        noted = self._painter.norms(parameters, found=norms, measured=of_part)
        painted = kept(self._paint(base, features, mixture, found, noted).clamp(0, 1), mask)
        return dataclasses.replace(found, colours=colours, norms=norms, painted=colours_of(painted))

    def trial(
        self,
        content: Tensor,
        mixture: Sequence[tuple[PreparedStyle, float]],
        mask: Tensor | None = None,
    ) -> tuple[Parameters, Callable[[Parameters], Tensor]] | None:
        """The parameters of a mixture, and what paints a whole picture under other gammas and
        betas, with a gradient; what attention finds stays the same. None where the paper's decoder
        paints. mask: as in `measure`."""
        parameters = _parameters(mixture)
        if parameters is None:
            return None
        parameters, tnet = parameters.clone(), self._painter.tnet
        with torch.no_grad():
            base = tnet.recolour(content, parameters, colours_of(kept(content, mask)))
            features = self.encoder(base)
            sizes = _sizes(features)
            found = None if mask is None else self._statistics(features, mask)
            attended = self._attended(features, mixture, found)

        def paint(tried: Parameters) -> Tensor:
            norms = self._painter.norms(tried)
            if mask is not None:
                of_part = partial(part_moments, mask=mask, measured=moments)
                norms = self._painter.norms(tried, found=[], measured=of_part)
            painted = self._painter(base, norms, attended, sizes)
            return tnet.retouch(painted, tried, colours_of(kept(painted.clamp(0, 1), mask)))

        return parameters, paint

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
        parameters = _parameters(mixture)
        if parameters is None:
            with self._exactly_where_it_matters(content):
                features = self.encoder(content)
                sizes = _sizes(features)
                attended = self._attended(features, mixture, statistics)
            return self.decoder(attended, sizes).float()
        own = statistics.colours if statistics else None
        base = self._painter.tnet.recolour(content, parameters, own)
        features = self.encoder(base)
        norms = self._painter.norms(parameters, statistics.norms if statistics else None)
        painted = self._paint(base, features, mixture, statistics, norms)
        of_painted = statistics.painted if statistics else None
        return self._painter.tnet.retouch(painted, parameters, of_painted)

    def _paint(
        self,
        base: Tensor,
        features: Features,
        mixture: Sequence[tuple[PreparedStyle, float]],
        by: ContentStatistics | None,
        norms: DynamicNorms,
    ) -> Tensor:
        """RGB, unbounded, of the recoloured photograph and its features, which are used up."""
        sizes = _sizes(features)
        return self._painter(base, norms, self._attended(features, mixture, by), sizes)

    def _exactly_where_it_matters(self, image: Tensor) -> AbstractContextManager[Any]:
        """Float32 where logits are not scaled: of several hundred, bfloat16 keeps whole numbers at
        best, and another key wins."""
        if self.config.scaled or torch.is_grad_enabled():
            return nullcontext()
        return torch.autocast(image.device.type, enabled=False)

    @property
    def _painter(self) -> Painter:
        return cast("Painter", self.decoder)

    def _statistics(self, features: Features, mask: Tensor | None = None) -> ContentStatistics:
        return ContentStatistics(
            {x: part_moments(features[x - 1], mask, self._moments) for x in self.config.layers},
            {
                x: part_moments(self._keys(features, x), mask, self._moments)
                for x in self.config.layers
            },
        )

    def _attended(
        self,
        features: Features,
        mixture: Sequence[tuple[PreparedStyle, float]],
        by: ContentStatistics | None,
    ) -> dict[int, Tensor]:
        """What attention makes of the features of its levels; they are taken from the list."""
        found: dict[int, Tensor] = {}
        # Deepest first: no shallower level asks for a deeper one's features, so they can go.
        for level in range(len(features), 0, -1):
            here = features[level - 1]
            if level in self.config.layers:
                keys = self._keys(features, level)
                query = self._normalised(keys, by.keys[level] if by else None)
                normal = self._normalised(here, by.features[level] if by else None)
                module = self.attention[str(level)]
                parts = (
                    w
                    * module(
                        query, normal, s.keys[level], s.values[level], scaled=self.config.scaled
                    )
                    for s, w in mixture
                )
                found[level] = sum(parts).to(here.dtype)  # type: ignore[attr-defined]
            features.pop()
        return found


def _parameters(mixture: Sequence[tuple[PreparedStyle, float]]) -> Parameters | None:
    """The painter's, of all styles together; None where the paper's decoder paints."""
    parts = [(s.parameters, w) for s, w in mixture if s.parameters is not None]
    return mixed(parts) if parts else None


def _sizes(features: Features) -> list[tuple[int, int]]:
    return [(f.shape[-2], f.shape[-1]) for f in features]
