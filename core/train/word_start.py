"""What a network of words starts from: parameters that are linear in the word.

The network of style pictures already turns a picture into parameters of the TNet that words are
to steer too. Of each trained word the mean over its pictures is taken, what they have in common
(ZM-Net, section 4.2); ridge regression carries it over to all words of the table; and PNet learns
that, in seconds and without TNet. Words that are never trained thus start between those that are,
which a deep network of random weights does not see to. Training with pictures goes on from there.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..nets.colour import colours_of
from ..nets.zmnet import ZMNet
from ..word_table import WordTable
from .data import random_crop, to_unit

PICTURES = 16  # of a word that are looked at
RIDGE = 0.01  # in units of squared unit vectors
BATCH = 256


def start(
    model: ZMNet,
    table: WordTable,
    vectors: Tensor,
    wanted: Tensor,
    *,
    noise: float,
    steps: int,
    seed: int = 0,
) -> float:
    """Let `model` of words learn what `seen_in` found of each trained word.

    vectors: [W, width], of the trained words. wanted: [W, 2 T + 9]. noise: deviation of what is
    added to standardised vectors. Returns the share of the variance that is left, 0 = learned.
    """
    assert model.vector is not None
    assert model.colours is not None
    mean = wanted.mean(0)
    spread = (wanted - mean).std(0).clamp_min(0.01)
    near = vectors @ vectors.T + RIDGE * torch.eye(len(vectors))
    slope = vectors.T @ torch.linalg.solve(near, (wanted - mean) / spread)  # width 2T+9
    _start_at(model, mean)
    everywhere = torch.cat([torch.from_numpy(table.vectors), vectors])
    odds = torch.ones(len(everywhere))
    odds[len(table.words) :] = len(table.words) / len(vectors)  # half of all are trained words
    rng = torch.Generator().manual_seed(seed)
    learned = [*model.pnet.parameters(), *model.heads.parameters(), *model.colours.parameters()]
    optimizer = torch.optim.Adam(learned, lr=1e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, max(1, steps))
    left = 1.0
    for _ in range(steps):
        some = everywhere[odds.multinomial(BATCH, replacement=True, generator=rng)]
        away = noise * torch.randn(BATCH, model.vector.outputs, generator=rng)
        target = some @ slope
        error = (_answers(model, model.vector(some) + away) - mean) / spread - target
        loss = error.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        left = float(loss.detach() / target.var(0).mean().clamp_min(1e-12))
    return left


def _answers(model: ZMNet, standardised: Tensor) -> Tensor:
    """[N, 2 T + 9]: gamma, beta and the numbers of the colours."""
    assert model.colours is not None
    psi = model.pnet(standardised)
    return torch.cat([*model.heads(psi), model.colours(psi[-1])], dim=1)


@torch.no_grad()
def _start_at(model: ZMNet, mean: Tensor) -> None:
    """Biases of the heads at the mean over the words."""
    assert model.colours is not None
    gamma, beta = mean[:-9].chunk(2)
    begin = 0
    for layer in model.heads.layers:
        width = int(layer.out_features) // 2  # type: ignore[arg-type]
        part = slice(begin, begin + width)
        layer.bias.copy_(torch.cat([gamma[part] - 1, beta[part]]))  # type: ignore[operator, union-attr]
        begin += width
    model.colours.bias.copy_(mean[-9:])


@torch.no_grad()
def seen_in(
    pictures: Mapping[str, Sequence[Path]], numbers: int, styles: ZMNet | None, size: int
) -> Tensor:
    """[W, 2 T + 9]: for each word the means over its pictures of gamma and beta, as the network
    of style pictures gives them, and of the numbers of their colours.

    numbers: T. styles: None gives gamma = 1 and beta = 0. size: px that a picture is shown at.
    """
    rng = random.Random(0)
    rows = []
    for files in pictures.values():
        crops = [random_crop(file, size, 1.0, rng) for file in files[:PICTURES]]
        images = to_unit(torch.stack(crops))
        gamma, beta = torch.ones(1, numbers), torch.zeros(1, numbers)
        if styles is not None:
            found = styles.read(images)
            gamma, beta = found.gamma, found.beta
        rows.append(torch.cat([gamma.mean(0), beta.mean(0), colour_numbers(images)]))
    return torch.stack(rows)


def colour_numbers(images: Tensor) -> Tensor:
    """[9], what a network of words has to say for the mean colours of these pictures."""
    colours = colours_of(images)
    factor = colours.factor.mean(0)
    diagonal = torch.expm1(20 * factor.diagonal()).log() / 20  # its softplus has beta = 20
    rows, columns = torch.tril_indices(3, 3)
    factor = factor.tril(-1) + torch.diag(diagonal)
    return torch.cat([colours.mean.mean(0), factor[rows, columns]])
