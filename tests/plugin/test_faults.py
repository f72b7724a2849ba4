"""Every end of a run is an exit code and at most one line."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from semantic_style.core.errors import Cancelled, PhraseNotFound, RequestError
from semantic_style.plugin.faults import log_path, run_guarded


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (RequestError("no style is called x"), 2, "no style is called x"),
        (PhraseNotFound("no sky\nhere"), 2, "no sky here"),
        (Cancelled("stopped"), 130, "stopped"),
        (KeyboardInterrupt(), 130, "stopped"),
        (MemoryError(), 1, "out of memory"),
        (ZeroDivisionError("division\nby zero"), 1, "ZeroDivisionError: division by zero"),
    ],
)
def test_each_error_has_its_code_and_one_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, says: str
) -> None:
    assert run_guarded(raising(error)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("semantic-style: ")
    assert says in err


def test_debug_shows_the_traceback_and_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_guarded(raising(RequestError("no")), debug=True) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("semantic-style: no\n")


def test_an_unexpected_error_leaves_a_log_to_enclose(
    capsys: pytest.CaptureFixture[str], data_folder: Path
) -> None:
    run_guarded(raising(ZeroDivisionError("what happened")))
    assert log_path().parent == data_folder
    assert "what happened" in log_path().read_text(encoding="utf-8")
    err = capsys.readouterr().err
    assert str(log_path()) in err
    assert "--debug" in err


def test_codes_of_work_that_ends_well() -> None:
    assert run_guarded(lambda: None) == 0
    assert run_guarded(lambda: 2) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_work_once_and_cleaning_up_is_not_disturbed(
    capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    cleaned = []
    before = signal.getsignal(number)

    def work() -> None:
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), number)
            cleaned.append("all of it")

    assert run_guarded(work) == 130
    assert cleaned == ["all of it"]
    assert signal.getsignal(number) == before
    assert capsys.readouterr().err.count("\n") == 1
