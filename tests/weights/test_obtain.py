"""Weights from elsewhere: over a (local) network that works, breaks or hangs, and from files."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from semantic_style.core.errors import RequestError
from semantic_style.weights import manifest, store

WIDTHS = (64,) * 2 + (128,) * 2 + (256,) * 3 + (512,) * 6
NUMBERS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


@pytest.fixture(scope="module")
def convolutions() -> dict[str, torch.Tensor]:
    """VGG-16's names and shapes in float16, with nothing learned in them."""
    state: dict[str, torch.Tensor] = {}
    channels = 3
    for number, width in zip(NUMBERS, WIDTHS, strict=True):
        weight = torch.zeros(width, channels, 3, 3, dtype=torch.float16)
        weight[:, 0, 1, 1] = number
        state[f"features.{number}.weight"] = weight
        state[f"features.{number}.bias"] = torch.full((width,), 0.5, dtype=torch.float16)
        channels = width
    return state


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keep pytest's output clean."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address under which a local server gives out its files."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def fails(action, *args) -> str:
    with pytest.raises(RequestError) as caught:
        action(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def leftovers(data_folder: Path) -> list[str]:
    return [path.name for path in data_folder.rglob("*") if path.name != "weights"]


@pytest.mark.parametrize("name", ["vgg16", "vgg19", "clipseg", "clipseg-fp16"])
def test_fetch_without_a_network_fails_at_once(name: str, data_folder: Path) -> None:
    start = time.monotonic()
    line = fails(store.fetch, name)
    assert time.monotonic() - start < 5
    assert f"weights import {name}" in line
    assert leftovers(data_folder) == []


def test_fetch_from_a_host_that_hangs_fails_soon(change_manifest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        change_manifest("vgg16", url=f"http://127.0.0.1:{port}/vgg16-00000000.pth")
        start = time.monotonic()
        assert "can't be reached" in fails(store.fetch, "vgg16")
        assert time.monotonic() - start < 5


def test_fetched_convolutions_load_checked(served, change_manifest, convolutions) -> None:
    folder, address = served
    classifier = {"classifier.0.weight": torch.full((4, 4), torch.nan)}
    torch.save({**convolutions, **classifier}, folder / "new.pth")
    digits = manifest.file_sha256(folder / "new.pth")[:8]
    (folder / "new.pth").rename(folder / f"vgg16-{digits}.pth")
    change_manifest("vgg16", url=f"{address}/vgg16-{digits}.pth")
    fractions: list[float] = []
    path = store.fetch("vgg16", lambda stage, fraction: fractions.append(fraction))
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    tensors, metadata = store.load_weights("vgg16")
    assert tensors.keys() == convolutions.keys()
    assert torch.equal(tensors["features.28.weight"], convolutions["features.28.weight"])
    assert metadata["source"].endswith(f"{digits}.pth")
    assert store.verify(["vgg16"]) == [store.Finding("vgg16", "ok")]

    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "damaged" in fails(store.load_weights, "vgg16")


def test_fetch_refuses_another_file_and_keeps_nothing(
    served, change_manifest, data_folder: Path
) -> None:
    folder, address = served
    (folder / "vgg16-00000000.pth").write_bytes(b"not what was asked for")
    change_manifest("vgg16", url=f"{address}/vgg16-00000000.pth")
    assert "sha256" in fails(store.fetch, "vgg16")
    change_manifest("vgg16", url=f"{address}/gone-00000000.pth")
    assert "404" in fails(store.fetch, "vgg16")
    assert leftovers(data_folder) == []


@pytest.mark.parametrize("form", ["safetensors", "pth"])
def test_import_keeps_the_numbers(form: str, tmp_path: Path, convolutions) -> None:
    source = tmp_path / f"vgg.{form}"
    if form == "pth":
        torch.save(convolutions, source)
    else:
        save_file(convolutions, source)
    path = store.import_weights("vgg16", source)
    assert path == store.weight_path("vgg16")
    tensors, _ = store.load_weights("vgg16")
    assert all(torch.equal(tensors[key], value) for key, value in convolutions.items())
    assert store.digest("vgg16") == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("features.10.bias", None, "features.10.bias"),
        ("features.10.bias", torch.zeros(3), "shape"),
        ("features.10.bias", torch.zeros(256, dtype=torch.int32), "float16"),
        ("features.10.bias", torch.full((256,), torch.inf), "finite"),
    ],
)
def test_import_refuses_other_networks(
    key: str, value, says: str, tmp_path: Path, data_folder: Path, convolutions
) -> None:
    state = dict(convolutions)
    del state[key]
    if value is not None:
        state[key] = value
    save_file(state, tmp_path / "odd.safetensors")
    assert says in fails(store.import_weights, "vgg16", tmp_path / "odd.safetensors")
    assert leftovers(data_folder) == []


class Opens:
    """Unpickling it would write a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


def test_import_runs_no_code_of_a_file(tmp_path: Path) -> None:
    went_off = tmp_path / "went-off"
    torch.save({"features.0.weight": Opens(went_off)}, tmp_path / "bad.pth")
    assert "no plain tensors" in fails(store.import_weights, "vgg16", tmp_path / "bad.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "bad.pth").read_bytes()[:100])
    assert "no plain tensors" in fails(store.import_weights, "vgg16", tmp_path / "cut.pth")
    assert not went_off.exists()


def test_import_refuses_missing_folder_and_shipped(tmp_path: Path) -> None:
    assert "does not exist" in fails(store.import_weights, "vgg16", tmp_path / "none.pth")
    assert "is a folder" in fails(store.import_weights, "vgg16", tmp_path)
    assert "nothing to import" in fails(store.import_weights, "adaattn-compact", tmp_path)
    assert "install it again" in fails(store.fetch, "adaattn-compact")
