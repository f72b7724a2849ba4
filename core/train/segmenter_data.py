"""Labelled photographs for `train segmenter`: which words a set knows, and random crops of it.

A set is a folder with images/, masks/ (8-bit label ids, 255 = unknown) and labels.json. What a set
does not label is unknown there, not absent; a few groups of words are absent by the nature of a set
(no road on a photograph of a single object) and ABSENT lists them.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms.v2 import functional as T

from ..errors import RequestError
from . import unbuilt
from .data import find_pictures

IGNORE = 255
BACKGROUND = "background"
WITHHELD = 8  # one picture of so many is not trained on

# Words that a set's labels imply: word -> the labels it is made of. "*" stands for all labels but
# the background, "-label" takes one away, "?label" leaves it unknown.
IMPLIED: dict[str, dict[str, tuple[str, ...]]] = {
    "street": {
        "person": ("pedestrian", "?cyclist"),
        "vegetation": ("tree",),
        "ground": ("road", "pavement"),
    },
    "facades": {"ground": ("road", "pavement"), "tree": ("?vegetation",)},
    "clothes": {
        "person": ("*",),
        "clothes": ("*", "-skin", "-hair", "?accessories", "?glasses", "?sunglasses", "?watch"),
    },
    "faces": {"face": ("skin", "eyes", "nose", "mouth")},
    "voc": {"animal": ("bird", "cat", "cow", "dog", "horse", "sheep")},
    "objects": {
        "animal": (
            "ant", "beaver", "butterfly", "cougar", "crab", "crayfish", "crocodile", "dalmatian",
            "dolphin", "dragonfly", "elephant", "emu", "flamingo", "gerenuk antelope", "hedgehog",
            "ibis", "kangaroo", "llama", "lobster", "mayfly", "nautilus", "octopus", "okapi",
            "panda", "pigeon", "platypus", "rhino", "rooster", "scorpion", "sea horse",
            "sea turtle", "starfish", "tick", "wild cat", "bass", "?cartoon cat", "?cartoon dog",
            "?brontosaurus", "?stegosaurus", "?trilobite",
        ),
        "bird": ("emu", "flamingo", "ibis", "pigeon", "rooster"),
        "insect": ("ant", "butterfly", "dragonfly", "mayfly", "?tick", "?scorpion"),
        "flower": ("sunflower", "lotus", "water lily"),
        "food": ("pizza", "strawberry", "?crab", "?lobster", "?crayfish", "?bass"),
        "fruit": ("strawberry",),
        "fish": ("bass", "?dolphin", "?sea horse"),
        "vehicle": ("car", "motorbike", "helicopter", "ferry", "aeroplane", "sailing boat",
                    "sailing ship", "?wheelchair", "?roller skate"),
        "dog": ("dalmatian", "?cartoon dog"),
        "cat": ("wild cat", "?cartoon cat", "?cougar"),
        "boat": ("ferry", "sailing boat", "sailing ship"),
    },
}  # fmt: skip

SCENE = ("road", "pavement", "building", "sky", "pole", "fence", "traffic sign", "cyclist")
INDOOR = ("sofa", "tv monitor", "dining table", "potted plant")
PETS = ("cat", "cow", "dog", "horse", "sheep")
FACE = ("eyes", "nose", "mouth", "face")
# Objects that may well stand, unlabelled, in a picture of another set
COMMON = {
    "background", "bonsai", "camera", "car", "chair", "chandelier", "cup", "jug", "lamp", "laptop",
    "mobile phone", "motorbike", "stop sign", "umbrella", "watch", "headphones", "pigeon",
    "barrel", "aeroplane", "ceiling fan", "football", "scissors", "cartoon cat", "cartoon dog",
    "dalmatian", "wild cat", "sunflower", "minaret", "pagoda", "banknote", "mandolin",
    "electric guitar", "buddha",
}  # fmt: skip
# Words of other sets that are absent from a set's pictures wherever a label is given; "objects"
# stands for the words of that set without COMMON.
ABSENT: dict[str, tuple[str, ...]] = {
    "voc": ("objects",),
    "facades": ("objects", *INDOOR, *PETS, *FACE),
    "street": ("objects", *INDOOR, *PETS, *FACE, "water lily"),
    "clothes": ("objects", *PETS),
    "faces": ("objects", *SCENE, *INDOOR, *PETS, "vegetation", "car", "shoes", "pants", "food"),
    "people": ("objects", *PETS),
    "objects": (*SCENE, *INDOOR, "vegetation", "window", "door", "hair", "face", "skirt", "pants"),
}

# Sets whose things are also shown before other photographs
PASTED = ("objects", "people", "faces")

# Cut-outs are labelled by the folder that each came from, nearest folder first
STAMP_GROUPS: dict[str, tuple[str, ...]] = {
    "animals/birds": ("bird", "animal"),
    "animals/fish": ("fish", "animal"),
    "animals/insects": ("insect", "animal"),
    "animals/mammals/dogs": ("dog", "animal"),
    "animals/mammals/equines": ("animal",),
    "animals": ("animal",),
    "plants/flowers": ("flower",),
    "plants/trees": ("tree",),
    "food/fruit": ("fruit", "food"),
    "food": ("food",),
    "vehicles": ("vehicle",),
}


@dataclass(frozen=True)
class WordSet:
    """The words that a set can answer for.

    positive, unknown: [k, 256] float, 1 where a label id belongs to a word (or may belong).
    exclusive: how many leading words are the set's own labels, of which a pixel has exactly one.
    absent: indices of words that no labelled pixel of this set shows. pasted: whether label 0 may
    be another photograph.
    """

    name: str
    words: Tensor  # k, indices into the vocabulary
    positive: Tensor
    unknown: Tensor
    exclusive: int
    absent: Tensor
    pasted: bool = False


def read_labels(folder: Path) -> dict[int, str]:
    """Label ids and names of a set. Raises RequestError where labels.json is missing or wrong."""
    try:
        ids = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["ids"]
        return {int(k): str(v) for k, v in ids.items()}
    except (OSError, ValueError, KeyError) as error:
        raise RequestError(f"no readable labels.json in {folder}: {error}") from error


def find_sets(data: str) -> list[Path]:
    """Folders under `data`/seg that hold label ids, sorted. Raises RequestError if none do."""
    root = Path(data) / "seg"
    found = sorted(p.parent for p in root.glob("*/labels.json") if p.parent.name != "stamps")
    if not data or not found:
        raise RequestError(f"no labelled sets under {root}: give --data the folder that has seg/")
    return found


def vocabulary(data: str) -> tuple[str, ...]:
    """All words that the sets answer for, sorted."""
    words: set[str] = set()
    for folder in find_sets(data):
        words |= set(read_labels(folder).values()) | set(IMPLIED.get(folder.name, {}))
    if (Path(data) / "seg" / "stamps").is_dir():
        words |= {w for group in STAMP_GROUPS.values() for w in group}
    return tuple(sorted(words))


def word_sets(data: str, words: tuple[str, ...]) -> dict[str, WordSet]:
    """Of each labelled set, and of the photographs that show nothing built."""
    index = {w: i for i, w in enumerate(words)}
    labels = {p.name: read_labels(p) for p in find_sets(data)}
    rare = [w for w in labels.get("objects", {}).values() if w not in COMMON]
    sets = {}
    for name, ids in labels.items():
        spec = {word: (word,) for word in ids.values()} | IMPLIED.get(name, {})
        positive, unknown = torch.zeros(len(spec), 256), torch.zeros(len(spec), 256)
        for row, parts in enumerate(spec.values()):
            for part in parts:
                named = [i for i, label in ids.items() if label == part.lstrip("-?")]
                if part == "*":
                    named = [i for i, label in ids.items() if label != BACKGROUND]
                positive[row, named] = 0.0 if part[0] in "-?" else 1.0
                if part[0] == "?":
                    unknown[row, named] = 1.0
        absent = [rare if w == "objects" else [w] for w in ABSENT.get(name, ())]
        flat = {w for group in absent for w in group if w in index and w not in spec}
        sets[name] = WordSet(
            name,
            torch.tensor([index[w] for w in spec]),
            positive,
            unknown,
            len(ids),
            torch.tensor(sorted(index[w] for w in flat), dtype=torch.long),
            name in PASTED,
        )
    none, blank = torch.tensor([], dtype=torch.long), torch.zeros(0, 256)
    built = torch.tensor([index[w] for w in unbuilt.WORDS if w in index], dtype=torch.long)
    sets[unbuilt.NAME] = WordSet(unbuilt.NAME, none, blank, blank, 0, built)
    return sets


def stamp_set(words: tuple[str, ...]) -> WordSet:
    """Pasted cut-outs: label id i + 1 is the i-th group of STAMP_GROUPS, 0 is the ground."""
    index = {w: i for i, w in enumerate(words)}
    spec = sorted({w for group in STAMP_GROUPS.values() for w in group})
    positive, unknown = torch.zeros(len(spec), 256), torch.zeros(len(spec), 256)
    for label, group in enumerate(STAMP_GROUPS.values(), start=1):
        for word in group:
            positive[spec.index(word), label] = 1.0
    # What lies under the cut-out is a photograph of anything.
    unknown[:, 0] = 1.0
    return WordSet(
        "stamps",
        torch.tensor([index[w] for w in spec]),
        positive,
        unknown,
        0,
        torch.tensor([], dtype=torch.long),
    )


def split(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Pictures to train on, and the eighth that is withheld to calibrate thresholds.

    A network is surer of what it was trained on than of anything else, most of all where a word
    has a handful of pictures; thresholds set on those would be too high everywhere else.
    """
    drawn = sorted(files, key=lambda file: hashlib.sha256(file.stem.encode()).digest())
    cut = len(drawn) // WITHHELD
    return sorted(drawn[cut:]), sorted(drawn[:cut])


