"""Where each word's threshold belongs: a shift of its logits so that 0.5 is the best place to cut.

    python -m semantic_style.core.train.calibrate --data DATA --weights FILE --out FILE

Of several weight files that went out from one, the mean of their weights is calibrated: it is
often better than each (Wortsman et al. 2022, "Model soups", ICML). --beside FILE: another network,
such as one with another trunk, that is to look together with it. --nearer WORD=OTHER: afterwards
the word is moved half-way to another, which was labelled where it was not. --cut-like FILE: takes
the thresholds of a file that was calibrated, for a network that went on from it with all pictures
(`--set every=true`), which leaves none to look at. Looks at the training pictures that training
withholds, never at held-out ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.v2 import functional as T

from ...weights.store import load_weights
from ..errors import RequestError
from ..nets.word_segmenter import (
    JoinedSegmenter,
    WordSegmenter,
    fitted,
    segmenter_of,
    word_logits,
)
from .data import find_pictures, to_unit
from .loop import export
from .segmenter import one_network
from .segmenter_data import WordSet, find_sets, read_labelled, split, word_sets

SPAN, BINS = 12.0, 240  # logits from -12 to 12 in steps of 0.1
PRIOR = 3.0  # pictures' worth of trust in the cut that is best for a set's words together


def load_segmenter(*names_or_paths: str) -> WordSegmenter:
    """The network with its weights, or the mean of several, in float32, ready to look at pictures.
    Raises RequestError where they are not of one network each, or of different ones."""
    state, metadata = _mean(names_or_paths)
    network = WordSegmenter(one_network(metadata, names_or_paths[0]))
    network.load_state_dict(state)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _mean(files: Sequence[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    (first, metadata), *others = (load_weights(file) for file in files)
    for file, (_, theirs) in zip(files[1:], others, strict=True):
        if theirs["config"] != metadata["config"]:
            raise RequestError(f"{file} is another network than {files[0]}: they have no mean")
    states = [first, *(state for state, _ in others)]
    return {k: torch.stack([s[k].float() for s in states]).mean(0) for k in first}, metadata


Segmenter = WordSegmenter | JoinedSegmenter


class Curves:
    """How much of each word, and of what is not that word, lies at each logit; of one set."""

    def __init__(self, words: int) -> None:
        self.true = torch.zeros(words, BINS)
        self.false = torch.zeros(words, BINS)
        self.pictures = torch.zeros(words)

    def add(self, logits: Tensor, target: Tensor, valid: Tensor) -> None:
        """logits, target, valid: [k, cells]; target and valid are shares of a cell."""
        place = ((logits + SPAN) / (2 * SPAN) * BINS).long().clamp(0, BINS - 1)
        self.true.scatter_add_(1, place, target)
        self.false.scatter_add_(1, place, (valid - target).clamp(min=0))
        self.pictures += target.sum(1) > 1

    def overlap(self) -> Tensor:
        """[k, BINS]: intersection over union when everything from a bin upwards is claimed.

        A word that few pictures show leans on the overlap of all the set's words together.
        """
        own = _overlap(self.true, self.false)
        shown = self.pictures > 0
        all_words = _overlap(self.true[shown].sum(0)[None], self.false[shown].sum(0)[None])
        trust = (self.pictures / (self.pictures + PRIOR))[:, None]
        return trust * own + (1 - trust) * all_words


def _overlap(true: Tensor, false: Tensor) -> Tensor:
    hits = true.flip(1).cumsum(1).flip(1)
    wrong = false.flip(1).cumsum(1).flip(1)
    return hits / (hits[:, :1] + wrong).clamp(min=1e-6)


@torch.no_grad()
def look(network: Segmenter, file: Path, known: WordSet, curves: Curves) -> None:
    pixels, ids = read_labelled(file)
    picture = fitted(to_unit(pixels[None]), network.config.long_side)
    words, bias = (each[known.words] for each in network.words())
    both = [
        word_logits(network.embed(picture), words, bias),
        word_logits(network.embed(picture.flip(3)), words, bias).flip(3),
    ]
    logits = (both[0] + both[1])[0] / 2  # k h w
    ids = T.resize(ids[None], list(picture.shape[-2:]), interpolation=T.InterpolationMode.NEAREST)
    present, where = ids.unique(return_inverse=True)
    planes = torch.stack([(where[0] == i).float() for i in range(len(present))])
    share = F.avg_pool2d(planes[None], network.config.cell)[0].flatten(1)  # p hw
    unknown = known.unknown[:, present.long()].clone()
    unknown[:, present == 255] = 1.0
    target = known.positive[:, present.long()] @ share
    curves.add(logits.flatten(1), target, 1 - unknown @ share)


def calibrate(network: Segmenter, data: str, pictures: int) -> Tensor:
    """What to add to each word's logits, [K]; 0 for a word that no set answers for.

    pictures: at most so many a set. A word of several sets is cut where their mean is best.
    """
    count = len(network.config.words)
    total, answered = torch.zeros(count, BINS), torch.zeros(count, dtype=torch.bool)
    sets = word_sets(data, network.config.words)
    for folder in find_sets(data):
        trained_on, withheld = split(find_pictures([str(folder / "images")]))
        known = sets[folder.name]
        curves = Curves(len(known.words))
        for file in (withheld or trained_on)[:pictures]:
            look(network, file, known, curves)
        total[known.words] += curves.overlap()
        answered[known.words] = bool((curves.pictures > 0).any())
    smooth = F.avg_pool1d(F.pad(total[None], (4, 4), mode="replicate"), 9, 1)[0]
    cut = smooth.argmax(1) / BINS * 2 * SPAN - SPAN
    return torch.where(answered, -cut.clamp(-6, 6), 0.0)


def cut_like(network: Segmenter, file: str) -> Tensor:
    """What that file adds to each word's logits, [K]. RequestError where it knows other words."""
    state, metadata = load_weights(file)
    if segmenter_of(metadata["config"]).config.words != network.config.words:
        raise RequestError(f"{file} knows other words: its thresholds do not go with this network")
    return state["calibration"].float()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", required=True, nargs="+", help="several: their mean")
    parser.add_argument("--beside", nargs="+", help="the same of a network that looks along")
    parser.add_argument("--nearer", nargs="*", default=[], metavar="WORD=OTHER")
    parser.add_argument("--cut-like", metavar="FILE", help="thresholds of that file instead")
    parser.add_argument("--pictures", type=int, default=1000, help="at most, a set")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    nearer = [pair.split("=") for pair in given.nearer]
    looking = [load_segmenter(*files) for files in (given.weights, given.beside) if files]
    network = JoinedSegmenter(looking) if given.beside else looking[0]
    known_words = set(network.config.words)
    unknown = [pair for pair in nearer if len(pair) != 2 or not known_words >= set(pair)]
    if unknown:
        raise RequestError(
            f"--nearer takes two of the network's words as WORD=OTHER, not {'='.join(unknown[0])}"
        )
    if given.cut_like:
        shift = cut_like(network, given.cut_like)
    else:
        shift = calibrate(network, given.data, given.pictures)
    network.calibration.copy_(shift)
    for word, other in nearer:
        network.bring_nearer(word, other)
    export(network, {"config": network.to_json()}, given.out)
    print(f"{given.out}: thresholds moved by {shift.abs().mean():.2f} on average")


if __name__ == "__main__":
    try:
        main()
    except RequestError as error:
        sys.exit(f"calibrate: {error}")
