"""Small ZM-Nets on disk, which paint in a moment: one for pictures, one for words, one TNet."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from semantic_style.core.nets.encoder import EncoderConfig
from semantic_style.core.nets.transformer_net import TNetConfig
from semantic_style.core.nets.zmnet import ZMNet, ZMNetConfig
from semantic_style.core.train.zmnet_words import tensors_digest
from semantic_style.core.word_table import NAME

TRAINED = ("noon", "sunset", "night", "mosaic")
WIDTH = 384  # of the shipped table's vectors
STYLES = ZMNetConfig(
    TNetConfig((4, 8, 8), blocks=5, kernel=3, recolours=True),
    "statistics",
    hidden=16,
    encoder=EncoderConfig(widths=(4, 4, 4, 4, 4)),
)
WORDS = replace(STYLES, signal="words", encoder=None, inputs=WIDTH)


def tiny_zmnet(folder: Path, seed: int = 0) -> tuple[Path, Path]:
    """zmnet-styles.safetensors and zmnet-words.safetensors, random, in the folder; made again for
    the same seed they are the same."""
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        styles, words = _random(STYLES), _random(WORDS)
    words.tnet.load_state_dict(styles.tnet.state_dict())
    about = {"words": json.dumps(TRAINED), "far": "0.5", "table": NAME}
    about["tnet"] = tensors_digest(styles.tnet.state_dict())
    return (
        _written(styles, folder / "zmnet-styles.safetensors", {}),
        _written(words, folder / "zmnet-words.safetensors", about),
    )


def _random(config: ZMNetConfig) -> ZMNet:
    """Nothing stands at the zeros that training starts from: signals differ in what they do."""
    network = ZMNet(config)
    with torch.no_grad():
        network.tnet.out.weight.normal_(0, 0.1)
        for layer in network.heads.layers:
            layer.weight.normal_(0, 0.1)  # type: ignore[union-attr, operator]
        if network.vector is not None:
            network.vector.basis.fill_(3)
        if network.colours is not None:
            network.colours.weight.normal_(0, 0.3)
    return network


def _written(network: ZMNet, path: Path, about: dict[str, str]) -> Path:
    state = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, path, {"config": network.config.to_json()} | about)
    return path
