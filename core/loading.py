"""Weight files as networks that are ready for use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from torch import nn

from ..weights.store import load_weights
from .errors import RequestError

Network = TypeVar("Network", bound=nn.Module)


def load_network(
    weights: str | Path, build: Callable[[str], Network], kind: str
) -> tuple[Network, dict[str, str]]:
    """The network that `build` makes of the file's own configuration (JSON), in float32 with the
    file's weights, and the file's metadata. kind: what it is, for the error's line. RequestError
    where the file holds none."""
    state, metadata = load_weights(weights)
    try:
        network = build(metadata["config"])
        network.load_state_dict(state)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise RequestError(f"{weights} does not hold {kind}") from error
    return network.eval().requires_grad_(False), metadata
