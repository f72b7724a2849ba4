"""doctor says why the menu entry is missing, and what to do; tests/gimp has the same with GIMP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from semantic_style.plugin import doctor_gimp
from semantic_style.plugin.doctor import Fact
from semantic_style.plugin.doctor_gimp import examine_gimp, examine_profile
from semantic_style.plugin.gimp_profiles import NAME, profile_of
from semantic_style.plugin.worker.log import worker_log_path


@pytest.fixture
def installed(profile: Path, cli: Callable, monkeypatch: pytest.MonkeyPatch) -> Path:
    """GIMP 3.0's profile with the plug-in in it; no worker runs."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert cli("gimp", "install").code == 0
    return profile


def only(facts: list[Fact], state: str) -> str:
    """The text of the one fact of this state; none is worse."""
    texts = [fact.text for fact in facts if fact.state == state]
    assert len(texts) == 1, facts
    if state != "bad":
        assert not [fact for fact in facts if fact.state == "bad"], facts
    return texts[0]


def changed_environment(profile: Path, **said: str) -> None:
    place = profile / "plug-ins" / NAME / "environment.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), **said}))


def test_no_gimp(home: Path) -> None:
    facts = examine_gimp()
    assert "no GIMP 3 was found" in only(facts, "note")
    assert {fact.topic for fact in facts} == {"GIMP", "worker log"}


def test_gimp_2(home: Path, program: Callable) -> None:
    program("gimp", 'echo "GNU Image Manipulation Program version 2.10.38"')
    assert "GIMP 2.10 is too old" in only(examine_gimp(), "note")


def test_all_is_well(installed: Path, program: Callable) -> None:
    program("gimp", 'echo "GNU Image Manipulation Program version 3.0.4"')
    entry = f"{installed}/plug-ins/{NAME}/{NAME}.py"
    (installed / "pluginrc").write_text(f'(plug-in-def "{entry}" 1\n    (proc-def "x" 1))\n')
    (installed / "gimprc").write_text('(plug-in-path "${gimp_dir}/plug-ins:/elsewhere")\n')
    facts = examine_gimp()
    assert [fact.state for fact in facts] == ["ok"] * len(facts), facts
    texts = {fact.topic: fact.text for fact in facts}
    assert texts["GIMP"] == "GIMP 3.0"
    assert "menu entries" in texts["GIMP 3.0"]
    assert "starts in" in texts["worker"]
    assert str(worker_log_path()) in texts["worker log"]


def test_not_installed(profile: Path) -> None:
    assert "gimp install" in only(examine_profile(profile_of(profile)), "note")


@pytest.mark.parametrize(
    ("harm", "state", "told"),
    [
        (lambda place: (place / f"{NAME}.py").chmod(0o644), "bad", "can't be run"),
        (lambda place: (place / "link/wire.py").write_text(""), "note", "differs from this"),
        (lambda place: (place / "environment.json").unlink(), "bad", "has gone"),
        (lambda place: (place / "made-by-semantic-style.txt").unlink(), "bad", "not made by"),
    ],
)
def test_a_copy_that_was_harmed(installed: Path, harm: Callable, state, told: str) -> None:
    (installed / "pluginrc").write_text(f'(plug-in-def "/{NAME}/{NAME}.py" 1 (proc-def "x"))')
    harm(installed / "plug-ins" / NAME)
    text = only(examine_profile(profile_of(installed)), state)
    assert told in text
    assert "gimp install" in text


def test_the_environment_has_moved(installed: Path) -> None:
    (installed / "pluginrc").write_text(f'(plug-in-def "/{NAME}/{NAME}.py" 1 (proc-def "x"))')
    changed_environment(installed, python="/moved/.venv/bin/python")
    text = only(examine_profile(profile_of(installed)), "bad")
    assert "/moved/.venv/bin/python has gone" in text
    assert "install.sh" in text


