"""A labelled set without the labels that a network has reason to doubt.

    python -m semantic_style.core.train.doubted --data DATA --weights FILE --out NEW

Who labels a street leaves windows and doors out, and what is left out counts as building: from it
a network learns to deny what it sees. Where it sees one of --things all the same and the label is
--label, the pixel becomes unknown; labels of the things themselves stay. NEW is DATA with the masks
of --set so changed; all else in it are links.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from ..errors import RequestError
from ..nets.word_segmenter import WordSegmenter, fitted, word_logits
from .calibrate import load_segmenter
from .data import find_pictures, to_unit
from .segmenter_data import IGNORE, read_labelled, read_labels

SIDES = (352, 448)  # px: two looks, and their mirror images
CERTAIN = 0.5


@torch.no_grad()
def claimed(network: WordSegmenter, picture: Tensor, words: Sequence[str]) -> Tensor:
    """Where any of the words is seen, bool [H, W]; picture: uint8 [3, H, W]."""
    chosen = [network.config.words.index(word) for word in words]
    vectors, biases = (each[chosen] for each in network.words())
    seen = torch.zeros(len(chosen), *picture.shape[1:])
    for side in SIDES:
        look = fitted(to_unit(picture[None]), side)
        for mirrored in ([], [3]):
            logits = word_logits(network.embed(look.flip(mirrored)), vectors, biases)
            whole = F.interpolate(logits.flip(mirrored), picture.shape[1:], mode="bilinear")
            seen += whole[0] / (2 * len(SIDES))
    chances = (seen + network.calibration[chosen, None, None]).sigmoid()
    return chances.amax(0) > CERTAIN


def doubt(
    network: WordSegmenter, data: Path, name: str, label: str, things: Sequence[str], out: Path
) -> float:
    """Makes `out`; gives the share of the label's pixels that are unknown now. RequestError for a
    label or words that are none, and where `out` exists."""
    folder = data / "seg" / name
    ids = [number for number, word in read_labels(folder).items() if word == label]
    strange = [word for word in things if word not in network.config.words]
    if not ids or strange:
        raise RequestError(f"{(strange or [label])[0]!r} is no word of {name} and of the network")
    if out.exists():
        raise RequestError(f"{out} exists: choose another folder")
    (out / "seg" / name / "masks").mkdir(parents=True)
    linked = [*data.iterdir(), *(data / "seg").iterdir(), *folder.iterdir()]
    for path in linked:
        if path not in (data / "seg", folder, folder / "masks"):
            (out / path.relative_to(data)).symlink_to(path.resolve())
    before = after = 0
    for file in find_pictures([str(folder / "images")]):
        picture, mask = read_labelled(file)
        labelled = mask == ids[0]
        doubted = labelled & claimed(network, picture, things)
        mask[doubted] = IGNORE
        Image.fromarray(mask.numpy()).save(out / "seg" / name / "masks" / f"{file.stem}.png")
        before, after = before + int(labelled.sum()), after + int(doubted.sum())
    return after / max(1, before)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", required=True, help="a segmenter that was calibrated")
    parser.add_argument("--set", default="facades")
    parser.add_argument("--label", default="building")
    parser.add_argument("--things", nargs="+", default=["window", "door"])
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    network = load_segmenter(given.weights)
    share = doubt(network, given.data, given.set, given.label, given.things, given.out)
    print(f"{given.out}: {100 * share:.1f}% of {given.label} in {given.set} is unknown now")


if __name__ == "__main__":
    try:
        main()
    except RequestError as error:
        sys.exit(f"doubted: {error}")
