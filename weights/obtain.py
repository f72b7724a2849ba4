"""Weights from elsewhere into the user's data folder: over the network, or from a file at hand.

Files appear whole or not at all: each is written beside its target and renamed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..core.errors import RequestError
from ..core.progress import Progress, silent
from .manifest import (
    HUB_WEIGHTS,
    Entry,
    entry,
    file_sha256,
    how_to_get,
    hub_snapshot,
    record_path,
    user_weights_folder,
)
from .published import read_published
from .reading import read_safetensors, read_state_dict

if TYPE_CHECKING:
    from torch import Tensor

IMPORT_NAMES = {"adaattn": "adaattn-published"}  # a shorter name, for `import_weights` only
PROBE_SECONDS = 4.0
READ_SECONDS = 20.0

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
_CLIPSEG_FILES = (
    "config.json",
    "preprocessor_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    HUB_WEIGHTS,
)


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
        return _fetch_from_hub(item)
    _probe(item.url, item)
    folder = _weights_folder()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch:
        download = Path(scratch) / "download.pth"
        _download(item, download, progress)
        state = read_state_dict(download, remedy="try again later")
        return _install_convolutions(item, state, folder)


def import_weights(name: str, source: Path) -> Path:
    """Take weights from a file or folder at hand; gives where the copy lies.

    vgg16, vgg19: a safetensors file with features.N.{weight,bias} (float16 or float32), or
    torchvision's .pth, which is opened by PyTorch's restricted loader (tensors only).
    clipseg: a folder with the model's files. adaattn-published, or adaattn for short: a folder
    with the four files of the checkpoint. Raises RequestError for anything else.
    """
    item = entry(IMPORT_NAMES.get(name, name))
    if item.kind == "shipped":
        raise RequestError(f"the weights {name!r} come with Semantic Style: nothing to import")
    if not source.exists():
        raise RequestError(f"{source} does not exist: give the file or folder to import")
    if item.kind == "hub":
        return _install_snapshot(item, source, _weights_folder())
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


def _probe(url: str, item: Entry) -> None:
    """Raise RequestError unless the host answers soon."""
    outcome: list[str] = []

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()
        except urllib.error.HTTPError as refusal:
            refusal.close()
            outcome.append("")  # it did answer; the download will say what is wrong
        except OSError as error:
            outcome.append(str(getattr(error, "reason", error)))
        else:
            outcome.append("")

    # A thread, because a name lookup heeds no timeout.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    reason = outcome[0] if outcome else f"no answer within {PROBE_SECONDS:g} s"
    if reason:
        what = "a folder" if item.kind == "hub" else "a file"
        raise RequestError(
            f"{urlsplit(url).hostname} can't be reached ({reason}): try again later, or bring "
            f"{what} and run semantic-style weights import {item.name}"
        )


def _download(item: Entry, target: Path, progress: Progress) -> None:
    """Stream the entry's URL to `target`, and check it against the digits in its name."""
    checksum = hashlib.sha256()
    done = 0
    try:
        with (
            urllib.request.urlopen(item.url, timeout=READ_SECONDS) as response,
            target.open("wb") as file,
        ):
            total = int(response.headers.get("Content-Length") or 0)
            while chunk := response.read(1 << 20):
                file.write(chunk)
                checksum.update(chunk)
                done += len(chunk)
                progress(f"fetching {item.name}", done / total if total else 0.0)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        raise RequestError(f"{item.url} is refused ({refusal}): try again later") from None
    except OSError as error:
        raise RequestError(
            f"fetching {item.name} broke off after {done} bytes ({error}): try again"
        ) from None
    match = re.search(r"-([0-9a-f]{8,})\.pth$", item.url)
    if match is None or not checksum.hexdigest().startswith(match[1]):
        raise RequestError(
            f"{item.url} is not the file it should be (sha256 differs): try again later"
        )


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


def _fetch_from_hub(item: Entry) -> Path:
    from huggingface_hub import constants, snapshot_download

    if constants.HF_HUB_OFFLINE:
        raise RequestError(f"HF_HUB_OFFLINE is set: unset it to fetch {item.name}")
    # The hub's own client retries for 20 s and more before it gives up.
    _probe(constants.ENDPOINT, item)
    try:
        snapshot_download(
            item.repo,
            revision=item.revision,
            allow_patterns=list(_CLIPSEG_FILES),
            etag_timeout=PROBE_SECONDS,
        )
    except Exception as error:  # the client's errors share no base but this
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise RequestError(f"fetching {item.name} failed ({reason}): try again") from None
    path = hub_snapshot(item)
    _check_snapshot(item, path)
    return path


def _check_snapshot(item: Entry, folder: Path) -> None:
    missing = [file for file in _CLIPSEG_FILES if not (folder / file).is_file()]
    if missing:
        raise RequestError(
            f"{folder} lacks {', '.join(missing)}: give a folder with the files of {item.repo}"
        )
    if file_sha256(folder / HUB_WEIGHTS) != item.sha256:
        raise RequestError(
            f"{folder / HUB_WEIGHTS} is not the pinned one (sha256 differs): take {item.repo} "
            f"at revision {item.revision}"
        )


def _install_snapshot(item: Entry, source: Path, folder: Path) -> Path:
    _check_snapshot(item, source)
    target = folder / item.file
    with tempfile.TemporaryDirectory(dir=folder, prefix=".import-") as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        new.mkdir()
        for file in _CLIPSEG_FILES:
            shutil.copyfile(source / file, new / file)
        if target.exists():
            target.rename(old)
        new.rename(target)
    return target
