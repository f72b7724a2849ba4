"""`train fst` and `train cin`: learned constants on ZM-Net's TNet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from semantic_style.core.errors import RequestError
from semantic_style.core.nets.transformer_net import TNetConfig
from semantic_style.core.train.__main__ import main
from semantic_style.core.train.zmnet_baselines import ConditionalNorm, TableNet, TableTraining
from semantic_style.weights.store import load_weights

COLOURS = ((230, 20, 20), (20, 20, 230), (20, 220, 20), (240, 240, 240))


@pytest.fixture
def paintings(tmp_path: Path) -> Path:
    folder = tmp_path / "paintings"
    folder.mkdir()
    for k, colour in enumerate(COLOURS):
        Image.new("RGB", (40, 40), colour).save(folder / f"{k}.png")
    return folder


@pytest.fixture
def arguments(photos: Path, paintings: Path, vgg16: Path) -> list[str]:
    pairs = [
        f"vgg16={vgg16}", "size=32", "style_size=32", "batch=2", "workers=0", "log_every=1",
        "warmup=1", "ema=0.0", "precision=no", "loss_scale=1", "sample_every=2",
    ]  # fmt: skip
    settings = [part for pair in pairs for part in ("--set", pair)]
    return ["--content", str(photos), "--style", str(paintings), *settings]


def trained(path: Path) -> tuple[TableNet, dict[str, str]]:
    state, metadata = load_weights(path)
    layout = json.loads(metadata["config"])
    layout["widths"] = tuple(layout["widths"])
    model = TableNet(TNetConfig(**layout), len(json.loads(metadata["styles"])))
    model.load_state_dict(state)
    return model, metadata


def test_one_style_for_one_network(arguments: list[str], tmp_path: Path) -> None:
    main(["fst", *arguments, "--out", str(tmp_path / "run"), "--set", "steps=20"])
    model, metadata = trained(tmp_path / "run/fst.safetensors")
    assert json.loads(metadata["styles"]) == ["0.png"]
    assert len(model.table.gamma) == 1
    losses = [r["loss"] for r in json.loads((tmp_path / "run/history.json").read_text())]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    assert (tmp_path / "run/samples/000020.png").is_file()


def test_a_table_of_styles_then_a_new_one_as_numbers_alone(
    arguments: list[str], tmp_path: Path
) -> None:
    main(["cin", *arguments, "--out", str(tmp_path / "a"), "--set", "steps=4", "--set", "styles=3"])
    first = tmp_path / "a/cin.safetensors"
    before, metadata = trained(first)
    assert len(json.loads(metadata["styles"])) == len(before.table.gamma) == 3
    assert not torch.equal(before.table.beta[0], before.table.beta[1])
    main(["cin", *arguments, "--out", str(tmp_path / "b"), "--set", "steps=3", "--set", "styles=1",
          "--set", f"init={first}", "--set", "only_table=true"])  # fmt: skip
    after, _ = trained(tmp_path / "b/cin.safetensors")
    shared = after.tnet.state_dict()
    assert all(torch.equal(shared[k], v) for k, v in before.tnet.state_dict().items())
    mean = before.table.beta.mean(0)
    assert 0 < (after.table.beta[0] - mean).abs().mean() < 0.1


def test_the_style_crop_is_of_the_row_that_learns_it(
    photos: Path, paintings: Path, vgg16: Path
) -> None:
    config = TableTraining(
        content=(str(photos),), style=(str(paintings),), vgg16=str(vgg16), size=32, style_size=32,
        styles=4,
    )  # fmt: skip
    data = ConditionalNorm(config).dataset()
    seen = set()
    for index in range(8):
        _, style, row = data[index]
        assert style.float().mean((1, 2)).tolist() == pytest.approx(COLOURS[row])
        seen.add(row)
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("settings", "line"),
    [(["only_table=true"], "set init"), (["init=nothing-of-the-kind"], "nothing-of-the-kind")],
)
def test_what_can_not_be_met_is_one_line(
    arguments: list[str], settings: list[str], line: str, tmp_path: Path
) -> None:
    given = [part for pair in settings for part in ("--set", pair)]
    with pytest.raises(RequestError, match=line) as caught:
        main(["cin", *arguments, "--out", str(tmp_path / "run"), *given])
    assert "\n" not in str(caught.value)
