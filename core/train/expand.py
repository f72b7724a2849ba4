"""New style pictures out of a few paintings: section 4.1 of the ZM-Net paper.

Paintings and photographs are split first, each by its own bytes, and a painting is only ever
joined with a photograph of the same split: nothing of what a network is tested on leaks into
what it is trained on. Then Gatys' optimisation paints photographs in the paintings' styles.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from ..atomic import replacing
from ..device import Device
from ..engines.optimisation import CONTENT_WEIGHT, grams_of, optimised
from ..errors import RequestError
from ..nets.colour import colours_of, recoloured
from ..progress import CancelToken, Progress, silent
from ..wording import shown_path
from .data import find_pictures, random_crop, to_unit

SPLITS = {"train": 80, "validation": 10, "test": 10}  # per cent
SMALLEST_CROP = 0.7  # of a picture's short side
SETTINGS, SPLIT_LIST, MADE_LIST = "settings.json", "split.tsv", "made.tsv"
QUALITY = 95


@dataclass(frozen=True)
class Expansion:
    """What the pictures depend on, beside the files. size: px of their sides. iterations: of the
    optimisation. seed: of the choice of pairs and crops. network: the perceptual one's name."""

    size: int = 128
    iterations: int = 16
    seed: int = 0
    content_weight: float = CONTENT_WEIGHT
    network: str = "VGG-16"

    def __post_init__(self) -> None:
        if self.size < 32 or self.iterations < 1:
            raise RequestError("expanding needs a size of at least 32 px and 1 iteration")


@dataclass(frozen=True)
class Source:
    """A picture to make others of. kind: seed or content."""

    kind: str
    path: Path
    split: str
    sha256: str


@dataclass(frozen=True)
class Pair:
    """Picture `number`, which is the same in every run with the same files and settings."""

    number: int
    seed: Source
    content: Source

    @property
    def name(self) -> str:
        """Its file within the folder of expanded pictures."""
        return f"{self.seed.split}/{self.number:06}.jpg"


def split_of(digest: str) -> str:
    """The split of the file with that sha256 (hexadecimal), whatever its name and neighbours:
    copies of a picture under other names are never in two splits."""
    place = int(digest, 16) % 100
    for name, share in SPLITS.items():
        if place < share:
            return name
        place -= share
    raise AssertionError("the shares of the splits sum to 100")


def sources(kind: str, folders: Sequence[str]) -> list[Source]:
    """All pictures under the folders with their splits, those in `holdout` folders left out; of
    copies only the first one. Raises RequestError if there are none."""
    found: dict[str, Source] = {}
    for path in find_pictures(folders):
        digest = sha256(path.read_bytes()).hexdigest()
        found.setdefault(digest, Source(kind, path, split_of(digest), digest))
    return list(found.values())


def pairs(seeds: Sequence[Source], content: Sequence[Source], count: int, seed: int) -> list[Pair]:
    """The first `count` pairs. Splits get their share of the pairs; one without both kinds of
    pictures gets none. RequestError where the training split is such a one."""
    of_split = {
        name: [[s for s in kind if s.split == name] for kind in (seeds, content)] for name in SPLITS
    }
    usable = [name for name, (a, b) in of_split.items() if a and b]
    if "train" not in usable:
        raise RequestError(
            "too few pictures: no seed or no content falls into the training split; give more"
        )
    made = []
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        (split,) = rng.choices(usable, [SPLITS[name] for name in usable])
        made.append(Pair(number, *(rng.choice(kind) for kind in of_split[split])))
    return made


