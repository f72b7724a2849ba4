"""Going on from earlier weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semantic_style.core.errors import RequestError
from semantic_style.core.nets.adaattn import AdaAttN
from semantic_style.core.nets.zmnet import ZMNet, compact
from semantic_style.core.train.adaattn import load_start
from semantic_style.core.train.transfer import go_on_from


def test_adaattn_starts_with_no_zmnet_of_another_layout(tmp_path: Path) -> None:
    file = tmp_path / "narrow.safetensors"
    narrow = replace(compact(), hidden=32)
    save_file(ZMNet(narrow).state_dict(), file)
    with pytest.raises(RequestError, match="of this network's layout"):
        load_start(AdaAttN(), str(file))


def test_weights_of_another_network_are_one_line(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"tnet.out.bias": torch.zeros(7)}, file)
    with pytest.raises(RequestError, match="does not fit: give init the weights of an earlier run"):
        go_on_from(ZMNet(compact()), str(file))
