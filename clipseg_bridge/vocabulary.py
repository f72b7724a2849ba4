"""From what a person types to a word that the network was trained on.

A trained word answers for itself. Any other word is looked up in the table of sentence vectors and
answered by the trained word that lies nearest, if one lies near enough and is a thing of the same
sort (a hand is not a glove), or if WordNet says that the one is a kind of the other. Of a phrase
that is in neither, the noun that it is about answers: "the old house on the hill" is a house.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..core.segmenter import Knowledge
from ..core.word_table import singulars

NEAR = 0.5  # cosine of two vectors from which one word may stand for another of its sort
KIND_BONUS, KIND_DECAY = 0.15, 0.9  # added for "is a kind of", less for each step further up
NO_FILE = -1  # a word of no particular sort goes with all
SHOWN = 3  # nearest words given with a refusal
SMALL_WORDS = frozenset(
    ("a", "an", "the", "this", "that", "these", "those", "my", "your", "his", "her", "its", "our",
     "their", "some", "any", "all", "every", "each", "one", "two", "three", "both")
)  # fmt: skip
# The noun stands before these: "the roof of the house", "person in red"
TURNS = frozenset(
    ("of", "in", "on", "at", "with", "without", "under", "over", "above", "below", "behind",
     "before", "near", "beside", "next", "by", "from", "into", "onto", "through", "around",
     "between", "against", "across", "along", "inside", "outside", "wearing", "holding", "that",
     "which", "who", "and", "or")
)  # fmt: skip


@dataclass(frozen=True)
class Lexicon:
    """What the table says of its N words.

    vectors: [N, S] float32, unit length. files: [N], the sort of thing, -1 for none. kinds:
    [N, 3], rows of what a word is a kind of, nearest first, -1 for none.
    """

    words: Sequence[str]
    vectors: NDArray[np.float32]
    files: NDArray[np.int8]
    kinds: NDArray[np.int16]


class Vocabulary:
    """The trained words among a lexicon's words."""

    def __init__(self, trained: Sequence[str], lexicon: Lexicon) -> None:
        """Raises KeyError for a trained word that the lexicon lacks."""
        self.trained = tuple(trained)
        self._lexicon = lexicon
        self._place = {word: i for i, word in enumerate(self.trained)}
        self._row = {word: i for i, word in enumerate(lexicon.words)}
        self._rows = np.array([self._row[word] for word in self.trained])
        self.knows = lru_cache(maxsize=4096)(self._knows)

    def place(self, phrase: str) -> int | None:
        """Index of the trained word that answers, or None."""
        knowledge = self.knows(phrase)
        return None if knowledge.word is None else self._place[knowledge.word]

    def _knows(self, phrase: str) -> Knowledge:
        tokens = re.findall(r"[a-z0-9]+(?:['-][a-z0-9]+)*", phrase.lower())
        while len(tokens) > 1 and tokens[0] in SMALL_WORDS:
            tokens = tokens[1:]
        whole = " ".join(tokens)
        for form in singulars(whole):
            if form in self._place:
                return Knowledge("yes", form)
        for part in _parts(tokens):
            for form in singulars(part):
                if form in self._place:
                    return Knowledge("near", form)
                if form in self._row:
                    return self._nearest(form)
        # A long phrase can't be like any word, and comparing it would take quadratic time.
        close = difflib.get_close_matches(whole[:60], self.trained, SHOWN)
        return Knowledge("no", nearest=tuple(close))

    def _nearest(self, word: str) -> Knowledge:
        lexicon, row = self._lexicon, self._row[word]
        cosines = lexicon.vectors[self._rows] @ lexicon.vectors[row]  # K
        sorts = lexicon.files[self._rows]
        fits = (sorts == lexicon.files[row]) | (sorts == NO_FILE) | (lexicon.files[row] == NO_FILE)
        allowed = fits & (cosines >= NEAR)
        for step, kind in enumerate(lexicon.kinds[row]):
            is_kind = self._rows == kind
            cosines = cosines + is_kind * np.float32(KIND_BONUS * KIND_DECAY**step)
            allowed |= is_kind
        best = np.argsort(-(cosines + allowed))[:SHOWN]
        names = tuple(self.trained[i] for i in best)
        if allowed[best[0]]:
            return Knowledge("near", names[0], names)
        return Knowledge("no", nearest=names)


def _parts(tokens: Sequence[str]) -> Iterator[str]:
    """The whole phrase, then ever shorter ends of what stands before the first preposition."""
    yield " ".join(tokens)
    turn = next((i for i, token in enumerate(tokens) if i and token in TURNS), len(tokens))
    for start in range(turn):
        if (start, turn) != (0, len(tokens)):
            yield " ".join(tokens[start:turn])
