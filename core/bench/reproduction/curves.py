"""ZM-Net, figures 8 and 9: one unseen style, learned from nothing or by fine-tuning."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Dataset

from ....weights.contact_sheet import contact_sheet
from ....weights.store import digest
from ...train.data import find_pictures
from ...train.loop import Task
from ...train.zmnet import ZMNetTask
from ...train.zmnet_baselines import ConditionalNorm, FastStyleTransfer, TableNet
from .frame import Bench, Cell, Experiment, Outcome, Shown, Table, save_picture
from .judging import (
    UNSEEN_STYLES,
    opened,
    picture_of,
    shipped_photos,
    shipped_styles,
    tensor_of,
)
from .plots import lines, smoothed
from .scales import CURVES, FIRST_STEPS, TEST_EVERY
from .training import Trained, described, fixed_crops, mean_loss, trained
from .zmnet_runs import cin_run, table_settings, ten_style_run, zmnet_settings

SHOWN_SIZE = 256  # px
SHOWN_SIDE = 104  # px of a tile
TEST_BATCHES = 3


@dataclass
class Watched:
    """A task whose samples are test losses and, at the first steps, pictures: test.json and
    NNN.png in the run's `samples`."""

    task: Any
    batches: Sequence[tuple[Tensor, ...]]
    photo: Tensor
    style: Tensor

    def __post_init__(self) -> None:
        self.name: str = self.task.name
        self.model: nn.Module = self.task.model

    def dataset(self) -> Dataset[Any]:
        return self.task.dataset()

    def loss(self, model: nn.Module, batch: Any) -> Any:
        return self.task.loss(model, batch)

    def metadata(self) -> dict[str, str]:
        return self.task.metadata()

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        self.task.to(device, dtype)

    @torch.no_grad()
    def sample(self, model: nn.Module, path: Path) -> None:
        step = int(path.stem)
        if step in FIRST_STEPS:
            picture_of(paint(model, self.photo, self.style)).save(path)
        if step in FIRST_STEPS or step % TEST_EVERY == 0:
            record = path.with_name("test.json")
            known = json.loads(record.read_text()) if record.is_file() else []
            known = [row for row in known if row[0] < step]
            loss = mean_loss(self.task, model, self.batches)["loss"]
            record.write_text(json.dumps([*known, (step, loss)]) + "\n", encoding="utf-8")


def paint(model: nn.Module, photo: Tensor, style: Tensor) -> Tensor:
    signal = torch.zeros(1, dtype=torch.long) if isinstance(model, TableNet) else style
    answer: Tensor = model(photo, signal).float()
    return answer


@dataclass(frozen=True)
class Learner:
    """test: steps and test losses, from before the first step on. start: its picture then."""

    name: str
    run: Trained
    start_loss: float
    start: Image.Image
    test: list[tuple[float, float]]

    @property
    def train(self) -> list[tuple[float, float]]:
        return [(row["step"], row["loss"]) for row in self.run.history]


def run(bench: Bench, folder: Path) -> Outcome:
    style = shipped_styles(UNSEEN_STYLES[:1])[0]
    place = bench.folder("styles-unseen") / style.name
    if not place.exists():
        place.symlink_to(style)
    photo = shipped_photos(1)[0]
    content = find_pictures(bench.data.test_content)
    batches = fixed_crops(content, [style], CURVES.size, TEST_BATCHES)
    only = (str(place.parent),)
    learners = [
        _learn(bench, name, make, config, batches, (photo, style))
        for name, make, config in _tasks(bench, only)
    ]
    save_picture(_plot(learners), folder / "curves.jpg")
    save_picture(_first_steps(learners, photo, style), folder / "first-steps.jpg")
    first = [step for step in FIRST_STEPS if step in dict(learners[0].test)]
    rows: list[tuple[Cell, ...]] = []
    for learner in learners:
        test = dict(learner.test)
        rows.append((learner.name, learner.start_loss, *(test[s] for s in first), test[max(test)]))
    starts = {learner.name: learner.start_loss for learner in learners}
    ends = {learner.name: learner.test[-1][1] for learner in learners}
    order = sorted(ends, key=lambda name: ends[name])
    return Outcome(
        about=[
            described(bench, CURVES, [learner.run for learner in learners]),
            f"The style is the shipped {style.stem}, which none of the networks has seen. FST "
            "begins from nothing; CIN learns a new row of its table, which begins at the mean of "
            "ten; ZM-Net, with ten styles or with all, its parameter network: TNet stays as it is "
            f"in both. Test losses: {TEST_BATCHES * 4} fixed crops of held-out photos.",
        ],
        tables=[
            Table(
                ("test loss after steps", "0", *map(str, first), str(learners[0].run.steps)), rows
            )
        ],
        notes=[
            f"Before any step: {', '.join(f'{n} {v:.3f}' for n, v in starts.items())} "
            "(paper: FST above CIN above ZM-Net).",
            f"At the end, lowest first: {', '.join(order)} (paper: ZM-Net converges faster and "
            "lower).",
        ],
        pictures=[
            Shown("curves.jpg", "Training loss (means of 10 steps), its first 100 steps, test loss "
                  "(figure 8)"),
            Shown("first-steps.jpg", "Photo and style, then after so many steps (figure 9)"),
        ],
    )  # fmt: skip


