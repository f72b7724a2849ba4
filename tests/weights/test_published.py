"""`weights import adaattn FOLDER`: what is taken over, what is refused, what is left behind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from semantic_style.core.errors import RequestError
from semantic_style.weights import published as layout
from semantic_style.weights import store

from ..published_adaattn import (
    ADAATTN_3,
    DECODER,
    FULL,
    SMALL,
    TRANSFORMER,
    VGG,
    State,
    made_states,
    write_checkpoint,
)

REAL = os.environ.get("SEMANTIC_STYLE_PUBLISHED_ADAATTN", "")
NAME = "adaattn-published"


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> dict[str, State]:
    monkeypatch.setattr(layout, "WIDTHS", SMALL)
    return made_states()


@pytest.fixture
def folder(states: dict[str, State], tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "checkpoints", states)


def refused(folder: Path, data_folder: Path, name: str = NAME) -> str:
    with pytest.raises(RequestError) as caught:
        store.import_weights(name, folder)
    assert "\n" not in str(caught.value)
    assert [p.name for p in data_folder.rglob("*") if p.name != "weights"] == []
    return str(caught.value)


@pytest.mark.parametrize("name", ["adaattn", NAME])
def test_import_keeps_every_number(name: str, folder: Path, states: dict[str, State]) -> None:
    path = store.import_weights(name, folder)
    assert path == store.weight_path(NAME)
    tensors, _ = store.load_weights(NAME)
    for file, theirs, ours in (
        (ADAATTN_3, "h.bias", "attention.3.h.bias"),
        (TRANSFORMER, "attn_adain_5_1.g.weight", "attention.5.g.weight"),
        (TRANSFORMER, "merge_conv.weight", "decoder.convs.0.weight"),
        (DECODER, "decoder_layer_1.1.weight", "decoder.convs.1.weight"),
        (DECODER, "decoder_layer_2.24.bias", "decoder.convs.9.bias"),
        (VGG, "5.weight", "encoder.stages.0.1.weight"),
        (VGG, "42.weight", "encoder.stages.4.0.weight"),
    ):
        assert torch.equal(tensors[ours], states[file][theirs])
    assert store.verify([NAME]) == [store.Finding(NAME, "ok")]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(RequestError, match=r"is damaged.*weights import adaattn-published FOLDER"):
        store.load_weights(NAME)


def test_the_first_two_convolutions_become_one(folder: Path, states: dict[str, State]) -> None:
    """Exactly, at the border too, since padding is by reflection."""
    tensors, _ = layout.read_published(folder)
    image = torch.rand(1, 3, 9, 12, dtype=torch.float64)
    vgg = {name: tensor.double() for name, tensor in states[VGG].items()}
    pad = nn.ReflectionPad2d(1)
    two = F.conv2d(image, vgg["0.weight"], vgg["0.bias"])
    two = F.conv2d(pad(two), vgg["2.weight"], vgg["2.bias"])
    name = "encoder.stages.0.0"
    weight, bias = tensors[f"{name}.weight"].double(), tensors[f"{name}.bias"].double()
    torch.testing.assert_close(F.conv2d(pad(image), weight, bias), two, rtol=1e-5, atol=1e-6)


def old_format(folder: Path, states: dict[str, State]) -> None:
    for file, state in states.items():
        torch.save(state, folder / file, _use_new_zipfile_serialization=False)


def data_parallel(folder: Path, states: dict[str, State]) -> None:
    state = {f"module.{name}": tensor for name, tensor in states[TRANSFORMER].items()}
    torch.save(state, folder / TRANSFORMER)


def own_folder(folder: Path, states: dict[str, State]) -> None:
    (folder / "AdaAttN").mkdir()
    for file in (ADAATTN_3, TRANSFORMER, DECODER):
        shutil.move(folder / file, folder / "AdaAttN" / file)


@pytest.mark.parametrize("change", [old_format, data_parallel, own_folder])
def test_other_forms_of_the_same_are_taken(
    change: Callable, folder: Path, states: dict[str, State]
) -> None:
    expected = layout.read_published(folder)[0]
    change(folder, states)
    tensors = layout.read_published(folder)[0]
    assert all(torch.equal(tensors[name], expected[name]) for name in expected)


@pytest.mark.parametrize("file", layout.FILES)
def test_a_missing_file_is_named(file: str, folder: Path, data_folder: Path) -> None:
    (folder / file).unlink()
    assert f"lacks {file}" in refused(folder, data_folder, "adaattn")


@pytest.mark.parametrize(
    ("file", "name", "tensor", "says"),
    [
        (ADAATTN_3, "f.weight", torch.zeros(18, 17, 1, 1), r"(18, 18, 1, 1)"),
        (TRANSFORMER, "merge_conv.bias", None, "merge_conv.bias is missing"),
        (DECODER, "decoder_layer_2.1.weight", torch.zeros(8, 8, 3, 3), "(8, 16, 3, 3)"),
        (DECODER, "decoder_layer_1.1.bias", torch.zeros(8, dtype=torch.int64), "finite"),
        (VGG, "0.bias", torch.full((3,), torch.nan), "finite"),
        (VGG, "42.bias", "text", "42.bias is missing"),
        (VGG, "5.weight", torch.zeros(4, 4, 3, 3).to_sparse(), "5.weight is missing"),
        (VGG, "5.bias", torch.zeros(4, device="meta"), "finite"),
    ],
)
def test_another_network_is_refused(
    file: str, name: str, tensor, says: str, folder: Path, states: dict[str, State],
    data_folder: Path,
) -> None:  # fmt: skip
    state = {k: v for k, v in states[file].items() if k != name}
    torch.save(state if tensor is None else {**state, name: tensor}, folder / file)
    line = refused(folder, data_folder)
    assert says in line
    assert file in line


class Opens:
    """Unpickling it would write a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


