"""From phrases to trained words, on a lexicon small enough to check by eye."""

from __future__ import annotations

import numpy as np
import pytest

from semantic_style.clipseg_bridge.vocabulary import Lexicon, Vocabulary

ARTIFACT, BODY, PLACE = 6, 8, 17

# word: direction in degrees, sort, what it is a kind of
WORDS: dict[str, tuple[float, int, tuple[str, ...]]] = {
    "building": (0, ARTIFACT, ()),
    "gloves": (90, ARTIFACT, ()),
    "sky": (180, PLACE, ()),
    "cherry": (250, PLACE, ()),
    "house": (40, ARTIFACT, ()),
    "castle": (50, ARTIFACT, ("building",)),
    "hand": (85, BODY, ()),
    "heavens": (200, -1, ()),
    "spanner": (290, ARTIFACT, ()),
}


@pytest.fixture
def vocabulary() -> Vocabulary:
    names = list(WORDS)
    turns = np.radians([turn for turn, _, _ in WORDS.values()])
    kinds = np.full((len(names), 3), -1, np.int16)
    for row, (_, _, above) in enumerate(WORDS.values()):
        kinds[row, : len(above)] = [names.index(word) for word in above]
    lexicon = Lexicon(
        names,
        np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32),
        np.array([sort for _, sort, _ in WORDS.values()], np.int8),
        kinds,
    )
    return Vocabulary(names[:4], lexicon)


@pytest.mark.parametrize("phrase", ["sky", "Sky", " the sky ", "skies", "a sky."])
def test_a_trained_word_answers_for_itself(vocabulary: Vocabulary, phrase: str) -> None:
    knowledge = vocabulary.knows(phrase)
    assert (knowledge.kind, knowledge.word) == ("yes", "sky")
    assert vocabulary.place(phrase) == 2


def test_a_near_word_of_the_same_sort_answers_for_another(vocabulary: Vocabulary) -> None:
    assert vocabulary.knows("house").word == "building"
    assert vocabulary.knows("house").kind == "near"


def test_what_a_word_is_a_kind_of_beats_what_is_nearer(vocabulary: Vocabulary) -> None:
    # castle lies at 40 degrees from the gloves and at 50 from the building
    assert vocabulary.knows("castle").nearest[:2] == ("building", "gloves")


def test_a_near_word_of_another_sort_does_not_answer(vocabulary: Vocabulary) -> None:
    knowledge = vocabulary.knows("hand")
    assert (knowledge.kind, knowledge.nearest[0]) == ("no", "gloves")


def test_a_word_of_no_sort_goes_with_any(vocabulary: Vocabulary) -> None:
    assert vocabulary.knows("heavens").word == "sky"


def test_a_far_word_is_refused_with_the_nearest(vocabulary: Vocabulary) -> None:
    knowledge = vocabulary.knows("spanner")
    assert knowledge.kind == "no"
    assert knowledge.word is None
    assert knowledge.nearest[0] == "cherry"
    assert vocabulary.place("spanner") is None


@pytest.mark.parametrize(
    ("phrase", "word"),
    [
        ("the deep blue sky", "sky"),
        ("sky above the castle", "sky"),
        ("the old houses", "building"),
        ("two houses of the king", "building"),
    ],
)
def test_a_phrase_is_about_its_noun(vocabulary: Vocabulary, phrase: str, word: str) -> None:
    knowledge = vocabulary.knows(phrase)
    assert (knowledge.kind, knowledge.word) == ("near", word)


def test_a_slip_of_the_pen_gets_the_word_that_was_meant(vocabulary: Vocabulary) -> None:
    assert vocabulary.knows("bulding") == vocabulary.knows("bulding")
    assert vocabulary.knows("bulding").nearest == ("building",)


@pytest.mark.parametrize("phrase", ["", "   ", "!?", "x" * 10_000, "ß" * 300, "of of of"])
def test_nonsense_is_refused_at_once(vocabulary: Vocabulary, phrase: str) -> None:
    assert vocabulary.knows(phrase).kind == "no"
