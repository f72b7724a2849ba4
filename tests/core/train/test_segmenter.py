"""`train segmenter` end to end on two tiny sets: train, stop, go on, calibrate, answer."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from semantic_style.clipseg_bridge.builtin import BuiltinSegmenter
from semantic_style.core.errors import RequestError
from semantic_style.core.nets.word_segmenter import (
    JoinedSegmenter,
    Trunk,
    WordSegmenter,
    WordSegmenterConfig,
)
from semantic_style.core.train.calibrate import Curves, calibrate, load_segmenter
from semantic_style.core.train.config import build_config
from semantic_style.core.train.loop import export
from semantic_style.core.train.segmenter import SegmenterConfig, SegmenterTask, load_trunk, train
from semantic_style.core.train.segmenter_data import vocabulary
from semantic_style.core.train.word_list import Word
from semantic_style.core.train.word_vectors import write_table
from semantic_style.weights.store import load_weights
from tests.core.train.labelled import make_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_data(tmp_path_factory.mktemp("data"))
    words = [Word(text) for text in vocabulary(str(folder))]
    torch.manual_seed(0)
    write_table(folder / "table.safetensors", words, torch.randn(len(words), 16))
    return folder


def settings(data: Path, **changes: object) -> SegmenterConfig:
    small = {
        "data": str(data), "vectors": str(data / "table.safetensors"), "size": 64, "short": 32,
        "batch": 2, "steps": 3, "workers": 0, "warmup": 1, "dim": 8, "width": 16, "ema": 0.0,
        "sample_every": 2, "log_every": 1, "precision": "no",
    }  # fmt: skip
    return build_config(SegmenterConfig, overrides=small | changes)


def test_train_stop_go_on_calibrate_and_answer(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(settings(data, steps=2), out)
    weights = train(settings(data), out, resume=True)
    assert [row["step"] for row in json.loads((out / "history.json").read_text())] == [1, 2, 3]
    for name in ("report.json", "loss.png", "samples/000002.png"):
        assert (out / name).stat().st_size > 0

    network = load_segmenter(str(weights))
    shift = calibrate(network, str(data), pictures=2)
    assert shift.shape == (len(network.config.words),)
    assert shift.isfinite().all()

    segmenter = BuiltinSegmenter(str(weights), str(data / "table.safetensors"), long_side=64)
    photo = np.random.default_rng(0).random((40, 64, 3), np.float32)
    masks = segmenter.masks(segmenter.encode(photo), ["cat", "the sky"])
    assert masks.shape == (2, 16, 32)
    assert masks.min() >= 0
    assert masks.max() <= 1


def test_one_step_moves_words_and_upper_blocks_but_no_frozen_filter(data: Path) -> None:
    task = SegmenterTask(settings(data, frozen=2))
    before = {k: v.clone() for k, v in task.model.state_dict().items()}
    batch = torch.utils.data.default_collate([task.data[i] for i in range(4, 6)])
    optimizer = torch.optim.SGD([p for p in task.model.parameters() if p.requires_grad], lr=0.1)
    loss, parts = task.loss(task.model, batch)
    loss.backward()
    optimizer.step()
    moved = {k for k, v in task.model.state_dict().items() if not torch.equal(v, before[k])}
    assert {"bias", "residual", "trunk.blocks.15.project.conv.weight"} <= moved
    assert not {k for k in moved if any(x in k for x in ("depthwise", "stem", "blocks.1.", "head"))}
    assert all(torch.isfinite(value) for value in parts.values())


def test_a_step_on_nothing_built_lowers_what_is_built(data: Path) -> None:
    config = settings(data, shares=("voc=0", "facades=0", "stamps=0", "unbuilt=1"))
    task = SegmenterTask(config)
    words = list(task.network.words)
    building, cat = words.index("building"), words.index("cat")
    batch = torch.utils.data.default_collate([task.data[i] for i in range(2)])
    loss, parts = task.loss(task.model, batch)
    loss.backward()
    assert parts["absent"] > 0
    gradient = task.model.bias.grad
    assert gradient[building] > 0
    assert gradient[cat] == 0


def moved(data: Path, out: Path, key: str, **changes: object) -> float:
    """How far the weight of that name gets in one step of training."""
    config = settings(data, steps=1, frozen=2, warmup=0, **changes)
    torch.manual_seed(0)
    before = SegmenterTask(config).model.state_dict()[key].clone()
    torch.manual_seed(0)
    after = load_file(train(config, out))[key].float()
    return float((after - before).abs().max())


def test_the_trunk_learns_at_its_own_rate(data: Path, tmp_path: Path) -> None:
    """Adam's first step is the learning rate itself, wherever there is a gradient."""
    trunk, word = "trunk.blocks.15.project.conv.weight", "residual"
    rate = 2**-6  # survives the file's float16
    whole = moved(data, tmp_path / "1", trunk, trunk_rate=1.0, learning_rate=rate)
    tenth = moved(data, tmp_path / "2", trunk, trunk_rate=0.1, learning_rate=rate)
    assert whole == pytest.approx(rate, rel=0.1)
    assert tenth == pytest.approx(rate / 10, rel=0.1)
    words = moved(data, tmp_path / "3", word, trunk_rate=0.1, learning_rate=rate)
    assert words == pytest.approx(rate, rel=0.1)


