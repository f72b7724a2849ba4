"""Methods on pairs, judged by core/bench/measures; the sheets that show them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ....weights.contact_sheet import contact_sheet
from ....weights.style_store import StyleStore
from ...engines.zmnet import network_of
from ...nets.zmnet import ZMNet
from ...perceptual_weights import load_perceptual
from ...train.data import find_pictures
from ..measures import Judge, Seen
from ..methods import Method, fitted, unit
from ..quality import Pair, draw_pairs
from .frame import Bench, Table, save_picture

# Ten shipped styles that the small networks are trained on, and shipped ones that no network of
# ours was ever trained on, these or others.
TEN_STYLES = (
    "van-gogh-cafe-terrace", "mosaic", "great-waves", "charcoal", "stained-glass", "aurora",
    "halftone", "oil-impasto", "watercolour", "van-gogh-church-at-auvers",
)  # fmt: skip
UNSEEN_STYLES = (
    "van-gogh-road-to-tarascon", "van-gogh-asylum-vestibule", "van-gogh-harvest",
    "van-gogh-night-cafe", "van-gogh-langlois-bridge", "van-gogh-pere-tanguy",
)  # fmt: skip
SHOWN_PHOTOS = ("neuschwansteinCastle", "chelsea", "brandenburgGate", "kingfisher")
FIGURES = ("style", "gram", "content", "ssim", "colour")
TILE = 132  # px of a picture in a sheet

Row = dict[str, float]


def judge_of(bench: Bench) -> tuple[Judge, str]:
    network, name = load_perceptual(bench.data.vgg16)
    return Judge(network), name


def network_method(name: str, paint: Callable[[Tensor, Tensor], Tensor]) -> Method:
    """paint: photo and style, [1, 3, H, W] in [0, 1] -> the picture, not yet clamped."""

    @torch.inference_mode()
    def stylise(photo: Image.Image, style: Image.Image) -> Image.Image:
        out = paint(tensor_of(photo), tensor_of(style)).float().clamp(0, 1)
        return picture_of(out)

    return Method(name, stylise)


def tensor_of(picture: Image.Image) -> Tensor:
    return torch.from_numpy(unit(picture).copy()).permute(2, 0, 1)[None]


def picture_of(image: Tensor) -> Image.Image:
    pixels = image[0].permute(1, 2, 0).float().clamp(0, 1).mul(255).add(0.5).byte().numpy()
    return Image.fromarray(np.ascontiguousarray(pixels))


def load_zmnet(source: str | Path) -> ZMNet:
    """RequestError where the file does not hold one."""
    return network_of(source)[0]


def opened(path: Path, size: int) -> Image.Image:
    """RGB with that long side. info["name"]: the file's, which networks of fixed styles go by."""
    with Image.open(path) as file:
        picture = fitted(file, size)
    picture.info["name"] = path.name
    return picture


def judged(
    methods: Sequence[Method], pairs: Sequence[Pair], judge: Judge, size: int
) -> dict[str, list[Row]]:
    """Figures of every pair, a method; photo and style picture handed over at `size` px."""
    looks: dict[Path, Seen] = {}
    rows: dict[str, list[Row]] = {m.name: [] for m in methods}
    for pair in pairs:
        photo, style = opened(pair.photo, size), opened(pair.style, size)
        for path, picture in ((pair.photo, photo), (pair.style, style)):
            if path not in looks:
                looks[path] = judge.look(picture)
        for method in methods:
            seen = judge.look(method.stylise(photo, style))
            found = judge.compare(looks[pair.photo], looks[pair.style], seen)
            rows[method.name].append(found.as_dict())
    return rows


def means(rows: Sequence[Row]) -> Row:
    return {key: fmean(row[key] for row in rows) for key in rows[0]}


def error_of(rows: Sequence[Row], key: str) -> float:
    """Standard error of a mean; 0 of a single pair."""
    return stdev(row[key] for row in rows) / len(rows) ** 0.5 if len(rows) > 1 else 0.0


def figures_table(found: dict[str, list[Row]], caption: str) -> Table:
    rows = []
    for name, measured in found.items():
        texts = []
        for key in FIGURES:
            error = f" ± {error_of(measured, key):.3f}" if key in ("style", "content") else ""
            texts.append(f"{means(measured)[key]:.3f}{error}")
        rows.append((name, *texts))
    return Table(("method", "style", "gram", "content", "SSIM", "colour"), rows, caption)


def held_out(bench: Bench, count: int, styles: Sequence[Path] = (), seed: int = 0) -> list[Pair]:
    """`count` pairs of held-out photos and held-out styles, or the styles given."""
    photos = find_pictures(bench.data.test_content)
    chosen = list(styles) or find_pictures(bench.data.test_style)
    rng = random.Random(seed)
    # A pair a photo where there are enough of them: new ones say more than the same again.
    photos = rng.sample(photos, min(len(photos), count))
    if not styles:
        chosen = rng.sample(chosen, min(len(chosen), count))
    return draw_pairs(photos, chosen, min(count, len(photos) * len(chosen)), seed)


def shipped_photos(count: int = 0) -> list[Path]:
    """The photos that sheets show: all, or the first `count` of SHOWN_PHOTOS."""
    paths = {photo.name: photo.path for photo in StyleStore().photos()}
    return [paths[name] for name in SHOWN_PHOTOS[:count]] if count else list(paths.values())


def shipped_styles(names: Sequence[str]) -> list[Path]:
    store = StyleStore()
    return [store.get(name).path for name in names]


def ten_styles(bench: Bench, count: int = 10) -> str:
    """A folder of links to the first `count` training styles."""
    folder = bench.folder(f"styles-{count}")
    for path in shipped_styles(TEN_STYLES[:count]):
        link = folder / path.name
        if not link.exists():
            link.symlink_to(path)
    return str(folder)


def sheet(
    methods: Sequence[Method],
    pairs: Sequence[tuple[Path, Path]],
    out: Path,
    *,
    size: int = 256,
    side: int = TILE,
) -> None:
    """A row a pair: photo, style, each method's picture."""
    tiles: list[tuple[str, Image.Image]] = []
    for photo_path, style_path in pairs:
        photo, style = opened(photo_path, size), opened(style_path, size)
        tiles += [("photo", photo), (style_path.stem, style)]
        tiles += [(m.name, m.stylise(photo, style)) for m in methods]
    drawn = contact_sheet(tiles, columns=2 + len(methods), side=side, square=False)
    save_picture(drawn, out)
