"""The worker is there when it is asked for: found, or started; or one line says why it is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from semantic_style.plugin.gimp.semantic_style.link import launch
from semantic_style.plugin.gimp.semantic_style.link.client import Client, WorkerError
from semantic_style.plugin.gimp.semantic_style.link.launch import (
    LaunchError,
    clean_variables,
    connected,
    running,
)

from ....worker import end, short_folder, start, until

Write = Callable[..., Path]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> Iterator[Path]:
    """A home of one's own, where no worker runs, and none is left behind."""
    with short_folder() as folder:
        monkeypatch.setenv("HOME", str(folder))
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        yield folder
        client = running()
        if client is not None:
            os.kill(client.capabilities()["pid"], signal.SIGKILL)
            until(lambda: running() is None)


@pytest.fixture
def write(short: Path) -> Write:
    """Writes environment.json for a Python, or for a script in its place."""

    def write(python: str = sys.executable, script: str = "") -> Path:
        if script:
            python = str(short / "python")
            Path(python).write_text(f"#!/bin/sh\n{script}\n")
            Path(python).chmod(0o755)
        file = short / "environment.json"
        file.write_text(json.dumps({"python": python, "log": str(short / "log/worker.log")}))
        return file

    return write


def pid(client: Client) -> int:
    return int(client.capabilities()["pid"])


def test_one_is_started_found_and_started_again(write: Write, short: Path) -> None:
    """By two at the same moment: one worker runs. When it is killed, the next call starts
    another."""
    assert running() is None
    found: list[Client] = []
    ticks: list[float] = []

    def call() -> None:
        found.append(connected(write(), lambda: ticks.append(time.monotonic())))

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = map(pid, found)
    assert first == second
    assert ticks
    assert os.getsid(first) != os.getsid(0), "it would end with the terminal"
    assert pid(connected(short / "no such file")) == first
    until(lambda: zombies() == [])
    os.kill(first, signal.SIGKILL)
    until(lambda: running() is None)
    until(lambda: zombies() == [])
    second = pid(again := connected(write()))
    assert second != first
    again.shut_down()
    assert running() is None
    assert pid(connected(write())) != second, "the other had not gone yet"


def zombies() -> list[int]:
    """This process's children that have ended, and that nobody has taken note of."""
    import psutil

    children = psutil.Process().children()
    return [each.pid for each in children if each.status() == psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "{}", '{"python": 7}', '{"python": "p", "log": 1}']
)
def test_nobody_knows_where_it_is_installed(short: Path, text: str | None) -> None:
    file = short / "environment.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(LaunchError, match="run semantic-style gimp install"):
        connected(file)


def test_the_environment_is_gone(write: Write, short: Path) -> None:
    with pytest.raises(LaunchError, match=r"no longer at .*/gone/python"):
        connected(write(str(short / "gone/python")))
    empty = short / "empty"
    empty.write_text("")
    empty.chmod(0o755)
    with pytest.raises(LaunchError, match="can't be run"):
        connected(write(str(empty)))


def test_a_worker_that_ends_at_once_leaves_its_last_words(
    write: Write, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "OTHERS", 0.3)
    (short / "log").mkdir()
    (short / "log/worker.log").write_text("an older line\n")
    with pytest.raises(LaunchError, match=r"no module called torch .*log/worker\.log"):
        connected(write(script='echo "..."; echo "no module called torch" >&2; exit 1'))
    with pytest.raises(LaunchError, match=r"ended at once: see .*worker.log"):
        connected(write(script="exit 1"))


def test_a_worker_that_never_answers(
    write: Write, monkeypatch: pytest.MonkeyPatch, short: Path
) -> None:
    monkeypatch.setattr(launch, "PATIENCE", 0.3)
    with pytest.raises(LaunchError, match="does not answer"):
        connected(write(script=f"echo $$ > {short}/pid; exec sleep 60"))
    os.kill(int((short / "pid").read_text()), signal.SIGKILL)


def test_waiting_can_be_ended(write: Write, short: Path) -> None:
    def enough() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        connected(write(script="exit 0"), enough)


def test_in_a_sandbox(write: Write, short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is started there, but one that runs outside is found."""
    monkeypatch.setattr(launch, "SANDBOX", short)
    with pytest.raises(LaunchError, match="start it outside: semantic-style serve"):
        connected(write())
    outside = start("serve")
    try:
        until(lambda: running() is not None)
        assert pid(connected(write())) == outside.pid
    finally:
        end(outside)


def test_one_of_another_version(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = start("serve")
    try:
        until(lambda: running() is not None)
        path = "semantic_style.plugin.gimp.semantic_style.link.client.PROTOCOL"
        monkeypatch.setattr(path, 99)
        with pytest.raises(WorkerError, match="different versions"):
            connected()
    finally:
        monkeypatch.undo()
        end(outside)


def test_what_a_child_does_not_inherit(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "GI_TYPELIB_PATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "/usr/lib/gimp")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert "/usr/lib/gimp" not in clean_variables().values()
    assert clean_variables()["LANG"] == "de_DE.UTF-8"


def test_the_link_needs_nothing_but_the_standard_library() -> None:
    """As in GIMP's own Python."""
    root = Path(launch.__file__).resolve().parents[2]
    code = "from semantic_style.link import launch, client, address, wire; print('ready')"
    code = f"import sys; sys.path.insert(0, {str(root)!r}); {code}"
    command = [sys.executable, "-S", "-E", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "ready\n", done.stderr
