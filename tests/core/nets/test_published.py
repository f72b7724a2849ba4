"""The published layout: our network with imported weights against the formula written out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from semantic_style.core.nets.adaattn import AdaAttN, AdaAttNConfig, AttentionLevel, published
from semantic_style.core.nets.perceptual import keys_of
from semantic_style.core.nets.statistics import moments, normalise
from semantic_style.weights import published as layout

from ...published_adaattn import ADAATTN_3, SMALL, State, formula, made_states, write_checkpoint

REAL = os.environ.get("SEMANTIC_STYLE_PUBLISHED_ADAATTN", "")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, State]:
    """The published layout, a few channels wide."""
    monkeypatch.setattr(layout, "WIDTHS", SMALL)
    return made_states()


def imported(states: dict[str, State], folder: Path) -> AdaAttN:
    tensors, metadata = layout.read_published(write_checkpoint(folder, states))
    network = AdaAttN(AdaAttNConfig.from_json(metadata["config"]))
    network.load_state_dict(tensors)
    return network.eval().requires_grad_(False)


def pictures(content: tuple[int, int], style: tuple[int, int]) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)

    def picture(size: tuple[int, int]) -> Tensor:
        coarse = torch.rand(1, 3, 9, 9, generator=generator)
        fine = torch.rand(1, 3, *size, generator=generator)
        smooth = F.interpolate(coarse, size, mode="bicubic", align_corners=False)
        return (0.8 * smooth + 0.2 * fine).clamp(0, 1)

    return picture(content), picture(style)


def difference(a: Tensor, b: Tensor) -> float:
    """Of a from b, as a share of how much b varies."""
    return float((a.double() - b).norm() / (b - b.mean(dim=-1, keepdim=True)).norm())


@pytest.mark.parametrize(
    ("content", "style"),
    [((64, 64), (64, 64)), ((65, 97), (71, 50)), ((79, 50), (96, 64)), ((33, 34), (49, 113))],
)
def test_output_equals_the_formula(
    content: tuple[int, int], style: tuple[int, int], small: dict[str, State], tmp_path: Path
) -> None:
    network = imported(small, tmp_path)
    pair = pictures(content, style)
    out = network(*pair)
    assert out.shape[-2:] == content
    # The floor that keeps gradients finite is ours: with it to float32's last digits, and
    # without it to less than an 8-bit step.
    assert difference(out, formula(small, *pair, floor=1e-6)) < 2e-5
    assert difference(out, formula(small, *pair)) < 1e-3


def test_unbiased_variances_are_those_over_one_less_in_one_pass_too() -> None:
    x = torch.randn(2, 3, 40, 40, dtype=torch.float64) * 3 + 7
    expected = (x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True, correction=1)
    with torch.inference_mode():
        found = normalise(x.float(), unbiased=True)
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=0)
    biased = normalise(x.float())
    assert (found - biased).abs().max() > 2e-4, "else this says nothing"


@pytest.mark.parametrize("field", ["nearest", "unbiased", "linear_merge", "scaled"])
def test_every_difference_from_the_paper_shows(
    field: str, small: dict[str, State], tmp_path: Path
) -> None:
    network = imported(small, tmp_path)
    pair = pictures((64, 64), (64, 64))
    truth = formula(small, *pair, floor=1e-6)
    config = network.config
    other = AdaAttN(AdaAttNConfig(**{**vars(config), field: not getattr(config, field)}))
    other.load_state_dict(network.state_dict())
    other.requires_grad_(False)
    assert difference(other(*pair), truth) > 1e-3


def test_nearest_is_pytorchs_where_sides_divide() -> None:
    features = [torch.rand(1, 2, 96 // 2**x, 64 // 2**x) for x in range(5)]
    size = features[4].shape[-2:]
    expected = torch.cat([F.interpolate(f, size) for f in features], dim=1)
    assert torch.equal(keys_of(features, 5, nearest=True), expected)


def test_the_import_writes_the_config_of_the_network() -> None:
    assert AdaAttNConfig.from_json(json.dumps(layout.config())) == published()


def test_style_positions_are_a_grid_of_64_by_64(small: dict[str, State], tmp_path: Path) -> None:
    network = imported(small, tmp_path)
    prepared = network.prepare(torch.rand(1, 3, 512, 512))
    assert {x: v.shape[-1] for x, v in prepared.values.items()} == {3: 4096, 4: 4096, 5: 1024}
    again = network.prepare(torch.rand(1, 3, 400, 300))
    assert again.values[3].shape[-1] <= 4096


def test_a_mask_takes_style_from_its_part_alone(small: dict[str, State], tmp_path: Path) -> None:
    network = imported(small, tmp_path)
    content, style = pictures((64, 64), (160, 160))
    mask = torch.zeros(1, 1, 160, 160)
    mask[..., :48] = 1
    prepared = network.prepare(style, mask)
    assert {x: v.shape[-1] for x, v in prepared.values.items()} == {3: 480, 4: 120, 5: 30}
    whole = network.prepare(style)
    columns = whole.values[3].view(1, -1, 40, 40)[..., :12].flatten(2)
    assert torch.equal(prepared.values[3], columns)
    assert network.stylize(content, prepared).isfinite().all()
    everything = network.prepare(style, torch.ones(1, 1, 160, 160))
    assert torch.equal(network.stylize(content, everything), network.stylize(content, whole))


def test_a_large_mask_is_thinned_to_the_limit(small: dict[str, State], tmp_path: Path) -> None:
    network = imported(small, tmp_path)
    mask = torch.ones(1, 1, 512, 512)
    mask[..., :128] = 0
    prepared = network.prepare(torch.rand(1, 3, 512, 512), mask)
    assert {x: v.shape[-1] for x, v in prepared.values.items()} == {3: 4096, 4: 3072, 5: 768}


def test_a_mask_of_one_pixel_takes_one_position(small: dict[str, State], tmp_path: Path) -> None:
    """It covers no position by half: the one that it covers most answers."""
    network = imported(small, tmp_path)
    content, style = pictures((64, 64), (128, 128))
    mask = torch.zeros(1, 1, 128, 128)
    mask[..., 70, 21] = 1
    prepared = network.prepare(style, mask)
    assert {v.shape[-1] for v in prepared.values.values()} == {1}
    at = network.prepare(style).values[3].view(1, -1, 32, 32)[..., 70 // 4, 21 // 4]
    assert torch.equal(prepared.values[3][..., 0], at)
    assert network.stylize(content, prepared).isfinite().all()
    with pytest.raises(ValueError, match="chooses nothing"):
        network.prepare(style, torch.zeros(1, 1, 128, 128))


@pytest.mark.skipif(not REAL, reason="SEMANTIC_STYLE_PUBLISHED_ADAATTN names no folder")
def test_the_published_level_3_equals_the_formula() -> None:
    state = torch.load(Path(REAL) / ADAATTN_3, weights_only=True)
    level = AttentionLevel(448, 256)
    level.load_state_dict(state)
    level.requires_grad_(False)
    generator = torch.Generator().manual_seed(2)
    query, key = (torch.randn(1, 448, 12, 11, generator=generator) for _ in range(2))
    content, value = (torch.rand(1, 256, 12, 11, generator=generator) for _ in range(2))
    out = level(
        query, normalise(content, moments(content, unbiased=True)), level.g(key).flatten(2),
        level.h(value).flatten(2), scaled=False,
    )  # fmt: skip

    w = {name: tensor.double() for name, tensor in state.items()}

    def conv(x: Tensor, name: str) -> Tensor:
        return w[f"{name}.weight"][..., 0, 0] @ x.double().flatten(2) + w[f"{name}.bias"][:, None]

    weights = torch.softmax(conv(query, "f").transpose(1, 2) @ conv(key, "g"), dim=-1)
    v = conv(value, "h")
    mean = v @ weights.transpose(1, 2)
    deviation = ((v * v) @ weights.transpose(1, 2) - mean**2).clamp_min(0).add(1e-6).sqrt()
    c = content.double().flatten(2)
    normal = (c - c.mean(2, keepdim=True)) / (c.var(2, keepdim=True) + 1e-5).sqrt()
    assert difference(out.flatten(2), deviation * normal + mean) < 1e-4
