"""The training loop: resumed equals unbroken, two processes equal one, Ctrl+C saves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from semantic_style.core.errors import RequestError
from semantic_style.core.train.config import build_config
from semantic_style.core.train.loop import fit

from .blur_task import BlurConfig, BlurTask

SCRIPT = Path(__file__).with_name("blur_task.py")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        array = torch.randint(0, 256, (40, 50, 3), generator=generator, dtype=torch.uint8).numpy()
        Image.fromarray(array).save(folder / f"{seed}.png")
    return folder


def config(pictures: Path, **settings: object) -> BlurConfig:
    return build_config(
        BlurConfig, overrides={"content": (str(pictures),), "steps": 12, **settings}
    )


def train(
    pictures: Path, out: Path, *, resume: bool = False, **settings: object
) -> dict[str, torch.Tensor]:
    c = config(pictures, **settings)
    path = fit(BlurTask(c), c, out, resume=resume)
    return load_file(path)


def test_a_run_learns_and_leaves_its_report(pictures: Path, tmp_path: Path) -> None:
    train(pictures, tmp_path / "run", steps=40, sample_every=20)
    rows = json.loads((tmp_path / "run/history.json").read_text())
    assert rows[-1]["loss"] < rows[0]["loss"] / 2
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert report["finished"]
    assert report["steps"] == 40
    assert report["config"]["content"] == [str(pictures)]
    for name in ("loss.png", "samples/000020.png", "samples/000040.png"):
        with Image.open(tmp_path / "run" / name) as image:
            image.verify()
    assert "| loss |" in (tmp_path / "run/report.md").read_text()
    assert list((tmp_path / "run/tensorboard").rglob("events*"))


def test_resumed_equals_unbroken(pictures: Path, tmp_path: Path) -> None:
    whole = train(pictures, tmp_path / "whole")
    stopped = BlurTask(config(pictures))
    stopped.interrupt_at = 5
    fit(stopped, stopped.config, tmp_path / "broken")
    report = json.loads((tmp_path / "broken/report.json").read_text())
    assert not report["finished"]
    assert report["steps"] == 5
    resumed = train(pictures, tmp_path / "broken", resume=True)
    assert whole.keys() == resumed.keys()
    for name, tensor in whole.items():
        assert torch.equal(tensor, resumed[name]), name
    histories = [
        [(r["step"], r["loss"]) for r in json.loads((tmp_path / n / "history.json").read_text())]
        for n in ("whole", "broken")
    ]
    assert histories[0] == histories[1]


def test_two_processes_equal_one(pictures: Path, tmp_path: Path) -> None:
    """Real gloo processes; the same global batch, so the same run but for rounding."""
    one = train(pictures, tmp_path / "one")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port,
                   "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true",
                   "GLOO_SOCKET_IFNAME": "lo"}  # fmt: skip
    workers = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(pictures), str(tmp_path / "two")],
            env={**environment, "RANK": rank, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": "2"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in ("0", "1")
    ]  # fmt: skip
    output = [w.communicate(timeout=120)[0] for w in workers]
    assert [w.returncode for w in workers] == [0, 0], "\n".join(output)
    assert "processes 2" in output[0]
    two = load_file(tmp_path / "two/blur.safetensors")
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-2, atol=1e-3)


def test_ctrl_c_saves_and_ends_cleanly(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(pictures), str(out), "steps=100000", "log_every=1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("3/"):
            break
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 0, rest
    assert time.monotonic() - began < 30
    assert "Traceback" not in rest
    report = json.loads((out / "report.json").read_text())
    assert 3 <= report["steps"] < 100000
    assert (out / "checkpoint").is_dir()
    assert (out / "blur.safetensors").is_file()


def test_a_run_is_never_overwritten_by_accident(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="nothing to resume"):
        train(pictures, tmp_path / "run", resume=True)
    train(pictures, tmp_path / "run", steps=2)
    with pytest.raises(RequestError, match="--resume"):
        train(pictures, tmp_path / "run", steps=2)


def test_a_loss_that_is_no_number_stops_the_run(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="learning_rate"):
        train(pictures, tmp_path / "run", learning_rate=1e30, gradient_clip=1e30, log_every=1)


class _SteepOnce(BlurTask):
    """Its third loss has an infinite slope, as a picture of one colour can give."""

    turns = 0

    def loss(self, model: torch.nn.Module, batch: Any) -> Any:
        loss, parts = super().loss(model, batch)
        self.turns += 1
        if self.turns == 3:
            loss = loss + torch.sqrt(0 * loss)
        return loss, parts


def test_a_step_without_a_finite_gradient_is_left_out(pictures: Path, tmp_path: Path) -> None:
    c = config(pictures, steps=40)
    state = load_file(fit(_SteepOnce(c), c, tmp_path / "run"))
    assert all(tensor.isfinite().all() for tensor in state.values())
    rows = json.loads((tmp_path / "run/history.json").read_text())
    assert rows[-1]["loss"] < rows[0]["loss"] / 2


class _TwoLosses(BlurTask):
    """As a loss that was not there when the run began."""

    def loss(self, model: torch.nn.Module, batch: Any) -> Any:
        loss, parts = super().loss(model, batch)
        return loss, {**parts, "late": loss.detach()}


def test_a_resumed_run_may_have_another_loss(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    fit(BlurTask(config(pictures, steps=4)), config(pictures, steps=4), out)
    longer = config(pictures, steps=8)
    fit(_TwoLosses(longer), longer, out, resume=True)
    assert "late" in json.loads((out / "report.json").read_text())["losses"]
    assert (out / "loss.png").is_file()
