"""Hypothesis strategies for recipes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from semantic_style.core.recipe import (
    ENGINES,
    GROUPS,
    SEGMENTERS,
    Pins,
    Recipe,
    Region,
    Source,
    Target,
    recipe_of,
)
from semantic_style.core.recipe_data import MOST_STEPS, POLISHED

TINY_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
SHA256 = st.text(alphabet="0123456789abcdef", min_size=64, max_size=64)

# Every character that can stand in one line, the language's own signs much more often.
_letters = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")) | st.sampled_from(
    ';=@+*"\\ :/.keepimagesword01'
)
_filled = st.text(_letters, min_size=1, max_size=40).filter(lambda text: bool(text.strip()))
phrases = _filled | st.builds(
    "{}{}".format,
    st.sampled_from(["keep ", "Keep\t", "image:", "mask: ", "word:", '"', "within ", "from "]),
    _filled,
)
_asides = st.sampled_from(["", "", " within x", " from", "\u2003within", " From x", "within"])
files = st.builds(
    "{}{}{}".format, _filled, _asides, st.sampled_from([".jpg", "/x", "\\x", ".PNG", ""])
)
names = phrases.filter(
    lambda text: (
        not any(mark in text for mark in "/\\")
        and not text.strip()
        .lower()
        .endswith((".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"))
    )
)
weights = st.floats(1e-300, 1e300) | st.sampled_from([1.0, 0.5, 5e-324, 1e22])


@st.composite
def sources(draw: st.DrawFn, kinds: tuple[str, ...], checksums: bool) -> Source:
    kind = draw(st.sampled_from(kinds))
    value = {"name": names, "file": files, "word": phrases, "embedded": st.just(TINY_PNG)}[kind]
    checksum = draw(st.none() | SHA256) if checksums else None
    return Source(kind, draw(value), draw(weights), checksum)  # type: ignore[arg-type]


def _mixtures(kinds: tuple[str, ...], checksums: bool) -> st.SearchStrategy[tuple[Source, ...]]:
    return st.lists(sources(kinds, checksums), min_size=1, max_size=3).map(tuple)


spoken_terms = st.one_of(
    st.builds(Target, st.just("phrase"), phrases | files),
    st.builds(Target, st.sampled_from(["image", "mask"]), files),
)
embedded = st.just(Target("embedded", TINY_PNG))


@st.composite
def _regions(
    draw: st.DrawFn,
    terms: st.SearchStrategy[Target],
    style: st.SearchStrategy[tuple[Source, ...]],
    **settings: st.SearchStrategy[Any],
) -> Region:
    """Regions of several terms, or the whole picture; either within something or not."""
    whole = draw(st.booleans())
    style = draw(style)
    named = any(source.kind == "word" for source in style)
    return Region(
        target=Target("all") if whole else draw(terms),
        plus=() if whole else tuple(draw(st.lists(terms, max_size=3))),
        within=draw(st.none() | terms),
        style=style,
        style_region=None if named else draw(st.none() | phrases),
        **{name: draw(each) for name, each in settings.items()},
    )


def spoken_recipes() -> st.SearchStrategy[Recipe]:
    """Recipes for all of which the region language has words."""
    regions = _regions(
        spoken_terms,
        style=_mixtures(("name", "file", "word"), False),
        strength=st.floats(0, 1),
    )
    return st.builds(
        recipe_of,
        st.builds(
            list.__add__,
            st.lists(regions, min_size=1, max_size=3),
            st.lists(phrases, max_size=3),
        ),
    )


def recipes() -> st.SearchStrategy[Recipe]:
    """Any recipe."""
    regions = _regions(
        spoken_terms | embedded,
        style=_mixtures(("name", "file", "word", "embedded"), True),
        strength=st.floats(0, 1),
        threshold=st.none() | st.floats(0, 1, exclude_min=True, exclude_max=True),
        grow=st.integers(-500, 500),
        feather=st.floats(0, 500),
        invert=st.booleans(),
    )
    pins = st.builds(
        Pins,
        phrases,
        phrases,
        st.dictionaries(phrases.map(_one_blank), SHA256, max_size=2).map(
            lambda table: tuple(table.items())
        ),
        phrases,
    )
    return st.builds(
        _recipe,
        regions=st.lists(regions, min_size=1, max_size=3).map(tuple),
        keep=st.lists(phrases, max_size=2).map(tuple),
        engine=st.sampled_from(ENGINES),
        segmenter=st.sampled_from(SEGMENTERS),
        size=st.none() | st.just("full") | st.integers(64, 65535),
        style_scale=st.floats(0.1, 10),
        keep_colors=st.booleans(),
        transfer=st.sets(st.sampled_from(GROUPS), min_size=1).map(tuple),
        seed=st.integers(0, 2**32 - 1),
        polish=st.just("auto") | st.integers(0, MOST_STEPS),
        pins=st.none() | pins,
    )


def _one_blank(text: str) -> str:
    return " ".join(text.split())


def _recipe(**values: Any) -> Recipe:
    """Only zmnet transfers fewer groups than all, and only what transfers all is polished."""
    if values["engine"] != "zmnet":
        values["transfer"] = GROUPS
    can = values["engine"] in POLISHED and set(values["transfer"]) == set(GROUPS)
    if values["polish"] != "auto" and not can:
        values["polish"] = 0
    return Recipe(**values)
