"""Fixtures: each GIMP 3 that is here, with the plug-in installed as a person would; a worker."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from semantic_style.plugin.gimp.semantic_style.link.client import WorkerError
from semantic_style.plugin.session import Session

from .real_gimp import (
    GIMPRC,
    SUITES,
    WANTED,
    Desktop,
    RealGimp,
    Worker,
    client_in,
    desktop,
    root_of,
    running_worker,
    shared_folder,
    why_not,
)


def versions() -> list[str]:
    """The GIMPs to test with; see WANTED."""
    wanted = os.environ.get(WANTED, "")
    if wanted == "all":
        return list(SUITES)
    return [wanted] if wanted in SUITES else ["3.0"]


@pytest.fixture(scope="session", params=versions())
def real_gimp(request: pytest.FixtureRequest) -> Iterator[RealGimp]:
    """A GIMP whose plug-ins know our runtime folder, but no worker that runs there."""
    version = request.param
    reason = why_not(version)
    if os.environ.get(WANTED) == "no":
        pytest.skip(f"{WANTED}=no")
    if reason and not os.environ.get(WANTED):
        pytest.skip(reason)
    assert not reason, f"{WANTED}={os.environ[WANTED]}, but {reason}"
    root = root_of(version)
    with contextlib.ExitStack() as stack:
        work = stack.enter_context(shared_folder(root))
        (work / "home").mkdir()
        (work / "run").mkdir(mode=0o700)
        env = {
            "HOME": str(work / "home"),
            "GIMP3_DIRECTORY": str(work / version),
            "XDG_RUNTIME_DIR": str(work / "run"),
            "SEMANTIC_STYLE_DATA": str(work / "data"),
            "HF_HOME": os.environ["HF_HOME"],
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": os.environ["OMP_NUM_THREADS"],
        }
        gimp = RealGimp(version, root, work, env)
        gimp.profile.mkdir()
        said = gimp.run("gimp-console", "--version")
        (gimp.profile / "gimprc").write_text(GIMPRC.format(said.split()[-1]))
        install_plug_in(gimp)
        yield gimp
        with contextlib.suppress(WorkerError):  # one that the plug-in started
            client_in(work / "run").shut_down()


def install_plug_in(gimp: RealGimp) -> None:
    """As a person does, by the command."""
    command = [sys.executable, "-m", "semantic_style.plugin", "gimp", "install"]
    subprocess.run(
        [*command, "--profile", str(gimp.profile)],
        env={**os.environ, **gimp.env}, check=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture(scope="session")
def shared_worker(real_gimp: RealGimp) -> Iterator[Worker]:
    """A worker where the plug-in looks for one, outside GIMP; warm after the first job."""
    folder = Path(real_gimp.env["XDG_RUNTIME_DIR"])
    with running_worker(folder, real_gimp.work / "worker.log", real_gimp.env) as worker:
        yield worker


@pytest.fixture
def gimp(real_gimp: RealGimp, shared_worker: Worker) -> RealGimp:
    """What most tests want: a GIMP, and a worker that answers already."""
    return real_gimp


@pytest.fixture(scope="session")
def screen(real_gimp: RealGimp) -> Iterator[Desktop]:
    """1280 x 720 with a window manager."""
    with desktop(real_gimp) as shown:
        yield shown


@pytest.fixture(scope="session")
def photo_320(real_gimp: RealGimp) -> Path:
    """The demo's photo as PNG, 320 x 213 RGB, where GIMP sees it: a castle, trees, and a sky."""
    path = real_gimp.work / "castle.png"
    with Image.open(Session().shipped_photo("neuschwansteinCastle")) as photo:
        photo.convert("RGB").resize((320, 213), Image.Resampling.LANCZOS).save(path)
    return path
