"""The form that every bench's result has: what, where, on how much, and the rows."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import RequestError


@dataclass(frozen=True)
class Report:
    """about: sizes, counts, seeds. rows: one a method or case. details: one a measurement."""

    kind: str
    about: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    details: Sequence[Mapping[str, Any]] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    def write(self, path: Path) -> None:
        """Whole or not at all. Raises RequestError where the file can't be written."""
        try:
            with tempfile.NamedTemporaryFile(
                "w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8"
            ) as file:
                file.write(self.to_json())
            part = Path(file.name)
            part.chmod(0o644)
            part.replace(path)
        except OSError as error:
            raise RequestError(f"{path} can't be written: {error.strerror}") from None
