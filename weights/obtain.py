"""Weights from elsewhere into the user's data folder: over the network, or from a file at hand.

Files appear whole or not at all: each is written beside its target and renamed.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import RequestError
from ..core.progress import Progress, silent
from .manifest import Entry, entry, how_to_get, record_path, user_weights_folder
from .network import download, probe
from .published import read_published
from .reading import read_safetensors, read_state_dict
from .snapshots import fetch_snapshot, import_folder

if TYPE_CHECKING:
    from torch import Tensor

IMPORT_NAMES = {"adaattn": "adaattn-published"}  # shorter names, for `import_weights` only
# torchvision's number of each convolution in `features`, and its output channels.
_VGG_CONVOLUTIONS = {
    "vgg16": dict(
        zip(
            (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
            (64,) * 2 + (128,) * 2 + (256,) * 3 + (512,) * 6,
            strict=True,
        )
    ),
    "vgg19": dict(
        zip(
            (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34),
            (64,) * 2 + (128,) * 2 + (256,) * 4 + (512,) * 8,
            strict=True,
        )
    ),
}


def fetch(name: str, progress: Progress = silent) -> Path:
    """Get weights over the network; gives where they lie.

    Raises RequestError: within about PROBE_SECONDS where the host does not answer, and for a
    download that breaks off or has the wrong sha256.
    """
    item = entry(name)
    if item.kind == "shipped":
        raise RequestError(f"the weights {name!r} come with Semantic Style: install it again")
    if item.kind == "import":
        raise RequestError(f"the weights {name!r} can't be fetched: {how_to_get(item)}")
    if item.kind == "hub":
        return fetch_snapshot(item)
    probe(item.url, item)
    folder = _weights_folder()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
        file = Path(scratch) / "download.pth"
        download(item, file, progress)
        state = read_state_dict(file, remedy="try again later")
        return _install_convolutions(item, state, folder)


def import_weights(name: str, source: Path) -> Path:
    """Take weights from a file or folder at hand; gives where the copy lies.

    vgg16, vgg19: a safetensors file with features.N.{weight,bias} (float16 or float32), or
    torchvision's .pth, which is opened by PyTorch's restricted loader (tensors only).
    clipseg, clipseg-fp16: a folder with any CLIPSeg (see snapshots.import_folder).
    adaattn-published, or adaattn for short: a folder with the checkpoint's four files. Raises
    RequestError for anything else.
    """
    item = entry(IMPORT_NAMES.get(name, name))
    if item.kind == "shipped":
        raise RequestError(f"the weights {name!r} come with Semantic Style: nothing to import")
    if not source.exists():
        raise RequestError(f"{source} does not exist: give the file or folder to import")
    if item.kind == "hub":
        return import_folder(item, source, _weights_folder())
    if item.kind == "import":
        return _install_tensors(item, *read_published(source), _weights_folder())
    if source.is_dir():
        raise RequestError(f"{source} is a folder: give a .safetensors or .pth file")
    state: Mapping[str, Tensor]
    if source.suffix == ".safetensors":
        state, _ = read_safetensors(source, remedy="give a .safetensors or .pth file")
    else:
        remedy = "give a .safetensors file or torchvision's .pth"
        state = read_state_dict(source, remedy=remedy)
    return _install_convolutions(item, state, _weights_folder())


def _weights_folder() -> Path:
    folder = user_weights_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(
            f"{folder} can't be made ({error.strerror}): set SEMANTIC_STYLE_DATA to a "
            "folder that you may write to"
        ) from None
    return folder


def _install_convolutions(item: Entry, state: Mapping[str, Tensor], folder: Path) -> Path:
    """Check names, shapes and values, then install the convolutions."""
    import torch

    kept: dict[str, Tensor] = {}
    channels = 3
    for number, width in _VGG_CONVOLUTIONS[item.name].items():
        for key, shape in (
            (f"features.{number}.weight", (width, channels, 3, 3)),
            (f"features.{number}.bias", (width,)),
        ):
            tensor = state.get(key)
            if not isinstance(tensor, torch.Tensor) or tuple(tensor.shape) != shape:
                raise RequestError(
                    f"{key} is missing or not of shape {shape}: give a file of {item.name}"
                )
            if tensor.dtype not in (torch.float16, torch.float32):
                raise RequestError(f"{key} is {tensor.dtype}: give float16 or float32")
            if not bool(torch.isfinite(tensor).all()):
                raise RequestError(f"{key} holds values that are not finite: give a sound file")
            kept[key] = tensor.contiguous()
        channels = width
    return _install_tensors(item, kept, {"source": item.url}, folder)


def _install_tensors(
    item: Entry, tensors: dict[str, Tensor], metadata: dict[str, str], folder: Path
) -> Path:
    """Write the entry's file and the record of its hash."""
    from safetensors.torch import save

    data = save(tensors, metadata=metadata)
    target = folder / item.file
    _write(target, data)
    record = f"{hashlib.sha256(data).hexdigest()}  {target.name}\n"
    _write(record_path(target), record.encode())
    return target


def _write(target: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    scratch = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        scratch.replace(target)
    except OSError as error:
        raise RequestError(
            f"{target} can't be written ({error.strerror}): free some space"
        ) from None
    finally:
        scratch.unlink(missing_ok=True)