class LabelledCrops(Dataset[tuple[Tensor, Tensor, int]]):
    """Random crops: picture uint8 [3, h, w], label ids uint8 [h, w], number of the set.

    Item i is a function of the seed and i alone. All items of one batch share their orientation:
    every second batch is upright.
    """

    def __init__(
        self, data: str, long: int, short: int, batch: int, seed: int, shares: Mapping[str, float],
        paste: float, *, every: bool = False,
    ) -> None:  # fmt: skip
        """every: also the pictures that are withheld to set thresholds on."""
        self.long, self.short, self.batch, self.seed, self.paste = long, short, batch, seed, paste
        self.every = every
        self.names: list[str] = []
        self.files: list[list[Path]] = []
        self.weights: list[float] = []
        for folder in find_sets(data):
            self._add(folder.name, folder, shares)
        stamps = Path(data) / "seg" / "stamps"
        self.stamp_label: dict[str, int] = {}
        if stamps.is_dir() and shares.get("stamps", 0.0) > 0:
            items = json.loads((stamps / "labels.json").read_text(encoding="utf-8"))["items"]
            for name, item in items.items():
                label = _group_label(item["group"])
                if label and "cartoon" not in item["group"]:
                    self.stamp_label[Path(name).name] = label
            self._add("stamps", stamps, shares)
            self.files[-1] = [p for p in self.files[-1] if p.name in self.stamp_label]
        if photographs := unbuilt.unbuilt_pictures(data):
            self.names.append(unbuilt.NAME)
            self.files.append(photographs)
            self.weights.append(shares.get(unbuilt.NAME, 0.0))
        grounds = [
            str(p) for p in (Path(data) / "content", Path(data) / "seg/facades") if p.is_dir()
        ]
        self.grounds = find_pictures(grounds) if grounds else []

    def _add(self, name: str, folder: Path, shares: Mapping[str, float]) -> None:
        self.names.append(name)
        trained_on, withheld = split(find_pictures([str(folder / "images")]))
        self.files.append(trained_on + withheld if self.every else trained_on)
        self.weights.append(shares.get(name, 0.1))

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, int]:
        upright = index // self.batch % 2 == 1
        height, width = (self.long, self.short) if upright else (self.short, self.long)
        rng = random.Random(f"{self.seed}/{index}")
        number = rng.choices(range(len(self.names)), self.weights)[0]
        for _ in range(8):
            file = rng.choice(self.files[number])
            image, ids = self._read(file, self.names[number])
            # A picture that lies the other way loses half of itself: prefer one that does not.
            if (image.shape[1] > image.shape[2]) == upright or image.shape[1] == image.shape[2]:
                break
        name = self.names[number]
        if name == "stamps":
            ids = (ids > 127).to(torch.uint8) * self.stamp_label[file.name]
        image, ids = _zoom(image, ids, height, width, rng, name in ("stamps", "objects"))
        pasted = name == "stamps" or (name in PASTED and rng.random() < self.paste)
        if pasted and self.grounds:
            image = self._ground(image, ids, rng)
        return _recolour(image, rng), ids, number

    def _read(self, file: Path, name: str) -> tuple[Tensor, Tensor]:
        if name != unbuilt.NAME:
            return read_labelled(file)
        image = _pixels(file)
        return image, torch.zeros(image.shape[1:], dtype=torch.uint8)

    def _ground(self, image: Tensor, ids: Tensor, rng: random.Random) -> Tensor:
        """What is labelled, before another photograph, with an edge one pixel soft."""
        height, width = ids.shape
        file = rng.choice(self.grounds)
        ground = _pixels(file)
        h, w = ground.shape[1:]
        scale = max(height / h, width / w) * rng.uniform(1.0, 1.4)
        ground = T.resize(ground, [max(height, round(h * scale)), max(width, round(w * scale))])
        top = rng.randint(0, ground.shape[1] - height)
        left = rng.randint(0, ground.shape[2] - width)
        ground = ground[:, top : top + height, left : left + width]
        alpha = ((ids > 0) & (ids != IGNORE)).float()[None, None]
        alpha = torch.nn.functional.avg_pool2d(alpha, 3, 1, 1)[0]
        return (image * alpha + ground * (1 - alpha)).round().to(torch.uint8)


