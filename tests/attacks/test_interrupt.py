"""Ctrl+C, and SIGTERM, in the middle of the work: nothing is left half written."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

PATIENCE = 120.0  # s, for a busy machine


def wait_for(text: bytes, terminal: int, process: subprocess.Popen[bytes]) -> None:
    """Read the terminal until the text has appeared."""
    seen, until = b"", time.monotonic() + PATIENCE
    while text not in seen:
        assert time.monotonic() < until, seen
        if select.select([terminal], [], [], 1.0)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:  # the other end is closed
                pytest.fail(f"ended too early: {seen!r}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_styling(castle: Path, tmp_path: Path, number: signal.Signals) -> None:
    with Image.open(castle) as small:
        small.resize((2400, 1600)).save(castle)
    (tmp_path / "layers").mkdir()
    before = sorted(tmp_path.rglob("*"))
    command = [sys.executable, "-m", "semantic_style.plugin"]
    arguments = ["stylize", str(castle), "-r", "*=mosaic", "--size", "full"]
    outputs = ["-o", "out.png", "--mask-out", "mask.png", "--layers-out", "layers"]
    # The bar is only drawn on a terminal, and only it says when styling has begun.
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*command, *arguments, *outputs],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
    )  # fmt: skip
    try:
        os.close(theirs)
        wait_for(b"styling", ours, process)
        process.send_signal(number)
        out, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        os.close(ours)
    assert process.returncode == 130
    assert out == b""
    assert sorted(tmp_path.rglob("*")) == before