def _tasks(bench: Bench, style: tuple[str, ...]) -> list[tuple[str, Callable[[], Any], Any]]:
    fst = table_settings(bench, CURVES, style, 1)
    cin = table_settings(
        bench, CURVES, style, 1, init=str(cin_run(bench).weights), only_table=True, warmup=0
    )
    ten, every = (
        zmnet_settings(bench, CURVES, style, init=init, contents=CURVES.batch, warmup=0)
        for init in (str(ten_style_run(bench).weights), bench.shipped.zmnet_styles)
    )
    return [
        ("FST, from scratch", lambda: FastStyleTransfer(fst), fst),
        ("CIN, fine-tuned", lambda: ConditionalNorm(cin), cin),
        ("ZM-Net of 10, fine-tuned", lambda: _fixed_tnet(ZMNetTask(ten)), ten),
        ("ZM-Net of all, fine-tuned", lambda: _fixed_tnet(ZMNetTask(every)), every),
    ]


def _fixed_tnet(task: ZMNetTask) -> ZMNetTask:
    tnet: Any = task.model.tnet
    tnet.requires_grad_(False)
    return task


def _learn(
    bench: Bench,
    name: str,
    make: Callable[[], Any],
    config: Any,
    batches: Sequence[tuple[Tensor, ...]],
    shown: tuple[Path, Path],
) -> Learner:
    photo, style = (tensor_of(opened(path, SHOWN_SIZE)) for path in shown)
    begun = make()
    if not isinstance(begun, ConditionalNorm):
        batches = [batch[:2] for batch in batches]
    start_loss = mean_loss(begun, begun.model, batches)["loss"]
    with torch.no_grad():
        start = picture_of(paint(begun.model, photo, style))

    def watched() -> Task:
        return Watched(make(), batches, photo, style)

    slug = "curve-" + name.split(",")[0].lower().replace(" ", "-")
    start_sha = digest(config.init) if config.init else ""
    run = trained(bench, slug, watched, replace(config, sample_every=1), start=start_sha)
    test = json.loads((run.folder / "samples" / "test.json").read_text(encoding="utf-8"))
    return Learner(name, run, start_loss, start, [(0, start_loss), *map(tuple, test)])


def _plot(learners: Sequence[Learner]) -> Image.Image:
    train = {learner.name: smoothed(learner.train) for learner in learners}
    return lines(
        {
            "training": train,
            "training, first 100 steps": {n: c[:100] for n, c in train.items()},
            "test": {learner.name: learner.test for learner in learners},
        }
    )


def _first_steps(learners: Sequence[Learner], photo: Path, style: Path) -> Image.Image:
    steps = [s for s in (0, *FIRST_STEPS) if s <= learners[0].run.steps]
    tiles = []
    for learner, (title, path) in zip(
        learners, (("photo", photo), ("style", style), ("", photo), ("", style)), strict=True
    ):
        blank = Image.new("RGB", (SHOWN_SIZE, SHOWN_SIZE), (250, 248, 244))
        tiles.append((title, opened(path, SHOWN_SIZE) if title else blank))
        for step in steps:
            file = learner.run.folder / "samples" / f"{step:06d}.png"
            picture = Image.open(file) if step else learner.start
            tiles.append((f"{learner.name.split(',')[0]}: {step}", picture))
    return contact_sheet(tiles, columns=1 + len(steps), side=SHOWN_SIDE, square=False)


EXPERIMENT = Experiment(
    "curves",
    "Learning one unseen style",
    "ZM-Net, section 4.1, figures 8 and 9",
    "Fine-tuning CIN starts far below training FST from scratch, fine-tuning ZM-Net lower still, "
    "and it converges faster and lower; without any fine-tuning ZM-Net is already better.",
    run,
    needs=("content", "test_content"),
    uses=("zmnet_styles",),
)
