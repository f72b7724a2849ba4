"""A CLIPSeg folder from disk: which files it needs, and how transformers opens it.

Nothing of a folder is ever run or unpickled: safetensors only, no remote code, no network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.errors import RequestError
from .manifest import HUB_WEIGHTS
from .reading import is_pickle

CONFIG = "config.json"
# What a folder may hold that is of use; the first sets of TOKENIZERS and PROCESSORS that is whole
# is enough.
TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"))
PROCESSORS = (("preprocessor_config.json",), ("processor_config.json",))  # transformers 4, 5
FILES = (
    CONFIG,
    HUB_WEIGHTS,
    *(name for group in (*TOKENIZERS, *PROCESSORS) for name in group),
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
MOST_LAYERS = 64  # of a tower; a config that asks for a million would take forever to build


def check_files(folder: Path) -> None:
    """RequestError unless the folder has what a CLIPSeg needs and says that it is one."""
    if not folder.is_dir():
        raise RequestError(f"{folder} is no folder: give the folder that has {CONFIG}")
    missing = [name for name in (CONFIG, HUB_WEIGHTS) if not (folder / name).is_file()]
    for groups in (TOKENIZERS, PROCESSORS):
        if not any(all((folder / name).is_file() for name in group) for group in groups):
            missing.append(" or ".join("+".join(group) for group in groups))
    if missing:
        pickled = (folder / "pytorch_model.bin").is_file() and HUB_WEIGHTS in missing
        hint = " (a pytorch_model.bin is a pickle and is not opened)" if pickled else ""
        raise RequestError(
            f"{folder} lacks {', '.join(missing)}{hint}: give the whole folder of a CLIPSeg in "
            "safetensors, such as CIDAS/clipseg-rd64-refined"
        )
    if is_pickle(folder / HUB_WEIGHTS):
        raise RequestError(
            f"{folder / HUB_WEIGHTS} is a pickle, not safetensors, and was not opened because it "
            "could run code: give the model in safetensors"
        )
    _check_config(folder / CONFIG)


def load_clipseg(folder: Path) -> tuple[Any, Any]:
    """(CLIPSegForImageSegmentation in float32, CLIPSegProcessor) of a folder on disk.

    RequestError in one line for a folder that lacks something, is damaged or is another model;
    also where a tensor is missing, which transformers alone would fill with random numbers.
    """
    check_files(folder)
    import torch
    from transformers import CLIPSegForImageSegmentation, CLIPSegProcessor

    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet():
            processor = CLIPSegProcessor.from_pretrained(folder, **local)
            model, found = CLIPSegForImageSegmentation.from_pretrained(
                folder,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                **local,
            )
            words = [processor.tokenizer(word)["input_ids"] for word in ("sky", "car")]
    except MemoryError:
        raise
    except Exception as error:  # what a broken folder raises shares no base but this
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise RequestError(f"{folder} holds no sound CLIPSeg ({reason}): get it again") from None
    if lacking := sorted(found["missing_keys"]):
        raise RequestError(
            f"{folder / HUB_WEIGHTS} lacks {len(lacking)} tensors, such as {lacking[0]}: get it "
            "again"
        )
    if words[0] == words[1] or max(*words[0], *words[1]) >= model.config.text_config.vocab_size:
        raise RequestError(f"{folder}: its tokenizer does not go with the model, get it again")
    return model.eval().requires_grad_(False), processor


def _check_config(path: Path) -> None:
    try:
        config = json.loads(path.read_bytes())
        kind = config["model_type"]
        parts = [config, *(config.get(name) or {} for name in _TOWERS)]
        layers = max(int(part.get("num_hidden_layers") or 0) for part in parts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RequestError(f"{path} is no model's config: give a CLIPSeg's folder") from None
    if kind != "clipseg":
        raise RequestError(f"{path} is of a model of type {str(kind)[:40]!r}: give a CLIPSeg's")
    if layers > MOST_LAYERS:
        raise RequestError(f"{path} asks for {layers} layers: give a CLIPSeg's folder")


_TOWERS = ("text_config", "vision_config", "text_config_dict", "vision_config_dict")


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no advice of transformers on stderr while the block runs."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
