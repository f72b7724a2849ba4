"""The embedded segmenter with the weights that ship."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from semantic_style.clipseg_bridge.builtin import BuiltinSegmenter
from semantic_style.core.errors import RequestError
from semantic_style.core.segmenter import Segmenter
from semantic_style.weights.manifest import digest
from semantic_style.weights.style_store import StyleStore


@pytest.fixture(scope="module")
def segmenter() -> BuiltinSegmenter:
    return BuiltinSegmenter()


@pytest.fixture(scope="module")
def castle() -> NDArray[np.float32]:
    path = next(p.path for p in StyleStore().photos() if "neuschwanstein" in p.path.name.lower())
    return np.asarray(Image.open(path).convert("RGB"), np.float32) / 255


def test_it_fulfils_the_protocol(segmenter: BuiltinSegmenter) -> None:
    typed: Segmenter = segmenter
    assert typed.name == "builtin"
    assert typed.weights() == tuple(
        (name, digest(name)) for name in ("word-segmenter", "word-vectors")
    )


@pytest.mark.parametrize("word", ["sky", "building", "person", "dog", "the sky", "Trees", "people"])
def test_trained_words_are_known(segmenter: BuiltinSegmenter, word: str) -> None:
    assert segmenter.knows(word).kind == "yes"


@pytest.mark.parametrize(
    ("phrase", "word"),
    [
        ("automobile", "car"), ("puppy", "dog"), ("kitty", "cat"), ("sidewalk", "pavement"),
        ("house", "building"), ("the old house", "building"), ("woman", "person"),
        ("heavens", "sky"), ("deep blue sky", "sky"), ("trousers", "pants"),
        ("castle on the hill", "building"), ("grass", "vegetation"), ("pony", "horse"),
    ],
)  # fmt: skip
def test_near_words_say_what_answers(segmenter: BuiltinSegmenter, phrase: str, word: str) -> None:
    knowledge = segmenter.knows(phrase)
    assert (knowledge.kind, knowledge.word) == ("near", word)


@pytest.mark.parametrize("phrase", ["quantum", "water", "mountain", "the sea", "hand", "xqzw"])
def test_what_it_cannot_find_is_refused(segmenter: BuiltinSegmenter, phrase: str) -> None:
    knowledge = segmenter.knows(phrase)
    assert (knowledge.kind, knowledge.word) == ("no", None)
    encoding = segmenter.encode(np.zeros((32, 32, 3), np.float32))
    with pytest.raises(RequestError, match="does not know"):
        segmenter.masks(encoding, [phrase])


@pytest.mark.parametrize("shape", [(16, 16), (30, 400), (400, 30), (333, 500)])
def test_pictures_of_any_shape(segmenter: BuiltinSegmenter, shape: tuple[int, int]) -> None:
    photo = np.random.default_rng(0).random((*shape, 3), np.float32)
    masks = segmenter.masks(segmenter.encode(photo), ["sky", "a tree", "automobile"])
    assert masks.dtype == np.float32
    assert masks.shape[0] == 3
    assert masks.min() >= 0
    assert masks.max() <= 1
    tall, wide = masks.shape[1:]
    assert (tall > wide) == (shape[0] > shape[1]) or tall == wide


def test_a_synonym_gets_the_same_mask(
    segmenter: BuiltinSegmenter, castle: NDArray[np.float32]
) -> None:
    one, other = segmenter.masks(segmenter.encode(castle), ["building", "palace"])
    assert np.array_equal(one, other)


def test_the_sky_over_a_castle(segmenter: BuiltinSegmenter, castle: NDArray[np.float32]) -> None:
    sky, building, cat = segmenter.masks(segmenter.encode(castle), ["sky", "building", "cat"])
    rows = sky.shape[0]
    assert (sky[: rows // 5] >= 0.5).mean() > 0.95
    assert (sky[-rows // 3 :] >= 0.5).mean() < 0.02
    assert (building >= 0.5).mean() > 0.03
    assert (cat >= 0.5).mean() < 0.01


def test_a_mirrored_picture_has_the_mirrored_mask(
    segmenter: BuiltinSegmenter, castle: NDArray[np.float32]
) -> None:
    (mask,) = segmenter.masks(segmenter.encode(castle), ["sky"])
    (mirrored,) = segmenter.masks(segmenter.encode(castle[:, ::-1]), ["sky"])
    assert np.allclose(mask, mirrored[:, ::-1], atol=1e-3)
