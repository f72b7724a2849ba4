"""The embedded segmenter: our own network and vocabulary, always there, no download."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import RequestError
from ..core.segmenter import Knowledge
from ..weights.store import digest, load_weights
from .vocabulary import Lexicon, Vocabulary

if TYPE_CHECKING:
    import torch

    from ..core.nets.word_segmenter import JoinedSegmenter, WordSegmenter

NETWORK, VECTORS = "word-segmenter", "word-vectors"


@dataclass(frozen=True)
class PixelVectors:
    """One tensor [1, D, h, w] for each view of the picture, and whether that view was mirrored."""

    views: tuple[tuple[torch.Tensor, bool], ...]


@dataclass(frozen=True)
class _Loaded:
    """What the files hold. words: vectors [K, D], bias: [K], calibrated."""

    network: WordSegmenter | JoinedSegmenter
    words: torch.Tensor
    bias: torch.Tensor
    vocabulary: Vocabulary


class BuiltinSegmenter:
    """core.segmenter.Segmenter by core/nets/word_segmenter.py.

    network, vectors: names of the manifest, or safetensors files. mirrored: look at the mirrored
    picture too and take the mean, which costs twice the time. The files are read when something
    is asked for the first time, since recipes of painted masks ask nothing; then RequestError is
    raised where one is missing or damaged.
    """

    name = "builtin"

    def __init__(
        self, network: str = NETWORK, vectors: str = VECTORS, *, device: str = "cpu",
        long_side: int | None = None, mirrored: bool = True,
    ) -> None:  # fmt: skip
        self._files = (network, vectors)
        self._device, self._long_side, self._mirrored = device, long_side, mirrored

    @cached_property
    def _loaded(self) -> _Loaded:
        import torch

        from ..core.nets.word_segmenter import segmenter_of

        state, metadata = load_weights(self._files[0])
        network = segmenter_of(metadata["config"])
        network.load_state_dict({k: v.float() for k, v in state.items()})
        network.eval().requires_grad_(False).to(self._device)
        network.to(memory_format=torch.channels_last)
        words, bias = network.words()

        table, about = load_weights(self._files[1])
        rows = table["vectors"].float()
        lexicon = Lexicon(
            json.loads(about["words"]),
            (rows / rows.norm(dim=1, keepdim=True)).numpy(),
            table["files"].numpy(),
            table["kinds"].numpy(),
        )
        try:
            vocabulary = Vocabulary(network.config.words, lexicon)
        except KeyError as error:
            raise RequestError(f"the word vectors lack {error}: reinstall the weights") from None
        return _Loaded(network, words, bias + network.calibration, vocabulary)

    def encode(self, image: NDArray[np.float32]) -> PixelVectors:
        """image: HWC sRGB in [0, 1], any size."""
        import torch

        from ..core.nets.word_segmenter import fitted

        network = self._loaded.network
        picture = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))
        long_side = self._long_side or network.config.long_side
        picture = fitted(picture.permute(2, 0, 1)[None].to(self._device), long_side)
        views = [(network.embed(picture), False)]
        if self._mirrored:
            views.append((network.embed(picture.flip(3)), True))
        return PixelVectors(tuple(views))

    def masks(self, encoding: PixelVectors, phrases: Sequence[str]) -> NDArray[np.float32]:
        """[P, h, w] in [0, 1]; 0.5 is the threshold of best IoU in training.

        Raises RequestError for a phrase that `knows` answers with no.
        """
        import torch

        from ..core.nets.word_segmenter import word_logits

        chosen = [self._place(phrase) for phrase in phrases]
        words, bias = self._loaded.words[chosen], self._loaded.bias[chosen]
        planes = [
            word_logits(pixels, words, bias).flip([3] if mirrored else [])
            for pixels, mirrored in encoding.views
        ]
        chances = torch.stack(planes).mean(0).sigmoid()[0]  # P h w
        result: NDArray[np.float32] = chances.float().cpu().numpy()
        return result

    def knows(self, phrase: str) -> Knowledge:
        return self._loaded.vocabulary.knows(phrase)

    def weights(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, digest(name)) for name in self._files)

    def _place(self, phrase: str) -> int:
        place = self._loaded.vocabulary.place(phrase)
        if place is None:
            nearest = self.knows(phrase).nearest
            hint = f"; nearest words that it knows: {', '.join(nearest)}" if nearest else ""
            raise RequestError(f"the builtin segmenter does not know {phrase[:60]!r}{hint}")
        return place
