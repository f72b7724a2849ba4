"""Where training takes its perceptual network from."""

from __future__ import annotations

from pathlib import Path

import torch

from ...weights.store import load_weights
from ..errors import RequestError
from ..nets.encoder import Encoder
from ..nets.perceptual import vgg16_features


def load_vgg16(file: str) -> Encoder:
    """The real VGG-16 from a file, or from the store where it was fetched or imported."""
    name = file or "vgg16"
    if file and Path(file).suffix == ".pth":
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, ValueError, EOFError) as error:
            raise RequestError(f"can't read VGG-16 from {file}: {error}") from error
    else:
        state, _ = load_weights(name)
    try:
        return vgg16_features(state)
    except KeyError as error:
        raise RequestError(f"{name} is not VGG-16 in torchvision's layout: no {error}") from error


def place_teacher(network: Encoder, device: torch.device, dtype: torch.dtype) -> None:
    """Onto the device, its convolutions in the format of the run: autocast would copy the frozen
    weights anew at every step. The input's normalisation stays in float32."""
    network.to(device, memory_format=torch.channels_last)
    network.stages.to(dtype)
