"""`train zmnet-words` end to end on made pictures and a table of few words."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from semantic_style.core.errors import RequestError
from semantic_style.core.nets.parameter_net import Standardised
from semantic_style.core.nets.transformer_net import TNetConfig
from semantic_style.core.nets.zmnet import ZMNet, ZMNetConfig
from semantic_style.core.train.__main__ import main
from semantic_style.core.train.style_words import write
from semantic_style.core.train.zmnet_words import (
    TIMES,
    ZMNetWordsTask,
    ZMNetWordsTraining,
    labelled,
    moved,
    tensors_digest,
)
from semantic_style.core.word_table import WordTable
from semantic_style.weights.store import load_weights

COLOURS = {"noon": (230, 220, 190), "night": (15, 20, 50), "stained glass": (200, 30, 40)}
WIDTH = 12


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Noon and night, what lies between them, glass, and a word that is far from all."""
    torch.manual_seed(1)
    noon, night, stained, glass, far = torch.eye(WIDTH)[:5]
    rows = {
        "noon": noon, "night": night, "afternoon": 0.7 * noon + 0.3 * night,
        "morning": noon + night, "evening": 0.3 * noon + 0.7 * night, "stained": stained,
        "glass": glass, "tax": far,
    }  # fmt: skip
    for word in TIMES:
        rows.setdefault(word, 0.5 * (noon + night) + 0.3 * torch.randn(WIDTH))
    path = tmp_path / "table.safetensors"
    write(path, list(rows), torch.stack(list(rows.values())))
    return path


@pytest.fixture
def styles_net(tmp_path: Path) -> Path:
    """A TNet as `train zmnet` would leave it, in the number format of an export."""
    torch.manual_seed(2)
    config = ZMNetConfig(TNetConfig((4, 8, 8), kernel=3, recolours=True), "vector",
                         inputs=3, hidden=4)  # fmt: skip
    model = ZMNet(config)
    torch.nn.init.normal_(model.tnet.out.weight, std=0.02)
    path = tmp_path / "styles.safetensors"
    state = {k: v.detach().half().contiguous() for k, v in model.state_dict().items()}
    save_file(state, path, {"config": config.to_json()})
    return path