def expand(
    network: nn.Module,
    seeds: Sequence[str],
    content: Sequence[str],
    out: Path,
    *,
    count: int,
    batch: int,
    device: Device,
    settings: Expansion = Expansion(),
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> int:
    """Makes `count` pictures, OUT/train/*.jpg, OUT/validation/*.jpg and OUT/test/*.jpg; gives the
    number of those that were not there yet.

    network: the perceptual one, RGB NCHW in [0, 1] -> relu1_1 to relu5_1. seeds, content:
    folders. batch: pictures optimised at once. What a former run made stays, and the lists
    (split.tsv: every source; made.tsv: every picture) are true after every batch, so a run can be
    stopped at any time and taken up again. RequestError where OUT was made with other settings.
    """
    report, cancel = progress or silent, cancel or CancelToken()
    report("splitting", 0.0)
    for folder in (*seeds, *content):
        if out.resolve().is_relative_to(Path(folder).resolve()):
            raise RequestError(
                f"{shown_path(out)} lies within {shown_path(folder)}, whose pictures are read: "
                "choose another folder for the new ones"
            )
    given = sources("seed", seeds), sources("content", content)
    wanted = pairs(*given, count, settings.seed)
    _settle(out, settings)
    for name in SPLITS:
        (out / name).mkdir(exist_ok=True)
    _write(out / SPLIT_LIST, _table([["file", "kind", "split", "sha256"]] + [
        [str(each.path), each.kind, each.split, each.sha256] for kind in given for each in kind
    ]))  # fmt: skip
    rows = _read(out / MADE_LIST)
    todo = [pair for pair in wanted if not _is_made(pair, rows, out)]
    for start in range(0, len(todo), batch):
        report("painting", start / len(todo))
        now = todo[start : start + batch]
        for pair, picture in zip(
            now, _painted(network, now, settings, device, cancel), strict=True
        ):
            coded = _jpeg(picture)
            _write(out / pair.name, coded)
            rows[pair.name] = [
                pair.name, pair.seed.split, str(settings.seed), pair.seed.path.name,
                pair.seed.sha256, pair.content.path.name, pair.content.sha256,
                sha256(coded).hexdigest(),
            ]  # fmt: skip
        _write(out / MADE_LIST, _table([HEADINGS] + [rows[name] for name in sorted(rows)]))
    report("painting", 1.0)
    return len(todo)


HEADINGS = [
    "picture", "split", "seed_number", "seed", "seed_sha256", "content", "content_sha256",
    "picture_sha256",
]  # fmt: skip


def _painted(
    network: nn.Module,
    batch: Sequence[Pair],
    settings: Expansion,
    device: Device,
    cancel: CancelToken,
) -> Iterable[Tensor]:
    """uint8 [3, size, size] each."""

    def crops(kind: str) -> Tensor:
        made = []
        for pair in batch:
            source: Source = getattr(pair, kind)
            rng = random.Random(f"{settings.seed}/{pair.number}/{kind}")
            try:
                made.append(random_crop(source.path, settings.size, SMALLEST_CROP, rng))
            except OSError as error:
                raise RequestError(f"can't read the picture {source.path.name}: {error}") from error
        return to_unit(torch.stack(made)).to(device.place)

    photo, style = crops("content"), crops("seed")
    with torch.no_grad():
        with device.autocast():
            grams = grams_of(network(style))
        all_the_way = torch.ones(len(photo), device=photo.device)
        start = recoloured(photo, colours_of(photo), colours_of(style), all_the_way).clamp(0, 1)
    painted = optimised(
        network, photo, start, grams, iterations=settings.iterations, device=device,
        content_weight=settings.content_weight, each=lambda *_: cancel.check(),
    )  # fmt: skip
    return (painted * 255).round().to("cpu", torch.uint8)


def _jpeg(picture: Tensor) -> bytes:
    stream = io.BytesIO()
    image = Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy())
    image.save(stream, "JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()


def _settle(out: Path, settings: Expansion) -> None:
    """The folder with its settings in it; RequestError where it holds others."""
    file = out / SETTINGS
    mine = json.dumps(asdict(settings), indent=1) + "\n"
    try:
        out.mkdir(parents=True, exist_ok=True)
        there = file.read_text(encoding="utf-8") if file.exists() else None
    except OSError as error:
        raise RequestError(f"can't use the folder {shown_path(out)}: {error.strerror}") from error
    if there is None:
        _write(file, mine.encode())
    elif there != mine:
        others = " ".join(there.split())
        raise RequestError(
            f"{shown_path(out)} holds pictures made with other settings ({others}): give those "
            "again, or another folder"
        )


def _is_made(pair: Pair, rows: dict[str, list[str]], out: Path) -> bool:
    """Whether that very pair's picture is there; one of other files is made anew."""
    row = rows.get(pair.name)
    if row is None or not (out / pair.name).is_file():
        return False
    return (row[4], row[6]) == (pair.seed.sha256, pair.content.sha256)


def _read(file: Path) -> dict[str, list[str]]:
    """The rows of made.tsv by picture."""
    if not file.exists():
        return {}
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines(), delimiter="\t"))[1:]
    return {row[0]: row for row in rows if len(row) == len(HEADINGS)}


def _table(rows: Sequence[Sequence[str]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, delimiter="\t", lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()


def _write(file: Path, content: bytes) -> None:
    with replacing(file, force=True) as stream:
        stream.write(content)