def _group_label(group: str) -> int:
    for label, prefix in enumerate(STAMP_GROUPS, start=1):
        if group == prefix or group.startswith(prefix + "/"):
            return label
    return 0


def _recolour(image: Tensor, rng: random.Random) -> Tensor:
    image = T.adjust_brightness(image, rng.uniform(0.7, 1.35))
    image = T.adjust_contrast(image, rng.uniform(0.7, 1.35))
    image = T.adjust_saturation(image, rng.uniform(0.5, 1.5))
    image = T.adjust_hue(image, rng.uniform(-0.04, 0.04)) if rng.random() < 0.3 else image
    if rng.random() < 0.1:
        image = T.rgb_to_grayscale(image, num_output_channels=3)
    return T.gaussian_blur(image, [5, 5], [rng.uniform(0.3, 1.5)]) if rng.random() < 0.2 else image


def _tilt(image: Tensor, ids: Tensor, rng: random.Random, outside: int) -> tuple[Tensor, Tensor]:
    """Turned and slanted by some degrees, as nobody's camera is level; what comes in is white."""
    angle, shear = rng.uniform(-8, 8), [rng.uniform(-8, 8), rng.uniform(-8, 8)]
    turned = T.affine(
        image, angle, [0, 0], 1.0, shear, interpolation=T.InterpolationMode.BILINEAR, fill=[255.0]
    )
    return turned, T.affine(ids[None], angle, [0, 0], 1.0, shear, fill=[float(outside)])[0]


