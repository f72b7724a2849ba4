"""Where perceptual networks come from: the real VGG-16 where it is, else its distilled stand-in."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from ..weights.store import load_weights, weight_path
from .errors import RequestError
from .loading import load_network
from .nets.encoder import Encoder, EncoderConfig, with_tuples
from .nets.perceptual import DistilledFeatures, vgg16_features

STAND_IN = "perceptual-compact"  # that ships, so that every machine finds the same


def load_vgg16(source: str | Path = "vgg16") -> Encoder:
    """The real VGG-16: from the store, or from a safetensors or torchvision's .pth file.

    Raises RequestError, which says how to fetch or import it, where there is none.
    """
    if Path(source).suffix == ".pth":
        try:
            state = torch.load(source, map_location="cpu", weights_only=True)
        except Exception as error:  # the unpickler's own kinds are many
            raise RequestError(
                f"can't read VGG-16 from {source}: {type(error).__name__}"
            ) from error
    else:
        state, _ = load_weights(source)
    try:
        return vgg16_features(state)
    except KeyError as error:
        raise RequestError(f"{source} is not VGG-16 in torchvision's layout: no {error}") from error


def load_distilled(source: str | Path = STAND_IN) -> Encoder | DistilledFeatures:
    """The stand-in that `train encoder` makes: a factored VGG-16, or a smaller encoder, every
    file of which holds the heads too."""
    return load_network(source, _distilled, "a distilled encoder")[0]


def _distilled(text: str) -> Encoder | DistilledFeatures:
    config = EncoderConfig(**with_tuples(json.loads(text)))
    return Encoder(config) if config.ranks else DistilledFeatures(config)


def load_perceptual(source: str | Path = "") -> tuple[Encoder | DistilledFeatures, str]:
    """A frozen perceptual network and the name that reports give it.

    source: a file of VGG-16; empty takes the store's, and where that has none the stand-in.
    """
    if source:
        return load_vgg16(source), "VGG-16"
    try:
        weight_path("vgg16")
    except RequestError:
        return load_distilled(), f"{STAND_IN} (distilled from VGG-16)"
    return load_vgg16(), "VGG-16"
