"""The region language: `sky = van-gogh @ 0.6; "black + white" = 0.3*a + 0.7*b.jpg; keep people`.

    recipe  = item { ";" item }
    item    = "keep" phrase | target "=" mixture [ "@" strength ]
    target  = "*" | phrase | "image:" file | "mask:" file
    mixture = source { "+" weight "*" source } | weight "*" source { "+" weight "*" source }
    source  = name | file | "word:" phrase
    phrase, name, file: as typed, or in double quotes (with \\" and \\\\) where they hold
    ; = @ + * or a leading or trailing blank

The scanner reads every character once, so time is linear in the text's length. Empty items
(a semicolon at the end) are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from .errors import RequestError
from .recipe_checks import reads_as_file
from .recipe_data import Recipe, Region, Source, Target
from .wording import shown

LONGEST = 100_000  # characters of a recipe

_BLANK = re.compile(r"\s*")
_UNQUOTED = re.compile(r"[^;=@+*]*")
_QUOTED = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)
_OPENING = re.compile(r'(?:(image|mask|word)\s*:\s*|(keep)\s*)?"', re.IGNORECASE)
_PREFIXED = re.compile(r"(?:(image|mask|word)\s*:\s*|(keep)\s+)(.*)", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?|-?inf(?:inity)?|nan", re.ASCII | re.I)
_ESCAPED = re.compile(r'\\(["\\])')
_HINT = "write TARGET = STYLE, such as sky = mosaic @ 0.6"


@dataclass(frozen=True)
class _Token:
    """kind: one of ; = @ + * or "text". prefix: image, mask, word, keep or "".

    text is what follows the prefix; typed is the whole as it was written.
    """

    kind: str
    typed: str
    prefix: str = ""
    text: str = ""
    quoted: bool = False


def parse_recipe(text: str) -> Recipe:
    """The recipe that a text of items describes; what it does not name has its default."""
    parsed = [_item(tokens) for tokens in _split(_scan(text), ";") if tokens]
    regions = tuple(item for item in parsed if isinstance(item, Region))
    return Recipe(regions, keep=tuple(item for item in parsed if isinstance(item, str)))


def parse_item(text: str) -> Region | str:
    """One item: a Region, or the phrase of `keep PHRASE`."""
    items = [tokens for tokens in _split(_scan(text), ";") if tokens]
    if len(items) != 1:
        raise RequestError(f"expected one item, got {len(items)} in {shown(text)}: {_HINT}")
    return _item(items[0])


def parse_target(text: str) -> Target:
    """The left side of an item: `*`, a phrase, `image:FILE` or `mask:FILE`."""
    return _target(list(_scan(text)))


def parse_mixture(text: str) -> tuple[Source, ...]:
    """The right side of an item, without a strength."""
    return _mixture(list(_scan(text)))


def format_recipe(recipe: Recipe) -> str:
    """The recipe's regions and keep phrases in the region language.

    It has no words for the other settings, nor for checksums: they are in the JSON form. An
    embedded picture can't be written as text (RequestError).
    """
    items = [format_region(region) for region in recipe.regions]
    return "; ".join(items + [f"keep {_quoted(phrase)}" for phrase in recipe.keep])


def format_region(region: Region) -> str:
    """`TARGET = MIXTURE @ STRENGTH`, the strength only where it is not 1."""
    text = f"{format_target(region.target)} = {format_mixture(region.style)}"
    return text if region.strength == 1 else f"{text} @ {_number_text(region.strength)}"


def format_target(target: Target) -> str:
    if target.kind == "embedded":
        raise RequestError("an embedded mask can't be written as text: use the JSON form")
    if target.kind == "all":
        return "*"
    return _quoted(target.value) if target.kind == "phrase" else _prefixed(target.kind, target)


def format_mixture(style: tuple[Source, ...]) -> str:
    terms = []
    for place, source in enumerate(style):
        if source.kind == "embedded":
            raise RequestError("an embedded style can't be written as text: use the JSON form")
        text = _prefixed("word", source) if source.kind == "word" else _quoted(source.value)
        bare = place == 0 and source.weight == 1
        terms.append(text if bare else f"{_number_text(source.weight)}*{text}")
    return " + ".join(terms)


def _scan(text: str) -> Iterator[_Token]:
    if len(text) > LONGEST:
        raise RequestError(f"the recipe is {len(text)} characters long, at most {LONGEST} are read")
    at = _after_blanks(text, 0)
    while at < len(text):
        if text[at] in ";=@+*":
            yield _Token(text[at], text[at])
            at += 1
        elif opening := _OPENING.match(text, at):
            prefix = (opening[1] or opening[2] or "").lower()
            body = _QUOTED.match(text, opening.end())
            end = body.end() if body else opening.end()
            if body is None or text[end : end + 1] != '"':
                raise RequestError(f"a double quote is not closed: {shown(text[at:])}")
            inner = _ESCAPED.sub(r"\1", body[0])
            yield _Token("text", text[at : end + 1], prefix, inner, quoted=True)
            at = _after_blanks(text, end + 1)
            if at < len(text) and text[at] not in ";=@+*":
                raise RequestError(f"unexpected {shown(text[at:], 30)} after a closing quote")
        else:
            end = _end(_UNQUOTED.match(text, at))
            typed = text[at:end].strip()
            found = _PREFIXED.fullmatch(typed)
            prefix = (found[1] or found[2]).lower() if found else ""
            yield _Token("text", typed, prefix, found[3] if found else typed)
            at = end
        at = _after_blanks(text, at)


def _after_blanks(text: str, at: int) -> int:
    return _end(_BLANK.match(text, at))


def _end(match: re.Match[str] | None) -> int:
    assert match is not None  # both patterns match the empty text
    return match.end()


def _split(tokens: Iterator[_Token] | list[_Token], mark: str) -> list[list[_Token]]:
    parts: list[list[_Token]] = [[]]
    for token in tokens:
        if token.kind == mark:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _item(tokens: list[_Token]) -> Region | str:
    sides = _split(tokens, "=")
    first = tokens[0]
    if first.prefix == "keep" and len(sides) == 1:
        if len(tokens) > 1:
            raise _quote_it("keep takes one phrase", tokens)
        return Target("phrase", first.text).value
    if len(sides) == 1:
        raise RequestError(f'{_shown(tokens)} has no "=": {_HINT}, or keep PHRASE')
    if len(sides) > 2:
        raise _quote_it('there is more than one "="', tokens)
    if first.prefix == "keep":
        raise RequestError(
            f"{_shown(tokens)} both keeps and repaints: end keep PHRASE with ; or put the "
            "phrase in double quotes"
        )
    target = _target(sides[0])
    right = _split(sides[1], "@")
    if len(right) > 2:
        raise _quote_it('there is more than one "@"', tokens)
    style = _mixture(right[0])
    if len(right) == 1:
        return Region(target, style)
    return Region(target, style, strength=_number(right[1], "strength"))


def _target(tokens: list[_Token]) -> Target:
    if not tokens:
        raise RequestError(f'the phrase before "=" is empty: {_HINT}, * for the whole picture')
    if len(tokens) > 1:
        raise _quote_it("a region is one phrase", tokens)
    token = tokens[0]
    if token.kind == "*":
        return Target("all")
    if token.kind != "text":
        raise _quote_it("a region is one phrase", tokens)
    if token.prefix == "image":
        return Target("image", token.text)
    if token.prefix == "mask":
        return Target("mask", token.text)
    if token.prefix == "word":
        raise RequestError(f"{_shown(tokens)}: word: names a style, it belongs right of the =")
    return Target("phrase", _plain(token))


def _mixture(tokens: list[_Token]) -> tuple[Source, ...]:
    if not tokens:
        raise RequestError(f"the style is empty: {_HINT}")
    return tuple(_source(term, place) for place, term in enumerate(_split(tokens, "+")))


def _source(term: list[_Token], place: int) -> Source:
    kinds = [token.kind for token in term]
    if kinds == ["text"] and place == 0:
        return _weighted(term[0], 1.0)
    if kinds == ["text", "*", "text"]:
        return _weighted(term[2], _number(term[:1], "a style's weight"))
    if kinds == ["text"]:
        raise RequestError(
            f"{_shown(term)} is mixed in without a weight: write 0.5*STYLE after a +, "
            "or put a name that holds + in double quotes"
        )
    raise _quote_it("a style is NAME, FILE, word:WORD or WEIGHT*STYLE", term)


def _weighted(token: _Token, weight: float) -> Source:
    if token.prefix == "word":
        return Source("word", token.text, weight)
    if token.prefix in ("image", "mask"):
        raise RequestError(f"{_shown([token])}: {token.prefix}: belongs left of the =")
    value = _plain(token)
    return Source("file" if reads_as_file(value) else "name", value, weight)


def _plain(token: _Token) -> str:
    """The text of a token in whose place `keep` means nothing."""
    if token.prefix and token.quoted:
        raise _quote_it(f"unexpected {token.prefix}", [token])
    return token.text if token.quoted else token.typed


def _number(tokens: list[_Token], name: str) -> float:
    text = tokens[0].typed if len(tokens) == 1 else ""
    if not _NUMBER.fullmatch(text):
        raise RequestError(f"{name} must be a number such as 0.6, not {_shown(tokens)}")
    return float(text)


def _quoted(value: str) -> str:
    """As it is where it reads back so, else in double quotes."""
    plain = value == value.strip() and not re.search('[;=@+*"]', value)
    if plain and not _PREFIXED.match(value) and value:
        return value
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def _prefixed(prefix: str, data: Source | Target) -> str:
    return f"{prefix}:{_quoted(data.value)}"


def _number_text(value: float) -> str:
    """A float that reads back as itself, without the exponent's + that would end a term."""
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text.removesuffix(".0")


def _shown(tokens: list[_Token]) -> str:
    return shown(" ".join(token.typed for token in tokens))


def _quote_it(what: str, tokens: list[_Token]) -> RequestError:
    return RequestError(f"{what}: {_shown(tokens)}; put text that holds ; = @ + * in double quotes")
