"""Styles on disk: what comes back, what is not believed, what is thrown away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semantic_style.core.engines.style_cache import StyleCache, cache_folder
from semantic_style.core.nets.colour import colours_of
from semantic_style.core.nets.transformer_net import Parameters, TNetConfig

CONFIG = TNetConfig((2, 3, 4))
WIDTH = sum(map(sum, CONFIG.norms))


def key(number: int) -> str:
    return f"{number:0128x}"[::-1]


def parameters(seed: int = 0) -> Parameters:
    torch.manual_seed(seed)
    gamma, beta = torch.randn(1, WIDTH), torch.randn(1, WIDTH)
    return Parameters(gamma, beta, colours_of(torch.rand(1, 3, 5, 5)), torch.ones(1))


@pytest.fixture
def cache(tmp_path: Path) -> StyleCache:
    return StyleCache(tmp_path / "a" / "b")


def files(cache: StyleCache) -> list[Path]:
    return sorted(cache.folder.iterdir())


def test_what_is_put_comes_back(cache: StyleCache) -> None:
    assert cache.get(key(1), CONFIG) is None
    cache.put(key(1), parameters())
    found, truth = cache.get(key(1), CONFIG), parameters()
    assert found is not None
    assert found.gamma.equal(truth.gamma)
    assert found.beta.equal(truth.beta)
    assert found.colours.mean.equal(truth.colours.mean)
    assert found.colours.factor.equal(truth.colours.factor)
    assert found.share.equal(truth.share)
    assert cache.get(key(2), CONFIG) is None
    assert [path.suffix for path in files(cache)] == [".safetensors"]  # nothing half written


def test_damaged_files_are_ignored_and_written_anew(cache: StyleCache) -> None:
    cache.put(key(1), parameters())
    (path,) = files(cache)
    sound = path.read_bytes()
    flipped = bytearray(sound)
    flipped[-9] ^= 64
    for damage in (b"", b"nonsense", sound[: len(sound) // 2], bytes(flipped), b"PK\x03\x04" * 9):
        path.write_bytes(damage)
        assert cache.get(key(1), CONFIG) is None
        cache.put(key(1), parameters())
        assert cache.get(key(1), CONFIG) is not None


def test_foreign_files_are_ignored(cache: StyleCache) -> None:
    cache.put(key(1), parameters())
    (path,) = files(cache)
    foreign = path.read_bytes()
    cache.put(key(2), parameters(2))
    other = next(each for each in files(cache) if each != path)
    other.write_bytes(foreign)  # sound, and another style's
    assert cache.get(key(2), CONFIG) is None
    save_file({"gamma": torch.zeros(3)}, other, {"key": key(2)})
    assert cache.get(key(2), CONFIG) is None
    assert cache.get(key(1), TNetConfig((2, 3, 5))) is None  # a network of another layout
    assert cache.get(key(1), CONFIG) is not None


def test_those_that_were_used_last_are_kept(tmp_path: Path) -> None:
    cache = StyleCache(tmp_path, most=3)
    for number in range(3):
        cache.put(key(number), parameters())
    for age, number in enumerate((0, 2, 1)):
        (path,) = tmp_path.glob(f"{key(number)[:64]}*")
        os.utime(path, (1000 - age, 1000 - age))
    assert cache.get(key(1), CONFIG) is not None  # used: no longer the oldest
    cache.put(key(3), parameters())
    kept = [number for number in range(4) if cache.get(key(number), CONFIG) is not None]
    assert kept == [0, 1, 3]


def test_nothing_that_goes_wrong_is_an_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    for folder in (blocked, blocked / "below"):
        cache = StyleCache(folder)
        cache.put(key(1), parameters())
        assert cache.get(key(1), CONFIG) is None
    folder = tmp_path / "taken"
    cache = StyleCache(folder)
    (folder / f"{key(1)[:64]}.safetensors").mkdir(parents=True)
    cache.put(key(1), parameters())
    assert cache.get(key(1), CONFIG) is None


def test_the_data_folder_that_was_chosen_holds_the_cache(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert data_folder in cache_folder().parents
    monkeypatch.delenv("SEMANTIC_STYLE_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert "semantic-style" in cache_folder().parts
