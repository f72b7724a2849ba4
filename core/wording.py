"""Wording of the one-line messages that reach a person."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable

SHOWN = 60  # characters of the user's own text that a message repeats at most


def shown(value: object, limit: int = SHOWN) -> str:
    """The value as one short line, in double quotes where it is text.

    Control characters, line breaks and bidirectional marks become "?", so that no input can
    write to the terminal or break a message in two. At most `limit` characters of it appear.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str | bytes):
        text = os.fsdecode(value[: 4 * limit]) if isinstance(value, bytes) else value
        return f'"{_cut(text, limit)}"'
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # An integer of more than 4,300 digits has no repr, a list within itself no end.
        text = f"a huge {type(value).__name__}"
    return _cut(text, limit)


def shown_path(path: str | os.PathLike[str], limit: int = SHOWN) -> str:
    """A path in double quotes; of a long one the end, since that holds the file's name."""
    text = os.fsdecode(path)
    cut = text if len(text) <= limit else "..." + text[-(limit - 3) :]
    return f'"{_printable(cut)}"'


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """ "mosaic or moss": the known names most like `name`; all of them where none is like it."""
    names = list(known)
    folded = {each.casefold(): each for each in names}
    # A long input can't be like any name, and comparing it would take quadratic time.
    found = difflib.get_close_matches(name.casefold()[:SHOWN], folded, n=count, cutoff=0.5)
    return listed([folded[each] for each in found] or names)


def listed(names: Iterable[str], word: str = "or") -> str:
    """ "a, b or c"."""
    items = list(names)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def _cut(text: str, limit: int) -> str:
    return _printable(text if len(text) <= limit else text[: limit - 3] + "...")


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)
