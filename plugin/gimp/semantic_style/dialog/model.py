"""What the dialog shows, as plain data, and the recipe that it stands for. No gi in here.

A recipe's data may hold more than the dialog has controls for (a mixture of styles, a painted
target, the part of a style to take from): that travels along untouched.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

GROUPS = ("details", "colours", "textures")
WORD_ENGINE = "zmnet"  # takes words, and transfers groups one by one
PLAIN_ENGINE = "adaattn"
POLISHED = (PLAIN_ENGINE, WORD_ENGINE)  # engines that can be polished
AUTO = "auto"  # polishing is left to the engine
AUTO_SCHEMA = 4  # since which it is, where a recipe says nothing
THRESHOLD, GROW, FEATHER = 0.5, 0, 2.0  # what a recipe has where it says nothing

Source = Mapping[str, Any]  # {"kind": name, word, file or embedded, "value": text, ...}

_QUOTED = re.compile(
    r'[;=@+*"]|(?<!\S)(?:within|from)(?!\S)|^\s*(?:keep\s|image:|mask:|word:)', re.I
)
_SHOWN_ELSEWHERE = ("target", "plus", "within", "style", "strength", "threshold", "grow",
                    "feather", "invert")  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One region as the dialog shows it.

    phrase: as typed, the left side of the region language. whole: the whole layer, whatever the
    phrase is. style: sources, none until one is chosen. threshold: 0 to 1. grow, feather: px.
    target: a target that no text can say (a painted mask), which then stands for the phrase.
    rest: settings without a control.
    """

    phrase: str = ""
    whole: bool = False
    style: tuple[Source, ...] = ()
    strength: float = 1.0
    threshold: float = THRESHOLD
    grow: int = GROW
    feather: float = FEATHER
    invert: bool = False
    target: Mapping[str, Any] | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def painted(self) -> bool:
        """Whether the target is a mask in the recipe, for which there are no words."""
        return self.target is not None and target_text(self.target) is None

    @property
    def filled(self) -> bool:
        return self.whole or self.painted or bool(self.phrase.strip())

    @property
    def plain_masks(self) -> bool:
        """Whether all mask controls are where they start."""
        return (self.threshold, self.grow, self.feather, self.invert) == (
            THRESHOLD, GROW, FEATHER, False,
        )  # fmt: skip


@dataclass(frozen=True)
class State:
    """All of the dialog that a recipe holds.

    keep: phrases with commas between them. engine: None takes the one that fits the styles.
    size: px of the long side, "full" or None. brush: 0.1 to 10. polish: steps, or "auto".
    """

    rows: tuple[Row, ...] = (Row(),)
    keep: str = ""
    engine: str | None = None
    segmenter: str = "auto"
    size: int | str | None = None
    brush: float = 1.0
    polish: int | str = AUTO
    keep_colors: bool = False
    transfer: tuple[str, ...] = GROUPS
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def filled(self) -> tuple[int, ...]:
        """Numbers of the rows that become regions, in order."""
        return tuple(k for k, row in enumerate(self.rows) if row.filled)

    @property
    def answering_engine(self) -> str:
        return self.engine or _fitting(self.rows)

    @property
    def polishes(self) -> bool:
        """Whether what paints can be polished; it changes all groups of features together."""
        whole = self.answering_engine != WORD_ENGINE or set(self.transfer) == set(GROUPS)
        return self.answering_engine in POLISHED and whole


def to_text(state: State, default_style: str = "") -> str:
    """The recipe as JSON with sorted keys; "" while no row names anything.

    default_style: the name that stands where none is chosen.
    """
    if not state.filled:
        return ""
    return json.dumps(
        to_data(state, default_style), sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )


def to_data(state: State, default_style: str = "") -> dict[str, Any]:
    """The recipe as data; rows that name nothing are left out."""
    rows = [state.rows[k] for k in state.filled]
    data: dict[str, Any] = {
        **state.rest,
        "regions": [_region(row, default_style) for row in rows],
        "keep": keep_phrases(state.keep),
        "engine": state.engine or _fitting(rows),
        "segmenter": state.segmenter,
        "style_scale": state.brush,
        "keep_colors": state.keep_colors,
    }
    if state.size is not None:
        data["size"] = state.size
    if data["engine"] == WORD_ENGINE and state.transfer:
        data["transfer"] = list(state.transfer)
    data["polish"] = state.polish if state.polishes or state.polish == AUTO else 0
    return data


def is_language(text: str) -> bool:
    """Whether it is a recipe in the region language, for which the worker has the parser."""
    return bool(text.strip()) and not text.lstrip().startswith("{")


