"""What a network made of style pictures, on disk: a style met before costs no network at all."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import torch

from ...weights.reading import read_safetensors
from ..atomic import replacing
from ..errors import RequestError
from ..nets.colour import Colours
from ..nets.transformer_net import Parameters, TNetConfig

MOST_FILES = 1000  # of about 10 KB
VERSION = "3"  # of how a picture is brought to the network, for which the weights do not stand
SUFFIX = ".safetensors"


class StyleCache:
    """Parameters under keys that stand for all they depend on. Nothing in here is an error: what
    can't be read is not there, what can't be written is made again next time."""

    def __init__(self, folder: Path | None = None, most: int = MOST_FILES) -> None:
        """folder: default the user's cache folder; it need not exist. most: files kept, those
        that were used last."""
        self.folder, self.most = folder or cache_folder(), most

    def get(self, key: str, config: TNetConfig) -> Parameters | None:
        """None too for a file that is damaged, or not of a network of that layout."""
        path = self._path(key)
        try:
            tensors, metadata = read_safetensors(path)
            found = Parameters(
                tensors["gamma"],
                tensors["beta"],
                Colours(tensors["mean"], tensors["factor"]),
                tensors["share"],
            )
        except (RequestError, KeyError):
            return None
        width = sum(map(sum, config.norms))
        shapes = [(1, width), (1, width), (1, 3), (1, 3, 3), (1,)]
        parts = list(_tensors(found).values())
        sound = all(t.dtype == torch.float32 for t in parts)
        sound = sound and [tuple(t.shape) for t in parts] == shapes
        if not sound or metadata != _metadata(key, found):
            return None
        with suppress(OSError):
            os.utime(path)  # used last
        return found

    def put(self, key: str, parameters: Parameters) -> None:
        from safetensors.torch import save

        kept = parameters.to(torch.device("cpu"))
        with suppress(OSError, RequestError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(self._path(key), force=True) as stream:
                stream.write(save(_tensors(kept), _metadata(key, kept)))
            files = sorted(self.folder.glob(f"*{SUFFIX}"), key=lambda p: p.stat().st_mtime)
            for path in files[: -self.most]:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key[:64]}{SUFFIX}"


def cache_folder() -> Path:
    """SEMANTIC_STYLE_DATA, which overrides the platform's data folder, holds the cache, too."""
    override = os.environ.get("SEMANTIC_STYLE_DATA")
    if override:
        return Path(override) / "cache" / "styles"
    from platformdirs import user_cache_path

    return user_cache_path("semantic-style", appauthor=False) / "styles"


def _tensors(parameters: Parameters) -> dict[str, torch.Tensor]:
    named = {
        "gamma": parameters.gamma,
        "beta": parameters.beta,
        "mean": parameters.colours.mean,
        "factor": parameters.colours.factor,
        "share": parameters.share,
    }
    return {name: tensor.float().contiguous() for name, tensor in named.items()}


def _metadata(key: str, parameters: Parameters) -> dict[str, str]:
    checksum = hashlib.sha256()
    for tensor in _tensors(parameters).values():
        checksum.update(tensor.numpy().tobytes())
    return {"version": VERSION, "key": key, "sha256": checksum.hexdigest()}
