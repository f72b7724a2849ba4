"""A made AdaAttN checkpoint in the published layout, and the published formula written out.

Both are written from the layout alone, and share nothing with the code under test.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]
FULL = (64, 128, 256, 512, 512)
SMALL = (4, 6, 8, 10, 10)
ADAATTN_3, TRANSFORMER, DECODER = (
    f"latest_net_{name}.pth" for name in ("adaattn_3", "transformer", "decoder")
)
VGG = "vgg_normalised.pth"
PLACES = (2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42, 45, 48, 51)


def made_states(widths: tuple[int, ...] = SMALL, seed: int = 3) -> dict[str, State]:
    """Random weights under the published names; activations stay near 1 through all layers."""
    generator = torch.Generator().manual_seed(seed)

    def conv(state: State, name: str, after: int, before: int, kernel: int = 3, gain: float = 2.0):
        spread = (gain / (before * kernel * kernel)) ** 0.5
        state[f"{name}.weight"] = spread * torch.randn(
            after, before, kernel, kernel, generator=generator
        )
        state[f"{name}.bias"] = 0.1 * torch.randn(after, generator=generator)

    def attention(state: State, prefix: str, keys: int, width: int) -> None:
        for part in "fg":  # small: attention to several positions shows more than that to one
            conv(state, prefix + part, keys, keys, 1, 0.3)
        conv(state, f"{prefix}h", width, width, 1, 1.0)

    one, two, three, four, five = widths
    states: dict[str, State] = {ADAATTN_3: {}, TRANSFORMER: {}, DECODER: {}, VGG: {}}
    attention(states[ADAATTN_3], "", one + two + three, three)
    attention(states[TRANSFORMER], "attn_adain_4_1.", one + two + three + four, four)
    attention(states[TRANSFORMER], "attn_adain_5_1.", sum(widths), five)
    conv(states[TRANSFORMER], "merge_conv", four, four, gain=1.0)
    conv(states[DECODER], "decoder_layer_1.1", three, four)
    conv(states[DECODER], "decoder_layer_2.1", three, 2 * three)
    for place, after, before in (
        (4, three, three), (7, three, three), (10, two, three),
        (14, two, two), (17, one, two), (21, one, one), (24, 3, one),
    ):  # fmt: skip
        conv(states[DECODER], f"decoder_layer_2.{place}", after, before)
    widest = [one, one, two, two, *[three] * 4, *[four] * 4, *[five] * 4]
    for place, after, before in zip(PLACES, widest, [3, *widest], strict=False):
        conv(states[VGG], str(place), after, before)
    # As in the published one: from RGB to BGR, brighter, and darkened by a mean.
    states[VGG]["0.weight"] = 3 * torch.eye(3).flip(0)[:, :, None, None]
    states[VGG]["0.bias"] = torch.tensor([-1.2, -1.4, -1.5])
    return states


def write_checkpoint(folder: Path, states: dict[str, State]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, state in states.items():
        torch.save(state, folder / name)
    return folder


def formula(
    states: dict[str, State], content: Tensor, style: Tensor, *, floor: float = 0.0
) -> Tensor:
    """What the published layout makes of two NCHW pictures, in float64.

    floor: added to the variance under equation 6's root. Sides that are no multiples of 16,
    which the layout never sees: nearest takes every 2nd, 4th, ... position, and what is enlarged
    is cut to the size of the features that it joins.
    """
    states = {file: {k: v.double() for k, v in state.items()} for file, state in states.items()}
    three, both, decoder, vgg = (states[name] for name in (ADAATTN_3, TRANSFORMER, DECODER, VGG))

    def conv(x: Tensor, state: State, name: str) -> Tensor:
        weight = state[f"{name}.weight"]
        if weight.shape[-1] == 3:
            x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.conv2d(x, weight, state[f"{name}.bias"])

    def encode(x: Tensor) -> list[Tensor]:
        x, features = conv(x.double(), vgg, "0"), []
        for place in PLACES[:13]:
            if place in (9, 16, 29, 42):
                x = F.max_pool2d(x, 2, ceil_mode=True)
            x = F.relu(conv(x, vgg, str(place)))
            if place in (2, 9, 16, 29, 42):
                features.append(x)
        return features

    def norm(x: Tensor) -> Tensor:
        variance = x.flatten(2).var(2)[..., None, None]  # over N - 1
        return (x - x.mean((2, 3), keepdim=True)) / (variance + 1e-5).sqrt()

    def key(features: list[Tensor], level: int) -> Tensor:
        steps = [2 ** (level - x) for x in range(1, level + 1)]
        return torch.cat(
            [norm(f[..., ::k, ::k]) for f, k in zip(features, steps, strict=False)], dim=1
        )

    def attend(level: int, state: State, prefix: str) -> Tensor:
        c, s = fc[level - 1], fs[level - 1]
        query = conv(key(fc, level), state, f"{prefix}f").flatten(2)
        keys = conv(key(fs, level), state, f"{prefix}g").flatten(2)
        value = conv(s, state, f"{prefix}h").flatten(2)
        weights = torch.softmax(query.transpose(1, 2) @ keys, dim=-1)
        mean = value @ weights.transpose(1, 2)
        square = (value * value) @ weights.transpose(1, 2)
        deviation = (F.relu(square - mean * mean) + floor).sqrt()
        return deviation.view_as(c) * norm(c) + mean.view_as(c)

    def enlarged(x: Tensor, like: Tensor) -> Tensor:
        x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        return x[..., : like.shape[2], : like.shape[3]]

    fc, fs = encode(content), encode(style)
    four, five = attend(4, both, "attn_adain_4_1."), attend(5, both, "attn_adain_5_1.")
    x = conv(four + enlarged(five, four), both, "merge_conv")
    x = enlarged(F.relu(conv(x, decoder, "decoder_layer_1.1")), fc[2])
    x = torch.cat([x, attend(3, three, "")], dim=1)
    for place in (1, 4, 7, 10):
        x = F.relu(conv(x, decoder, f"decoder_layer_2.{place}"))
    x = enlarged(x, fc[1])
    for place in (14, 17):
        x = F.relu(conv(x, decoder, f"decoder_layer_2.{place}"))
    x = F.relu(conv(enlarged(x, fc[0]), decoder, "decoder_layer_2.21"))
    return conv(x, decoder, "decoder_layer_2.24")
