"""`train zmnet-words`: words as guiding signals, taught by labelled pictures (ZM-Net, 4.2)."""

from __future__ import annotations

import hashlib
import json
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.utils import save_image

from ...weights.store import load_weights
from ..errors import RequestError
from ..nets.parameter_net import Standardised
from ..nets.transformer_net import TNet
from ..nets.zmnet import ZMNet, ZMNetConfig
from ..word_table import NAME, WordTable, spelled
from .data import SUFFIXES, RandomCrops, find_pictures, random_crop, to_unit
from .loop import place
from .style_losses import StyleLosses
from .transfer import go_on_from
from .word_start import seen_in, start
from .zmnet import ZMNetTraining, network_config

log = logging.getLogger(__name__)

# Word lists that a setting can name.
LISTS: Mapping[str, tuple[str, ...]] = {
    "times-of-day": (
        "noon", "midday", "afternoon", "morning", "dawn", "daybreak", "sunrise", "evening", "dusk",
        "sunset", "twilight", "nightfall", "night", "midnight",
    ),
}  # fmt: skip
TIMES = LISTS["times-of-day"]
# Cosine to the nearest trained word below which a word is far from all: 19 of 20 words of the
# table are (invoices, bananas), dawn, moonlight and evening are not.
FAR = 0.5
PICTURE_SIGNALS = ("picture", "statistics")
SHOWN = ("noon", "morning", "afternoon", "evening", "sunset", "night")  # in sample pictures


@dataclass(frozen=True)
class ZMNetWordsTraining(ZMNetTraining):
    """data: a folder with one folder of pictures for each word. only: words to train on, () = all.

    styles_net: name or file of the network whose TNet is steered; empty: a new TNet in the layout
    of `network`. It stays as it is unless train_tnet: words and pictures that steer one TNet can
    be mixed. words: the table of word vectors. pca_words: named list of words that vectors are
    standardised and compressed over, empty = the trained ones and the times of day. compressed:
    principal components kept (the paper: 2), 0 = the whole vector. vector_noise: deviation of
    what is added to a standardised vector, so that nearby words mean nearly the same.
    mixtures: share of crops that follow a point between two words of a kind: a picture of the one
    or of the other, as often as the point is near to it. times_share: of the crops, for times of
    day; the words of either kind come equally often. start_steps: of `word_start`, 0 = start from
    the mean of all words.
    """

    data: str = ""
    only: tuple[str, ...] = ()
    styles_net: str = "zmnet-styles"
    train_tnet: bool = False
    words: str = NAME
    pca_words: str = ""
    compressed: int = 0
    hidden: int = 256
    vector_noise: float = 0.3
    mixtures: float = 0.3
    times_share: float = 0.35
    start_steps: int = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pca_words and self.pca_words not in LISTS:
            raise RequestError(f"pca_words is {', '.join(LISTS)} or empty, not {self.pca_words!r}")
        if not 0 <= self.compressed < len(LISTS["times-of-day"]):
            raise RequestError(f"compressed is 0 or a small number, not {self.compressed}")


