"""Labels that a network doubts become unknown, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from semantic_style.core.errors import RequestError
from semantic_style.core.nets.word_segmenter import WordSegmenter, WordSegmenterConfig
from semantic_style.core.train.doubted import doubt
from semantic_style.core.train.segmenter_data import vocabulary
from tests.core.train.labelled import make_data


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"), pictures=2)


def network(data: Path, sure_of: str) -> WordSegmenter:
    """Sees one word everywhere, and no other."""
    torch.manual_seed(0)
    words = vocabulary(str(data))
    made = WordSegmenter(WordSegmenterConfig(words=words, dim=8, width=16, sentence_dim=4)).eval()
    with torch.no_grad():
        made.bias.fill_(-2.0)
        made.bias[words.index(sure_of)] = 2.0
    return made


def masks(folder: Path) -> list[np.ndarray]:
    return [np.asarray(Image.open(file)) for file in sorted((folder / "masks").glob("*.png"))]


def test_what_looks_like_a_cat_is_no_dog_for_certain(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "new"
    assert doubt(network(data, "cat"), data, "voc", "dog", ["cat"], out) == 1.0
    assert vocabulary(str(out)) == vocabulary(str(data))
    for folder in ("voc/holdout", "facades"):
        pairs = zip(masks(data / "seg" / folder), masks(out / "seg" / folder), strict=True)
        assert all((one == other).all() for one, other in pairs)
    for old, new in zip(masks(data / "seg/voc"), masks(out / "seg/voc"), strict=True):
        assert (old == 2).any()
        assert (new == np.where(old == 2, 255, old)).all()
    with pytest.raises(RequestError, match="exists: choose another folder"):
        doubt(network(data, "cat"), data, "voc", "dog", ["cat"], out)


def test_what_is_not_seen_stays(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "new"
    assert doubt(network(data, "sky"), data, "voc", "dog", ["cat"], out) == 0.0
    for old, new in zip(masks(data / "seg/voc"), masks(out / "seg/voc"), strict=True):
        assert (old == new).all()


@pytest.mark.parametrize(("label", "thing"), [("unicorn", "cat"), ("dog", "unicorn")])
def test_strange_words_are_refused(data: Path, tmp_path: Path, label: str, thing: str) -> None:
    with pytest.raises(RequestError, match="'unicorn' is no word of voc and of the network"):
        doubt(network(data, "cat"), data, "voc", label, [thing], tmp_path / "new")
    assert not (tmp_path / "new").exists()
