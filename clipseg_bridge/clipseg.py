"""CLIPSeg as a segmenter: any phrase, or a picture of the thing, to a soft mask."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import RequestError
from ..core.geometry import Bounds
from ..core.resample import extent_of
from ..core.segmenter import Knowledge
from ..weights.manifest import digest, entries, entry, file_sha256, weight_path, weights_file
from .windows import is_small, merged, plan, resized

if TYPE_CHECKING:
    from torch import Tensor

    from ..core.device import DeviceName

NAMES = ("clipseg", "clipseg-fp16")  # of the manifest, the one that answers first
KEPT = 512  # phrases whose embeddings stay
CANVAS = 2  # network sides that the answer has along its long side where there are windows


@dataclass(eq=False)
class Seen:
    """What CLIPSeg makes of one picture.

    image: HWC. whole: activations of the whole picture. windows: where it may be looked at more
    closely, and `views` the activations there, empty until that is wanted.
    """

    image: NDArray[np.uint8]
    whole: tuple[Tensor, ...]
    windows: tuple[Bounds, ...]
    views: list[tuple[Tensor, ...]] = field(default_factory=list)


class ClipSegSegmenter:
    """core.segmenter.Segmenter and core.finding.PicturePrompts by CLIPSeg, from a local folder.

    source: a folder, or a name of the manifest (its folder in the data folder or in the hub's
    cache; nothing is ever fetched). size: the side in px at which it looks at a picture, a
    multiple of the patch (16); default the model's own, 352, at which float32 logits equal
    transformers' own to 1e-5; at another one position embeddings are interpolated (bicubic).
    windows: look for small things again through windows (windows.py).

    Number format: where the processor or card multiplies bfloat16 itself, products of matrices
    are made in it and sums, norms and softmax stay in float32 (autocast). Logits then differ from
    float32 by a few hundredths of their spread, which moves a mask's edge a little and can tip a
    phrase whose best score lies at the threshold. `exact` computes in float32 everywhere.

    Calibration: sigmoid(slope * logit + offset) with the manifest's constants, for all phrases.
    """

    name = "clipseg"

    def __init__(
        self, source: str | Path = NAMES[0], *, device: DeviceName = "auto", exact: bool = False,
        size: int | None = None, windows: bool = True,
    ) -> None:  # fmt: skip
        """RequestError where the folder is missing, damaged, or not what was recorded."""
        folder = weights_folder(source)
        self._weights = (_checked(source, folder),)
        from ..core.device import choose_device
        from .clipseg_network import ClipSegNetwork

        self.network = ClipSegNetwork(folder, choose_device(device, exact=exact), size)
        item = entry(str(source) if _is_name(source) else NAMES[0])
        self._slope, self._offset = item.slope, item.offset
        self.windows = windows
        self._embeddings: dict[str, Tensor] = {}

    def as_published(self) -> ClipSegSegmenter:
        """The same network as others measure it: the plain sigmoid, no windows."""
        plain = copy.copy(self)
        plain._slope, plain._offset, plain.windows = 1.0, 0.0, False
        return plain

    def encode(self, image: NDArray[np.float32]) -> Seen:
        """image: HWC sRGB in [0, 1], any size. Seen in 8 bits, as the model was trained."""
        pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
        windows = plan(extent_of(pixels), self.network.side) if self.windows else ()
        return Seen(pixels, self.network.see(pixels), windows)

    def masks(self, encoding: Seen, phrases: Sequence[str]) -> NDArray[np.float32]:
        """[P, h, w] in [0, 1], after calibration; 0.5 is the natural threshold.

        At the network's own size; where the picture is large enough for windows, in the picture's
        shape and CANVAS times as long. All phrases go through text tower and decoder in one batch.
        RequestError for a phrase of more tokens than the model reads (77).
        """
        return self._answers(encoding, self._read(phrases))

    def image_masks(
        self, encoding: Seen, images: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """As `masks`, for pictures of things (HWC sRGB in [0, 1]) in place of phrases.

        A picture that shows little else than the thing works best (section 4.6 of the paper).
        """
        prompts = [np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8) for image in images]
        return self._answers(encoding, self.network.look_at(prompts))

    def logits(self, encoding: Seen, phrases: Sequence[str]) -> NDArray[np.float32]:
        """[P, h, w]: the decoder's own output for the whole picture, before calibration."""
        values: NDArray[np.float32] = self.network.logits(
            encoding.whole, self._read(phrases)
        ).numpy()
        return values

    def look_closer(self, encoding: Seen) -> None:
        """Encode the picture's windows, unless that was done: as often as there are windows."""
        for box in encoding.windows[len(encoding.views) :]:
            encoding.views.append(self.network.see(encoding.image[box.slices]))

    def knows(self, phrase: str) -> Knowledge:
        return Knowledge("yes", phrase)

    def weights(self) -> tuple[tuple[str, str], ...]:
        return self._weights

    def _answers(self, encoding: Seen, prompts: Tensor) -> NDArray[np.float32]:
        masks = self._calibrated(encoding.whole, prompts)
        if encoding.windows:
            masks = self._searched(encoding, prompts, masks)
        result: NDArray[np.float32] = masks.numpy()
        return result

    def _searched(self, encoding: Seen, prompts: Tensor, whole: Tensor) -> Tensor:
        extent = extent_of(encoding.image)
        canvas = extent.fitted(CANVAS * self.network.side)
        masks = resized(whole, canvas.height, canvas.width)
        small = is_small(whole)
        if small.any():
            self.look_closer(encoding)
            asked = prompts[small.to(prompts.device)]
            seen = [self._calibrated(view, asked) for view in encoding.views]
            masks[small] = merged(masks[small], seen, encoding.windows, extent)
        return masks

    def _calibrated(self, activations: tuple[Tensor, ...], prompts: Tensor) -> Tensor:
        logits = self.network.logits(activations, prompts)
        return (self._slope * logits + self._offset).sigmoid()

    def _read(self, phrases: Sequence[str]) -> Tensor:
        import torch

        new = [phrase for phrase in dict.fromkeys(phrases) if phrase not in self._embeddings]
        read = dict(zip(new, self.network.read(new), strict=True)) if new else {}
        known = {**self._embeddings, **read}
        self._embeddings = dict(list(known.items())[-KEPT:])
        return torch.stack([known[phrase] for phrase in phrases])


def weights_folder(source: str | Path = NAMES[0]) -> Path:
    """The folder of a name of the manifest, or the given one. RequestError where it is missing."""
    return weight_path(str(source)) if _is_name(source) else Path(source)


def available() -> str | None:
    """The first of NAMES whose weights are on this machine. Loads nothing."""
    for name in NAMES:
        try:
            weight_path(name)
        except RequestError:
            continue
        return name
    return None


def _is_name(source: str | Path) -> bool:
    return isinstance(source, str) and source in {item.name for item in entries()}


def _checked(source: str | Path, folder: Path) -> tuple[str, str]:
    """(name, sha256) of the weights in the folder, which must be the recorded ones."""
    name = str(source) if _is_name(source) else folder.name
    file = weights_file(entry(NAMES[0]), folder)
    try:
        found = file_sha256(file)
    except OSError as error:
        raise RequestError(
            f"{file} can't be read ({error.strerror}): give the folder of a CLIPSeg"
        ) from None
    if _is_name(source) and found != digest(name):
        raise RequestError(
            f"{file} is damaged (its sha256 is not the recorded one): run semantic-style weights "
            f"fetch {name}, or import it again"
        )
    return name, found
