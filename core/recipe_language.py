"""The region language: `sky = van-gogh @ 0.6; "black + white" = 0.3*a + 0.7*b.jpg; keep people`.

    recipe  = item { ";" item }
    item    = "keep" phrase | target "=" mixture [ "from" phrase ] [ "@" strength ]
    target  = term { "+" term } [ "within" term ]
    term    = "*" | phrase | "image:" file | "mask:" file
    mixture = source { "+" weight "*" source } | weight "*" source { "+" weight "*" source }
    source  = name | file | "word:" phrase
    phrase, name, file: as typed, or in double quotes (with \\" and \\\\) where they hold
    ; = @ + * or a leading or trailing blank, or as a word of its own within (left of the =) or
    from (right of it)

A region is all that any of its terms shows, as far as it lies within the term after `within`;
`from` names the part of the style picture to take from. Empty items (a semicolon at the end) are
passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from .errors import RequestError
from .recipe_checks import reads_as_file
from .recipe_data import Recipe, Region, Source, Target, engine_for
from .recipe_scanner import PREFIXED, Token, scan, split
from .wording import shown

_RESERVED = re.compile(r"(?<!\S)(?:within|from)(?!\S)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?|-?inf(?:inity)?|nan", re.ASCII | re.I)
_HINT = "write TARGET = STYLE, such as sky = mosaic @ 0.6"


class Area(NamedTuple):
    """The left side of an item: fields of Region."""

    target: Target
    plus: tuple[Target, ...] = ()
    within: Target | None = None


class Look(NamedTuple):
    """The right side of an item without its strength: fields of Region."""

    style: tuple[Source, ...]
    style_region: str | None = None


def parse_recipe(text: str) -> Recipe:
    """The recipe that a text of items describes; what it does not name has its default."""
    parsed = [_item(tokens) for tokens in split(scan(text), ";") if tokens]
    return recipe_of(parsed)


def recipe_of(items: Iterable[Region | str]) -> Recipe:
    """The recipe of parsed items: regions, and phrases to keep; no engine is named, see
    engine_for."""
    items = tuple(items)
    regions = tuple(item for item in items if isinstance(item, Region))
    keep = tuple(item for item in items if isinstance(item, str))
    return Recipe(regions, keep, engine_for(regions))


def parse_item(text: str) -> Region | str:
    """One item: a Region, or the phrase of `keep PHRASE`."""
    items = [tokens for tokens in split(scan(text), ";") if tokens]
    if len(items) != 1:
        raise RequestError(f"expected one item, got {len(items)} in {shown(text)}: {_HINT}")
    return _item(items[0])


def parse_target(text: str) -> Area:
    """The left side of an item, such as `sky + sea within mask:sel.png`."""
    return _area(list(scan(text)))


def parse_term(text: str) -> Target:
    """One thing: `*`, a phrase, `image:FILE` or `mask:FILE`."""
    tokens = list(scan(text))
    if any(token.kind in ("+", "within") for token in tokens):
        raise _quote_it("one thing is named here", tokens)
    return _term(tokens)


def parse_mixture(text: str) -> Look:
    """The right side of an item without a strength, such as `0.5*a + 0.5*b from sky`."""
    return _look(list(scan(text, "from")))


def parse_mixtures(text: str) -> tuple[Look, ...]:
    """Mixtures with commas between them, such as `word:noon, 0.5*word:night + 0.5*a.jpg`; a name
    that holds a comma stands in double quotes."""
    parts = split(scan(text, "from", ","), ",")
    if not all(parts):
        raise RequestError(
            f"a style is missing in {shown(text)}: write one between any two commas, as in "
            "word:noon, word:night"
        )
    return tuple(_look(part) for part in parts)


def format_recipe(recipe: Recipe) -> str:
    """The recipe's regions and keep phrases in the region language.

    It has no words for the other settings, nor for checksums: they are in the JSON form. An
    embedded picture can't be written as text (RequestError).
    """
    items = [format_region(region) for region in recipe.regions]
    return "; ".join(items + [f"keep {_quoted(phrase)}" for phrase in recipe.keep])


def format_region(region: Region) -> str:
    """`TARGET = MIXTURE from PHRASE @ STRENGTH`, what is at its default left out."""
    text = format_target(region)
    if region.within is not None:
        text += f" within {format_term(region.within)}"
    text += f" = {format_mixture(region.style)}"
    if region.style_region is not None:
        text += f" from {_phrase(region.style_region)}"
    return text if region.strength == 1 else f"{text} @ {_number_text(region.strength)}"


def format_target(region: Region) -> str:
    """The region's terms, without what they lie within."""
    return " + ".join(format_term(term) for term in region.terms)


def format_term(target: Target) -> str:
    if target.kind == "embedded":
        raise RequestError("an embedded mask can't be written as text: use the JSON form")
    if target.kind == "all":
        return "*"
    return _phrase(target.value) if target.kind == "phrase" else _prefixed(target.kind, target)


def format_mixture(style: tuple[Source, ...]) -> str:
    terms = []
    for place, source in enumerate(style):
        if source.kind == "embedded":
            raise RequestError("an embedded style can't be written as text: use the JSON form")
        text = _prefixed("word", source) if source.kind == "word" else _quoted(source.value)
        bare = place == 0 and source.weight == 1
        terms.append(text if bare else f"{_number_text(source.weight)}*{text}")
    return " + ".join(terms)


