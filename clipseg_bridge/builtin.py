"""The embedded segmenter: our own network and vocabulary, always there, no download."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.errors import RequestError
from ..core.segmenter import Knowledge
from ..weights.store import digest, load_weights
from .vocabulary import Lexicon, Vocabulary

if TYPE_CHECKING:
    import torch

NETWORK, VECTORS = "word-segmenter", "word-vectors"


@dataclass(frozen=True)
class PixelVectors:
    """One tensor [1, D, h, w] for each view of the picture, and whether that view was mirrored."""

    views: tuple[tuple[torch.Tensor, bool], ...]


class BuiltinSegmenter:
    """core.segmenter.Segmenter by core/nets/word_segmenter.py.

    network, vectors: names of the manifest, or safetensors files. mirrored: look at the mirrored
    picture too and take the mean, which costs twice the time. Raises RequestError where a file is
    missing or damaged.
    """

    name = "builtin"

    def __init__(
        self, network: str = NETWORK, vectors: str = VECTORS, *, device: str = "cpu",
        long_side: int | None = None, mirrored: bool = True,
    ) -> None:  # fmt: skip
        import torch

        from ..core.nets.word_segmenter import WordSegmenter, WordSegmenterConfig

        state, metadata = load_weights(network)
        config = WordSegmenterConfig.from_json(metadata["config"])
        self._network = WordSegmenter(config)
        self._network.load_state_dict({k: v.float() for k, v in state.items()})
        self._network.eval().requires_grad_(False).to(device)
        self._network.to(memory_format=torch.channels_last)
        self._words, bias = self._network.words()
        self._bias = bias + self._network.calibration
        self._device, self._mirrored = device, mirrored
        self._long_side = long_side or config.long_side
        self._files = (network, vectors)

        table, about = load_weights(vectors)
        rows = table["vectors"].float()
        lexicon = Lexicon(
            json.loads(about["words"]),
            (rows / rows.norm(dim=1, keepdim=True)).numpy(),
            table["files"].numpy(),
            table["kinds"].numpy(),
        )
        try:
            self.vocabulary = Vocabulary(config.words, lexicon)
        except KeyError as error:
            raise RequestError(f"the word vectors lack {error}: reinstall the weights") from None

    def encode(self, image: NDArray[np.float32]) -> PixelVectors:
        """image: HWC sRGB in [0, 1], any size."""
        import torch

        from ..core.nets.word_segmenter import fitted

        picture = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))
        picture = fitted(picture.permute(2, 0, 1)[None].to(self._device), self._long_side)
        views = [(self._network.embed(picture), False)]
        if self._mirrored:
            views.append((self._network.embed(picture.flip(3)), True))
        return PixelVectors(tuple(views))

    def masks(self, encoding: PixelVectors, phrases: Sequence[str]) -> NDArray[np.float32]:
        """[P, h, w] in [0, 1]; 0.5 is the threshold of best IoU in training.

        Raises RequestError for a phrase that `knows` answers with no.
        """
        import torch

        from ..core.nets.word_segmenter import word_logits

        chosen = [self._place(phrase) for phrase in phrases]
        words, bias = self._words[chosen], self._bias[chosen]
        planes = [
            word_logits(pixels, words, bias).flip([3] if mirrored else [])
            for pixels, mirrored in encoding.views
        ]
        chances = torch.stack(planes).mean(0).sigmoid()[0]  # P h w
        result: NDArray[np.float32] = chances.float().cpu().numpy()
        return result

    def knows(self, phrase: str) -> Knowledge:
        return self.vocabulary.knows(phrase)

    def weights(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, digest(name)) for name in self._files)

    def _place(self, phrase: str) -> int:
        place = self.vocabulary.place(phrase)
        if place is None:
            nearest = self.knows(phrase).nearest
            hint = f"; nearest words that it knows: {', '.join(nearest)}" if nearest else ""
            raise RequestError(f"the builtin segmenter does not know {phrase[:60]!r}{hint}")
        return place
