"""The network's shapes, its config, and its two halves."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from semantic_style.core.nets.word_segmenter import (
    JoinedSegmenter,
    Trunk,
    WordSegmenter,
    WordSegmenterConfig,
    fitted,
    segmenter_of,
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
def test_the_finest_level_doubles_the_resolution_and_begins_at_nothing() -> None:
    torch.manual_seed(4)
    coarse, fine = WordSegmenter(CONFIG).eval(), WordSegmenter(replace(CONFIG, fine=8)).eval()
    missing = fine.load_state_dict(coarse.state_dict(), strict=False).missing_keys
    assert {name.split(".")[1] for name in missing} == {"finest"}
    picture = torch.rand(1, 3, 64, 96)
    before, after = coarse.embed(picture), fine.embed(picture)
    assert (CONFIG.cell, fine.config.cell) == (4, 2)
    assert after.shape == (1, 16, 32, 48)
    enlarged = torch.nn.functional.interpolate(before, scale_factor=2, mode="bilinear")
    assert torch.allclose(after, enlarged, atol=1e-6)
    assert fine.pyramid.finest is not None
    fine.pyramid.finest.out.weight.normal_()
    assert not torch.allclose(fine.embed(picture), enlarged, atol=1e-3)


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


@pytest.mark.parametrize(
    ("name", "channels", "blocks"),
    [
        ("lite0", (16, 24, 40, 112, 320 + 1280), 16),
        ("lite1", (16, 24, 40, 112, 320 + 1280), 21),
        ("lite2", (16, 24, 48, 120, 352 + 1280), 21),
    ],
)
def test_trunks_are_as_wide_and_deep_as_the_family_says(
    name: str, channels: tuple[int, ...], blocks: int
) -> None:
    trunk = Trunk(name)
    assert len(trunk.residuals()) == blocks
    maps = trunk(torch.rand(1, 3, 64, 32))
    assert tuple(each.shape[1] for each in maps) == trunk.channels == channels
    assert [each.shape[2] for each in maps] == [32, 16, 8, 4, 2]


@torch.no_grad()
def test_joined_networks_give_the_mean_of_their_logits() -> None:
    torch.manual_seed(1)
    members = [
        WordSegmenter(replace(CONFIG, trunk=trunk, dim=dim)).eval()
        for trunk, dim in (("lite0", 16), ("lite2", 24))
    ]
    for member in members:
        member.sentences.copy_(torch.eye(8)[:3])
        member.bias.normal_()
    joined = JoinedSegmenter(members)
    picture = torch.rand(1, 3, 32, 64)
    single = [word_logits(m.embed(picture), *m.words()) for m in members]
    assert single[0].std() > 0.01
    together = word_logits(joined.embed(picture), *joined.words())
    assert torch.allclose(together, (single[0] + single[1]) / 2, atol=1e-5)

    again = segmenter_of(joined.to_json())
    again.load_state_dict(joined.state_dict())
    assert torch.equal(again.eval().embed(picture), joined.embed(picture))
    assert isinstance(segmenter_of(members[0].to_json()), WordSegmenter)


def test_networks_of_other_words_are_not_joined(network: WordSegmenter) -> None:
    other = WordSegmenter(replace(CONFIG, words=("sky", "sea", "road")))
    with pytest.raises(ValueError, match="the same words"):
        JoinedSegmenter([network, other])
    finer = WordSegmenter(replace(CONFIG, fine=8))
    with pytest.raises(ValueError, match="cells of one size"):
        JoinedSegmenter([network, finer])


@torch.no_grad()
def test_a_word_brought_nearer_to_another_gives_the_mean_of_their_logits() -> None:
    torch.manual_seed(3)
    members = [WordSegmenter(CONFIG).eval() for _ in range(2)]
    for member in members:
        member.sentences.copy_(torch.eye(8)[:3])
        member.bias.normal_()
        member.calibration.normal_()
    picture = torch.rand(1, 3, 32, 64)
    for each in (members[0], JoinedSegmenter(members)):
        each.calibration.normal_()
        pixels, (words, bias) = each.embed(picture), each.words()
        before = word_logits(pixels, words, bias + each.calibration)
        each.bring_nearer("tree", "road")
        words, bias = each.words()
        after = word_logits(pixels, words, bias + each.calibration)
        assert torch.allclose(after[:, 1], (before[:, 1] + before[:, 2]) / 2, atol=1e-5)
        assert torch.equal(after[:, [0, 2]], before[:, [0, 2]])
