"""The AdaAttN checkpoint as its authors published it (github.com/Huage001/AdaAttN), brought into
the names of core/nets/adaattn.py.

Four PyTorch state dicts: f, g and h of level 3; those of levels 4 and 5 with the convolution that
merges them; the decoder; and the encoder, the VGG-19 whose filters were scaled to a mean
activation of 1 (published with AdaIN, Huang and Belongie 2017).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import RequestError
from .reading import read_state_dict

if TYPE_CHECKING:
    from torch import Tensor

ATTENTION_3, ATTENTION_4_5, DECODER, ENCODER = FILES = (
    "latest_net_adaattn_3.pth",
    "latest_net_transformer.pth",
    "latest_net_decoder.pth",
    "vgg_normalised.pth",
)
SUBFOLDER = "AdaAttN"  # where the authors' code looks for all but the encoder
WIDTHS = (64, 128, 256, 512, 512)  # channels of levels 1 to 5
DEPTHS = (2, 2, 4, 4, 1)  # convolutions of each stage; the encoder's last three are not used
# Positions of the 3 x 3 convolutions in the encoder's and in the decoder's Sequential
ENCODER_POSITIONS = (2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42)
DECODER_POSITIONS = (1, 4, 7, 10, 14, 17, 21, 24)


@dataclass(frozen=True)
class Convolution:
    """One convolution: its file, its name there, its name here, and its weight's shape."""

    file: str
    theirs: str
    ours: str
    after: int
    before: int
    kernel: int = 3


def read_published(folder: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The network's tensors, float32, and its metadata, for `AdaAttN(published())`.

    folder: holds FILES, or all but the encoder in its SUBFOLDER. RGB reaches the published
    encoder through a 1 x 1 convolution, which is folded into the first 3 x 3 one: exact, since a
    pixel's linear map commutes with padding by reflection (with zeros it would not). All else is
    kept as it is; float16 would move the attention of level 3 by 0.1 %, since its logits, which
    nothing scales down, run to several hundred. Raises RequestError for a folder or file that
    is missing, for a file that is no plain state dict, and for names, shapes and values that are
    not those of the checkpoint.
    """
    if not folder.is_dir():
        raise RequestError(f"{folder} is no folder: give the one with {', '.join(FILES)}")
    paths = {name: _find(folder, name) for name in FILES}
    states = {name: _state(path) for name, path in paths.items()}
    tensors: dict[str, Tensor] = {}
    for conv in convolutions():
        weight, bias = _checked(paths[conv.file], states[conv.file], conv)
        tensors[f"{conv.ours}.weight"], tensors[f"{conv.ours}.bias"] = weight, bias
    to_input = Convolution(ENCODER, "0", "", 3, 3, 1)
    _fold(tensors, *_checked(paths[ENCODER], states[ENCODER], to_input))
    return tensors, {"config": json.dumps(config()), "source": "github.com/Huage001/AdaAttN"}


def config() -> dict[str, object]:
    """The fields of core's AdaAttNConfig, which this floor can't import."""
    encoder = {
        "kind": "vgg19",
        "widths": WIDTHS,
        "depths": DEPTHS,
        "mean": (0.0, 0.0, 0.0),
        "std": (1.0, 1.0, 1.0),
        "padding": "reflect",
        "ceil_mode": True,
    }
    return {
        "encoder": encoder,
        "layers": (3, 4, 5),
        "scaled": False,
        "style_positions": 64 * 64,
        "nearest": True,
        "unbiased": True,
        "linear_merge": True,
        "painter": None,
    }


def convolutions() -> Iterator[Convolution]:
    """Every convolution that is taken over as it is."""
    for level, file, prefix in (
        (3, ATTENTION_3, ""),
        (4, ATTENTION_4_5, "attn_adain_4_1."),
        (5, ATTENTION_4_5, "attn_adain_5_1."),
    ):
        for part, width in (
            ("f", sum(WIDTHS[:level])),
            ("g", sum(WIDTHS[:level])),
            ("h", WIDTHS[level - 1]),
        ):
            ours = f"attention.{level}.{part}"
            yield Convolution(file, f"{prefix}{part}", ours, width, width, 1)
    one, two, three, four, _ = WIDTHS
    yield Convolution(ATTENTION_4_5, "merge_conv", "decoder.convs.0", four, four)
    yield Convolution(DECODER, "decoder_layer_1.1", "decoder.convs.1", three, four)
    channels = (2 * three, three, three, three, two, two, one, one, 3)
    for index, position in enumerate(DECODER_POSITIONS):
        theirs, ours = f"decoder_layer_2.{position}", f"decoder.convs.{index + 2}"
        yield Convolution(DECODER, theirs, ours, channels[index + 1], channels[index])
    places = [(stage, index) for stage in range(5) for index in range(DEPTHS[stage])]
    before = 3
    for (stage, index), position in zip(places, ENCODER_POSITIONS, strict=True):
        ours = f"encoder.stages.{stage}.{index}"
        yield Convolution(ENCODER, str(position), ours, WIDTHS[stage], before)
        before = WIDTHS[stage]


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / SUBFOLDER / name):
        if path.is_file():
            return path
    raise RequestError(f"{folder} lacks {name}: give the folder with {', '.join(FILES)}")


def _state(path: Path) -> dict[str, Tensor]:
    """The state dict without the prefix that DataParallel leaves."""
    state = read_state_dict(path, remedy=f"give the {path.name} of github.com/Huage001/AdaAttN")
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def _checked(path: Path, state: dict[str, Tensor], conv: Convolution) -> tuple[Tensor, Tensor]:
    """Weight and bias in float32."""
    import torch

    weight = (conv.after, conv.before, conv.kernel, conv.kernel)
    found = []
    for part, shape in (("weight", weight), ("bias", (conv.after,))):
        name = f"{conv.theirs}.{part}"
        tensor = state.get(name)
        plain = isinstance(tensor, torch.Tensor) and tensor.layout is torch.strided
        if tensor is None or not plain or tuple(tensor.shape) != shape:
            raise RequestError(
                f"{path}: {name} is missing or not of shape {shape}: "
                "give the file of github.com/Huage001/AdaAttN"
            )
        sound = tensor.is_floating_point() and tensor.device.type == "cpu"
        if not sound or not bool(torch.isfinite(tensor.float()).all()):
            raise RequestError(f"{path}: {name} holds no finite numbers: give a sound file")
        found.append(tensor.detach().float().contiguous())
    return found[0], found[1]


def _fold(tensors: dict[str, Tensor], matrix: Tensor, offset: Tensor) -> None:
    """Put x -> matrix x + offset before the encoder's first convolution, in float64."""
    import torch

    name = "encoder.stages.0.0"
    weight = tensors[f"{name}.weight"].double()
    folded = torch.einsum("ojhw,ji->oihw", weight, matrix[:, :, 0, 0].double())
    shift = torch.einsum("ojhw,j->o", weight, offset.double())
    tensors[f"{name}.weight"] = folded.float().contiguous()
    tensors[f"{name}.bias"] = (tensors[f"{name}.bias"].double() + shift).float()