def test_what_is_no_state_dict_is_refused_unopened(
    folder: Path, tmp_path: Path, data_folder: Path
) -> None:
    went_off = tmp_path / "went-off"
    whole = (folder / DECODER).read_bytes()
    torch.save({"f.weight": Opens(went_off)}, folder / DECODER)
    assert "no plain tensors" in refused(folder, data_folder)
    assert not went_off.exists()
    torch.save(nn.Conv2d(3, 3, 1), folder / DECODER)
    assert "no plain tensors" in refused(folder, data_folder)
    torch.save([torch.zeros(3)], folder / DECODER)
    assert "no state dict" in refused(folder, data_folder)
    for damaged in (whole[: len(whole) // 2], b"", b"\x80\x02garbage", b"not a file of tensors"):
        (folder / DECODER).write_bytes(damaged)
        assert "no plain tensors" in refused(folder, data_folder)


def test_what_is_no_folder_is_refused(folder: Path, tmp_path: Path, data_folder: Path) -> None:
    assert "does not exist" in refused(tmp_path / "gone", data_folder)
    assert "is no folder" in refused(folder / DECODER, data_folder)


def test_it_says_where_it_comes_from(data_folder: Path) -> None:
    for action in (store.fetch, store.load_weights, store.weight_path):
        with pytest.raises(
            RequestError, match=r"github\.com/Huage001/AdaAttN.*weights import"
        ) as e:
            action(NAME)
        assert "\n" not in str(e.value)


@pytest.mark.skipif(not REAL, reason="SEMANTIC_STYLE_PUBLISHED_ADAATTN names no folder")
def test_the_published_file_imports_with_made_ones_beside_it(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "full", made_states(FULL))
    real = Path(REAL) / ADAATTN_3
    (folder / ADAATTN_3).write_bytes(real.read_bytes())
    store.import_weights("adaattn", folder)
    tensors, _ = store.load_weights(NAME)
    state = torch.load(real, weights_only=True)
    assert all(torch.equal(tensors[f"attention.3.{name}"], state[name]) for name in state)