def read_labelled(file: Path) -> tuple[Tensor, Tensor]:
    """A set's picture, uint8 [3, H, W], and its label ids, uint8 [H, W]."""
    with Image.open(file.parent.parent / "masks" / (file.stem + ".png")) as mask:
        ids = torch.from_numpy(np.array(mask.convert("L")))
    return _pixels(file), ids


def _pixels(file: Path) -> Tensor:
    with Image.open(file) as image:
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)


def _zoom(
    image: Tensor, ids: Tensor, height: int, width: int, rng: random.Random, small: bool
) -> tuple[Tensor, Tensor]:
    """A random part at a random size, mirrored half of the time, in a window of height x width.

    Where the part does not fill the window the rest is white and unknown; `small` things, which
    stand alone, may take as little as a third of it, and the rest counts as background.
    """
    h, w = ids.shape
    fit, cover = min(height / h, width / w), max(height / h, width / w)
    start = fit if small else (fit * cover) ** 0.5
    scale = start * 2 ** rng.uniform(-1.5 if small else -0.5, 0.6)
    h, w = max(1, round(h * scale)), max(1, round(w * scale))
    image = T.resize(image, [h, w], antialias=True)
    ids = T.resize(ids[None], [h, w], interpolation=T.InterpolationMode.NEAREST)[0]
    if rng.random() < 0.5:
        image, ids = image.flip(2), ids.flip(1)
    if rng.random() < 0.5:
        image, ids = _tilt(image, ids, rng, 0 if small else IGNORE)
    top, left = rng.randint(0, max(0, h - height)), rng.randint(0, max(0, w - width))
    image, ids = (
        image[:, top : top + height, left : left + width],
        ids[top : top + height, left : left + width],
    )
    h, w = ids.shape
    top, left = rng.randint(0, height - h), rng.randint(0, width - w)
    window = torch.full((3, height, width), 255, dtype=torch.uint8)
    labels = torch.full((height, width), 0 if small else IGNORE, dtype=torch.uint8)
    window[:, top : top + h, left : left + w] = image
    labels[top : top + h, left : left + w] = ids
    return window, labels