def test_dropout_leaves_maps_out_in_training_only(data: Path) -> None:
    model = SegmenterTask(settings(data, dropout=0.5)).model
    picture = torch.rand(1, 3, 32, 64)
    model.train()
    assert not torch.equal(model(picture)[0], model(picture)[0])
    model.eval()
    assert torch.equal(model(picture)[0], model(picture)[0])


def test_a_trunk_is_folded_out_of_a_wheel(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trunk, state = Trunk(), {}

    def published(name: str, norm: str, conv: torch.nn.Conv2d) -> None:
        state[f"{name}.weight"] = torch.randn_like(conv.weight)
        channels = conv.out_channels
        for key, value in (("weight", 2.0), ("bias", 0.5), ("running_mean", 1.0)):
            state[f"{norm}.{key}"] = torch.full((channels,), value)
        state[f"{norm}.running_var"] = torch.full((channels,), 4.0 - 1e-3)

    published("_conv_stem", "_bn0", trunk.stem.conv)
    published("_conv_head", "_bn1", trunk.head.conv)
    for i, block in enumerate(trunk.residuals()):
        if block.expand is not None:
            published(f"_blocks.{i}._expand_conv", f"_blocks.{i}._bn0", block.expand.conv)
        published(f"_blocks.{i}._depthwise_conv", f"_blocks.{i}._bn1", block.depthwise.conv)
        published(f"_blocks.{i}._project_conv", f"_blocks.{i}._bn2", block.project.conv)
    torch.save(state, tmp_path / "lite.pth")
    with zipfile.ZipFile(tmp_path / "lite.whl", "w") as wheel:
        wheel.write(tmp_path / "lite.pth", "package/lite.pth")
    load_trunk(trunk, tmp_path / "lite.whl")
    # scale = 2 / sqrt(4) = 1, shift = 0.5 - 1 * 1
    assert torch.allclose(trunk.stem.conv.weight, state["_conv_stem.weight"])
    assert trunk.stem.conv.bias is not None
    assert torch.allclose(trunk.stem.conv.bias, torch.tensor(-0.5))
    assert torch.allclose(trunk.head.conv.weight, state["_conv_head.weight"])


def test_thresholds_are_taken_from_another_file(data: Path, tmp_path: Path) -> None:
    network = load_segmenter(str(train(settings(data), tmp_path / "run")))
    network.calibration.copy_(torch.linspace(-1, 1, len(network.calibration)))
    export(network, {"config": network.to_json()}, tmp_path / "cut.safetensors")
    command = [sys.executable, "-m", "semantic_style.core.train.calibrate", "--data", str(data)]
    command += ["--weights", str(tmp_path / "run/word-segmenter.safetensors"), "--cut-like"]
    out = tmp_path / "out.safetensors"
    for file, said in (("cut.safetensors", ""), ("few.safetensors", "knows other words")):
        if said:
            few = WordSegmenter(WordSegmenterConfig(words=("sky",), dim=8, width=16))
            export(few, {"config": few.to_json()}, tmp_path / file)
            out.unlink()
        ran = subprocess.run(
            [*command, str(tmp_path / file), "--out", str(out)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert said in ran.stderr
        assert out.exists() == (not said)
        if not said:
            assert torch.equal(load_file(out)["calibration"], network.calibration.half())


def test_what_is_no_trunk_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(RequestError, match="no weights of this EfficientNet-Lite"):
        load_trunk(Trunk(), tmp_path / "other.pth")


def test_earlier_weights_start_a_run_word_by_word(data: Path, tmp_path: Path) -> None:
    weights = train(settings(data, steps=1), tmp_path / "run")
    task = SegmenterTask(settings(data, init=str(weights)))
    state, metadata = load_weights(str(weights))
    assert WordSegmenterConfig.from_json(metadata["config"]) == task.network
    assert torch.equal(task.model.state_dict()["residual"], state["residual"].float())
    assert "bias" in load_file(weights)


def test_the_mean_of_two_files_is_taken(data: Path, tmp_path: Path) -> None:
    first = train(settings(data), tmp_path / "1")
    second = train(settings(data, init=str(first), seed=1), tmp_path / "2")
    mean, a, b = (load_segmenter(*map(str, f)) for f in ([first, second], [first], [second]))
    assert not torch.equal(a.residual, b.residual)
    assert torch.allclose(mean.residual, (a.residual + b.residual) / 2)
    other = train(settings(data, dim=16), tmp_path / "3")
    with pytest.raises(RequestError, match="is another network"):
        load_segmenter(str(first), str(other))


def test_a_file_of_two_that_look_together_is_no_start(data: Path, tmp_path: Path) -> None:
    one = load_segmenter(str(train(settings(data), tmp_path / "1")))
    both, file = JoinedSegmenter([one, one]), tmp_path / "both.safetensors"
    export(both, {"config": both.to_json()}, file)
    for start in (load_segmenter, lambda f: SegmenterTask(settings(data, init=f))):
        with pytest.raises(RequestError, match="look together: give the file of one of them"):
            start(str(file))


@pytest.mark.parametrize("pair", ["cat=unicorn", "cat", "cat=dog=cat"])
def test_words_that_are_none_are_refused_before_anything_is_looked_at(
    data: Path, tmp_path: Path, pair: str
) -> None:
    weights = train(settings(data), tmp_path / "run")
    command = [sys.executable, "-m", "semantic_style.core.train.calibrate", "--data", str(data)]
    ran = subprocess.run(
        [*command, "--weights", str(weights), "--nearer", pair, "--out", str(tmp_path / "out")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr == (
        f"calibrate: --nearer takes two of the network's words as WORD=OTHER, not {pair}\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_word_without_a_vector_is_refused(data: Path, tmp_path: Path) -> None:
    write_table(tmp_path / "few.safetensors", [Word("cat")], torch.randn(1, 16))
    with pytest.raises(RequestError, match="the word vectors lack"):
        SegmenterTask(settings(data, vectors=str(tmp_path / "few.safetensors")))


def test_overlap_curve_worked_out_by_hand() -> None:
    curves = Curves(1)
    logits = torch.tensor([[3.0, 1.0, -1.0, -3.0]])
    curves.add(logits, torch.tensor([[1.0, 0.0, 1.0, 0.0]]), torch.ones(1, 4))
    overlap = curves.overlap()[0]
    # claimed from 2 up: 1 of 2; from 0: 1 of 3; from -2: 2 of 3; all: 2 of 4
    bins = [int((cut + 12) * 10) for cut in (2, 0, -2, -12)]
    assert overlap[bins].tolist() == pytest.approx([1 / 2, 1 / 3, 2 / 3, 2 / 4])