def from_text(text: str) -> State:
    """The state of a recipe's JSON. What can't be read gives an empty one: a preset that was
    edited by hand must not keep the dialog from opening."""
    if not text.strip():
        return State()
    try:
        return from_data(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return State()


def from_data(data: Mapping[str, Any]) -> State:
    """The state of a recipe's data, canonical or as `to_data` gives it. Raises KeyError, TypeError
    or ValueError for what is none."""
    rows = tuple(_row(region) for region in data["regions"])
    engine = data.get("engine")
    known = ("regions", "keep", "engine", "segmenter", "size", "style_scale", "polish",
             "keep_colors", "transfer", "pins", "schema")  # fmt: skip
    return State(
        rows=rows or (Row(),),
        keep=keep_text(data.get("keep", ())),
        engine=None if engine == _fitting(rows) else engine,
        segmenter=str(data.get("segmenter", "auto")),
        size=data.get("size"),
        brush=float(data.get("style_scale", 1.0)),
        polish=_polish(data),
        keep_colors=bool(data.get("keep_colors", False)),
        transfer=tuple(data.get("transfer", GROUPS)),
        rest={name: value for name, value in data.items() if name not in known},
    )


def _polish(data: Mapping[str, Any]) -> int | str:
    earlier = int(data.get("schema", AUTO_SCHEMA)) < AUTO_SCHEMA
    polish = data.get("polish", 0 if earlier else AUTO)
    return AUTO if polish == AUTO else int(polish)


def keep_phrases(text: str) -> list[str]:
    """`people, the car` -> both phrases; one that holds a comma stands in double quotes."""
    fields = next(csv.reader([text.replace("\n", " ")], skipinitialspace=True), [])
    return [each.strip() for each in fields if each.strip()]


def keep_text(phrases: Sequence[str]) -> str:
    """What reads back as these phrases."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(phrases)
    return ", ".join(phrases) if '"' not in line.getvalue() else line.getvalue()


def with_row(state: State, number: int, row: Row) -> State:
    rows = list(state.rows)
    rows[number] = row
    return replace(state, rows=tuple(rows))


def target_text(region: Mapping[str, Any]) -> str | None:
    """A region's target, what is added to it and what bounds it as one types them; None where
    one of them is a painted mask, for which there are no words."""
    target = region["target"]
    if isinstance(target, str):
        return target
    terms = [_term(term) for term in (target, *region.get("plus", ()))]
    within = region.get("within")
    bound = None if within is None else _term(within)
    if None in terms or (within is not None and bound is None):
        return None
    text = " + ".join(term for term in terms if term)
    return f"{text} within {bound}" if bound else text


def _term(term: Any) -> str | None:
    if isinstance(term, str):
        return term
    kind, value = term["kind"], str(term.get("value", ""))
    if kind == "embedded":
        return None
    if kind == "all":
        return "*"
    quoted = value
    if _QUOTED.search(value):
        quoted = '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
    return quoted if kind == "phrase" else f"{kind}:{quoted}"


def _region(row: Row, default_style: str) -> dict[str, Any]:
    style = row.style or ({"kind": "name", "value": default_style},)
    data: dict[str, Any] = {
        **row.rest,
        "style": [dict(source) for source in style],
        "strength": row.strength,
        "grow": row.grow,
        "feather": row.feather,
        "invert": row.invert,
    }
    if row.threshold != THRESHOLD:
        data["threshold"] = row.threshold
    if row.whole:
        return data | {"target": "*"}
    phrase = row.phrase.strip()
    if row.target is not None and target_text(row.target) in (None, phrase):
        return data | dict(row.target)
    return data | {"target": phrase}


def _row(region: Mapping[str, Any]) -> Row:
    text = target_text(region)
    style = region["style"]
    if isinstance(style, str) or not all(isinstance(each, Mapping) for each in style):
        raise ValueError("a style is a list of sources here")
    threshold = region.get("threshold")
    return Row(
        phrase=text if text not in (None, "*") else "",
        whole=text == "*",
        style=tuple(dict(source) for source in style),
        strength=float(region.get("strength", 1.0)),
        threshold=THRESHOLD if threshold is None else float(threshold),
        grow=int(region.get("grow", GROW)),
        feather=float(region.get("feather", FEATHER)),
        invert=bool(region.get("invert", False)),
        target=None
        if isinstance(region["target"], str)
        else {name: region[name] for name in ("target", "plus", "within") if name in region},
        rest={name: value for name, value in region.items() if name not in _SHOWN_ELSEWHERE},
    )


def _fitting(rows: Sequence[Row]) -> str:
    """The engine that a recipe without one gets."""
    words = any(source.get("kind") == "word" for row in rows for source in row.style)
    return WORD_ENGINE if words else PLAIN_ENGINE
