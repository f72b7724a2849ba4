"""ZM-Net, figure 10: trained on the words noon and night alone, shown what lies between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ....weights.contact_sheet import contact_sheet
from ....weights.manifest import file_sha256
from ...nets.perceptual import PerceptualNetwork
from ...nets.zmnet import ZMNet
from ...perceptual_weights import load_perceptual
from ...train.data import find_pictures
from ...train.zmnet_words import ZMNetWordsTask, ZMNetWordsTraining, vectors_of
from ...word_table import WordTable
from ..probe import SIDE, Probe, accuracy, brightness, exposed, features_of
from .frame import Bench, Cell, Experiment, Outcome, Shown, Table, save_picture
from .judging import load_zmnet, opened, picture_of, shipped_photos, tensor_of
from .scales import WORDS as SCALE
from .training import PAPER_LOSSES, Trained, described, settings, trained

TRAINED = ("noon", "night")
UNSEEN = ("morning", "afternoon")
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
BASELINE = "exposure"
CANDIDATES = 5  # photos looked at for one that is used
COMPRESSED = 2  # principal components of a word's vector, as in the paper
TILE = 132  # px


def run(bench: Bench, folder: Path) -> Outcome:
    runs = {form: word_run(bench, form) for form in FORMS}
    networks = {form: load_zmnet(run.weights) for form, run in runs.items()}
    table = WordTable.load()
    words = sorted({word for parts in MIXTURES.values() for word in parts})
    vectors = dict(zip(words, vectors_of(table, words), strict=True))
    signals = {
        name: torch.stack([w * vectors[word] for word, w in parts.items()]).sum(0)
        for name, parts in MIXTURES.items()
    }
    network, judge_name = load_perceptual(bench.data.vgg16)
    probes = [_probe(bench, network, same_light=same) for same in (False, True)]
    photos = _day_photos(bench, network, probes[0])
    painted = _painted(networks, signals, photos)
    odds = [
        {
            form: [probe.odds(network, pictures) for pictures in of_form.values()]
            for form, of_form in painted.items()
        }
        for probe in probes
    ]
    rows: list[tuple[Cell, ...]] = [(form, *found) for form, found in odds[0].items()]
    rows += [(f"{form}, all as bright", *found) for form, found in odds[1].items()]
    shown = [opened(shipped_photos(1)[0], SCALE.shown)]
    tiles: list[tuple[str, Image.Image]] = []
    for form, of_form in _painted(networks, signals, shown).items():
        tiles.append((f"photo, {form}", shown[0]))
        tiles += [(name, pictures[0]) for name, pictures in of_form.items()]
    sheet = contact_sheet(tiles, columns=1 + len(MIXTURES), side=TILE, square=False)
    save_picture(sheet, folder / "words.jpg")
    return Outcome(
        about=[
            described(bench, SCALE, [*runs.values()]),
            f"The paper's run: the words {' and '.join(TRAINED)} with their labelled pictures, "
            f"vectors compressed to {COMPRESSED} numbers by a PCA over the times of day, a TNet "
            "that learns along. Baseline: the photo with another exposure, as bright as what the "
            f"serial network makes of it. A linear probe on {judge_name}, right about "
            f"{probes[0].accuracy:.0%} of {probes[0].day} day and {probes[0].night} night pictures "
            f"that the networks never saw, looks at {len(photos)} held-out photos of daylight, "
            f"{SCALE.shown} px; a second one is taught and shown everything at the same "
            f"brightness, and right about {probes[1].accuracy:.0%}.",
        ],
        tables=[
            Table(
                ("", *MIXTURES), rows,
                "Mean log odds that it is night. A sum of words is half of each.",
            )
        ],
        notes=_notes(*odds),
        pictures=[
            Shown("words.jpg", "Rows: serial PNet, parallel PNet, plain change of exposure; "
                  "columns: the photo, then the words of figure 10")
        ],
    )  # fmt: skip


def _notes(odds: dict[str, list[float]], blind: dict[str, list[float]]) -> list[str]:
    names = list(MIXTURES)
    notes = []
    for form in FORMS:
        low, *_, high = odds[form]
        inside = [w for w in UNSEEN if low < odds[form][names.index(w)] < high]
        which = {2: "both lie", 1: f"{inside[0] if inside else ''} alone lies", 0: "neither lies"}
        notes.append(
            f"{form.capitalize()} PNet: from noon to night the log odds rise by {high - low:.1f}; "
            f"of the unseen words {' and '.join(UNSEEN)} {which[len(inside)]} between."
        )
    notes.append(
        "Night by the serial network, by the parallel one, by exposure alone: "
        + ", ".join(f"{odds[f][-1]:.1f}" for f in odds)
        + "; to the probe that knows no brightness: "
        + ", ".join(f"{blind[f][-1]:.1f}" for f in blind)
        + "."
    )
    return notes


def word_run(bench: Bench, form: str) -> Trained:
    config = settings(
        ZMNetWordsTraining, bench, SCALE, data=bench.data.words, only=TRAINED, pnet=form,
        styles_net="", train_tnet=True, compressed=COMPRESSED, pca_words="times-of-day",
        vector_noise=0.0, style_size=SCALE.size, contents=SCALE.batch,
        **PAPER_LOSSES,
    )  # fmt: skip
    return trained(bench, f"words-{form}", lambda: ZMNetWordsTask(config), config)


def _painted(
    networks: dict[str, ZMNet], signals: dict[str, Tensor], photos: Sequence[Image.Image]
) -> dict[str, dict[str, list[Image.Image]]]:
    """A form of PNet, or the baseline -> a mixture -> a picture for each photo."""
    found: dict[str, dict[str, list[Image.Image]]] = {}
    with torch.inference_mode():
        for form, network in networks.items():
            found[form] = {
                name: [picture_of(network(tensor_of(p), signal[None]).float()) for p in photos]
                for name, signal in signals.items()
            }
    found[BASELINE] = {
        name: [exposed(p, brightness(o)) for p, o in zip(photos, pictures, strict=True)]
        for name, pictures in found["serial"].items()
    }
    return found


@dataclass(frozen=True)
class _Asked:
    """A probe of night against day. accuracy: over folds. day, night: pictures it was taught."""

    probe: Probe
    same_light: bool
    accuracy: float
    day: int
    night: int

    def odds(self, network: PerceptualNetwork, pictures: Sequence[Image.Image]) -> float:
        """The mean log of the odds that it is night."""
        looks = features_of(network, pictures, same_light=self.same_light)
        return float(self.probe(looks).mean())


def _probe(bench: Bench, network: PerceptualNetwork, *, same_light: bool) -> _Asked:
    trained_on = {
        file_sha256(path)
        for word in TRAINED
        for path in find_pictures([str(Path(bench.data.words) / word)])
    }
    kinds = [
        [path for path in find_pictures(folders) if file_sha256(path) not in trained_on]
        for folders in (bench.data.day, bench.data.night)
    ]
    kinds = [files[: bench.count(len(files), 5)] for files in kinds]
    labels = torch.tensor([0.0] * len(kinds[0]) + [1.0] * len(kinds[1]))
    pictures = [opened(path, SIDE) for files in kinds for path in files]
    looks = features_of(network, pictures, same_light=same_light)
    counts = (len(kinds[0]), len(kinds[1]))
    return _Asked(Probe.fitted(looks, labels), same_light, accuracy(looks, labels), *counts)


def _day_photos(bench: Bench, network: PerceptualNetwork, asked: _Asked) -> list[Image.Image]:
    """Of a few times as many held-out photos those that the probe is surest are day."""
    count = bench.count(SCALE.pairs, 2)
    files = find_pictures(bench.data.test_content)
    files = files[:: max(1, len(files) // (CANDIDATES * count))]
    photos = [opened(path, SCALE.shown) for path in files]
    odds = asked.probe(features_of(network, photos))
    return [photos[int(i)] for i in odds.argsort()[:count]]


EXPERIMENT = Experiment(
    "words",
    "Words: trained on noon and night alone",
    "ZM-Net, section 4.2, figure 10",
    "Morning and afternoon, never trained, fall between noon and night; the effect is more than a "
    "change of illumination; a serial PNet does better than a parallel one.",
    run,
    needs=("content", "test_content", "words", "day", "night"),
)
