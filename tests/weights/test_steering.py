"""That the shipped networks listen to a style at every layer that a style steers.

Their pictures alone don't show it: each has more than one way to carry a style over. Both networks
were once shipped with most of their steering dead.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from semantic_style.core.nets.adaattn import AdaAttN, AdaAttNConfig
from semantic_style.core.nets.zmnet import ZMNet, ZMNetConfig
from semantic_style.weights.store import load_weights
from semantic_style.weights.style_store import StyleStore

LEAST = 0.05  # mean deviation over paintings of gammas that are about 1


@pytest.fixture(scope="module")
def paintings() -> list[Tensor]:
    found = []
    for style in StyleStore().list():
        with Image.open(style.path) as picture:
            small = np.asarray(picture.convert("RGB").resize((256, 256)), np.float32) / 255
        found.append(torch.from_numpy(small).permute(2, 0, 1)[None])
    assert len(found) > 5
    return found


def spread(network: nn.Module, name: str, signals: list[Tensor]) -> list[Tensor]:
    """Deviation over the signals of each of psi, as they arrive at the named heads."""
    seen: list[list[Tensor]] = []
    hook = network.get_submodule(name).register_forward_pre_hook(
        lambda _, given: seen.append(given[0])
    )
    with torch.inference_mode():
        for signal in signals:
            network.read(signal) if isinstance(network, ZMNet) else network.prepare(signal)  # type: ignore[operator]
    hook.remove()
    return [torch.cat(layer) for layer in zip(*seen, strict=True)]


@pytest.mark.parametrize(
    ("weights", "heads"), [("zmnet-styles", "heads"), ("adaattn-compact", "code.heads")]
)
def test_each_layer_of_the_steering_says_something_of_its_own(
    weights: str, heads: str, paintings: list[Tensor]
) -> None:
    state, metadata = load_weights(weights)
    network: nn.Module
    if weights == "zmnet-styles":
        network = ZMNet(ZMNetConfig.from_json(metadata["config"]))
    else:
        network = AdaAttN(AdaAttNConfig.from_json(metadata["config"]))
    network.load_state_dict(state)
    psi = spread(network.eval(), heads, paintings)
    assert all(p.std(0).mean() > LEAST for p in psi)
    for one, other in pairwise(psi):
        assert (other - one).std(0).mean() > LEAST
    answers = network.get_submodule(heads)(psi)
    assert (
        answers[0].std(0) > 0.01
    ).float().mean() > 0.9  # nearly every gamma depends on the style


def test_what_attention_finds_at_a_place_is_seen_there(paintings: list[Tensor]) -> None:
    """Handed to other places than it was found for, the same answers give another picture."""
    state, metadata = load_weights("adaattn-compact")
    network = AdaAttN(AdaAttNConfig.from_json(metadata["config"]))
    network.load_state_dict(state)
    photo, *styles = paintings[:4]
    with torch.inference_mode():
        for style in styles:
            prepared = network.eval().prepare(style)
            turned = {level: found.flip(-1) for level, found in prepared.values.items()}
            painted, other = (
                network.stylize(photo, each).clamp(0, 1)
                for each in (prepared, replace(prepared, values=turned))
            )
            assert (painted - other).abs().mean() > 1 / 255
