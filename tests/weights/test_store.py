"""The weight store: what it loads, and what it refuses without opening it."""

from __future__ import annotations

import json
import os
import pickle
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semantic_style.core.errors import RequestError
from semantic_style.weights import manifest, store
from semantic_style.weights.register import register

TENSORS = {"head.weight": torch.arange(12.0).reshape(3, 4), "head.bias": torch.zeros(3)}
METADATA = {"config": json.dumps({"width": 4})}


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package folder of its own with a manifest of one entry, and its registered file."""
    folder = tmp_path / "package"
    folder.mkdir()
    text = "# kept\n\n" + "\n".join(
        [
            "[tiny]",
            'file = "tiny.safetensors"',
            'kind = "shipped"',
            'licence = "MIT"',
            'card = "tiny.md"',
            'description = "three numbers"',
        ]
    )
    (folder / "manifest.toml").write_text(text)
    monkeypatch.setattr(manifest, "PACKAGE_FOLDER", folder)
    monkeypatch.setattr(manifest, "MANIFEST", folder / "manifest.toml")
    trained = tmp_path / "trained.safetensors"
    save_file(TENSORS, trained, METADATA)
    return register("tiny", trained)


def refused(name: str | Path) -> str:
    """The one line with which the store refuses to load."""
    with pytest.raises(RequestError) as caught:
        store.load_weights(name)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_registered_weights_load_with_their_metadata(shipped: Path) -> None:
    tensors, metadata = store.load_weights("tiny")
    assert metadata == METADATA
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[key], TENSORS[key]) for key in TENSORS)
    assert store.verify() == [store.Finding("tiny", "ok")]
    assert store.weight_path("tiny") == shipped


def test_registering_keeps_comments_and_records_size_and_hash(shipped: Path) -> None:
    assert manifest.MANIFEST.read_text().startswith("# kept\n")
    (item,) = store.entries()
    assert item.size == shipped.stat().st_size
    assert item.sha256 == store.digest("tiny") == manifest.file_sha256(shipped)


def test_registering_refuses_what_is_not_safetensors(shipped: Path, tmp_path: Path) -> None:
    before = shipped.read_bytes()
    pickled = tmp_path / "net.pth"
    torch.save(TENSORS, pickled)
    with pytest.raises(RequestError, match="pickle"):
        register("tiny", pickled)
    assert shipped.read_bytes() == before


def test_file_cut_in_half(shipped: Path) -> None:
    data = shipped.read_bytes()
    shipped.write_bytes(data[: len(data) // 2])
    assert "damaged" in refused("tiny")
    assert "weights verify" in refused("tiny")
    assert store.verify()[0].state == "damaged"


def test_one_changed_byte(shipped: Path) -> None:
    data = bytearray(shipped.read_bytes())
    data[-1] ^= 1
    shipped.write_bytes(data)
    assert "sha256" in refused("tiny")
    assert store.verify()[0].state == "damaged"


def test_missing_file(shipped: Path) -> None:
    shipped.unlink()
    assert "not on this machine" in refused("tiny")
    assert store.verify()[0].state == "missing"


def test_unregistered_file(shipped: Path) -> None:
    text = manifest.MANIFEST.read_text()
    manifest.MANIFEST.write_text(text.replace(manifest.file_sha256(shipped), ""))
    assert "not registered" in refused("tiny")


class Bomb:
    """Unpickling it makes a folder, which is how the tests would see it go off."""

    def __init__(self, target: Path) -> None:
        self.target = str(target)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, (self.target,))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_posing_as_safetensors_stays_unopened(
    shipped: Path, tmp_path: Path, protocol: int
) -> None:
    went_off = tmp_path / "went-off"
    posing = tmp_path / "posing.safetensors"
    posing.write_bytes(pickle.dumps(Bomb(went_off), protocol))
    refused(posing)
    shipped.write_bytes(posing.read_bytes())
    refused("tiny")
    assert not went_off.exists()


def test_torch_file_posing_as_safetensors_stays_unopened(tmp_path: Path) -> None:
    went_off = tmp_path / "went-off"
    posing = tmp_path / "posing.safetensors"
    torch.save({"weights": Bomb(went_off)}, posing)
    assert "pickle" in refused(posing)
    assert not went_off.exists()


HEADER = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08",
        struct.pack("<Q", 2**63 - 1) + HEADER,
        struct.pack("<Q", 99_000_000) + HEADER,
        struct.pack("<Q", 4) + b"null",
        struct.pack("<Q", 2) + b"{}" + b"left over",
        struct.pack("<Q", len(HEADER)) + HEADER,
        struct.pack("<Q", len(HEADER)) + HEADER.replace(b"[0, 4]", b"[4, 0]") + b"1234",
        struct.pack("<Q", len(HEADER)) + HEADER.replace(b"[1]", b"[9]") + b"1234",
        struct.pack("<Q", len(HEADER)) + HEADER.replace(b"F32", b"Z99") + b"1234",
        struct.pack("<Q", len(HEADER)) + b"\xff" * len(HEADER) + b"1234",
    ],
)
def test_malformed_safetensors(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "odd.safetensors"
    path.write_bytes(data)
    assert "safetensors" in refused(path)


def test_folder_and_missing_path(tmp_path: Path) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    assert "can't be read" in refused(tmp_path / "folder.safetensors")
    assert "can't be read" in refused(str(tmp_path / "none.safetensors"))
    with pytest.raises(RequestError, match="can't be read"):
        store.digest(str(tmp_path / "none.safetensors"))


def test_unknown_name_gives_the_nearest() -> None:
    assert "adaattn-compact" in refused("adaatn-compact")
    with pytest.raises(RequestError, match="vgg16"):
        store.verify(["vgg61"])


def test_own_file_loads_by_path(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    save_file(TENSORS, path)
    tensors, metadata = store.load_weights(path)
    assert metadata == {}
    assert store.digest(path) == manifest.file_sha256(path)
    assert torch.equal(tensors["head.weight"], TENSORS["head.weight"])


def test_user_folder_follows_the_platform_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEMANTIC_STYLE_DATA")
    assert store.user_folder().name == "semantic-style"
    monkeypatch.setenv("SEMANTIC_STYLE_DATA", "/somewhere/else")
    assert store.user_folder() == Path("/somewhere/else")
