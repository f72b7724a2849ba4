"""ZM-Net, figure 10: trained on the words noon and night alone, shown what lies between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ....weights.contact_sheet import contact_sheet
from ...nets.zmnet import ZMNet
from ...train.data import find_pictures
from ...train.zmnet_words import ZMNetWordsTask, ZMNetWordsTraining, vectors_of
from ...word_table import WordTable
from ..measures import luminance
from .frame import Bench, Cell, Experiment, Outcome, Shown, Table, save_picture
from .judging import load_zmnet, opened, picture_of, shipped_photos, tensor_of
from .scales import WORDS as SCALE
from .training import Trained, described, settings, trained

TRAINED = ("noon", "night")
# Figure 10's columns: mixtures of words, whose vectors are added.
MIXTURES: dict[str, dict[str, float]] = {
    "noon": {"noon": 1.0},
    "noon + afternoon": {"noon": 0.5, "afternoon": 0.5},
    "afternoon": {"afternoon": 1.0},
    "morning": {"morning": 1.0},
    "morning + night": {"morning": 0.5, "night": 0.5},
    "night": {"night": 1.0},
}
FORMS = ("serial", "parallel")
BASELINE = "illumination"
COMPRESSED = 2  # principal components of a word's vector, as in the paper
TILE = 132  # px


def run(bench: Bench, folder: Path) -> Outcome:
    runs = {form: word_run(bench, form) for form in FORMS}
    networks = {form: load_zmnet(run.weights) for form, run in runs.items()}
    table = WordTable.load()
    words = sorted({word for parts in MIXTURES.values() for word in parts})
    vectors = dict(zip(words, vectors_of(table, words), strict=True))
    mixed = {
        name: torch.stack([w * vectors[word] for word, w in parts.items()]).sum(0)
        for name, parts in MIXTURES.items()
    }
    light = {word: _light(bench, word) for word in TRAINED}
    photos = find_pictures(bench.data.test_content)[::7][: bench.count(SCALE.pairs, 2)]
    rows: list[tuple[Cell, ...]] = []
    dark: dict[str, list[float]] = {}
    for form in (*FORMS, BASELINE):
        means = []
        for name in MIXTURES:
            painted = [
                _painted(form, networks, mixed, light, name, opened(path, SCALE.shown))
                for path in photos
            ]
            means.append(float(np.mean([luminance(p).mean() for p in painted])))
        dark[form] = means
        rows.append((form, *means))
    photo = shipped_photos(1)[0]
    tiles: list[tuple[str, Image.Image]] = []
    for form in (BASELINE, *FORMS):
        shown = opened(photo, SCALE.shown)
        tiles.append((f"photo, {form}", shown))
        tiles += [(name, _painted(form, networks, mixed, light, name, shown)) for name in MIXTURES]
    sheet = contact_sheet(tiles, columns=1 + len(MIXTURES), side=TILE, square=False)
    save_picture(sheet, folder / "words.jpg")
    names = list(MIXTURES)
    between = {
        form: all(
            min(v[0], v[-1]) <= v[names.index(word)] <= max(v[0], v[-1])
            for word in ("afternoon", "morning")
        )
        for form, v in dark.items()
    }
    return Outcome(
        about=[
            described(bench, SCALE, [*runs.values()]),
            f"The paper's run: the words {' and '.join(TRAINED)} with their labelled pictures, "
            f"vectors compressed to {COMPRESSED} numbers by a PCA over the times of day, a TNet "
            "that learns along. Baseline: the photo's luminance brought to the labelled "
            f"pictures' mean, and nothing else. {len(photos)} held-out photos at "
            f"{SCALE.shown} px.",
        ],
        tables=[Table(("mean luminance", *MIXTURES), rows)],
        notes=[
            f"{form.capitalize()} PNet: the unseen words morning and afternoon "
            f"{'lie' if between[form] else 'do not both lie'} between noon and night."
            for form in FORMS
        ],
        pictures=[
            Shown("words.jpg", "Rows: plain illumination change, serial PNet, parallel PNet; "
                  "columns: the photo, then the words of figure 10")
        ],
    )  # fmt: skip


def word_run(bench: Bench, form: str) -> Trained:
    config = settings(
        ZMNetWordsTraining, bench, SCALE, data=bench.data.words, only=TRAINED, pnet=form,
        styles_net="", train_tnet=True, compressed=COMPRESSED, pca_words="times-of-day",
        vector_noise=0.0, style_size=SCALE.size, contents=SCALE.batch,
    )  # fmt: skip
    return trained(bench, f"words-{form}", lambda: ZMNetWordsTask(config), config)


def _painted(
    form: str,
    networks: dict[str, ZMNet],
    mixed: dict[str, Tensor],
    light: dict[str, float],
    name: str,
    photo: Image.Image,
) -> Image.Image:
    if form == BASELINE:
        share = list(MIXTURES).index(name) / (len(MIXTURES) - 1)
        return relit(photo, (1 - share) * light["noon"] + share * light["night"])
    network = networks[form]
    with torch.inference_mode():
        image = tensor_of(photo)
        return picture_of(network(image, mixed[name][None]).float())


def relit(photo: Image.Image, mean: float) -> Image.Image:
    """The photo multiplied so that its mean luminance is `mean`, in [0, 1]."""
    factor = mean / max(float(luminance(photo).mean()), 1e-3)
    pixels = np.asarray(photo, dtype=np.float64) * factor
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))


def _light(bench: Bench, word: str) -> float:
    files: Sequence[Path] = find_pictures([str(Path(bench.data.words) / word)])
    return float(np.mean([luminance(opened(path, 64)).mean() for path in files]))


EXPERIMENT = Experiment(
    "words",
    "Words: trained on noon and night alone",
    "ZM-Net, section 4.2, figure 10",
    "Morning and afternoon, never trained, fall between noon and night; the effect is more than a "
    "change of illumination; a serial PNet does better than a parallel one.",
    run,
    needs=("content", "test_content", "words"),
)
