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
from ..nets.transformer_net import TNetConfig
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

    vectors: [W, width], of the trained words. wanted: [W, R T + 9], see `seen_in`.
    noise: deviation of what is added to standardised vectors. Returns the share of
    the variance that is left, 0 = learned.
    """
    assert model.vector is not None
    assert model.colours is not None
    mean = wanted.mean(0)
    spread = (wanted - mean).std(0).clamp_min(0.01)
    near = vectors @ vectors.T + RIDGE * torch.eye(len(vectors))
    slope = vectors.T @ torch.linalg.solve(near, (wanted - mean) / spread)  # width RT+9
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
    """[N, R T + 9]: gamma, beta, blends and the numbers of the colours."""
    assert model.colours is not None
    psi = model.pnet(standardised)
    gamma, beta, blend = model.heads(psi)
    return torch.cat([gamma, beta, blend.flatten(1), model.colours(psi[-1])], dim=1)


@torch.no_grad()
def _start_at(model: ZMNet, mean: Tensor) -> None:
    """Biases of the heads at the mean over the words."""
    assert model.colours is not None
    numbers = mean[:-9].unflatten(0, (model.heads.numbers, -1)).clone()
    numbers[0] -= 1  # the heads predict what gamma has above 1
    begin = 0
    for layer in model.heads.layers:
        width = int(layer.out_features) // model.heads.numbers  # type: ignore[arg-type]
        layer.bias.copy_(numbers[:, begin : begin + width].flatten())  # type: ignore[operator, union-attr]
        begin += width
    model.colours.bias.copy_(mean[-9:])


@torch.no_grad()
def seen_in(
    pictures: Mapping[str, Sequence[Path]], config: TNetConfig, styles: ZMNet | None, size: int
) -> Tensor:
    """[W, R T + 9]: for each word the means over its pictures of gamma, beta and blends (R is 2 +
    kernels), as the network of style pictures gives them, and of the numbers of their colours.

    config: of TNet. styles: None gives gamma = 1, all else 0. size: px that a picture is shown at.
    """
    rng = random.Random(0)
    rows = []
    for files in pictures.values():
        crops = [random_crop(file, size, 1.0, rng) for file in files[:PICTURES]]
        images = to_unit(torch.stack(crops))
        if styles is None:
            means = torch.zeros(2 + config.kernels, sum(map(sum, config.norms)))
            means[0] = 1
        else:
            found = styles.read(images)
            parts = [found.gamma[:, None], found.beta[:, None], found.blend]
            means = torch.cat(parts, dim=1).mean(0)
        rows.append(torch.cat([means.flatten(), colour_numbers(images)]))
    return torch.stack(rows)


def colour_numbers(images: Tensor) -> Tensor:
    """[9], what a network of words has to say for the mean colours of these pictures."""
    colours = colours_of(images)
    factor = colours.factor.mean(0)
    diagonal = torch.expm1(20 * factor.diagonal()).log() / 20  # its softplus has beta = 20
    rows, columns = torch.tril_indices(3, 3)
    factor = factor.tril(-1) + torch.diag(diagonal)
    return torch.cat([colours.mean.mean(0), factor[rows, columns]])
