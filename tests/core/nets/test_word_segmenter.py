"""The network's shapes, its config, and its two halves."""

from __future__ import annotations

import pytest
import torch

from semantic_style.core.nets.word_segmenter import (
    WordSegmenter,
    WordSegmenterConfig,
    fitted,
    word_logits,
)

CONFIG = WordSegmenterConfig(words=("sky", "tree", "road"), dim=16, width=32, sentence_dim=8)


@pytest.fixture(scope="module")
def network() -> WordSegmenter:
    torch.manual_seed(0)
    result = WordSegmenter(CONFIG).eval()
    result.sentences.copy_(torch.eye(8)[:3])
    return result


def test_config_survives_its_json() -> None:
    assert WordSegmenterConfig.from_json(CONFIG.to_json()) == CONFIG


@torch.no_grad()
def test_a_quarter_of_the_resolution_and_one_plane_a_word(network: WordSegmenter) -> None:
    pixels, words, bias = network(torch.rand(2, 3, 64, 96))
    assert pixels.shape == (2, 16, 16, 24)
    assert words.shape == (3, 16)
    assert word_logits(pixels, words, bias).shape == (2, 3, 16, 24)


@torch.no_grad()
def test_logits_are_dot_products_plus_bias(network: WordSegmenter) -> None:
    pixels, words, bias = network(torch.rand(1, 3, 32, 32))
    expected = (pixels[0, :, 5, 3] * words[1]).sum() + bias[1]
    found = word_logits(pixels, words, bias)[0, 1, 5, 3]
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)


def test_sides_that_are_no_multiples_of_32_are_refused(network: WordSegmenter) -> None:
    with pytest.raises(ValueError, match="multiples of 32"):
        network.embed(torch.rand(1, 3, 60, 64))


@pytest.mark.parametrize(
    ("height", "width", "sides"),
    [(480, 640, (288, 384)), (1000, 500, (384, 192)), (16, 4000, (32, 384)), (50, 50, (384, 384))],
)
def test_any_picture_is_fitted(height: int, width: int, sides: tuple[int, int]) -> None:
    assert fitted(torch.rand(1, 3, height, width), 384).shape[-2:] == sides


@torch.no_grad()
def test_the_trunk_pads_as_it_was_trained_to(network: WordSegmenter) -> None:
    # TensorFlow puts the odd pixel of stride 2 at the right and bottom, so the first output cell
    # of a 3x3 filter starts at the picture's first pixel.
    stem = network.trunk.stem
    picture = torch.zeros(1, 3, 8, 8)
    picture[..., 0, 0] = 1
    weight, bias = stem.conv.weight, stem.conv.bias
    assert bias is not None
    expected = (weight[:, :, 0, 0].sum(1) + bias).clamp(0, 6)
    assert torch.allclose(stem(picture)[0, :, 0, 0], expected, atol=1e-6)