def _item(tokens: list[Token]) -> Region | str:
    sides = split(tokens, "=")
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
    area = _area(sides[0])
    right = split(sides[1], "@")
    if len(right) > 2:
        raise _quote_it('there is more than one "@"', tokens)
    if len(right) > 1 and any(token.kind == "from" for token in right[1]):
        raise RequestError(
            f"from stands before the @, as in sky = a.jpg from sky @ 0.6: {_shown(tokens)}"
        )
    strength = _number(right[1], "strength") if len(right) > 1 else 1.0
    return Region(**area._asdict(), **_look(right[0])._asdict(), strength=strength)


def _area(tokens: list[Token]) -> Area:
    if not tokens:
        raise RequestError(f'the phrase before "=" is empty: {_HINT}, * for the whole picture')
    parts = split(tokens, "within")
    if len(parts) > 2:
        raise _quote_it('there is more than one "within"', tokens)
    if not all(parts):
        raise _quote_it("within stands between two things, as in house within mask:sel.png", tokens)
    terms = split(parts[0], "+")
    if not all(terms):
        raise _quote_it("a + stands between two things, as in sky + sea", tokens)
    target, *plus = (_term(term, file=k == 0) for k, term in enumerate(terms))
    within = None
    if len(parts) > 1:
        if any(token.kind == "+" for token in parts[1]):
            raise _quote_it("after within stands one thing", tokens)
        within = _term(parts[1], file=False)
    return Area(target, tuple(plus), within)


def _term(tokens: list[Token], *, file: bool = True) -> Target:
    """file: whether a phrase may read as a file's name without standing in quotes."""
    if not tokens:
        raise RequestError("the phrase is empty: name something in the picture, such as sky")
    token = tokens[0]
    if len(tokens) > 1 or token.kind not in ("*", "text"):
        raise _quote_it("a region is one phrase", tokens)
    if token.kind == "*":
        return Target("all")
    if token.prefix == "image":
        return Target("image", token.text)
    if token.prefix == "mask":
        return Target("mask", token.text)
    if token.prefix == "word":
        raise RequestError(f"{_shown(tokens)}: word: names a style, it belongs right of the =")
    if not file and not token.quoted and reads_as_file(token.typed):
        raise RequestError(
            f"{_shown(tokens)} reads as a file: write mask:FILE or image:FILE, and put a name "
            "that holds the word within in double quotes"
        )
    return Target("phrase", _plain(token))


def _look(tokens: list[Token]) -> Look:
    mixture, *phrases = split(tokens, "from")
    if not phrases:
        return Look(_mixture(mixture))
    if len(phrases) > 1:
        raise _quote_it('there is more than one "from"', tokens)
    phrase = phrases[0]
    token = phrase[0] if len(phrase) == 1 else Token("", "")
    if not mixture or token.kind != "text" or token.prefix in ("image", "mask", "word"):
        raise _quote_it("from stands between a style and a phrase, as in a.jpg from sky", tokens)
    if not token.quoted and reads_as_file(token.typed):
        raise RequestError(
            f"{_shown(phrase)} reads as a file, but after from stands a phrase: put a file name "
            "that holds the word from in double quotes"
        )
    return Look(_mixture(mixture), _plain(token))


def _mixture(tokens: list[Token]) -> tuple[Source, ...]:
    if not tokens:
        raise RequestError(f"the style is empty: {_HINT}")
    return tuple(_source(term, place) for place, term in enumerate(split(tokens, "+")))


def _source(term: list[Token], place: int) -> Source:
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


def _weighted(token: Token, weight: float) -> Source:
    if token.prefix == "word":
        return Source("word", token.text, weight)
    if token.prefix in ("image", "mask"):
        raise RequestError(f"{_shown([token])}: {token.prefix}: belongs left of the =")
    value = _plain(token)
    return Source("file" if reads_as_file(value) else "name", value, weight)


def _plain(token: Token) -> str:
    """The text of a token in whose place `keep` means nothing."""
    if token.prefix and token.quoted:
        raise _quote_it(f"unexpected {token.prefix}", [token])
    return token.text if token.quoted else token.typed


def _number(tokens: list[Token], name: str) -> float:
    text = tokens[0].typed if len(tokens) == 1 else ""
    if not _NUMBER.fullmatch(text):
        raise RequestError(f"{name} must be a number such as 0.6, not {_shown(tokens)}")
    return float(text)


def _quoted(value: str) -> str:
    """As it is where it reads back so, else in double quotes."""
    plain = value == value.strip() and not re.search('[;=@+*"]', value)
    if plain and not _RESERVED.search(value) and not PREFIXED.match(value) and value:
        return value
    return _in_quotes(value)


def _in_quotes(value: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def _phrase(value: str) -> str:
    """A phrase in quotes also where it could be taken for a file."""
    return _in_quotes(value) if reads_as_file(value) else _quoted(value)


def _prefixed(prefix: str, data: Source | Target) -> str:
    return f"{prefix}:{_quoted(data.value)}"


def _number_text(value: float) -> str:
    """A float that reads back as itself, without the exponent's + that would end a term."""
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text.removesuffix(".0")


def _shown(tokens: list[Token]) -> str:
    return shown(" ".join(token.typed for token in tokens))


def _quote_it(what: str, tokens: list[Token]) -> RequestError:
    return RequestError(
        f"{what}: {_shown(tokens)}; put text that holds ; = @ + * or the words within or from in "
        "double quotes"
    )
