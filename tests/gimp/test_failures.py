"""What goes wrong outside of the document is one line in GIMP that says what to do."""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from semantic_style.plugin.gimp.semantic_style.link.client import WorkerError
from semantic_style.plugin.session import Session

from .real_gimp import ROOT, RealGimp, client_in, running_worker

RUN = """
image = opened(PHOTO)
found = call("python-fu-semantic-style", image=image, drawables=image.get_layers(),
             recipe="sky = mosaic")
verdict["status"], verdict["message"] = found["status"], found["message"]
verdict["layers"] = len(image.get_layers())
"""


@pytest.fixture
def own(real_gimp: RealGimp) -> Iterator[RealGimp]:
    """A GIMP whose plug-in finds no worker: it has to start one. What the test changes in the
    plug-in's environment.json is taken back."""
    if not real_gimp.starts_workers:
        pytest.skip("this Python can't be run inside, where the plug-in would start it")
    run = real_gimp.work / "own"
    run.mkdir(mode=0o700)
    kept = environment(real_gimp).read_text()
    yield replace(real_gimp, env={**real_gimp.env, "XDG_RUNTIME_DIR": str(run), "HOME": str(run)})
    environment(real_gimp).write_text(kept)
    with contextlib.suppress(WorkerError, OSError):
        client_in(run).shut_down()
    shutil.rmtree(run)


@pytest.fixture
def told(photo_320: Path) -> Callable[..., str]:
    """Runs the procedure, which must fail and leave the image alone; the line that it gives."""

    def run(gimp: RealGimp, **env: str) -> str:
        found = restyled(gimp, photo_320, **env)
        assert found["status"] in ("EXECUTION_ERROR", "CALLING_ERROR"), found
        assert found["layers"] == 1
        assert "\n" not in found["message"]
        assert "Traceback" not in gimp.said
        return str(found["message"])

    return run


def restyled(gimp: RealGimp, photo: Path, **env: str) -> dict[str, Any]:
    return gimp.batch(f"PHOTO = {str(photo)!r}\n{RUN}", limit=180, **env)


def environment(gimp: RealGimp) -> Path:
    return gimp.profile / "plug-ins/semantic_style/environment.json"


def say_instead(gimp: RealGimp, **said: str) -> None:
    place = environment(gimp)
    place.write_text(json.dumps({**json.loads(place.read_text()), **said}))


def limited(gimp: RealGimp, before: str) -> None:
    """The worker's Python runs after a line of shell."""
    python = json.loads(environment(gimp).read_text())["python"]
    start = gimp.work / "limited-python"
    start.write_text(f'#!/bin/sh\n{before}\nexec "{python}" "$@"\n')
    start.chmod(0o755)
    say_instead(gimp, python=str(start))


def test_the_program_has_moved(own: RealGimp, told: Callable) -> None:
    say_instead(own, python="/moved/.venv/bin/python")
    message = told(own)
    assert "no longer at /moved/.venv/bin/python" in message
    assert "semantic-style gimp install" in message


def test_the_note_of_where_it_is_was_deleted(own: RealGimp, told: Callable) -> None:
    environment(own).unlink()
    assert "run semantic-style gimp install" in told(own)


def test_the_program_was_deleted_in_part(own: RealGimp, told: Callable) -> None:
    """A Python without Semantic Style in it."""
    say_instead(own, python="/usr/bin/python3")
    message = told(own)
    assert "the worker ended at once" in message.lower()
    assert "semantic_style" in message
    assert "worker.log" in message


def test_damaged_weights(own: RealGimp, told: Callable) -> None:
    weights = own.work / "damaged"
    weights.mkdir()
    whole = (ROOT / "weights/adaattn-compact.safetensors").read_bytes()
    (weights / "adaattn-compact.safetensors").write_bytes(whole[: len(whole) // 2])
    message = told(own, SEMANTIC_STYLE_WEIGHTS=str(weights))
    assert "adaattn-compact" in message
    assert "damaged" in message or "safetensors" in message
    shutil.rmtree(weights)


def test_too_little_memory_for_the_libraries(own: RealGimp, told: Callable) -> None:
    limited(own, f"ulimit -v {500 * 1024}")
    assert "close other programs if memory is short" in told(own)


def test_memory_is_short_in_the_middle_and_there_again(own: RealGimp, photo_320: Path) -> None:
    """The worker says so, lives on, and works when it has room again."""
    run = Path(own.env["XDG_RUNTIME_DIR"])
    with running_worker(run, own.work / "short.log", own.env) as worker:
        assert restyled(own, photo_320)["status"] == "SUCCESS"
        with Image.open(Session().shipped_photo("neuschwansteinCastle")) as photo:
            large = own.work / "large.png"
            photo.convert("RGB").resize((1600, 1066)).save(large)
        size = psutil.Process(worker.pid).memory_info().vms
        resource.prlimit(worker.pid, resource.RLIMIT_AS, (size + 8_000_000, resource.RLIM_INFINITY))
        found = restyled(own, large)
        assert found["status"] != "SUCCESS"
        assert "here is not enough memory" in found["message"]
        assert "close other programs" in found["message"]
        assert found["layers"] == 1
        resource.prlimit(worker.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        assert restyled(own, large)["status"] == "SUCCESS"


def test_the_disk_is_full(own: RealGimp, photo_320: Path, told: Callable) -> None:
    """Where sockets go, where logs and settings go: the first is needed, the others are not."""
    full = own.work / "full"
    full.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=40", "tmpfs", str(full)]
    subprocess.run(mount, check=True)
    try:
        with contextlib.suppress(OSError):
            (full / "filler").write_bytes(bytes(1 << 20))
        on_it = replace(own, binds=(full,))
        say_instead(own, log=str(full / "data/worker.log"))
        found = restyled(on_it, photo_320, SEMANTIC_STYLE_DATA=str(full / "data"))
        assert found["status"] == "SUCCESS", found["message"]
        client_in(Path(own.env["XDG_RUNTIME_DIR"])).shut_down()
        (full / "filler").unlink()
        (full / "run").mkdir(mode=0o700)
        with contextlib.suppress(OSError):
            for number in range(40):  # no place for another folder either
                (full / "run" / str(number)).mkdir()
        message = told(on_it, XDG_RUNTIME_DIR=str(full / "run"), HOME=str(full / "run"))
        assert "No space left on device" in message
    finally:
        subprocess.run(["umount", str(full)], check=True)
