"""What is typed after `word:` -> the vector that steers a network, and what to say of it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import RequestError
from ..word_table import WordTable, singulars, spelled
from ..wording import listed, shown

SHOWN = 3  # words given with a refusal or a warning
EXAMPLES = 6
LONGEST = 40  # characters compared: the time that takes is quadratic


class StyleWords:
    """A table of words, and those among them that a network was trained on."""

    def __init__(self, table: WordTable, trained: Sequence[str], far: float) -> None:
        """far: cosine to the nearest trained word below which a word is warned about."""
        self.table, self.trained, self.far = table, tuple(trained), far

    def vector(self, phrase: str) -> Tensor:
        """[1, width]. A phrase without a row of its own lies between its words. RequestError, with
        words spelled alike, where one of those is in no table."""
        found = self._known(phrase)
        return torch.from_numpy(self.table.vector(found)).float()[None]

    def check(self, phrase: str) -> tuple[str, ...]:
        """A warning for a word unlike all that were trained. RequestError for an unknown one."""
        found = self._known(phrase)
        if spelled(found) in map(spelled, self.trained):
            return ()
        near = self.table.nearest(found, SHOWN, among=self.trained)
        if not near or near[0][1] >= self.far:
            return ()
        return (
            f"word:{phrase} is far from every word that was trained, the nearest is "
            f"{near[0][0]}: expect a guess",
        )

    def _known(self, phrase: str) -> str:
        """The phrase, or the singular of it that the table knows."""
        for form in singulars(spelled(phrase)):
            if self.table.vector(form) is not None:
                return form
        raise RequestError(
            f"the engine zmnet does not know word:{shown(phrase)}: {self._hint(phrase)}"
        )

    def _hint(self, phrase: str) -> str:
        parts = spelled(phrase).split()
        lost = next((p for p in parts if self.table.vector(p) is None), "")[:LONGEST]
        near = difflib.get_close_matches(lost, self.table.words, SHOWN, 0.75) if lost else []
        if near:
            return f"in place of {lost}, is {listed(near, 'or')} meant?"
        return f"it takes words such as {listed((self.trained or self.table.words)[:EXAMPLES])}"
