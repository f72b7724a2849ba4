"""The one training loop, for everything that is trained here. Accelerate is its engine."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import logging
import math
import shutil
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration, set_seed
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from ..device import cpu_has_bfloat16
from ..errors import RequestError
from .config import TrainConfig
from .data import Batches, collated
from .report import History, write_report

MOST_LOST = 10  # steps in a row without a finite loss and gradient, which end a run

log = logging.getLogger(__name__)


class Task(Protocol):
    """One thing that is trained. `model` holds what is learned; frozen helpers stay outside."""

    name: str
    model: nn.Module

    def dataset(self) -> Dataset[Any]: ...

    def loss(self, model: nn.Module, batch: Any) -> tuple[Tensor, Mapping[str, Tensor]]:
        """A mean over the batch, and its parts to log."""
        ...

    def sample(self, model: nn.Module, path: Path) -> None:
        """Write a picture that shows how far training is."""
        ...

    def metadata(self) -> dict[str, str]:
        """What travels in the weight file: the network's own config under `config`."""
        ...

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the frozen helpers (see `place`); dtype: what convolutions run in."""
        ...


def place(network: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
    """A frozen network onto the device, its convolutions in the format of the run: autocast
    would convert frozen weights anew at every step. Input normalisation stays in float32."""
    network.to(device)
    network.to(memory_format=torch.channels_last)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(dtype)


class _Progress:
    """The step count, in a form that Accelerate saves and restores with the rest."""

    def __init__(self) -> None:
        self.step, self.seconds = 0, 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "seconds": self.seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step, self.seconds = state["step"], state["seconds"]


@contextlib.contextmanager
def _stop_on_signal() -> Iterator[list[bool]]:
    """Ctrl+C and SIGTERM end the run after the step at hand; a second one ends it at once."""
    asked: list[bool] = []

    def handler(number: int, frame: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)

    old = {s: signal.signal(s, handler) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for s, h in old.items():
            signal.signal(s, h)


def _rate(config: TrainConfig, step: int) -> float:
    """Linear warm-up, then `schedule`; relative to the learning rate."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    if config.schedule == "steps":
        return config.decay ** (step // config.decay_every)
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.final_rate + (1 - config.final_rate) * 0.5 * (1 + math.cos(math.pi * share))


def _groups(
    learned: Sequence[nn.Parameter], slow: tuple[nn.Module, float] | None, rate: float
) -> list[dict[str, Any]]:
    """What an optimizer takes: one group for each learning rate."""
    part, share = slow or (nn.Module(), 1.0)
    apart = {id(p) for p in part.parameters()}
    groups = [
        {"params": [p for p in learned if id(p) not in apart], "lr": rate},
        {"params": [p for p in learned if id(p) in apart], "lr": rate * share},
    ]
    return [group for group in groups if group["params"]]


def fit(
    task: Task,
    config: TrainConfig,
    out: Path,
    *,
    resume: bool = False,
    slow: tuple[nn.Module, float] | None = None,
) -> Path:
    """Train to `config.steps`, or until Ctrl+C; returns the path of the exported weights.

    slow: a part of the model, and the share of the learning rate that it learns at.

    `out` holds config.json, checkpoint/, samples/, tensorboard/, history.json, loss.png,
    report.md, report.json and NAME.safetensors. Raises RequestError if `out` already has a run
    and `resume` is not asked for, or the other way round.
    """
    checkpoint = out / "checkpoint"
    if checkpoint.exists() and not resume:
        raise RequestError(f"{out} already holds a run: add --resume or choose another folder")
    if resume and not checkpoint.exists():
        raise RequestError(f"nothing to resume in {out}")
    auto = "bf16" if torch.cuda.is_available() or cpu_has_bfloat16() else "no"
    accelerator = Accelerator(
        mixed_precision=auto if config.precision == "auto" else config.precision,
        log_with="tensorboard",
        project_config=ProjectConfiguration(str(out), logging_dir=str(out)),
        step_scheduler_with_optimizer=False,
    )
    set_seed(config.seed)
    out.mkdir(parents=True, exist_ok=True)
    accelerator.init_trackers("tensorboard")
    half = accelerator.mixed_precision == "bf16"
    task.to(accelerator.device, torch.bfloat16 if half else torch.float32)
    model = task.model.to(accelerator.device)
    model.to(memory_format=torch.channels_last)
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(_groups(learned, slow, config.learning_rate))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(config, step))
    model, optimizer = accelerator.prepare(model, optimizer)
    average = AveragedModel(
        accelerator.unwrap_model(model), multi_avg_fn=get_ema_multi_avg_fn(config.ema)
    )
    done, history = _Progress(), History()
    accelerator.register_for_checkpointing(schedule, average, done, history)
    if resume:
        accelerator.load_state(str(checkpoint))
    _write_json(out / "config.json", {"task": task.name, **dataclasses.asdict(config)})
    loader = DataLoader(
        task.dataset(),
        batch_sampler=Batches(config.batch, done.step, config.steps),
        num_workers=config.workers,
        collate_fn=collated,
        persistent_workers=config.workers > 0,
    )
    # split_batches: `batch` is the whole of a step, however many processes share it.
    accelerator.dataloader_config.split_batches = True
    loader = accelerator.prepare(loader)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[losses]}"),
        TimeRemainingColumn(), disable=not accelerator.is_local_main_process,
    )  # fmt: skip
    saved = time.monotonic()
    with _stop_on_signal() as stop, bar:
        line = bar.add_task(task.name, total=config.steps, completed=done.step, losses="")
        begun = time.monotonic() - done.seconds
        lost = 0
        for batch in itertools.chain(loader):
            with accelerator.autocast():
                loss, parts = task.loss(model, batch)
            accelerator.backward(loss)
            slope = accelerator.clip_grad_norm_(learned, config.gradient_clip)
            # A picture of a single colour can make the gradient infinite through many
            # normalisations: one such step shall not spoil hours of others.
            if all(x is None or bool(torch.isfinite(x)) for x in (loss, slope)):
                optimizer.step()
                lost = 0
            else:
                lost += 1
                if lost == MOST_LOST:
                    raise RequestError(
                        f"neither loss nor gradient was finite in {lost} steps in a row, up to "
                        f"step {done.step + 1}: lower learning_rate"
                    )
            schedule.step()
            optimizer.zero_grad()
            average.update_parameters(accelerator.unwrap_model(model))
            done.step += 1
            done.seconds = time.monotonic() - begun
            if done.step % config.log_every == 0 or done.step == config.steps:
                figures = {"loss": loss, **parts}
                means = {
                    k: accelerator.reduce(v.detach().float().mean(), "mean").item()
                    for k, v in figures.items()
                }
                accelerator.log(means, step=done.step)
                history.add(done.step, done.seconds, means)
                text = " ".join(f"{k} {v:.3f}" for k, v in means.items())
                bar.update(line, completed=done.step, losses=text)
                if accelerator.is_main_process and not bar.console.is_terminal:
                    print(f"{done.step}/{config.steps} {done.seconds:.0f}s {text}", flush=True)
            if accelerator.is_main_process and done.step % config.sample_every == 0:
                (out / "samples").mkdir(exist_ok=True)
                with accelerator.autocast():
                    task.sample(average.module, out / "samples" / f"{done.step:06d}.png")
            if time.monotonic() - saved > config.checkpoint_seconds or stop:
                _save_state(accelerator, checkpoint)
                saved = time.monotonic()
            if stop:
                break
    _save_state(accelerator, checkpoint)
    weights = out / f"{task.name}.safetensors"
    if accelerator.is_main_process:
        export(
            average.module if config.ema else accelerator.unwrap_model(model),
            task.metadata(),
            weights,
        )
        write_report(out, task.name, config, history, steps=done.step, seconds=done.seconds)
    accelerator.end_training()
    return weights


def export(model: nn.Module, metadata: dict[str, str], path: Path) -> None:
    """Write the weights in float16, half the size; pictures differ by less than an 8-bit step."""
    state = {k: v.detach().half().contiguous().cpu() for k, v in model.state_dict().items()}
    part = path.with_suffix(".part")
    save_file(state, part, metadata)
    part.replace(path)


def _save_state(accelerator: Accelerator, checkpoint: Path) -> None:
    """A whole new checkpoint first, then the swap: a run killed meanwhile keeps the old one."""
    fresh = checkpoint.with_name("checkpoint.part")
    if accelerator.is_main_process:
        shutil.rmtree(fresh, ignore_errors=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(fresh))
    accelerator.wait_for_everyone()  # the others write there, too
    if accelerator.is_main_process:
        shutil.rmtree(checkpoint, ignore_errors=True)
        fresh.rename(checkpoint)
    accelerator.wait_for_everyone()


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
