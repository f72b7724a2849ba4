"""Files of tensors, and nothing that could run code, from disk into tensors."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import RequestError

if TYPE_CHECKING:
    from torch import Tensor

# How PyTorch's files begin: a zip archive, or a bare pickle of protocol 2 and up.
_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def is_pickle(path: Path) -> bool:
    """Whether the file begins as PyTorch's own files do. False where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(4).startswith(_PICKLES)
    except OSError:
        return False


def read_safetensors(
    path: Path, *, sha256: str = "", size: int = 0, remedy: str = "get the file again"
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file, which is read once and checked before it is parsed.

    sha256 (64 hexadecimal digits), size (bytes): what the file must have; empty and 0 check
    nothing. remedy: ends the error's line. Raises RequestError for a file that is missing,
    damaged, or no safetensors file; a pickle is refused unopened.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start.startswith(_PICKLES):
                raise RequestError(
                    f"{path} is a pickle, not safetensors, and was not opened "
                    f"because it could run code: {remedy}"
                )
            actual = path.stat().st_size
            if size and actual != size:
                raise RequestError(
                    f"{path} is damaged ({actual} bytes instead of {size}): {remedy}"
                )
            data = start + file.read()
    except OSError as error:
        raise RequestError(f"{path} can't be read ({error.strerror}): {remedy}") from None
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        raise RequestError(f"{path} is damaged (its sha256 is not the recorded one): {remedy}")

    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        # The library checks the header's length, every offset and every shape.
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise RequestError(f"{path} is no sound safetensors file ({error}): {remedy}") from None
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    return tensors, metadata


def read_state_dict(path: Path, *, remedy: str) -> Mapping[str, Tensor]:
    """A PyTorch state dict, for imports only, opened by PyTorch's restricted unpickler, which
    builds tensors and containers and calls nothing.

    remedy: ends the error's line. Raises RequestError for anything else.
    """
    import torch

    try:
        with warnings.catch_warnings(action="ignore"):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a damaged file fails in as many ways as there are opcodes
        raise RequestError(f"{path} holds no plain tensors: {remedy}") from None
    if not isinstance(state, Mapping):
        raise RequestError(f"{path} is no state dict: {remedy}")
    return state
