"""Folders of CLIPSeg: the published one, a person's own, and what is none."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load, save_file

from semantic_style.core.errors import RequestError
from semantic_style.weights import manifest, store
from semantic_style.weights.clipseg_folder import load_clipseg
from tests.clipseg_tiny import make_tiny_clipseg


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_clipseg(tmp_path_factory.mktemp("made") / "clipseg")


@pytest.fixture
def brought(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(made, tmp_path / "brought"))


def refused(source: Path, data_folder: Path) -> str:
    """The one line with which an import is refused, which leaves nothing behind."""
    with pytest.raises(RequestError) as caught:
        store.import_weights("clipseg", source)
    line = str(caught.value)
    assert "\n" not in line
    assert not [path for path in data_folder.rglob("*") if path.name != "weights"]
    return line


def test_an_own_checkpoint_is_taken_and_kept_to_its_own_record(brought: Path) -> None:
    (brought / "pytorch_model.bin").write_bytes(b"not wanted")
    for _ in range(2):  # the second replaces the first
        path = store.import_weights("clipseg", brought)
    assert path == store.weight_path("clipseg")
    assert not (path / "pytorch_model.bin").exists()
    assert store.is_own("clipseg")
    assert store.digest("clipseg") == manifest.file_sha256(brought / manifest.HUB_WEIGHTS)
    (finding,) = store.verify(["clipseg"])
    assert finding.state == "ok"
    assert "your own" in finding.detail

    file = path / manifest.HUB_WEIGHTS
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    (finding,) = store.verify(["clipseg"])
    assert finding.state == "damaged"
    assert "import it again" in finding.detail


def test_the_published_file_needs_no_record(brought: Path, change_manifest) -> None:
    file = brought / manifest.HUB_WEIGHTS
    change_manifest("clipseg", sha256=manifest.file_sha256(file), size=file.stat().st_size)
    store.import_weights("clipseg", brought)
    assert not store.is_own("clipseg")
    assert store.verify(["clipseg"]) == [store.Finding("clipseg", "ok")]


def test_the_published_file_takes_the_place_of_an_own_one(brought: Path, change_manifest) -> None:
    store.import_weights("clipseg", brought)
    assert store.is_own("clipseg")
    digest = manifest.file_sha256(brought / manifest.HUB_WEIGHTS)
    change_manifest("clipseg", sha256=digest, size=0)
    store.import_weights("clipseg", brought)
    assert not store.is_own("clipseg")


@pytest.mark.parametrize(
    ("gone", "enough"),
    [
        (("vocab.json", "merges.txt"), "tokenizer.json"),
        (("preprocessor_config.json", "special_tokens_map.json"), "processor_config.json"),
    ],
)
def test_either_form_of_tokenizer_and_processor_will_do(
    gone: tuple[str, ...], enough: str, brought: Path, tmp_path: Path
) -> None:
    _, processor = load_clipseg(brought)
    processor.save_pretrained(tmp_path / "saved")
    if not (tmp_path / "saved" / enough).exists():
        pytest.skip("this transformers writes the other form only")
    shutil.copyfile(tmp_path / "saved" / enough, brought / enough)
    for name in gone:
        (brought / name).unlink()
    assert (store.import_weights("clipseg", brought) / enough).is_file()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("config.json", "lacks config.json"),
        ("model.safetensors", "lacks model.safetensors"),
        ("vocab.json", "lacks tokenizer.json or vocab.json"),
        ("preprocessor_config.json", "lacks preprocessor_config.json"),
    ],
)
def test_a_half_folder_is_refused(name: str, says: str, brought: Path, data_folder: Path) -> None:
    (brought / name).unlink()
    assert says in refused(brought, data_folder)


def test_a_folder_with_a_pickle_is_refused_unopened(brought: Path, data_folder: Path) -> None:
    file = brought / manifest.HUB_WEIGHTS
    file.rename(brought / "pytorch_model.bin")
    assert "is a pickle and is not opened" in refused(brought, data_folder)
    file.write_bytes(pickle.dumps({"decoder": 1}))
    assert "could run code" in refused(brought, data_folder)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("not json", "no model's config"),
        ("[]", "no model's config"),
        ("{}", "no model's config"),
        ('{"model_type": "clip"}', "'clip'"),
        ('{"model_type": "clipseg", "text_config": []}', "no sound CLIPSeg"),
        ('{"model_type": "clipseg", "vision_config": {"num_hidden_layers": 1000000}}', "layers"),
        ('{"model_type": "clipseg"}', "no sound CLIPSeg"),  # a full-size one: other shapes
    ],
)
def test_another_config_is_refused(
    config: str, says: str, brought: Path, data_folder: Path
) -> None:
    (brought / "config.json").write_text(config, encoding="utf-8")
    assert says in refused(brought, data_folder)


def test_damaged_tensors_are_refused(brought: Path, data_folder: Path) -> None:
    file = brought / manifest.HUB_WEIGHTS
    whole = file.read_bytes()
    state = load(whole)  # a mapped file must not be cut
    file.write_bytes(whole[: len(whole) // 2])
    assert "no sound CLIPSeg" in refused(brought, data_folder)

    lacking = dict(state)
    del lacking["decoder.film_mul.weight"]
    save_file(lacking, file, {"format": "pt"})
    assert "lacks 1 tensors, such as decoder.film_mul.weight" in refused(brought, data_folder)

    state["decoder.film_mul.bias"][0] = torch.nan
    save_file(state, file, {"format": "pt"})
    assert "no finite numbers" in refused(brought, data_folder)


@pytest.mark.parametrize("name", ["vocab.json", "tokenizer_config.json", "merges.txt"])
def test_a_damaged_tokenizer_is_refused(name: str, brought: Path, data_folder: Path) -> None:
    (brought / name).write_bytes(b"\xff\x00[")
    assert "no sound CLIPSeg" in refused(brought, data_folder)


@pytest.mark.parametrize("tokens", [0, 10_000])
def test_another_models_tokenizer_is_refused(tokens: int, brought: Path, data_folder: Path) -> None:
    special = {"<|startoftext|>": tokens, "<|endoftext|>": tokens + 1}
    vocabulary = {f"{i}</w>": i for i in range(tokens)} | special
    (brought / "vocab.json").write_text(json.dumps(vocabulary))
    assert "tokenizer does not go with the model" in refused(brought, data_folder)


def test_a_file_in_the_folders_place_is_refused(brought: Path, data_folder: Path) -> None:
    assert "is no folder" in refused(brought / "config.json", data_folder)


def test_what_the_hub_fetched_is_found_under_its_revision(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    for name, revision in (("clipseg", None), ("clipseg-fp16", "0123456789")):
        item = store.entry(name)
        repo = tmp_path / "hub" / ("models--" + item.repo.replace("/", "--"))
        with pytest.raises(RequestError, match=f"weights fetch {name}"):
            store.weight_path(name)
        if revision:
            (repo / "refs").mkdir(parents=True)
            (repo / "refs" / item.revision).write_text(revision)
        snapshot = repo / "snapshots" / (revision or item.revision)
        shutil.copytree(made, snapshot)
        assert store.weight_path(name) == snapshot
        (finding,) = store.verify([name])  # it is not the published file
        assert finding.state == "damaged"


def test_config_of_the_made_one_is_like_the_published(made: Path) -> None:
    config = json.loads((made / "config.json").read_text())
    assert config["model_type"] == "clipseg"
    assert config["use_complex_transposed_convolution"] is True
