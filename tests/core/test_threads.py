"""How long threads wait for the next operation."""

from __future__ import annotations

import os
import subprocess
import sys

from semantic_style.core.threads import TURNS

RUN = """
import os, sys
from semantic_style.plugin.cli import main
assert "torch" not in sys.modules, "it would have read the environment already"
main(["--version"])
print(os.environ["GOMP_SPINCOUNT"])
"""


def _set(**environment: str) -> str:
    own = {k: v for k, v in os.environ.items() if k != "GOMP_SPINCOUNT"} | environment
    ran = subprocess.run(
        [sys.executable, "-c", RUN], capture_output=True, text=True, check=True, env=own
    )
    return ran.stdout.splitlines()[-1]


def test_the_command_has_threads_wait_briefly_and_leaves_the_users_own_choice_alone() -> None:
    assert _set() == str(TURNS)
    assert _set(GOMP_SPINCOUNT="7") == "7"
