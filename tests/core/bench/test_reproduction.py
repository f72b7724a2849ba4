"""The papers' experiments again: the frame, and two of them at a step or two."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from semantic_style.core.bench.measures import Judge
from semantic_style.core.bench.reproduction import (
    attention,
    catalogue,
    judging,
    skewness,
    zmnet_runs,
)
from semantic_style.core.bench.reproduction.__main__ import main
from semantic_style.core.bench.reproduction.frame import (
    Bench,
    Data,
    Experiment,
    Outcome,
    Shown,
    Table,
    answer,
    answered,
    save_picture,
)
from semantic_style.core.bench.reproduction.render import cell, render
from semantic_style.core.bench.reproduction.scales import Scale
from semantic_style.core.bench.reproduction.training import (
    fixed_crops,
    mean_loss,
    trained,
)
from semantic_style.core.errors import RequestError
from semantic_style.core.train.data import find_pictures
from semantic_style.core.train.zmnet_baselines import ConditionalNorm, FastStyleTransfer


@pytest.fixture(autouse=True)
def own_accelerator() -> Iterator[None]:
    """Accelerate keeps its state in the class: each test starts without one."""
    from accelerate.state import AcceleratorState, GradientState

    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


def counted(runs: list[str], name: str = "one", uses: tuple[str, ...] = ()) -> Experiment:
    """An experiment that says how often it ran."""

    def run(bench: Bench, folder: Path) -> Outcome:
        runs.append(name)
        save_picture(Image.new("RGB", (40, 30), (200, 90, 30)), folder / f"{name}.jpg")
        return Outcome(
            about=[f"{bench.count(50)} steps."],
            tables=[Table(("case", "figure"), [("a", 0.123456), ("b", None)], "What it says.")],
            notes=["a is less than b."],
            pictures=[Shown(f"{name}.jpg", "An orange field")],
            attached={"how.md": "# How\n"},
        )

    return Experiment(name, f"Title of {name}", "Figure 1", "A claim.", run, ("words",), uses)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "work", Data(words="somewhere"))


def test_an_experiment_runs_once_and_is_rendered_from_what_was_kept(
    bench: Bench, tmp_path: Path
) -> None:
    runs: list[str] = []
    one, two = counted(runs), counted(runs, "two")
    made = answer(bench, one)
    assert answer(bench, one) == answered(bench, one) == made
    assert runs == ["one"]
    out = tmp_path / "docs"
    out.mkdir()
    render(bench, {"one": one, "two": two}, {"one": answer(bench, one)}, out)
    text = (out / "reproduction.md").read_text(encoding="utf-8")
    assert "Title of one" in text
    assert "Not run yet: Title of two." in text
    assert "| a | 0.1235 |" in text
    assert "| b | – |" in text
    assert "50 steps." in text
    assert "](reproduction/one.jpg)" in text
    assert (out / "reproduction" / "how.md").read_text(encoding="utf-8") == "# How\n"
    with Image.open(out / "reproduction" / "one.jpg") as picture:
        assert picture.size == (40, 30)
    report = json.loads((out / "bench" / "reproduction.json").read_text(encoding="utf-8"))
    assert report["rows"][0]["experiment"] == "one"
    assert report["rows"][0]["outcome"]["tables"][0]["rows"][0] == ["a", 0.123456]
    answer(bench, one, force=True)
    assert runs == ["one", "one"]


def test_another_scale_and_other_weights_are_another_answer(bench: Bench, tmp_path: Path) -> None:
    runs: list[str] = []
    answer(bench, counted(runs))
    small = replace(bench, scale=0.1)
    assert answered(small, counted(runs)) is None
    assert answer(small, counted(runs)).outcome.about == ["5 steps."]

    weights = tmp_path / "net.safetensors"
    using = counted(runs, uses=("adaattn",))
    mine = replace(bench, shipped=replace(bench.shipped, adaattn=str(weights)))
    with pytest.raises(RequestError, match="needs the weights adaattn"):
        answer(mine, using)
    save_file({"x": torch.zeros(1)}, weights)
    answer(mine, using)
    assert answered(mine, using) is not None
    save_file({"x": torch.ones(1)}, weights)
    assert answered(mine, using) is None


def test_missing_data_damage_and_unknown_names_are_one_line(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="one needs --words"):
        answer(Bench(tmp_path, Data()), counted([]))
    answer(bench, counted([]))
    (bench.work / "answers" / "one.json").write_text("{", encoding="utf-8")
    with pytest.raises(RequestError, match="--force"):
        answered(bench, counted([]))
    for wrong, line in (("skewnes", "did you mean skewness"), ("zzz", "there are")):
        with pytest.raises(RequestError, match=line):
            main(["--only", wrong, "--out", str(tmp_path), "--work", str(tmp_path)])
    with pytest.raises(RequestError, match="no folder"):
        main(["--render", "--out", str(tmp_path / "nowhere")])
    with pytest.raises(RequestError, match="positive"):
        main(["--render", "--scale", "0", "--out", str(tmp_path)])


def test_every_experiment_is_named_once_and_says_where_it_comes_from() -> None:
    for name, experiment in catalogue.EXPERIMENTS.items():
        assert experiment.name == name
        assert experiment.source.startswith(("ZM-Net, ", "AdaAttN, "))
        assert all(hasattr(Data(), field) for field in experiment.needs)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.000123456, "0.0001235"), (157382.7, "157383"), (3, "3"), ("x", "x")],
)
def test_cells(value: float | None, text: str) -> None:
    assert cell(value) == text


def test_a_picture_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    with pytest.raises(RequestError, match="does not fit"):
        save_picture(Image.fromarray(noise), tmp_path / "noise.jpg", most=500)


def test_only_the_skewness_term_tells_gamma_from_normal() -> None:
    table, picture = skewness._example()
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    gamma = rows["gamma"]
    assert gamma["mean"] == pytest.approx(3, abs=1e-3)
    assert gamma["deviation"] == pytest.approx(1.5, abs=1e-3)
    assert gamma["loss without"] < 1e-3
    assert gamma["loss with skewness"] > 10 * rows["normal, drawn again"]["loss with skewness"]
    assert picture.width > picture.height


@pytest.fixture
def small(tmp_path: Path, vgg16: Path) -> Bench:
    rng = np.random.default_rng(0)
    for kind in ("photos", "paintings"):
        (tmp_path / kind).mkdir()
        for k in range(2):
            pixels = rng.integers(0, 256, (48, 60, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / kind / f"{k}.png")
    photos, paintings = (str(tmp_path / "photos"),), (str(tmp_path / "paintings"),)
    data = Data(photos, paintings, photos, paintings, vgg16=str(vgg16))
    return Bench(tmp_path / "work", data, scale=1.0)


def test_a_training_run_is_done_once_and_again_where_settings_changed(small: Bench) -> None:
    scale = Scale(steps=2, size=32, batch=1)
    config = zmnet_runs.table_settings(small, scale, small.data.style, 2)
    made: list[int] = []

    def make() -> ConditionalNorm:
        made.append(1)
        return ConditionalNorm(config)

    run = trained(small, "cin", make, config)
    assert len(run.history) == run.steps == 2
    assert run.final == pytest.approx(np.mean([row["loss"] for row in run.history]))
    assert trained(small, "cin", make, config) == run
    assert len(made) == 1
    assert trained(small, "cin", make, replace(config, steps=1)).steps == 1
    assert len(made) == 2


def test_networks_begin_alike_and_are_tested_on_the_same_crops(small: Bench) -> None:
    scale = Scale(steps=1, size=32, batch=2)
    config = zmnet_runs.table_settings(small, scale, small.data.style, 2)
    fst, cin = FastStyleTransfer(config), ConditionalNorm(config)
    for a, b in zip(fst.model.tnet.parameters(), cin.model.tnet.parameters(), strict=True):  # type: ignore[union-attr]
        assert torch.equal(a, b)
    crops = fixed_crops(
        find_pictures(small.data.content), find_pictures(small.data.style), 32, 1, 2
    )
    assert crops[0][0].shape == crops[0][1].shape == (2, 3, 32, 32)
    assert torch.equal(crops[0][1][0], crops[0][1][1])
    assert mean_loss(fst, fst.model, crops) == mean_loss(cin, cin.model, crops)


def test_the_balance_of_losses_end_to_end(
    small: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(attention, "BALANCE", Scale(steps=1, size=32, batch=1, pairs=1, shown=64))
    monkeypatch.setattr(attention, "BALANCES", (1.0, 0.0))
    monkeypatch.setattr(judging, "Judge", partial(Judge, size=48))
    made = answer(small, attention.BALANCE_EXPERIMENT)
    rows = made.outcome.tables[0].rows
    assert [row[0] for row in rows] == ["1 : 0", "0 : 1"]
    with Image.open(small.work / "pictures" / "global-local" / "global-local.jpg") as sheet:
        assert sheet.format == "JPEG"
    names = {p.name for p in (small.work / "runs").iterdir() if p.is_dir()}
    assert names == {"adaattn-345-g1-l0-s0", "adaattn-345-g0-l1-s0"}
