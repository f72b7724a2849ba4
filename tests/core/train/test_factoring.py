"""Factored encoders: the start by regression, and training from there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from semantic_style.core.errors import RequestError
from semantic_style.core.nets.encoder import VGG16, Encoder, FactoredConvolution
from semantic_style.core.perceptual_weights import load_distilled, load_vgg16
from semantic_style.core.train.__main__ import main
from semantic_style.core.train.factoring import factor

SMALL = replace(VGG16, widths=(4, 6, 8, 8, 8))


@pytest.fixture
def teacher() -> Encoder:
    torch.manual_seed(0)
    return Encoder(SMALL).requires_grad_(False)


@pytest.fixture
def pictures() -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.rand(1, 3, 48, 64) for _ in range(4)]


def missed(mine: Encoder, teacher: Encoder, picture: torch.Tensor) -> list[float]:
    """Of each level, the share of the teacher's variance."""
    with torch.no_grad():
        return [
            float((a - b).square().mean() / b.var())
            for a, b in zip(mine(picture), teacher(picture), strict=True)
        ]


def test_with_all_ranks_it_is_the_teacher(teacher: Encoder, pictures: list[torch.Tensor]) -> None:
    ranks = (0, *(w for w, d in zip(SMALL.widths, SMALL.depths, strict=True) for _ in range(d)))
    mine = Encoder(replace(SMALL, ranks=(ranks[0], *ranks[2:])))
    factor(mine, teacher, pictures)
    # Up to the ridge, by which a channel that is always 0 is left at 0.
    assert max(missed(mine, teacher, torch.rand(1, 3, 40, 40))) < 1e-3


def test_of_few_ranks_it_takes_the_best(teacher: Encoder, pictures: list[torch.Tensor]) -> None:
    found = []
    for rank in (2, 4):
        mine = Encoder(replace(SMALL, ranks=(0,) + (rank,) * 10))
        unseen = torch.rand(1, 3, 40, 40)
        before = missed(mine, teacher, unseen)
        factor(mine, teacher, pictures)
        found.append(missed(mine, teacher, unseen))
        assert found[-1][0] == 0  # the first convolution is the teacher's own
        assert all(a < 0.9 * b for a, b in zip(found[-1][1:], before[1:], strict=True))
    assert sum(found[1]) < 0.8 * sum(found[0])


def test_multiplications_are_saved() -> None:
    whole, part = (Encoder(VGG16), Encoder(replace(VGG16, ranks=(0,) + (32,) * 10)))
    assert sum(p.numel() for p in part.parameters()) < 0.3 * sum(
        p.numel() for p in whole.parameters()
    )
    assert sum(isinstance(m, FactoredConvolution) for m in part.modules()) == 10
    with pytest.raises(ValueError, match="11 convolutions"):
        Encoder(replace(VGG16, ranks=(0, 4)))


def test_training_makes_one_that_is_looked_with(photos: Path, vgg16: Path, tmp_path: Path) -> None:
    ranks = "ranks=[0,2,4,4,4,4,4,4,4,4,4]"
    settings = (ranks, "size=32", "batch=2", "steps=2", "workers=0", "fitted=3", f"vgg16={vgg16}")
    out = tmp_path / "run"
    flags = [flag for setting in settings for flag in ("--set", setting)]
    main(["encoder", "--content", str(photos), "--out", str(out), *flags])
    network = load_distilled(out / "perceptual-compact.safetensors")
    picture = torch.rand(1, 3, 48, 48)
    shapes = [f.shape for f in load_vgg16(vgg16)(picture)]
    assert [f.shape for f in network(picture)] == shapes
    assert json.loads((out / "report.json").read_text())["name"] == "perceptual-compact"
    with pytest.raises(RequestError, match="ranks takes 11 numbers"):
        main(["encoder", "--content", str(photos), "--out", str(out), "--set", "ranks=[4,4]"])
