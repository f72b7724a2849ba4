"""`train fst` and `train cin`: what ZM-Net is compared with, on the same TNet, losses and loop.

fst is fast style transfer (J. Johnson, ECCV 2016, with instance normalisation): one network, one
style. cin is conditional instance normalisation (V. Dumoulin, ICLR 2017): a table of styles.
Neither can take a style that it was not trained on; they are not offered to users.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchvision.utils import save_image

from ...weights.store import load_weights
from ..errors import RequestError
from ..nets.transformer_net import StyleTable, TNet, TNetConfig
from .data import RandomCrops, find_pictures, to_unit
from .style_losses import StyleLosses
from .zmnet import ZMNetTask, ZMNetTraining, network_config


@dataclass(frozen=True)
class TableTraining(ZMNetTraining):
    """styles: rows of the table, evenly over the style pictures; 0 = all of them (fst: the first).

    only_table: TNet stays as `init` has it, so that a new style is learned as numbers alone.
    """

    styles: int = 10
    only_table: bool = False


class TableNet(nn.Module):
    """TNet under learned constants; image: [N, 3, H, W], styles: [N] rows of the table."""

    def __init__(self, config: TNetConfig, styles: int) -> None:
        super().__init__()
        self.tnet = TNet(config)
        self.table = StyleTable(config, styles)

    def forward(self, image: Tensor, styles: Tensor) -> Tensor:
        answer: Tensor = self.tnet(image, self.table(styles))
        return answer

    @torch.no_grad()
    def start_from(self, weights: str) -> None:
        """The weights of an earlier run. Of a table with another number of styles, each row
        starts at the mean of what was learned."""
        state, _ = load_weights(weights)
        try:
            for name, rows in (("gamma", self.table.gamma), ("beta", self.table.beta)):
                learned = state[f"table.{name}"]
                if len(learned) != len(rows):
                    mean = learned.float().mean(0, keepdim=True)
                    state[f"table.{name}"] = mean.expand(len(rows), -1)
            self.load_state_dict(state)
        except (KeyError, RuntimeError):
            raise RequestError(
                f"{weights} does not fit: give weights of train fst or train cin"
            ) from None


class ConditionalNorm(ZMNetTask):
    name = "cin"

    def __init__(self, config: TableTraining) -> None:
        self.config: TableTraining = config
        self.layout = network_config(config).tnet
        self.files = self.style_crops().files
        if config.only_table and not config.init:
            raise RequestError("only_table keeps a trained TNet: set init to its weights")
        torch.manual_seed(config.seed)
        model = TableNet(self.layout, len(self.files))
        if config.init:
            model.start_from(config.init)
        model.tnet.requires_grad_(not config.only_table)
        self.model = model
        self.losses = StyleLosses(config.weights(), config.vgg16)

    def dataset(self) -> Dataset[Any]:
        c = self.config
        content = RandomCrops(find_pictures(c.content), c.size, c.smallest_crop, c.seed)
        styles = [
            RandomCrops([file], c.style_size, c.smallest_crop, c.seed + 1) for file in self.files
        ]
        return OneRow(content, styles, c.contents)

    def loss(self, model: nn.Module, batch: Any) -> tuple[Tensor, Mapping[str, Tensor]]:
        content, style = (to_unit(x) for x in batch[:2])
        if self.config.contents >= len(content):
            style = style[:1]
        return self.losses(model(content, batch[2]), content, style)

    @torch.no_grad()
    def sample(self, model: nn.Module, path: Path) -> None:
        """One column for each of the first four styles: content, style, result."""
        device = next(model.parameters()).device
        columns = []
        for index in range(min(4, len(self.files))):
            content, style, row = self.dataset()[index * self.config.contents]
            image, shown = (to_unit(x[None].to(device)) for x in (content, style))
            output = model(image, torch.tensor([row], device=device)).float().clamp(0, 1)
            shown = nn.functional.interpolate(shown, image.shape[-2:], mode="area")
            columns.append(torch.cat([image, shown, output]))
        save_image(torch.stack(columns, 1).flatten(0, 1), path, nrow=len(columns))

    def metadata(self) -> dict[str, str]:
        """config: of TNet. styles: JSON, the pictures' names in the order of the table."""
        return {
            "config": json.dumps(asdict(self.layout)),
            "styles": json.dumps([file.name for file in self.files]),
            "perceptual": self.losses.judge,
        }


class FastStyleTransfer(ConditionalNorm):
    name = "fst"

    def __init__(self, config: TableTraining) -> None:
        super().__init__(replace(config, styles=1))


class OneRow(Dataset[tuple[Tensor, Tensor, int]]):
    """Content crops, `contents` of them in a row beside the same crop of one style; the style's
    row. The styles take turns."""

    def __init__(self, content: RandomCrops, styles: list[RandomCrops], contents: int) -> None:
        self.content, self.styles, self.contents = content, styles, contents
        self._last: tuple[int, Tensor] | None = None  # decoded once for its contents

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, int]:
        step = index // self.contents
        row = step % len(self.styles)
        if self._last is None or self._last[0] != step:
            self._last = step, self.styles[row][step]
        return self.content[index], self._last[1], row

    def __len__(self) -> int:
        return 2**31
