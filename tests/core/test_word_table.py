"""Where style words lie: rows, phrases that are made of them, and the shipped table itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from semantic_style.core.errors import RequestError
from semantic_style.core.train.style_words import write
from semantic_style.core.word_table import WordTable, spelled


@pytest.fixture(scope="module")
def shipped() -> WordTable:
    return WordTable.load()


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    vectors = torch.nn.functional.normalize(torch.randn(3, 8), dim=1)
    write(tmp_path / "t.safetensors", ["noon", "night", "stained glass"], vectors)
    table = WordTable.load(tmp_path / "t.safetensors")
    found = table.vector("Stained  Glass")
    assert table.width == 8
    assert found is not None
    assert np.abs(found - vectors[2].numpy()).max() < 0.01
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)


def test_a_phrase_lies_between_its_words_and_unknown_words_nowhere(shipped: WordTable) -> None:
    sky, night, both = (shipped.vector(w) for w in ("sky", "night", "the night sky"))
    assert sky is not None
    assert night is not None
    assert both is not None
    assert np.linalg.norm(both) == pytest.approx(1, abs=1e-5)
    assert float(both @ night) > 0.6
    for unknown in ("zyxquorb", "night zyxquorb", "", "  ", "\0", "night " * 1000 + "zyxquorb"):
        found = shipped.vector(unknown)
        assert found is None or unknown.startswith("night night")
    assert shipped.nearest("zyxquorb") == []


def test_the_day_has_its_order(shipped: WordTable) -> None:
    """Along the line from noon to night: what makes words that were never trained fall between."""
    noon, night = shipped.vector("noon"), shipped.vector("night")
    assert noon is not None
    assert night is not None
    way = night - noon
    shares = []
    for word in ("afternoon", "morning", "evening"):
        vector = shipped.vector(word)
        assert vector is not None
        shares.append(float((vector - noon) @ way / (way @ way)))
    assert 0.2 < shares[0] < shares[1] < shares[2] < 0.8


def test_nearest_words_leave_the_word_itself_out(shipped: WordTable) -> None:
    assert [w for w, _ in shipped.nearest("dusk", 2, among=("mosaic", "sunset", "dusk"))] == [
        "sunset", "mosaic"
    ]  # fmt: skip
    words = shipped.nearest("night", 3)
    assert len(words) == 3
    assert all(0.5 < cosine < 1 for _, cosine in words)


def test_spelling() -> None:
    assert spelled("  The Stained-Glass ") == "stained glass"
    assert spelled("A") == "a"


def test_what_is_no_table_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"vectors": torch.zeros(2, 3)}, path, {"words": '["one"]'})
    with pytest.raises(RequestError, match="no table of words") as caught:
        WordTable.load(path)
    assert "\n" not in str(caught.value)
