"""A manifest that a test may change."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import tomli_w

from semantic_style.weights import manifest


@pytest.fixture
def change_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Sets fields of an entry in a copy of the manifest."""

    def change(name: str, **fields: str | int) -> None:
        table = tomllib.loads(manifest.MANIFEST.read_text(encoding="utf-8"))
        table[name] |= fields
        copy = tmp_path / "manifest.toml"
        copy.write_text(tomli_w.dumps(table), encoding="utf-8")
        monkeypatch.setattr(manifest, "MANIFEST", copy)

    return change