@pytest.fixture
def words(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    for word, colour in COLOURS.items():
        folder = tmp_path / "words" / word
        folder.mkdir(parents=True)
        for k in range(3):
            noise = rng.integers(-12, 12, (40, 44, 3))
            array = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(array).save(folder / f"{k}.jpg")
    return tmp_path / "words"


@pytest.fixture
def arguments(
    words: Path, photos: Path, table: Path, styles_net: Path, vgg16: Path, tmp_path: Path
) -> list[str]:
    pairs = [
        f"words={table}", f"styles_net={styles_net}", f"vgg16={vgg16}", "size=32", "style_size=32",
        "batch=2", "workers=0", "log_every=1", "hidden=16", "start_steps=200",
        "ema=0.0", "warmup=5", "loss_scale=1",
        "precision=no", "fine_weight=0", "grid_weight=0",  # a random TNet's patterns stay
    ]  # fmt: skip
    settings = [part for pair in pairs for part in ("--set", pair)]
    return ["zmnet-words", "--data", str(words), "--content", str(photos), *settings]


def trained(path: Path) -> tuple[ZMNet, dict[str, str]]:
    state, metadata = load_weights(path)
    model = ZMNet(ZMNetConfig.from_json(metadata["config"]))
    model.load_state_dict(state)
    return model.eval(), metadata


@torch.no_grad()
def brightness(model: ZMNet, table: Path, word: str) -> float:
    vector = WordTable.load(table).vector(word)
    assert vector is not None
    photo = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return float(model(photo, torch.from_numpy(vector)[None]).clamp(0, 1).mean())


def test_words_learn_what_their_pictures_share(
    arguments: list[str], table: Path, styles_net: Path, tmp_path: Path
) -> None:
    """Night is dark, noon is bright, words between them that were never trained lie between; the
    TNet that pictures steer too is the same bytes as before."""
    out = tmp_path / "run"
    main([*arguments, "--out", str(out), "--set", "steps=60", "--set", "learning_rate=0.003",
          "--set", "batch=4", "--set", "sample_every=40"])  # fmt: skip
    weights = out / "zmnet-words.safetensors"
    model, metadata = trained(weights)
    order = ("noon", "afternoon", "morning", "evening", "night")
    levels = [brightness(model, table, word) for word in order]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > 0.6
    assert levels[-1] < 0.3
    rows = json.loads((out / "history.json").read_text())
    assert np.mean([r["loss"] for r in rows[-10:]]) < 0.7 * np.mean([r["loss"] for r in rows[:10]])
    assert json.loads(metadata["words"]) == ["night", "noon", "stained glass"]
    assert 0 < float(metadata["far"]) < 1
    before, after = load_file(styles_net), load_file(weights)
    shared = {k: v for k, v in before.items() if k.startswith("tnet.")}
    assert all(torch.equal(after[k], v) for k, v in shared.items())
    state = {k.removeprefix("tnet."): v for k, v in shared.items()}
    assert metadata["tnet"] == tensors_digest(state)
    assert (out / "samples/000040.png").is_file()


def test_the_average_of_a_frozen_network_is_that_network(
    arguments: list[str], styles_net: Path, tmp_path: Path
) -> None:
    main([*arguments, "--out", str(tmp_path / "run"), "--set", "steps=8", "--set", "ema=0.9"])
    before, after = load_file(styles_net), load_file(tmp_path / "run/zmnet-words.safetensors")
    assert all(torch.equal(after[k], v) for k, v in before.items() if k.startswith("tnet."))


def test_a_run_goes_on_where_it_stopped(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped by Ctrl+C after three of six steps."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    main([*arguments, "--out", str(whole), "--set", "steps=6"])
    loss, count = ZMNetWordsTask.loss, [0]

    def interrupted(self: ZMNetWordsTask, *given: Any) -> Any:
        count[0] += 1
        if count[0] == 3:
            signal.raise_signal(signal.SIGINT)
        return loss(self, *given)

    monkeypatch.setattr(ZMNetWordsTask, "loss", interrupted)
    main([*arguments, "--out", str(parts), "--set", "steps=6"])
    assert json.loads((parts / "report.json").read_text())["steps"] == 3
    main([*arguments, "--out", str(parts), "--set", "steps=6", "--resume"])
    # Adam turns what rounding leaves of gradients near 0 into whole steps: losses are compared.
    a, b = (json.loads((run / "history.json").read_text()) for run in (whole, parts))
    assert [row["loss"] for row in a] == pytest.approx([row["loss"] for row in b], rel=0.02)


@pytest.mark.parametrize("pnet", ["serial", "parallel"])
def test_the_papers_run(arguments: list[str], pnet: str, tmp_path: Path) -> None:
    """Noon and night alone, two principal components of a named list, a TNet of its own."""
    main([*arguments, "--out", str(tmp_path / "run"), "--set", "steps=2", "--set", f"pnet={pnet}",
          "--set", "only=['noon', 'night']", "--set", "compressed=2",
          "--set", "pca_words=times-of-day", "--set", "styles_net=",
          "--set", "train_tnet=true"])  # fmt: skip
    model, metadata = trained(tmp_path / "run/zmnet-words.safetensors")
    assert json.loads(metadata["words"]) == ["noon", "night"]
    assert model.vector is not None
    assert model.vector.outputs == 2
    assert "tnet" not in metadata


@pytest.mark.parametrize("compressed", [0, 2])
def test_noise_is_measured_in_standardised_numbers(compressed: int) -> None:
    torch.manual_seed(0)
    standard = Standardised(6, compressed)
    cloud = torch.randn(50, 6) * torch.tensor([1.0, 5, 0.1, 2, 3, 1])
    standard.fit(cloud)
    noise = torch.randn(50, standard.outputs)
    way = standard(moved(cloud, noise, standard)) - standard(cloud)
    assert torch.allclose(way, noise, atol=1e-4)


def test_times_of_day_take_their_share_and_words_of_a_kind_come_alike(
    words: Path, photos: Path, table: Path, styles_net: Path, vgg16: Path
) -> None:
    config = ZMNetWordsTraining(
        data=str(words), content=(str(photos),), words=str(table), styles_net=str(styles_net),
        vgg16=str(vgg16), size=32, style_size=32, batch=1, hidden=8, times_share=0.4,
    )  # fmt: skip
    task = ZMNetWordsTask(config)
    data = task.dataset()
    asked = [task.words[int(data[i][2][0])] for i in range(600)]
    assert asked.count("stained glass") / 600 == pytest.approx(0.6, abs=0.07)
    assert asked.count("noon") / 600 == pytest.approx(0.2, abs=0.07)
    again = task.dataset()[7]
    assert all(torch.equal(torch.as_tensor(a), torch.as_tensor(b))
               for a, b in zip(again, data[7], strict=True))  # fmt: skip
    bright = data[next(i for i, word in enumerate(asked) if word == "noon")][1]
    assert bright.float().mean() > 190  # the picture is one of that word


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (["only=['noon', 'dawnn']"], "no pictures of 'dawnn'"),
        (["styles_net="], "train_tnet=true"),
        (["pca_words=hours"], "times-of-day"),
        (["compressed=-1"], "small number"),
    ],
)
def test_what_can_not_be_met_is_one_line(
    arguments: list[str], settings: list[str], line: str, tmp_path: Path
) -> None:
    given = [part for pair in settings for part in ("--set", pair)]
    with pytest.raises(RequestError, match=line) as caught:
        main([*arguments, "--out", str(tmp_path / "run"), *given])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_wrong_folders_are_one_line(arguments: list[str], words: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no such folder"):
        labelled(str(tmp_path / "nowhere"))
    with pytest.raises(RequestError, match="give --data"):
        labelled("")
    with pytest.raises(RequestError, match="no folders of pictures"):
        labelled(str(words / "noon"))
    unknown = words / "zyxquorb"
    unknown.mkdir()
    Image.new("RGB", (40, 40)).save(unknown / "a.jpg")
    with pytest.raises(RequestError, match="lacks 'zyxquorb'"):
        main([*arguments, "--out", str(tmp_path / "run")])


def test_weights_without_a_tnet_are_refused(arguments: list[str], tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, other)
    with pytest.raises(RequestError, match="holds no TNet"):
        main([*arguments, "--out", str(tmp_path / "run"), "--set", f"styles_net={other}"])
