"""The table of word vectors: which words there are, and where each lies in sentence-vector space.

    python -m semantic_style.core.train.word_vectors --model MINILM --words WORDS --out FILE

Run once, with transformers installed; what ships needs neither. MINILM is the folder of
all-MiniLM-L6-v2 (Apache-2.0), WORDS what word_list.py writes. A word's vector is the direction of
the sum of two sentence vectors: of the word alone and of the word with its gloss, which tells the
sense that can be seen from the others. All vectors are projected on their main directions.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from ...weights.store import load_weights
from .word_list import Word

STEPS = 127.0  # int8 steps of a vector's largest entry
DIM = 256
KINDS = 3


@dataclass(frozen=True)
class WordTable:
    """words[i] lies at vectors[i], [N, S], unit length; index is words' inverse."""

    words: tuple[str, ...]
    vectors: Tensor
    index: dict[str, int]


def read_table(name_or_path: str) -> WordTable:
    """Raises RequestError where the file is missing, damaged or not a table."""
    tensors, metadata = load_weights(name_or_path)
    words = tuple(json.loads(metadata["words"]))
    vectors = F.normalize(tensors["vectors"].float(), dim=1)
    return WordTable(words, vectors, {w: i for i, w in enumerate(words)})


def write_table(path: Path, words: Sequence[Word], vectors: Tensor) -> None:
    """vectors: [N, S]. In the file: vectors int8 [N, S], each row in its own unit; files int8 [N],
    WordNet's file of the sense, -1 for none; kinds int16 [N, 3], the rows of the words that each
    is a kind of, nearest first, filled up with -1."""
    rows = {word.text: i for i, word in enumerate(words)}
    kinds = torch.full((len(words), KINDS), -1, dtype=torch.int16)
    for i, word in enumerate(words):
        for k, kind in enumerate(word.kinds[:KINDS]):
            kinds[i, k] = rows[kind]
    steps = vectors / vectors.abs().amax(dim=1, keepdim=True) * STEPS
    tensors = {
        "vectors": steps.round().to(torch.int8).contiguous(),
        "files": torch.tensor([word.file for word in words], dtype=torch.int8),
        "kinds": kinds,
    }
    save_file(tensors, path, {"words": json.dumps(list(rows))})


def main_directions(vectors: Tensor, count: int) -> Tensor:
    """[N, S] -> [N, count]: coordinates along the directions that keep most of the cosines."""
    _, axes = torch.linalg.eigh(vectors.T @ vectors)  # ascending
    return vectors @ axes[:, -min(count, vectors.shape[1]) :]


@torch.no_grad()
def embed_sentences(model: Path, sentences: Sequence[str], batch: int = 128) -> Tensor:
    """Sentence vectors of a MiniLM folder: token means, unit length; [N, 384]."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    network = AutoModel.from_pretrained(model, local_files_only=True).eval()
    order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))  # little padding
    result = torch.empty(len(sentences), network.config.hidden_size)
    for start in range(0, len(order), batch):
        some = order[start : start + batch]
        tokens = tokenizer([sentences[i] for i in some], padding=True, return_tensors="pt")
        states = network(**tokens).last_hidden_state  # n t 384
        kept = tokens["attention_mask"][..., None]
        result[some] = F.normalize((states * kept).sum(1) / kept.sum(1), dim=1)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--words", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    words = [Word.from_line(line) for line in given.words.read_text("utf-8").splitlines()]
    vectors = embed_sentences(given.model, [word.text for word in words])
    glossed = [f"{word.text}: {word.gloss}" if word.gloss else word.text for word in words]
    vectors = F.normalize(vectors + embed_sentences(given.model, glossed), dim=1)
    write_table(given.out, words, main_directions(vectors, DIM))
    print(f"{given.out}: {len(words)} words, {given.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