class ZMNetWordsTask:
    name = "zmnet-words"

    def __init__(self, config: ZMNetWordsTraining) -> None:
        self.config = config
        self.pictures = labelled(config.data, config.only)
        self.words = tuple(self.pictures)
        self.table = WordTable.load(config.words)
        self.vectors = vectors_of(self.table, self.words)
        styles, tnet, state = steered(config)
        self.network = ZMNetConfig(
            tnet.config, "words", config.pnet, config.hidden, self.table.width, config.compressed
        )
        torch.manual_seed(config.seed)
        model = ZMNet(self.network)
        model.tnet.load_state_dict(tnet.state_dict())
        model.tnet.requires_grad_(config.train_tnet)
        assert model.vector is not None
        listed = LISTS[config.pca_words] if config.pca_words else (*self.words, *TIMES)
        model.vector.fit(vectors_of(self.table, tuple(dict.fromkeys(listed))))
        if config.init:
            go_on_from(model, config.init)
        else:
            reads = styles if styles and styles.config.signal in PICTURE_SIGNALS else None
            numbers = sum(tnet.split)
            wanted = seen_in(self.pictures, numbers, reads, config.style_size)
            left = start(
                model, self.table, self.vectors, wanted, noise=config.vector_noise,
                steps=config.start_steps, seed=config.seed,
            )  # fmt: skip
            log.info(
                "before training, %.0f %% of what words differ by is left to learn", 100 * left
            )
        self.model: nn.Module = model
        self._standard = model.vector
        self._tnet = "" if config.train_tnet else tensors_digest(state)
        self.losses = StyleLosses(config.weights(), config.vgg16)

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        place(self.losses.perceptual, device, dtype)
        self.vectors = self.vectors.to(device)

    def dataset(self) -> Dataset[Any]:
        c = self.config
        content = RandomCrops(find_pictures(c.content), c.size, c.smallest_crop, c.seed)
        return OneWord(content, self.pictures, c, self._standard.outputs)

    def loss(
        self, model: nn.Module, batch: tuple[Tensor, ...]
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        content, picture = (to_unit(x) for x in batch[:2])
        words, shares, noise = batch[2:]
        if self.config.contents >= len(content):
            picture = picture[:1]  # one word a minibatch (section 4.2)
        between = (self.vectors[words] * shares[..., None]).sum(1)
        signal = moved(between, noise, self._standard)
        return self.losses(model(content, signal), content, picture)

    @torch.no_grad()
    def sample(self, model: nn.Module, path: Path) -> None:
        """Rows: three photographs, then each of them under times of day and under other words."""
        device = next(model.parameters()).device
        others = [w for w in self.words if w not in TIMES]
        shown = [w for w in SHOWN if self.table.vector(w) is not None]
        shown += others[:: max(1, len(others) // 6)][:6]
        content = to_unit(torch.stack([self.dataset()[i][0] for i in range(3)]).to(device))
        rows = [content]
        for vector in vectors_of(self.table, shown).to(device):
            rows.append(model(content, vector[None].expand(3, -1)).float().clamp(0, 1))
        save_image(torch.stack(rows, 1).flatten(0, 1), path, nrow=len(rows))

    def metadata(self) -> dict[str, str]:
        """words: JSON, the trained ones. far: see FAR. tnet: `tensors_digest` of the TNet that is
        shared with a network of style pictures, if it is."""
        data = {
            "config": self.network.to_json(), "words": json.dumps(self.words), "far": str(FAR),
            "table": self.config.words, "perceptual": self.losses.judge,
        }  # fmt: skip
        return {**data, "tnet": self._tnet} if self._tnet else data


class OneWord(Dataset[tuple[Tensor, ...]]):
    """Content crops, `contents` of them in a row beside the same crop of a picture of one word.
    For one word there are different pictures over the steps (section 4.2).

    Items: uint8 [3, size, size]; uint8 [3, style_size, style_size]; indices of two words, [2];
    their shares, [2]; noise for the standardised vector, [outputs]. They depend on the seed and
    their index alone.
    """

    def __init__(
        self,
        content: RandomCrops,
        pictures: Mapping[str, list[Path]],
        config: ZMNetWordsTraining,
        outputs: int,
    ) -> None:
        self.content, self.config, self.outputs = content, config, outputs
        self.pictures = list(pictures.values())
        kinds = [
            [i for i, word in enumerate(pictures) if (word in TIMES) == times]
            for times in (True, False)
        ]
        share = config.times_share if all(kinds) else float(bool(kinds[0]))
        self._kinds, self._kind_shares = kinds, (share, 1 - share)
        self._last: tuple[int, tuple[Tensor, ...]] | None = None  # decoded once for its contents

    def _guide(self, turn: int) -> tuple[Tensor, ...]:
        """Picture, words and shares."""
        c = self.config
        rng = random.Random(f"{c.seed + 1}/{turn}")
        kind = rng.choices(self._kinds, self._kind_shares)[0]
        word, other = rng.choice(kind), rng.choice(kind)
        share = rng.random() if rng.random() < c.mixtures else 1.0
        path = rng.choice(self.pictures[word if rng.random() < share else other])
        picture = random_crop(path, c.style_size, c.smallest_crop, rng)
        return picture, torch.tensor([word, other]), torch.tensor([share, 1 - share])

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        c, turn = self.config, index // self.config.contents
        if self._last is None or self._last[0] != turn:
            self._last = turn, self._guide(turn)
        own = torch.Generator().manual_seed(random.Random(f"{c.seed + 2}/{index}").getrandbits(63))
        noise = c.vector_noise * torch.randn(self.outputs, generator=own)
        return self.content[index], *self._last[1], noise

    def __len__(self) -> int:
        return 2**31


def labelled(folder: str, only: Sequence[str] = ()) -> dict[str, list[Path]]:
    """The pictures of each word: those in the folder of its name. Raises RequestError where
    there are none, or none of a word that is asked for."""
    root = Path(folder)
    if not folder or not root.is_dir():
        raise RequestError(f"no such folder of labelled pictures: {folder or 'give --data'}")
    found = {
        spelled(sub.name): sorted(p for p in sub.iterdir() if p.suffix.lower() in SUFFIXES)
        for sub in sorted(root.iterdir())
        if sub.is_dir()
    }
    found = {word: files for word, files in found.items() if files}
    if not found:
        raise RequestError(f"{folder} has no folders of pictures: it takes one named after a word")
    missing = [word for word in only if spelled(word) not in found]
    if missing:
        raise RequestError(
            f"there are no pictures of {missing[0]!r} in {folder}: it has {', '.join(found)}"
        )
    return {spelled(word): found[spelled(word)] for word in only} if only else found


def vectors_of(table: WordTable, words: Sequence[str]) -> Tensor:
    """[N, width]. Raises RequestError for a word that the table lacks."""
    found = []
    for word in words:
        vector = table.vector(word)
        if vector is None:
            raise RequestError(f"the table of words lacks {word!r}: name its folder otherwise")
        found.append(torch.from_numpy(vector))
    return torch.stack(found)


def steered(config: ZMNetWordsTraining) -> tuple[ZMNet | None, TNet, dict[str, Tensor]]:
    """The network of styles, if there is one; the TNet that words shall steer, and its tensors as
    they lie in the file."""
    if not config.styles_net:
        if not config.train_tnet:
            raise RequestError("a new TNet has to be trained: set styles_net or train_tnet=true")
        tnet = TNet(network_config(config).tnet)
        return None, tnet, tnet.state_dict()
    state, metadata = load_weights(config.styles_net)
    try:
        styles = ZMNet(ZMNetConfig.from_json(metadata["config"]))
        styles.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError):
        raise RequestError(
            f"{config.styles_net} holds no TNet: give the weights of train zmnet"
        ) from None
    prefix = "tnet."
    of_tnet = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    return styles.eval(), styles.tnet, of_tnet


def tensors_digest(state: Mapping[str, Tensor]) -> str:
    """sha256 of the tensors as they are exported, in the order of their names."""
    checksum = hashlib.sha256()
    for name in sorted(state):
        checksum.update(name.encode())
        checksum.update(state[name].detach().half().contiguous().cpu().numpy().tobytes())
    return checksum.hexdigest()


def moved(vectors: Tensor, noise: Tensor, standard: Standardised) -> Tensor:
    """[N, inputs] vectors, moved so that their standardised form moves by `noise`, [N, outputs]."""
    basis = standard.basis
    return vectors + (noise @ torch.linalg.pinv(basis) if standard.compresses else noise / basis)
