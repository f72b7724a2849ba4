"""What a worker offers: engines, segmenters, words, styles. Asked while jobs run, so that nothing
here waits for one, or loads a network."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import RequestError
from ...core.image import PIXEL_LIMIT, from_float, load_picture, to_float
from ...core.recipe_data import MOST_REGIONS
from ...core.resample import resized_pixels
from ...weights.manifest import is_file, weight_path
from ..gimp.semantic_style.link.wire import PROTOCOL, pack
from ..session import ENGINES, Session, find_clipseg
from .jobs import Parts
from .log import worker_log_path
from .pictures import LARGEST


class Offered:
    """warm: whether what most jobs need is loaded. device, segmenter (that answers for auto) and
    words are what is known so far. Safe in several threads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.warm = False
        self.device: str = session.device
        self.segmenter = ""
        self.words: tuple[str, ...] = ()

    def capabilities(self) -> dict[str, Any]:
        """What GET /capabilities answers; waits for nothing."""
        engines = []
        for name, entry in ENGINES.items():
            lacks = next(filter(None, map(self.missing, (entry.weights, entry.words))), "")
            engines.append(
                {"name": name, "words": bool(entry.words), "ready": not lacks, "note": lacks}
            )
        segmenters = ["builtin", *(["clipseg"] if _has_clipseg() else [])]
        return {
            "protocol": PROTOCOL,
            "version": version("semantic-style"),
            "device": self.device,
            "engines": engines,
            "segmenters": segmenters,
            "segmenter": self.segmenter or segmenters[-1],
            "note": self._session.fallback,
            "words": list(self.words),
            "log": str(worker_log_path()),
            "limits": {"pixels": PIXEL_LIMIT, "regions": MOST_REGIONS, "body": LARGEST},
            "pid": os.getpid(),
            "warm": self.warm,
        }

    def styles(self, side: int) -> Parts:
        """All styles with thumbnails that fit in a square of `side` px; what can't be read is
        left out."""
        entries, samples, offset = [], [], 0
        for style in self._session.styles.list():
            try:
                picture = _thumbnail(style.path, style.path.stat().st_mtime_ns, side)
            except (OSError, RequestError):
                continue
            height, width = picture.shape[:2]
            entries.append(
                {
                    "name": style.name,
                    "title": style.title,
                    "origin": style.origin,
                    "width": width,
                    "height": height,
                    "offset": offset,
                }
            )
            samples.append(picture.reshape(-1).data)
            offset += picture.nbytes
        return pack({"styles": entries}, *samples)

    def missing(self, weights: str) -> str:
        """Why the weights of that name can't be had; empty where they can, or none are named."""
        try:
            if weights and not is_file(self._session.weights(weights)):
                weight_path(weights)
        except RequestError as error:
            return str(error)
        return ""


def _has_clipseg() -> bool:
    try:
        find_clipseg()
    except RequestError:
        return False
    return True


@lru_cache(maxsize=512)
def _thumbnail(path: Path, changed: int, side: int) -> Any:
    """[h, w, 3] uint8. changed: the file's time, so that another file is read anew."""
    from ...core.geometry import Extent

    picture = load_picture(path)
    rgb = from_float(to_float(picture))
    extent: Extent = picture.extent.fitted(side)
    return np.ascontiguousarray(resized_pixels(rgb, extent))
