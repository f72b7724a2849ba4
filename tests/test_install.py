"""install.sh where it needs no network: its options, and what --uninstall may remove."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a blank in its name that holds the script and a .venv with a file in it."""
    folder = tmp_path / "a check out"
    (folder / ".venv").mkdir(parents=True)
    (folder / ".venv" / "kept").write_text("something")
    shutil.copy(ROOT / "install.sh", folder)
    return folder


def install(checkout: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "install.sh"), *options],
        cwd=checkout.parent,
        env={"PATH": "/usr/bin:/bin", **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_option(checkout: Path) -> None:
    done = install(checkout, "--help")
    assert done.returncode == 0
    for option in ("--demo", "--dev", "--test", "--uninstall"):
        assert option in done.stdout


@pytest.mark.parametrize("options", [("--tset",), ("--demo", "--test")])
def test_wrong_options_are_one_line_and_change_nothing(checkout: Path, options) -> None:
    done = install(checkout, *options)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "--help" in done.stderr
    assert sorted(path.name for path in checkout.iterdir()) == [".venv", "install.sh"]


def test_uninstall_leaves_a_venv_that_it_did_not_make(checkout: Path) -> None:
    done = install(checkout, "--uninstall")
    assert done.returncode == 0
    assert "left alone" in done.stdout
    assert (checkout / ".venv" / "kept").exists()


def test_uninstall_removes_its_own_venv_and_nothing_else(checkout: Path) -> None:
    (checkout / ".venv" / "made-by-install.sh").write_text(str(checkout))
    (checkout / "demo.png").write_bytes(b"a picture")
    done = install(checkout, "--uninstall")
    assert done.returncode == 0
    assert sorted(path.name for path in checkout.iterdir()) == ["demo.png", "install.sh"]
    again = install(checkout, "--uninstall")
    assert again.returncode == 0
    assert "nothing to remove" in again.stdout


def test_uninstall_takes_the_plug_in_out_of_gimp_first(checkout: Path) -> None:
    """The program goes with the .venv, and with it the only thing that knows the plug-in."""
    (checkout / ".venv/made-by-install.sh").write_text(str(checkout))
    program = checkout / ".venv/bin/semantic-style"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m semantic_style.plugin "$@"\n')
    program.chmod(0o755)
    home = checkout.parent / "home"
    (home / ".config/GIMP/3.0").mkdir(parents=True)
    subprocess.run([program, "gimp", "install"], env={"HOME": str(home), "PATH": ""}, check=True)
    plug_in = home / ".config/GIMP/3.0/plug-ins/semantic_style"
    assert plug_in.is_dir()
    done = install(checkout, "--uninstall", HOME=str(home))
    assert done.returncode == 0
    assert "removed from GIMP 3.0 in " in done.stdout
    assert not plug_in.exists()
    assert not (checkout / ".venv").exists()


def test_a_folder_in_the_way_is_not_overwritten(checkout: Path) -> None:
    done = install(checkout)
    assert done.returncode == 1
    assert "in the way" in done.stderr
    assert (checkout / ".venv" / "kept").exists()


def test_a_python_that_does_not_run_is_named(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv")
    done = install(checkout, PYTHON="/no/such/python")
    assert done.returncode == 1
    assert done.stderr == ("install.sh: PYTHON=/no/such/python is no Python 3.11 or newer\n")
    assert not (checkout / ".venv").exists()
