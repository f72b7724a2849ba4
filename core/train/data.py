"""Pictures for training: folders in, random crops out, the same ones in every run with one seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Sampler, default_collate
from torchvision.transforms.v2 import functional as T

from ..errors import RequestError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
LEAST_VIEW = 0.65
LEAST_SIDE = 64  # px of a view, whose spectrum the losses look at in windows of half as much
LEFT_OUT = {"holdout", "masks"}  # held-out pictures and label maps are never trained on


def find_pictures(folders: Sequence[str]) -> list[Path]:
    """All pictures under the folders, sorted by path. Raises RequestError if there are none."""
    found: list[Path] = []
    for folder in folders:
        root = Path(folder)
        if not root.is_dir():
            raise RequestError(f"no such folder of pictures: {folder}")
        found += [
            p
            for p in root.rglob("*")
            if p.suffix.lower() in SUFFIXES and not LEFT_OUT & set(p.relative_to(root).parts)
        ]
    if not found:
        raise RequestError(f"no pictures in {', '.join(folders) or 'any folder: give one'}")
    return sorted(found)


def random_crop(path: Path, size: int, smallest: float, rng: random.Random) -> Tensor:
    """A square crop of random place and size, half of them mirrored; uint8 [3, size, size].

    smallest: the crop's side is between this share of the picture's short side and all of it.
    """
    image = _opened(path)
    side = max(1, round(min(image.shape[1:]) * rng.uniform(smallest, 1.0)))
    return _cut(image, (side, side), (size, size), rng)


def random_view(path: Path, size: int, smallest: float, rng: random.Random) -> Tensor:
    """A crop of the picture's own shape, half of them mirrored; uint8 [3, H, W], of which the long
    side is `size` or down to LEAST_VIEW of it, so that pictures are met sharp and enlarged.

    smallest: the crop's sides are between this share of the picture's and all of it.
    """
    image = _opened(path)
    share, long_side = rng.uniform(smallest, 1.0), size * rng.uniform(LEAST_VIEW, 1.0)
    height, width = (max(1, round(side * share)) for side in image.shape[1:])
    scale = long_side / max(height, width)
    out = (max(LEAST_SIDE, round(height * scale)), max(LEAST_SIDE, round(width * scale)))
    return _cut(image, (height, width), out, rng)


def _opened(path: Path) -> Tensor:
    """uint8 [3, H, W]."""
    # Pillow, since torchvision's own decoders are deprecated from 0.29 on.
    with Image.open(path) as file:
        return T.pil_to_tensor(file.convert("RGB"))


def _cut(image: Tensor, box: tuple[int, int], out: tuple[int, int], rng: random.Random) -> Tensor:
    """A box (height, width) of random place, brought to the size `out`; half of them mirrored."""
    height, width = box
    top, left = rng.randint(0, image.shape[1] - height), rng.randint(0, image.shape[2] - width)
    image = T.resized_crop(image, top, left, height, width, list(out), antialias=True)
    return T.horizontal_flip(image) if rng.random() < 0.5 else image


class RandomCrops(Dataset[Tensor]):
    """Item i depends on the seed and i alone: a resumed run sees what it would have."""

    def __init__(
        self, files: Sequence[Path], size: int, smallest: float, seed: int, *, square: bool = True
    ) -> None:
        """square: see `random_crop`; else `random_view`."""
        self.files, self.size, self.smallest, self.seed = files, size, smallest, seed
        self._crop = random_crop if square else random_view

    def __getitem__(self, index: int) -> Tensor:
        rng = random.Random(f"{self.seed}/{index}")
        return self._crop(rng.choice(self.files), self.size, self.smallest, rng)

    def __len__(self) -> int:
        return 2**31  # as many as are asked for


class Pairs(Dataset[tuple[Tensor, Tensor]]):
    """Content and style crops side by side."""

    def __init__(self, content: RandomCrops, style: RandomCrops) -> None:
        self.content, self.style = content, style

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.content[index], self.style[index]

    def __len__(self) -> int:
        return len(self.content)


class OneStyle(Dataset[tuple[Tensor, Tensor]]):
    """Content crops, all those of a batch beside the same style crop."""

    def __init__(self, content: Dataset[Tensor], style: Dataset[Tensor], batch: int) -> None:
        self.content, self.style, self.batch = content, style, batch
        self._last: tuple[int, Tensor] | None = None  # decoded once for a batch

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        step = index // self.batch
        if self._last is None or self._last[0] != step:
            self._last = step, self.style[step]
        return self.content[index], self._last[1]

    def __len__(self) -> int:
        return 2**31


class Batches(Sampler[list[int]]):
    """Batches of consecutive items, from step `start` to step `stop`."""

    def __init__(self, batch: int, start: int, stop: int) -> None:
        self.batch_size, self.start, self.stop = batch, start, stop
        self.drop_last = False

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.stop):
            yield list(range(step * self.batch_size, (step + 1) * self.batch_size))

    def __len__(self) -> int:
        return self.stop - self.start


def collated(items: list[Any]) -> Any:
    """torch's batches; pairs of pictures of different shapes become a list of batches of one."""
    shapes = {tuple(getattr(part, "shape", None) for part in item) for item in items}
    if len(shapes) > 1:
        return [default_collate([item]) for item in items]
    return default_collate(items)


def to_unit(image: Tensor) -> Tensor:
    """uint8 -> float32 in [0, 1], channels last in memory, as the convolutions like it."""
    return image.float().div(255).to(memory_format=torch.channels_last)