def test_another_environment_answers(installed: Path, tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    (installed / "pluginrc").write_text(f'(plug-in-def "/{NAME}/{NAME}.py" 1 (proc-def "x"))')
    changed_environment(installed, python=str(other))
    assert str(other) in only(examine_profile(profile_of(installed)), "note")


@pytest.mark.parametrize("folder", ["semantic-style", ".", "downloads/semantic_style"])
def test_copies_where_gimp_does_not_look(profile: Path, folder: str) -> None:
    stray = profile / "plug-ins" / folder / f"{NAME}.py"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_text("")
    texts = [fact.text for fact in examine_profile(profile_of(profile))]
    assert any(f"GIMP does not look for a plug-in in {stray}" in text for text in texts)


def test_what_gimp_has_written_down(installed: Path) -> None:
    place, noted = profile_of(installed), installed / "pluginrc"
    assert "has not been started" in only(examine_profile(place), "note")
    noted.write_text('(plug-in-def "other" 1\n    (proc-def "x" 1))\n')
    os.utime(noted, (1, 1))
    assert "restart GIMP" in only(examine_profile(place), "note")
    os.utime(noted)
    assert "start GIMP from a terminal" in only(examine_profile(place), "bad")
    (installed / "gimprc").write_text('(plug-in-path "/elsewhere:${gimp_plug_in_dir}/plug-ins")')
    assert "Preferences" in only(examine_profile(place), "bad")


def test_a_sandbox_needs_a_worker_beside_it(home: Path, cli: Callable) -> None:
    profile = home / ".var/app/org.gimp.GIMP/config/GIMP/3.0"
    profile.mkdir(parents=True)
    cli("gimp", "install")
    (profile / "pluginrc").write_text(f'(plug-in-def "/{NAME}/{NAME}.py" 1 (proc-def "x"))')
    assert "run semantic-style serve beside it" in only(
        examine_profile(profile_of(profile)), "note"
    )


def test_little_disk(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (installed / "pluginrc").write_text(f'(plug-in-def "/{NAME}/{NAME}.py" 1 (proc-def "x"))')
    monkeypatch.setattr(doctor_gimp, "LEAST_DISK", shutil.disk_usage(installed).total)
    assert "make room" in only(examine_profile(profile_of(installed)), "bad")


def test_a_worker_that_does_not_start(installed: Path, tmp_path: Path, cli: Callable) -> None:
    """Its last words are told."""
    broken = tmp_path / "python"
    broken.write_text('#!/bin/sh\necho "no module named semantic_style" >&2\nexit 1\n')
    broken.chmod(0o755)
    changed_environment(installed, python=str(broken))
    facts = {fact.topic: fact for fact in examine_gimp()}
    assert facts["worker"].state == "bad"
    assert "no module named semantic_style" in facts["worker"].text
    broken.write_text("no program at all")
    facts = {fact.topic: fact for fact in examine_gimp()}
    assert facts["worker"].state == "bad"
    assert "install.sh" in facts["worker"].text


def test_a_worker_that_runs_is_asked(installed: Path) -> None:
    command = [sys.executable, "-m", "semantic_style.plugin", "serve", "--idle-exit", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as worker:
        try:
            assert worker.stdout is not None
            assert b"listening" in worker.stdout.readline()
            facts = {fact.topic: fact for fact in examine_gimp()}
        finally:
            worker.terminate()
    assert "one is running" in facts["worker"].text


def test_the_last_trouble_in_the_log(home: Path) -> None:
    path = worker_log_path()
    path.parent.mkdir(parents=True)
    path.write_text("09:00 1 INFO started\n09:01 1 ERROR a job failed\n09:02 1 INFO ended\n")
    facts = {fact.topic: fact for fact in examine_gimp()}
    assert facts["worker log"].state == "note"
    assert "ERROR a job failed" in facts["worker log"].text
    assert str(path) in facts["worker log"].text


def test_doctor_tells_all_of_it(installed: Path, cli: Callable) -> None:
    (installed / "plug-ins" / NAME / f"{NAME}.py").chmod(0o644)
    ran = cli("doctor")
    assert ran.code == 2
    assert "GIMP 3.0" in ran.err
    assert "can't be run" in ran.out
