"""What a set says about which words, and crops that repeat."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from semantic_style.core.errors import RequestError
from semantic_style.core.train import unbuilt
from semantic_style.core.train.segmenter_data import (
    LabelledCrops,
    split,
    stamp_set,
    vocabulary,
    word_sets,
)
from tests.core.train.labelled import make_data

SHARES = {"voc": 1.0, "facades": 1.0, "stamps": 1.0}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_data(tmp_path_factory.mktemp("data")))


def crops(data: str, shares: dict[str, float] = SHARES) -> LabelledCrops:
    return LabelledCrops(data, 64, 32, 2, seed=5, shares=shares, paste=1.0)


def test_words_are_the_labels_and_what_they_imply(data: str) -> None:
    words = vocabulary(data)
    assert {"cat", "sky", "background", "ground", "animal", "bird"} <= set(words)
    assert words == tuple(sorted(set(words)))


def test_implied_words_are_made_of_labels(data: str) -> None:
    words = vocabulary(data)
    facades = word_sets(data, words)["facades"]
    row = facades.words.tolist().index(words.index("ground"))
    assert facades.positive[row].nonzero().flatten().tolist() == [3, 4]  # pavement, road
    tree = facades.words.tolist().index(words.index("tree"))
    assert facades.positive[tree].sum() == 0
    assert facades.unknown[tree].nonzero().flatten().tolist() == [5]  # vegetation may be a tree


def test_other_sets_words_are_absent_only_where_that_is_certain(data: str) -> None:
    words = vocabulary(data)
    sets = word_sets(data, words)
    absent = {words[i] for i in sets["facades"].absent.tolist()}
    assert {"cat", "dog"} <= absent
    assert not {words[i] for i in sets["voc"].absent.tolist()} & {"sky", "building", "tree"}


def test_items_depend_on_seed_and_number_alone(data: str) -> None:
    one, other = crops(data), crops(data)
    for index in (0, 1, 7):
        for a, b in zip(one[index], other[index], strict=True):
            assert torch.equal(torch.as_tensor(a), torch.as_tensor(b))


def test_all_items_of_a_batch_share_their_shape(data: str) -> None:
    made = crops(data)
    shapes = [made[i][0].shape[1:] for i in range(4)]
    assert shapes == [(32, 64), (32, 64), (64, 32), (64, 32)]
    assert all(made[i][0].shape[1:] == made[i][1].shape for i in range(4))


def test_a_stamp_is_pasted_on_a_photograph(data: str) -> None:
    picture, ids, number = crops(data, {"voc": 0.0, "facades": 0.0, "stamps": 1.0})[0]
    assert number == 2
    known = stamp_set(vocabulary(data))
    label = int(ids.max())
    assert known.positive[:, label].sum() == 2  # bird and animal
    assert known.unknown[:, 0].all()
    assert picture[:, ids == 0].float().std() > 0  # no white paper around it


def test_photographs_of_nothing_built_deny_what_is_built_and_nothing_else(data: str) -> None:
    made = crops(data, {"voc": 0.0, "facades": 0.0, "stamps": 0.0, "unbuilt": 1.0})
    _, ids, number = made[0]
    assert made.names[number] == "unbuilt"
    assert ids[ids != 255].unique().tolist() == [0]
    words = vocabulary(data)
    known = word_sets(data, words)["unbuilt"]
    assert len(known.words) == 0
    assert {words[i] for i in known.absent.tolist()} == {"building", "pavement", "road"}


def test_the_list_names_each_photograph_once() -> None:
    names = unbuilt.LIST.read_text(encoding="utf-8").split()
    assert len(set(names)) == len(names)
    held_out = [n for n in names if n.startswith("content/holdout/")]
    assert len(held_out) == 133
    assert len(unbuilt.unbuilt_pictures("nowhere")) == 0


def test_data_without_labelled_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no labelled sets"):
        vocabulary(str(tmp_path))
    with pytest.raises(RequestError, match="no labelled sets"):
        vocabulary("")


def test_an_eighth_is_withheld_whatever_the_order_of_the_files() -> None:
    files = [Path(f"picture-{number}.jpg") for number in range(40)]
    trained_on, withheld = split(files)
    assert len(withheld) == 5
    assert sorted([*trained_on, *withheld]) == sorted(files)
    assert split(files[::-1]) == (trained_on, withheld)


def test_a_last_run_sees_what_was_withheld(tmp_path: Path) -> None:
    data = str(make_data(tmp_path, pictures=8))
    first, last = (
        LabelledCrops(data, 64, 32, 2, 5, SHARES, 1.0, every=each) for each in (False, True)
    )
    number = first.names.index("voc")
    assert len(first.files[number]) == 7
    assert len(last.files[number]) == 8


def test_a_set_of_a_few_pictures_withholds_none() -> None:
    files = [Path(f"picture-{number}.jpg") for number in range(7)]
    assert split(files) == (files, [])
