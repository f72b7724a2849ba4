"""Where the two ends meet: the same place for both, and nobody else's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from semantic_style.plugin.gimp.semantic_style.link import address
from semantic_style.plugin.gimp.semantic_style.link.address import (
    AddressError,
    addresses,
    default_address,
    meeting_folders,
    private,
    read_port_file,
    write_port_file,
)

from ....worker import short_folder


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with `home` and `run` in it, which are this user's."""
    with short_folder() as folder:
        for name in ("home", "run"):
            (folder / name).mkdir()
        monkeypatch.setenv("HOME", str(folder / "home"))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        yield folder


def test_in_the_runtime_folder_and_under_the_home(short: Path) -> None:
    """The second is what a sandbox sees, whose runtime folder is another."""
    run, home = short / "run/semantic-style", short / "home/.cache/semantic-style/run"
    assert meeting_folders() == [run, home]
    assert [each.socket for each in addresses()] == [run / "worker.sock", home / "worker.sock"]
    assert default_address() == addresses()[0]
    assert run.stat().st_mode & 0o777 == home.stat().st_mode & 0o777 == 0o700


def test_without_a_runtime_folder(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", str(short / "gone")):
        monkeypatch.setenv("XDG_RUNTIME_DIR", value)
        assert meeting_folders() == [short / "home/.cache/semantic-style/run"]


def test_where_paths_are_too_long(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(short / ("h" * 100)))
    assert meeting_folders() == [short / "run/semantic-style"]
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(short))
    assert meeting_folders() == [short / f"semantic-style-{os.getuid()}"]


def test_a_home_that_can_not_be_written_to(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (short / "file").write_text("")
    monkeypatch.setenv("HOME", str(short / "file"))
    assert meeting_folders() == [short / "run/semantic-style"]
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    with pytest.raises(AddressError, match="can't be made"):
        meeting_folders()


def test_a_folder_that_others_can_enter_is_closed(short: Path) -> None:
    folder = short / "open"
    folder.mkdir(mode=0o755)
    folder.chmod(0o777)
    assert private(folder).stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else_is_refused(short: Path) -> None:
    link = short / "link"
    link.symlink_to(short / "home")
    with pytest.raises(AddressError, match="somebody else"):
        private(link)
    if os.getuid() == 0:
        os.chown(short / "home", 65534, 65534)
        with pytest.raises(AddressError, match="somebody else"):
            private(short / "home")
        os.chown(short / "home", 0, 0)


def test_a_port_and_its_token(short: Path) -> None:
    file = short / "worker.json"
    with pytest.raises(AddressError):
        read_port_file(file)
    written = write_port_file(file, 4711)
    assert read_port_file(file) == written
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(written.token) > 40
    assert write_port_file(file, 4711).token != written.token
    assert sorted(short.iterdir()) == [short / "home", short / "run", file]
    for text in ("", "[]", '{"port": 1}', '{"port": "x", "token": ""}', "\ud800"):
        file.write_text(text, errors="surrogatepass")
        with pytest.raises(AddressError):
            read_port_file(file)


def test_without_unix_sockets(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "HAS_UNIX", False)
    with pytest.raises(AddressError, match="no worker"):
        addresses()
    written = write_port_file(short / "run/semantic-style/worker.json", 4711)
    assert addresses() == [written]
