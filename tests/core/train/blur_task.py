"""A task small enough for tests, run through the real loop: learn a fixed blur with one filter.

As a script it is one process of a run: PICTURES OUT [key=value]...
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.utils import save_image

from semantic_style.core.train.config import TrainConfig, build_config
from semantic_style.core.train.data import RandomCrops, find_pictures, to_unit
from semantic_style.core.train.loop import fit


@dataclass(frozen=True)
class BlurConfig(TrainConfig):
    size: int = 32
    batch: int = 4
    learning_rate: float = 0.05
    warmup: int = 2
    ema: float = 0.5
    workers: int = 0
    precision: str = "no"
    log_every: int = 4


class BlurTask:
    name = "blur"
    interrupt_at = -1  # the step at which the task sends its own process a Ctrl+C

    def __init__(self, config: BlurConfig) -> None:
        self.config = config
        torch.manual_seed(config.seed)
        self.model: nn.Module = nn.Conv2d(3, 3, 5, padding=2)
        self.seen = 0

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        """There is nothing frozen."""

    def dataset(self) -> Dataset[Tensor]:
        files = find_pictures(self.config.content)
        return RandomCrops(files, self.config.size, 0.5, self.config.seed)

    def loss(self, model: nn.Module, batch: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        self.seen += 1
        if self.seen == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
        image = to_unit(batch)
        difference = model(image) - F.avg_pool2d(image, 3, 1, 1)
        return difference.square().mean(), {"absolute": difference.abs().mean()}

    def sample(self, model: nn.Module, path: Path) -> None:
        with torch.no_grad():
            save_image(model(to_unit(self.dataset()[0][None])), path)

    def metadata(self) -> dict[str, str]:
        return {"config": "{}"}


if __name__ == "__main__":
    pictures, out, *pairs = sys.argv[1:]
    config = build_config(
        BlurConfig, pairs=pairs,
        overrides={"content": (pictures,), **({} if pairs else {"steps": 12})},
    )  # fmt: skip
    fit(BlurTask(config), config, Path(out))
    print("processes", os.environ.get("WORLD_SIZE", "1"))
