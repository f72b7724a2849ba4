"""What nobody foresaw becomes one line, and its place is written beside the worker's log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from semantic_style.plugin.gimp.semantic_style.document import faults


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plug-in's log, where `gimp install` says that logs are."""
    told = {"log": str(tmp_path / "logs" / "worker.log")}
    (tmp_path / "environment.json").write_text(json.dumps(told))
    monkeypatch.setattr(faults, "FOLDER", tmp_path)
    return tmp_path / "logs" / "gimp.log"


def arisen(message: str) -> Exception:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


def test_an_unforeseen_error_is_one_line_that_names_the_log(log: Path) -> None:
    line = faults.written_down(arisen("first\nsecond"))
    assert "\n" not in line
    assert "ValueError: first" in line
    assert str(log) in line
    assert "in arisen" in log.read_text()


def test_a_log_does_not_grow_for_ever(log: Path) -> None:
    faults.written_down(arisen("old"))
    log.write_text("x" * (faults.LARGEST_LOG + 1))
    faults.written_down(arisen("new"))
    assert log.stat().st_size < 10_000


def test_where_nothing_can_be_written_the_line_is_still_said(log: Path) -> None:
    log.parent.write_text("a file in the folder's place")
    assert "please report it" in faults.written_down(arisen("x"))
