"""The command line's own manners: help, version, codes, lists."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from semantic_style.plugin.cli import app

COMMANDS = (
    "demo",
    "stylize",
    "animate",
    "expand-styles",
    "mask",
    "styles",
    "train",
    "bench",
    "weights",
    "gimp",
    "serve",
    "web",
    "doctor",
)


def test_help_lists_every_command_and_none_that_comes_later(cli: Callable) -> None:
    ran = cli("--help")
    assert (ran.code, ran.err) == (0, "")
    for command in COMMANDS:
        assert f" {command} " in ran.out
    listed = {command.name for command in app.registered_commands}
    listed |= {group.name for group in app.registered_groups}
    assert listed == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(cli: Callable, command: str) -> None:
    ran = cli(command, "--help")
    assert ran.code == 0
    assert len(ran.out.split()) > 20


def test_no_arguments_show_the_help(cli: Callable) -> None:
    assert cli().out == cli("--help").out


def test_version(cli: Callable) -> None:
    from importlib.metadata import version

    assert cli("--version").out == f"semantic-style {version('semantic-style')}\n"


def test_help_is_quick() -> None:
    # Processor time of the best of three, since other work may share the machine.
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', "
        "'from semantic_style.plugin.cli import main; main([\"--help\"])'], "
        "stdout=subprocess.DEVNULL, check=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_utime + used.ru_stime)"
    )
    run = [sys.executable, "-c", code]
    seconds = [float(subprocess.run(run, capture_output=True, check=True).stdout) for _ in range(3)]
    assert min(seconds) < 0.5


def test_debug_shows_a_traceback_wherever_it_stands(cli: Callable) -> None:
    for arguments in (("--debug", "mask", "gone.jpg", "sky", "-o", "m.png"),):
        assert "Traceback" in cli(*arguments).err
        assert "Traceback" in cli(*arguments[1:], "--debug").err
        assert "Traceback" not in cli(*arguments[1:]).err


def test_styles_come_and_go(cli: Callable, photo_file: Path) -> None:
    shipped = json.loads(cli("styles", "list", "--json").out)
    assert len(shipped) >= 16
    assert {style["origin"] for style in shipped} == {"shipped"}
    assert cli("styles", "add", photo_file, "--name", "my-house").code == 0
    own = [s for s in json.loads(cli("styles", "list", "--json").out) if s["origin"] == "own"]
    assert [style["name"] for style in own] == ["my-house"]
    assert "my-house" in cli("styles", "list").out
    assert cli("styles", "add", photo_file, "--name", "my-house").code == 2
    assert cli("styles", "remove", "my-house").code == 0
    assert json.loads(cli("styles", "list", "--json").out) == shipped


def test_weights_are_listed_and_whole(cli: Callable) -> None:
    listed = {item["name"]: item for item in json.loads(cli("weights", "list", "--json").out)}
    for name in ("encoder-compact", "adaattn-compact", "word-segmenter"):
        assert Path(listed[name]["path"]).is_file()
    ran = cli("weights", "verify")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count(" ok") >= 3


def test_doctor_finds_nothing_bad_in_a_working_installation(cli: Callable) -> None:
    ran = cli("doctor", "--json")
    assert (ran.code, ran.err) == (0, "")
    facts = {fact["topic"]: fact for fact in json.loads(ran.out)}
    assert facts["device"]["text"].startswith(("cpu", "cuda", "mps"))
    assert "builtin" in facts["segmenter"]["text"]
    assert facts["weights adaattn-compact"]["state"] == "ok"
    assert facts["weights clipseg"]["state"] == "note"
    assert {"styles", "data folder", "hub cache", "log"} <= set(facts)
    assert "sha256 as it should be" in cli("doctor").out
