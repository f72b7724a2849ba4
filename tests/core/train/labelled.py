"""A data folder with two tiny labelled sets, stamps and photographs to paste them on, of which two
are known to show nothing built."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from semantic_style.core.train.unbuilt import LIST

SETS = {
    "voc": {0: "background", 1: "cat", 2: "dog"},
    "facades": {1: "building", 2: "sky", 3: "pavement", 4: "road", 5: "vegetation"},
}


def make_data(folder: Path, pictures: int = 4, side: int = 48) -> Path:
    rng = np.random.default_rng(3)
    for name, labels in SETS.items():
        for part in ("", "holdout/"):
            root = folder / "seg" / name
            (root / f"{part}images").mkdir(parents=True)
            (root / f"{part}masks").mkdir(parents=True)
            for number in range(pictures):
                ids = rng.choice([*labels, 255], size=(4, 4)).astype(np.uint8)
                ids = ids.repeat(side // 4, 0).repeat(side // 4, 1)
                save(root / f"{part}images" / f"{number}.jpg", ids, rng)
                Image.fromarray(ids).save(root / f"{part}masks" / f"{number}.png")
        described = {"ids": {str(k): v for k, v in labels.items()}, "ignore": 255}
        (folder / "seg" / name / "labels.json").write_text(json.dumps(described))
    stamps = folder / "seg" / "stamps"
    (stamps / "images").mkdir(parents=True)
    (stamps / "masks").mkdir()
    alpha = np.zeros((side, side), np.uint8)
    alpha[8:-8, 8:-8] = 255
    save(stamps / "images" / "wren.jpg", alpha // 255, rng)
    Image.fromarray(alpha).save(stamps / "masks" / "wren.png")
    items = {"images/wren.jpg": {"text": "A wren.", "group": "animals/birds"}}
    (stamps / "labels.json").write_text(json.dumps({"items": items}))
    (folder / "content").mkdir()
    hills = ["content/hill.jpg", *(n for n in LIST.read_text().split() if "/holdout/" not in n)]
    for name in hills[:3]:
        save(folder / name, np.zeros((side, 2 * side), np.uint8), rng)
    return folder


def save(file: Path, ids: np.ndarray, rng: np.random.Generator) -> None:
    """A photograph in which each label has a colour of its own, and noise."""
    shades = np.stack([ids * 40, 255 - ids * 30, ids * 17], axis=-1).astype(np.float64)
    noisy = (shades % 256 + rng.normal(0, 8, shades.shape)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(file, quality=90)
