"""Words as guiding signals: where a style word lies in sentence-vector space.

The one place that turns what a person types after `word:` into numbers, for training and for use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..weights.store import load_weights
from .errors import RequestError

NAME = "style-words"
ARTICLES = frozenset(("a", "an", "the"))
LONGEST = 80  # characters of a phrase; longer ones are no words


class WordTable:
    """Unit vectors of N words.

    words[i] lies at vectors[i], [N, width] float32. A phrase that has no row of its own lies in
    the direction of the mean of its words' vectors, if each of them has one.
    """

    def __init__(self, words: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """vectors: [N, width], of any length other than 0."""
        self.words = tuple(words)
        self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        self._row = {word: i for i, word in enumerate(self.words)}

    @classmethod
    def load(cls, name_or_path: str | Path = NAME) -> WordTable:
        """The shipped table, or a file in its format: `vectors` [N, width] in any unit a row,
        metadata `words`, a JSON list. Raises RequestError where it is missing or no table."""
        tensors, metadata = load_weights(name_or_path)
        try:
            words = [str(word) for word in json.loads(metadata["words"])]
            vectors = tensors["vectors"].float().numpy()
            if vectors.ndim != 2 or len(words) != len(vectors):
                raise ValueError
        except (KeyError, TypeError, ValueError):
            raise RequestError(
                f"{name_or_path} is no table of words: give a file of train's style_words"
            ) from None
        return cls(words, vectors)

    @property
    def width(self) -> int:
        return int(self.vectors.shape[1])

    def vector(self, phrase: str) -> NDArray[np.float32] | None:
        """[width] of unit length; None for what the table does not know."""
        text = spelled(phrase)
        if text in self._row:
            return self.vectors[self._row[text]]
        tokens = text.split()
        if not tokens or any(token not in self._row for token in tokens):
            return None
        mean = self.vectors[[self._row[token] for token in tokens]].mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def nearest(
        self, phrase: str, count: int = 3, among: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        """(word, cosine) of the words nearest to a phrase, nearest first, without itself.

        among: phrases to choose from, () = the table's own words. Empty for an unknown phrase.
        """
        vector = self.vector(phrase)
        if vector is None:
            return []
        if among:
            known = [(word, found) for word in among if (found := self.vector(word)) is not None]
            words: Sequence[str] = [word for word, _ in known]
            vectors = np.array([found for _, found in known]).reshape(-1, self.width)
        else:
            words, vectors = self.words, self.vectors
        cosines = vectors @ vector
        text = spelled(phrase)
        best = [int(i) for i in np.argsort(-cosines)[: count + 1] if spelled(words[i]) != text]
        return [(words[i], float(cosines[i])) for i in best[:count]]


def spelled(phrase: str) -> str:
    """As the table spells words: small letters, single blanks, no leading article."""
    tokens = re.findall(r"[^\W_]+(?:'[^\W_]+)*", phrase[:LONGEST].lower())
    while len(tokens) > 1 and tokens[0] in ARTICLES:
        tokens = tokens[1:]
    return " ".join(tokens)


def singulars(phrase: str) -> Iterator[str]:
    """The phrase, then what its last word may be the plural of."""
    yield phrase
    for plural, singular in (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", "")):
        if phrase.endswith(plural) and len(phrase) > len(plural) + 1:
            yield phrase[: -len(plural)] + singular
    irregular = {"people": "person", "men": "man", "women": "woman", "children": "child"}
    head, _, last = phrase.rpartition(" ")
    if last in irregular:
        yield f"{head} {irregular[last]}".strip()
