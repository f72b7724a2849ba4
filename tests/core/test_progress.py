"""One fraction for many parts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from semantic_style.core.progress import Whole

FRACTION = st.floats(0, 1)


@given(
    st.dictionaries(st.text(max_size=3), st.floats(0, 1e6), min_size=1, max_size=6),
    st.lists(st.lists(FRACTION, max_size=5), min_size=6, max_size=6),
)
def test_it_never_goes_back_and_ends_at_one(
    expected: dict[str, float], reports: list[list[float]]
) -> None:
    seen: list[float] = []
    whole = Whole(lambda stage, fraction: seen.append(fraction), expected)
    for name, fractions in zip(expected, reports, strict=False):
        progress = whole.part(name)
        for fraction in (*fractions, 1.0):
            progress("working", fraction)
    assert seen == sorted(seen)
    assert seen[0] >= 0
    assert seen[-1] == 1
    assert all(fraction <= 1 for fraction in seen)


def test_parts_take_what_was_expected_of_them_and_expectations_may_change() -> None:
    seen: list[tuple[str, float]] = []
    whole = Whole(lambda *told: seen.append(told), {"a": 1, "b": 3})
    whole.part("a")("looking", 1)
    assert seen == [("looking", 0.25)]
    whole.expect({"b": 1, "c": 2})
    progress = whole.part("b", "painting b")
    progress("inner", 1)
    assert seen[-1] == ("painting b", 0.5)
    whole.part("c")("last", 0.5)
    assert seen[-1] == ("last", 0.75)


def test_parts_are_progress_for_parts_of_their_own() -> None:
    seen: list[float] = []
    outer = Whole(lambda stage, fraction: seen.append(fraction), {"x": 1, "y": 1})
    inner = Whole(outer.part("x"), {"p": 1, "q": 1})
    inner.part("p")("p", 1)
    inner.part("q")("q", 1)
    outer.part("y")("y", 1)
    assert seen == [0.25, 0.5, 1]
