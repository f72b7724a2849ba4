"""`train zmnet` end to end on made pictures, with either look at a style."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from semantic_style.core.errors import RequestError
from semantic_style.core.nets.zmnet import ZMNet, ZMNetConfig
from semantic_style.core.train.__main__ import main
from semantic_style.core.train.config import TrainConfig
from semantic_style.core.train.loop import _rate
from semantic_style.weights.store import load_weights


@pytest.fixture
def arguments(photos: Path, vgg16: Path, tmp_path: Path) -> list[str]:
    rng = np.random.default_rng(2)
    folder = tmp_path / "paintings"
    folder.mkdir()
    for k, colour in enumerate(((200, 40, 30), (30, 60, 190), (220, 200, 40))):
        noise = rng.integers(-30, 30, (40, 40, 3))
        array = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(array).save(folder / f"{k}.png")
    pairs = [
        f"vgg16={vgg16}", "size=32", "style_size=32", "batch=2", "workers=0", "log_every=1",
        "warmup=1", "ema=0.0", "precision=no", "loss_scale=1", "sample_every=2",
    ]  # fmt: skip
    settings = [part for pair in pairs for part in ("--set", pair)]
    return ["zmnet", "--content", str(photos), "--style", str(folder), *settings]


def test_the_loss_falls_and_the_weights_load(arguments: list[str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    main([*arguments, "--out", str(out), "--set", "steps=24"])
    losses = [row["loss"] for row in json.loads((out / "history.json").read_text())]
    assert np.mean(losses[-8:]) < np.mean(losses[:8])
    state, metadata = load_weights(out / "zmnet-styles.safetensors")
    model = ZMNet(ZMNetConfig.from_json(metadata["config"]))
    model.load_state_dict(state)
    assert model.config.signal == "statistics"
    assert (out / "samples/000024.png").is_file()


@pytest.mark.parametrize("settings", [["pnet=serial"], ["pnet=parallel", "contents=2"]])
def test_the_papers_signal_is_the_picture_itself(
    arguments: list[str], settings: list[str], tmp_path: Path
) -> None:
    """A CNN looks at the style; also with one style for the whole minibatch. It learns: what it
    says depends on the style after some steps."""
    given = [part for pair in settings for part in ("--set", pair)]
    out = tmp_path / "run"
    main([*arguments, "--out", str(out), "--set", "steps=4", "--set", "signal=picture", *given])
    state, metadata = load_weights(out / "zmnet-styles.safetensors")
    config = ZMNetConfig.from_json(metadata["config"])
    model = ZMNet(config)
    model.load_state_dict(state)
    assert config.signal == "picture"
    assert f"pnet={config.pnet}" == settings[0]
    red, blue = torch.zeros(2, 1, 3, 32, 32).unbind()
    red[:, 0], blue[:, 2] = 1, 1
    with torch.no_grad():
        assert not torch.equal(model.read(red).gamma, model.read(blue).gamma)


def test_going_on_from_earlier_weights(arguments: list[str], tmp_path: Path) -> None:
    main([*arguments, "--out", str(tmp_path / "a"), "--set", "steps=2"])
    first = tmp_path / "a/zmnet-styles.safetensors"
    main([*arguments, "--out", str(tmp_path / "b"), "--set", "steps=2", "--set", f"init={first}",
          "--set", "learning_rate=0.0"])  # fmt: skip
    a, b = (load_weights(p)[0] for p in (first, tmp_path / "b/zmnet-styles.safetensors"))
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_the_learning_rate_falls_in_steps_or_along_a_cosine() -> None:
    """Steps: by 0.1 every 40,000 (section 4.1)."""
    steps = TrainConfig(steps=160_000, warmup=0, schedule="steps")
    assert [_rate(steps, k) for k in (0, 39_999, 40_000, 80_000, 159_999)] == pytest.approx(
        [1, 1, 0.1, 0.01, 0.001]
    )
    cosine = TrainConfig(steps=1000, warmup=100, final_rate=0.05)
    assert [_rate(cosine, k) for k in (0, 99, 550, 1000)] == pytest.approx([0.01, 1, 0.525, 0.05])
    with pytest.raises(RequestError, match="cosine or steps"):
        TrainConfig(schedule="stairs")


def test_a_folder_that_is_not_there_is_one_line(arguments: list[str], tmp_path: Path) -> None:
    arguments[arguments.index("--style") + 1] = str(tmp_path / "nowhere")
    with pytest.raises(RequestError, match="no such folder of pictures") as caught:
        main([*arguments, "--out", str(tmp_path / "run")])
    assert "\n" not in str(caught.value)
