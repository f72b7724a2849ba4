"""Going on from earlier weights, also those of a network with fewer kernels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from semantic_style.core.errors import RequestError
from semantic_style.core.nets.adaattn import AdaAttN, AdaAttNConfig
from semantic_style.core.nets.transformer_net import COMPACT_TNET
from semantic_style.core.nets.zmnet import ZMNet, compact
from semantic_style.core.train.adaattn import load_start
from semantic_style.core.train.transfer import go_on_from, grown


def network(kind: str, kernels: int) -> nn.Module:
    """Not at the zeros that training starts from."""
    torch.manual_seed(0)
    tnet = replace(COMPACT_TNET, kernels=kernels)
    net = (
        AdaAttN(AdaAttNConfig(painter=tnet))
        if kind == "adaattn"
        else ZMNet(replace(compact(), tnet=tnet))
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    return net.eval()


@torch.no_grad()
@pytest.mark.parametrize("kind", ["adaattn", "zmnet"])
@pytest.mark.parametrize("had", [0, 1])
def test_more_kernels_paint_as_fewer_did_until_they_are_trained(kind: str, had: int) -> None:
    fewer, more = network(kind, had), network(kind, 3)
    more.load_state_dict(grown(fewer.state_dict(), more))
    photo, style = torch.rand(2, 1, 3, 64, 64).unbind()
    torch.testing.assert_close(more(photo, style), fewer(photo, style), atol=1e-4, rtol=0)
    heads = more.code.heads if kind == "adaattn" else more.heads  # type: ignore[union-attr]
    for layer in heads.layers:  # type: ignore[union-attr]
        layer.bias[-1] = 1.0
    assert (more(photo, style) - fewer(photo, style)).abs().max() > 1e-4


def test_adaattn_starts_with_no_zmnet_of_another_layout(tmp_path: Path) -> None:
    file = tmp_path / "narrow.safetensors"
    narrow = replace(compact(), hidden=32, tnet=replace(COMPACT_TNET, kernels=0))
    save_file(ZMNet(narrow).state_dict(), file)
    with pytest.raises(RequestError, match="of this network's layout"):
        load_start(AdaAttN(), str(file))


def test_weights_of_another_network_are_one_line(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"tnet.out.bias": torch.zeros(7)}, file)
    with pytest.raises(RequestError, match="does not fit: give init the weights of an earlier run"):
        go_on_from(ZMNet(compact()), str(file))
