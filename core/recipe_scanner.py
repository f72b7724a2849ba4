"""The region language's marks, words and texts: see recipe_language.py.

The scanner reads every character once, so time is linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from .errors import RequestError
from .wording import shown

LONGEST = 100_000  # characters of a recipe

MARKS = ";=@+*"

_KEEPS = re.compile(r'keep[\s"]', re.IGNORECASE)
_BLANK = re.compile(r"\s*")
_QUOTED = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)
_OPENING = re.compile(r'(?:(image|mask|word)\s*:\s*|(keep)\s*)?"', re.IGNORECASE)
PREFIXED = re.compile(r"(?:(image|mask|word)\s*:\s*|(keep)\s+)(.*)", re.IGNORECASE | re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])')


@dataclass(frozen=True)
class Token:
    """kind: one of ; = @ + *, within, from or "text". prefix: image, mask, word, keep or "".

    text is what follows the prefix; typed is the whole as it was written.
    """

    kind: str
    typed: str
    prefix: str = ""
    text: str = ""
    quoted: bool = False


def scan(text: str, word: str = "within", more: str = "") -> Iterator[Token]:
    """word: the language's word on the side of the = where the text begins. more: further marks,
    for texts in which something stands around the language's own."""
    marks = MARKS + more
    if len(text) > LONGEST:
        raise RequestError(f"the recipe is {len(text)} characters long, at most {LONGEST} are read")
    at = _after_blanks(text, 0)
    if word == "within" and _KEEPS.match(text, at):
        word = ""
    while at < len(text):
        if text[at] in marks:
            mark = text[at]
            yield Token(mark, mark)
            at = _after_blanks(text, at + 1)
            if mark == "=":
                word = "from"
            elif mark == ";":
                word = "" if _KEEPS.match(text, at) else "within"
        elif found := _word_at(text, at, word, marks):
            yield Token(word, found[0])
            at = found.end()
        elif opening := _OPENING.match(text, at):
            prefix = (opening[1] or opening[2] or "").lower()
            body = _QUOTED.match(text, opening.end())
            end = body.end() if body else opening.end()
            if body is None or text[end : end + 1] != '"':
                raise RequestError(f"a double quote is not closed: {shown(text[at:])}")
            inner = _ESCAPED.sub(r"\1", body[0])
            yield Token("text", text[at : end + 1], prefix, inner, quoted=True)
            at = _after_blanks(text, end + 1)
            apart = at > end + 1 and _word_at(text, at, word, marks)
            if at < len(text) and text[at] not in marks and not apart:
                raise RequestError(f"unexpected {shown(text[at:], 30)} after a closing quote")
        else:
            end = _end(_unquoted(word, marks).match(text, at))
            typed = text[at:end].strip()
            prefixed = PREFIXED.fullmatch(typed)
            prefix = (prefixed[1] or prefixed[2]).lower() if prefixed else ""
            yield Token("text", typed, prefix, prefixed[3] if prefixed else typed)
            at = end
        at = _after_blanks(text, at)


@cache
def _word(word: str, marks: str) -> re.Pattern[str]:
    """A word of the language stands between blanks, marks or the text's ends, in any case."""
    return re.compile(rf"{word}(?![^\s{marks}])", re.IGNORECASE)


@cache
def _unquoted(word: str, marks: str) -> re.Pattern[str]:
    if not word:
        return re.compile(rf"[^{marks}]*")
    pattern = _word(word, marks).pattern
    return re.compile(rf"(?:(?!(?<=\s){pattern})[^{marks}])*", re.IGNORECASE)


def _word_at(text: str, at: int, word: str, marks: str) -> re.Match[str] | None:
    return _word(word, marks).match(text, at) if word else None


def _after_blanks(text: str, at: int) -> int:
    return _end(_BLANK.match(text, at))


def _end(match: re.Match[str] | None) -> int:
    assert match is not None  # the patterns match the empty text
    return match.end()


def split(tokens: Iterator[Token] | list[Token], mark: str) -> list[list[Token]]:
    """The tokens between those of kind `mark`; one list more than there are marks."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind == mark:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
