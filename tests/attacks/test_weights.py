"""Weight files that were damaged or swapped: refused before anything runs on them."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from semantic_style.weights import manifest

Refused = Callable[..., str]
NAMES = ("adaattn-compact", "word-segmenter")


class Bomb:
    """Unpickling this makes a file: a test can see that it happened."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


@pytest.fixture(params=NAMES)
def weight(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shipped weight file in a copy of the weights folder that the program now uses."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for file in manifest.PACKAGE_FOLDER.glob("*.safetensors"):
        shutil.copy(file, folder)
    monkeypatch.setattr(manifest, "PACKAGE_FOLDER", folder)
    return folder / manifest.entry(request.param).file


@pytest.fixture
def stylized(refused: Refused, castle: Path, tmp_path: Path) -> Callable[[], str]:
    return lambda: refused("stylize", castle, "-r", "sky=mosaic", "-o", tmp_path / "out.png")


def test_cut_in_half(weight: Path, stylized: Callable[[], str]) -> None:
    data = weight.read_bytes()
    weight.write_bytes(data[: len(data) // 2])
    assert "damaged" in stylized()


def test_one_changed_byte(weight: Path, stylized: Callable[[], str]) -> None:
    data = bytearray(weight.read_bytes())
    data[-100] ^= 1
    weight.write_bytes(data)
    assert "damaged" in stylized()


def test_a_pickle_posing_as_weights(
    weight: Path, stylized: Callable[[], str], tmp_path: Path
) -> None:
    proof = tmp_path / "unpickled"
    weight.write_bytes(pickle.dumps(Bomb(proof)))
    assert weight.stem in stylized()
    assert not proof.exists()


def test_gone(weight: Path, stylized: Callable[[], str]) -> None:
    weight.unlink()
    assert "install" in stylized()


def test_a_pickle_given_to_import(refused: Refused, tmp_path: Path) -> None:
    proof, file = tmp_path / "unpickled", tmp_path / "vgg16.pth"
    file.write_bytes(pickle.dumps(Bomb(proof), protocol=2))
    refused("weights", "import", "vgg16", file)
    assert not proof.exists()


def test_verify_names_the_damaged_file(weight: Path, cli: Callable) -> None:
    data = bytearray(weight.read_bytes())
    data[-100] ^= 1
    weight.write_bytes(data)
    ran = cli("weights", "verify")
    assert ran.code == 2
    assert weight.stem in ran.err
    assert "damaged" in ran.out
