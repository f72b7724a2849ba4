"""A trained segmenter on another trunk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semantic_style.core.nets.word_segmenter import Trunk, WordSegmenter, WordSegmenterConfig
from semantic_style.core.train.new_trunk import Fit, moved

CONFIG = WordSegmenterConfig(words=("sky", "tree"), dim=8, width=16, sentence_dim=4, fine=8)


def crops(count: int) -> Iterator[Tensor]:
    """Smooth, as photographs are: of noise, no filter tells what another one does."""
    torch.manual_seed(2)
    for _ in range(count):
        yield F.interpolate(torch.rand(8, 3, 8, 16), scale_factor=4, mode="bilinear")


def test_least_squares_find_the_convolution_that_was_there() -> None:
    torch.manual_seed(0)
    wanted, found, fit = nn.Conv2d(5, 3, 1), nn.Conv2d(5, 3, 1), Fit(1e-9)
    for _ in range(3):
        maps = torch.randn(2, 5, 6, 7)
        fit.add(maps, wanted(maps))
    fit.fill(found)
    assert torch.allclose(found.weight, wanted.weight, atol=1e-4)
    assert found.bias is not None
    assert wanted.bias is not None
    assert torch.allclose(found.bias, wanted.bias, atol=1e-4)
    with pytest.raises(ValueError, match="nothing to fit"):
        Fit(1e-9).fill(found)


@torch.no_grad()
def test_another_trunk_gives_the_pyramid_nearly_what_the_old_one_did() -> None:
    torch.manual_seed(0)
    old = WordSegmenter(CONFIG).eval()
    old.residual.normal_()

    def random(trunk: Trunk) -> None:
        for parameter in trunk.parameters():
            parameter.copy_(torch.randn_like(parameter) * parameter[0].numel() ** -0.5)

    new = moved(old, "lite2", random, crops(12))
    assert new.config.trunk == "lite2"
    assert torch.equal(new.residual, old.residual)
    assert torch.equal(new.pyramid.out.weight, old.pyramid.out.weight)
    picture = next(crops(1))
    before, after = (each.trunk(picture * 2 - 1) for each in (old, new))
    entries = (old.pyramid.entries(), new.pyramid.entries())
    for known, found, had, has in zip(*entries, before, after, strict=True):
        assert known is not None
        assert found is not None
        target = known(had)
        error = found(has) - target
        assert error.square().mean() < 0.9 * target.var((0, 2, 3)).mean(), found
