"""Which network judges in `bench quality`: the real VGG-16 where it is, else its stand-in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import RequestError
from ..weights.store import load_weights, weight_path

if TYPE_CHECKING:
    from ..core.nets.perceptual import PerceptualNetwork


def perceptual_network(vgg16: Path | None = None) -> tuple[PerceptualNetwork, str]:
    """The network and the name that reports give it.

    vgg16: torchvision's file or its safetensors form; None takes the store's, and where that
    has none the network distilled into encoder-compact. Raises RequestError.
    """
    from ..core.train.teacher import load_vgg16

    if vgg16 is not None:
        return load_vgg16(str(vgg16)), "VGG-16"
    try:
        weight_path("vgg16")
    except RequestError:
        return _distilled(), "encoder-compact (distilled from VGG-16)"
    return load_vgg16(""), "VGG-16"


def _distilled() -> PerceptualNetwork:
    from ..core.nets.encoder import EncoderConfig
    from ..core.nets.perceptual import DistilledFeatures

    state, metadata = load_weights("encoder-compact")
    network = DistilledFeatures(EncoderConfig(**json.loads(metadata["config"])))
    network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    return network.requires_grad_(False).eval()
