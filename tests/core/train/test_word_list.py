"""WordNet's files read, words chosen, and the table written and read back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from semantic_style.core.train.word_list import Word, WordNet, make_list, singulars
from semantic_style.core.train.word_vectors import main_directions, read_table, write_table

DATA = """  1 the licence
00000001 06 n 01 building 0 000 | a structure with a roof; "there was a building"
00000002 06 n 02 house 0 home 0 001 @ 00000001 n 0000 | a dwelling
00000003 18 n 01 House 0 001 @i 00000002 n 0000 | a family of that name
00000004 09 n 01 idea 0 000 | what one thinks
00000005 06 n 01 igloo 0 001 @ 00000002 n 0000 | a house of snow
00000006 06 n 01 tree_house 0 001 @ 00000002 n 0000 | a house in a tree
"""
INDEX = """  1 the licence
building n 1 0 1 1 00000001
house n 2 1 @ 2 1 00000003 00000002
idea n 1 0 1 1 00000004
igloo n 1 1 @ 1 0 00000005
tree_house n 1 1 @ 1 0 00000006
"""


@pytest.fixture
def wordnet(tmp_path: Path) -> WordNet:
    (tmp_path / "data.noun").write_text(DATA)
    (tmp_path / "index.noun").write_text(INDEX)
    return WordNet(tmp_path)


def test_names_of_single_things_are_passed_over(wordnet: WordNet) -> None:
    assert wordnet.sense("house") == "00000002"
    assert wordnet.sense("idea") is None


def test_a_chain_leads_to_what_a_thing_is_a_kind_of(wordnet: WordNet) -> None:
    assert wordnet.chain("00000005") == ["00000005", "00000002", "00000001"]


def test_labels_come_first_then_common_visible_nouns(wordnet: WordNet) -> None:
    words = make_list(wordnet, ["building"], lambda word: 3.0)
    assert [w.text for w in words] == ["building", "house", "igloo"]  # the phrase was never seen
    assert words[2].kinds == ("building",)
    assert words[0].gloss == "a structure with a roof"


def test_rare_words_are_left_out(wordnet: WordNet) -> None:
    words = make_list(wordnet, ["building"], lambda word: 1.0 if word == "igloo" else 3.0)
    assert "igloo" not in [w.text for w in words]


def test_a_line_reads_back() -> None:
    word = Word("igloo", 6, ("building", "house"), "a house of snow")
    assert Word.from_line(word.to_line()) == word


@pytest.mark.parametrize(
    ("plural", "singular"),
    [("skies", "sky"), ("leaves", "leaf"), ("boxes", "box"), ("cats", "cat")],
)
def test_plurals(plural: str, singular: str) -> None:
    assert singular in singulars(plural)


def test_a_table_keeps_directions_and_kinds(tmp_path: Path) -> None:
    torch.manual_seed(0)
    words = [Word("building", 6), Word("house", 6, ("building",))]
    vectors = torch.randn(2, 16)
    write_table(tmp_path / "table.safetensors", words, vectors)
    table = read_table(str(tmp_path / "table.safetensors"))
    assert table.words == ("building", "house")
    assert torch.cosine_similarity(table.vectors, vectors).min() > 0.999
    stored = load_file(tmp_path / "table.safetensors")
    assert stored["kinds"].tolist() == [[-1, -1, -1], [0, -1, -1]]
    assert stored["files"].tolist() == [6, 6]


def test_main_directions_keep_the_cosines_of_what_lies_in_few() -> None:
    torch.manual_seed(0)
    vectors = torch.randn(20, 3) @ torch.randn(3, 16)
    few = main_directions(vectors, 3)
    assert torch.allclose(few @ few.T, vectors @ vectors.T, atol=1e-3)
