"""A tiny CLIPSeg with random weights, laid out on disk like the published one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIDE = 32  # px, the side at which its processor shows it a picture
CONTEXT = 16  # tokens of a phrase, with the two that begin and end it


def make_tiny_clipseg(folder: Path, *, seed: int = 0) -> Path:
    """Write model, tokenizer and processor (about 300 KB) into `folder`, which may be missing.

    Like the published one: position embeddings for a smaller picture than it is shown, the
    complex transposed convolution, a preprocessor_config of ViTFeatureExtractor's days. The
    tokenizer knows letters only, so a phrase has a token a letter; 16 in all.
    """
    import torch
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _vocabulary()
    end = len(vocabulary) - 1
    tower = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4}
    text = {"vocab_size": len(vocabulary), "max_position_embeddings": CONTEXT}
    ids = {"bos_token_id": end - 1, "eos_token_id": end, "pad_token_id": end}
    config = CLIPSegConfig(
        text_config={**tower, **text, **ids, "num_attention_heads": 2},
        vision_config={**tower, "num_attention_heads": 2, "image_size": 16, "patch_size": 4},
        projection_dim=16,
        reduce_dim=8,
        extract_layers=[0, 1, 2],
        decoder_num_attention_heads=2,
        decoder_intermediate_size=16,
        use_complex_transposed_convolution=True,
    )
    generator_state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    try:
        model = CLIPSegForImageSegmentation(config)
        for parameter in model.parameters():  # large enough for phrases and pictures to differ
            if parameter.dim() > 1:
                fan = parameter[0].numel()
                torch.nn.init.normal_(parameter, std=fan**-0.5)
        _spread(model)
    finally:
        torch.random.set_rng_state(generator_state)
    model.save_pretrained(folder)
    _write(folder / "vocab.json", {token: i for i, token in enumerate(vocabulary)})
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}
    special |= {"unk_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    _write(folder / "special_tokens_map.json", special)
    _write(
        folder / "tokenizer_config.json",
        {**special, "tokenizer_class": "CLIPTokenizer", "model_max_length": CONTEXT},
    )
    _write(
        folder / "preprocessor_config.json",
        {
            "do_normalize": True,
            "do_resize": True,
            "feature_extractor_type": "ViTFeatureExtractor",
            "image_mean": [0.485, 0.456, 0.406],
            "image_std": [0.229, 0.224, 0.225],
            "processor_class": "CLIPSegProcessor",
            "resample": 2,
            "size": SIDE,
        },
    )
    return folder


def _spread(model: Any) -> None:
    """Bring logits to a deviation of 2 around -1, so that masks have two sides."""
    import torch

    last = model.decoder.transposed_convolution[-1]
    with torch.no_grad():
        activations = [torch.randn(8, 1 + (SIDE // 4) ** 2, 32) for _ in range(3)]
        logits = model.decoder(activations, torch.randn(8, 16)).logits
        factor = 2 / logits.std()
        last.weight *= factor
        last.bias.add_(last.bias * (factor - 1) - factor * logits.mean() - 1)


def _vocabulary() -> list[str]:
    """Letters and figures inside a word and at its end, then the two special tokens."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789!,.-'"
    return [*letters, *(f"{each}</w>" for each in letters), "<|startoftext|>", "<|endoftext|>"]


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
