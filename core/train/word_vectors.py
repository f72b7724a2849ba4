"""The table of word vectors: which words there are, and where each lies in sentence-vector space.

    python -m semantic_style.core.train.word_vectors --model MINILM --words WORDS --out FILE

Run once, with transformers installed; what ships needs neither. MINILM is the folder of
all-MiniLM-L6-v2 (Apache-2.0), WORDS a text file, one word or phrase a line.
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

STEPS = 360.0  # int8 steps a unit: no entry of a unit vector of this model reaches 0.35


@dataclass(frozen=True)
class WordTable:
    """words[i] lies at vectors[i], [N, 384], unit length; index is words' inverse."""

    words: tuple[str, ...]
    vectors: Tensor
    index: dict[str, int]


def read_table(name_or_path: str) -> WordTable:
    """Raises RequestError where the file is missing, damaged or not a table."""
    tensors, metadata = load_weights(name_or_path)
    words = tuple(json.loads(metadata["words"]))
    vectors = F.normalize(tensors["vectors"].float(), dim=1)
    return WordTable(words, vectors, {w: i for i, w in enumerate(words)})


def write_table(path: Path, words: Sequence[str], vectors: Tensor) -> None:
    """vectors: [N, 384] unit length; stored in steps of 1/360 as int8."""
    steps = (vectors * STEPS).round().clamp(-127, 127).to(torch.int8)
    save_file({"vectors": steps.contiguous()}, path, {"words": json.dumps(list(words))})


@torch.no_grad()
def embed_sentences(model: Path, sentences: Sequence[str], batch: int = 128) -> Tensor:
    """Sentence vectors of a MiniLM folder: token means, unit length; [N, 384]."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    network = AutoModel.from_pretrained(model, local_files_only=True).eval()
    rows = []
    for start in range(0, len(sentences), batch):
        tokens = tokenizer(list(sentences[start : start + batch]), padding=True, return_tensors="pt")
        states = network(**tokens).last_hidden_state  # n t 384
        kept = tokens["attention_mask"][..., None]
        rows.append(F.normalize((states * kept).sum(1) / kept.sum(1), dim=1))
    return torch.cat(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--words", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    lines = given.words.read_text(encoding="utf-8").splitlines()
    words = list(dict.fromkeys(line.strip() for line in lines if line.strip()))
    write_table(given.out, words, embed_sentences(given.model, words))
    print(f"{given.out}: {len(words)} words, {given.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
