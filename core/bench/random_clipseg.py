"""A CLIPSeg of the published configuration with random weights, to time what can't be fetched."""

from __future__ import annotations

import json
from pathlib import Path

from ...weights.clipseg_folder import quiet
from ..errors import RequestError

# What the timing asks for; the tokenizer has a token for each, like the published one.
WORDS = ("sky", "house", "tree", "person", "dog", "water", "car", "window")
SIDE = 352  # px
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
TOKENS = 49408


def write_random_clipseg(folder: Path) -> None:
    """Model, tokenizer and processor of CIDAS/clipseg-rd64-refined's configuration: 603 MB.

    RequestError where they can't be written.
    """
    import torch
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    config = CLIPSegConfig(
        vision_config={"patch_size": 16, "image_size": 224},  # ViT-B/16; text is 512 x 12
        reduce_dim=64,
        extract_layers=[3, 6, 9],
        use_complex_transposed_convolution=True,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = CLIPSegForImageSegmentation(config)
    try:
        with quiet():
            model.save_pretrained(folder)
        _write_tokenizer(folder)
        processor = {
            "do_normalize": True,
            "do_resize": True,
            "image_mean": [0.485, 0.456, 0.406],
            "image_processor_type": "ViTImageProcessor",
            "image_std": [0.229, 0.224, 0.225],
            "resample": 2,
            "size": {"height": SIDE, "width": SIDE},
        }
        _write(folder / "preprocessor_config.json", processor)
    except OSError as error:
        raise RequestError(
            f"{folder} can't be written ({error.strerror or error}): free 700 MB"
        ) from None


def _write_tokenizer(folder: Path) -> None:
    """Byte-pair merges that spell WORDS, and unused tokens up to the published number."""
    merges, tokens = [], [*LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    for word in WORDS:
        done, *rest = (*word[:-1], f"{word[-1]}</w>")
        for part in rest:
            merges.append(f"{done} {part}")
            done += part
            tokens.append(done)
    tokens = list(dict.fromkeys(tokens))
    tokens += [f"unused{i}" for i in range(TOKENS - 2 - len(tokens))]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    _write(folder / "vocab.json", {token: i for i, token in enumerate(tokens)})
    lines = ["#version: 0.2", *dict.fromkeys(merges), ""]
    (folder / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    ends = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}
    ends |= {"unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    config = {**ends, "tokenizer_class": "CLIPTokenizer", "model_max_length": 77}
    _write(folder / "tokenizer_config.json", config)


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
