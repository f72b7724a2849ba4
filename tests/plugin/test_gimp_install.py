"""gimp install, uninstall, status: every profile, whole or not at all, and only what is ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from semantic_style.core.errors import RequestError
from semantic_style.plugin import gimp_profiles
from semantic_style.plugin.gimp_profiles import MARK, NAME, SOURCE, find_profiles, look, profile_of


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a disk of memory with the given options: the way to fill one, or to make one that
    root can't write to either."""
    places = []

    def mount(options: str) -> Path:
        place = tmp_path / f"disk {len(places)}"
        place.mkdir()
        command = ["/usr/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no disk can be mounted here: {error}")
        places.append(place)
        return place

    yield mount
    for place in places:
        subprocess.run(["/usr/bin/umount", str(place)], check=True)


def listing(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


def test_every_profile_is_filled(home: Path, cli: Callable, monkeypatch) -> None:
    own = home / "own settings"
    monkeypatch.setenv("GIMP3_DIRECTORY", "own settings")  # from the home folder, as in GIMP
    config = home / ".config/GIMP"
    flatpak = home / ".var/app/org.gimp.GIMP/config/GIMP"
    profiles = [own, config / "3.0", config / "3.2", flatpak / "3.0"]
    others = [config / "2.10", config / "3.x", home / ".config/GIMP-3.0"]
    for folder in profiles + others:
        folder.mkdir(parents=True)
    (config / "3.4").write_text("no folder")
    ran = cli("gimp", "install")
    assert ran.code == 0, ran.err
    assert len(ran.out.splitlines()) == len(profiles)
    assert "GIMP 3.0 (Flatpak) in " in ran.out
    for folder in profiles:
        assert look(profile_of(folder)).state == "current"
    for folder in others:
        assert not list(folder.iterdir())


def test_settings_folders_of_other_systems(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(home / "elsewhere"))
        assert gimp_profiles.settings_folder() == home / "elsewhere/GIMP"
        patch.setenv("XDG_CONFIG_HOME", "relative/is/ignored")
        assert gimp_profiles.settings_folder() == home / ".config/GIMP"
        patch.setattr(sys, "platform", "darwin")
        assert gimp_profiles.settings_folder() == home / "Library/Application Support/GIMP"
        patch.setattr(sys, "platform", "win32")
        patch.setenv("APPDATA", str(home / "Roaming"))
        assert gimp_profiles.settings_folder() == home / "Roaming/GIMP"


def test_the_copy_is_whole_and_says_what_starts_the_worker(profile: Path, cli: Callable) -> None:
    assert cli("gimp", "install").code == 0
    copy = profile / "plug-ins" / NAME
    wanted = {
        name
        for name in listing(SOURCE)
        if "__pycache__" not in name and Path(name).suffix not in (".po", ".pot")
    }
    assert set(listing(copy)) == wanted | {MARK, "environment.json"}
    assert os.access(copy / f"{NAME}.py", os.X_OK)
    assert (copy / f"{NAME}.py").read_text().startswith("#!/usr/bin/env python3\n")
    said = json.loads((copy / "environment.json").read_text("utf-8"))
    done = subprocess.run(
        [said["python"], "-I", "-m", "semantic_style.plugin", "--version"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split()[-1] == said["version"]
    assert said["protocol"] == 1
    assert Path(said["log"]).is_absolute()


def test_again_brings_it_up_to_date(profile: Path, cli: Callable) -> None:
    cli("gimp", "install")
    place = profile_of(profile)
    first = listing(profile)
    time = (place.plug_in / f"{NAME}.py").stat().st_mtime_ns
    assert cli("gimp", "install").code == 0
    assert listing(profile) == first
    # GIMP asks for procedures again only where the time of the file that it runs has changed
    assert (place.plug_in / f"{NAME}.py").stat().st_mtime_ns > time
    changed = place.plug_in / "link/wire.py"
    changed.write_text(changed.read_text().replace("PROTOCOL = 1", "PROTOCOL = 0"))
    (place.plug_in / "gone.py").write_text("of an older version")
    assert look(place).state == "older"
    assert "differs" in cli("gimp", "status").out
    assert cli("gimp", "install").code == 0
    assert listing(profile) == first
    assert look(place).state == "current"


def test_what_a_killed_run_left_goes_and_nothing_else(profile: Path, cli: Callable) -> None:
    plug_ins = profile / "plug-ins"
    cli("gimp", "install")
    shutil.copytree(plug_ins / NAME, plug_ins / f".{NAME}-half")
    (plug_ins / f".{NAME}-old").mkdir()
    shutil.copytree(plug_ins / NAME, plug_ins / f".{NAME}-old" / NAME)
    (plug_ins / f".{NAME}-notes").mkdir()
    assert cli("gimp", "install").code == 0
    names = sorted(path.name for path in plug_ins.iterdir())
    assert names == [f".{NAME}-notes", "other", NAME]


@pytest.mark.parametrize("kind", ["folder", "file", "link", "dangling link"])
def test_what_is_not_ours_is_left_alone(home: Path, profile: Path, cli: Callable, kind) -> None:
    place = profile / "plug-ins" / NAME
    if kind == "folder":
        place.mkdir()
        (place / f"{NAME}.py").write_text("somebody else's")
    elif kind == "file":
        place.write_text("a note")
    else:
        place.symlink_to(SOURCE if kind == "link" else home / "nowhere")
    second = home / ".config/GIMP/3.2"
    second.mkdir()
    before = listing(profile)
    for command in ("install", "uninstall"):
        ran = cli("gimp", command)
        assert ran.code == 2
        assert ran.err.count("\n") == 1
        assert str(place) in ran.err
        assert listing(profile) == before
        # one that can't be filled does not keep the others from it
        assert (second / "plug-ins" / NAME).exists() == (command == "install")
    assert "something else of that name" in cli("gimp", "status").out


def test_uninstall_takes_out_ours_alone(profile: Path, cli: Callable) -> None:
    before = listing(profile)
    cli("gimp", "install")
    ran = cli("gimp", "uninstall")
    assert ran.code == 0
    assert str(profile) in ran.out
    assert listing(profile) == before
    again = cli("gimp", "uninstall")
    assert again.code == 0
    assert "nothing to remove" in again.out


def test_status_tells_that_the_environment_has_gone(profile: Path, cli: Callable) -> None:
    assert "not installed" in cli("gimp", "status").out
    cli("gimp", "install")
    row = cli("gimp", "status").out.splitlines()[1]
    assert row.startswith("3.0")
    assert "installed" in row
    assert "gone" not in row
    said = profile / "plug-ins" / NAME / "environment.json"
    said.write_text(said.read_text().replace(sys.executable, "/no/such/python"))
    assert "/no/such/python (gone)" in cli("gimp", "status").out
    said.write_text("{")
    found = look(profile_of(profile))
    assert found.state == "older"
    assert not found.python_there


def test_a_named_profile_alone(home: Path, profile: Path, cli: Callable) -> None:
    named = home / "a throw-away one"
    assert cli("gimp", "install", "--profile", named).code == 0
    assert look(profile_of(named)).state == "current"
    assert look(profile_of(profile)).state == "missing"
    ran = cli("gimp", "install", "--profile", profile / "plug-ins")
    assert ran.code == 2
    assert "the profile above it" in ran.err
    assert cli("gimp", "uninstall", "--profile", named).code == 0


def test_a_linked_plug_ins_folder_is_followed(home: Path, cli: Callable) -> None:
    kept = home / "dot files/plug-ins"
    kept.mkdir(parents=True)
    profile = home / ".config/GIMP/3.0"
    profile.mkdir(parents=True)
    (profile / "plug-ins").symlink_to(kept)
    assert cli("gimp", "install").code == 0
    assert (kept / NAME / MARK).is_file()
    assert cli("gimp", "uninstall").code == 0
    assert list(kept.iterdir()) == []
    assert (profile / "plug-ins").is_symlink()


def test_a_full_disk_leaves_it_as_it_was(
    cli: Callable, home: Path, small_disk: Callable[[str], Path]
) -> None:
    profile = small_disk("size=64k")
    (profile / "plug-ins").mkdir()
    ran = cli("gimp", "install", "--profile", profile)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "No space left on device" in ran.err
    assert list((profile / "plug-ins").iterdir()) == []


def test_a_read_only_profile_is_named(
    cli: Callable, home: Path, small_disk: Callable[[str], Path]
) -> None:
    profile = small_disk("ro")
    ran = cli("gimp", "install", "--profile", profile)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert str(profile) in ran.err
    assert "Read-only" in ran.err


def test_a_file_in_the_place_of_the_plug_ins_folder(home: Path, cli: Callable) -> None:
    profile = home / ".config/GIMP/3.0"
    profile.mkdir(parents=True)
    (profile / "plug-ins").write_text("a file")
    ran = cli("gimp", "install")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert (profile / "plug-ins").read_text() == "a file"


def test_without_gimp_3_it_says_so(home: Path, program: Callable, cli: Callable) -> None:
    for command in ("install", "status"):
        ran = cli("gimp", command)
        assert ran.code == 2
        assert "no GIMP 3" in ran.err
    program("gimp", 'echo "GNU Image Manipulation Program version 2.10.38"')
    ran = cli("gimp", "install")
    assert ran.code == 2
    assert "GIMP 2.10 is too old" in ran.err
    assert cli("gimp", "uninstall").code == 0
    assert list(home.iterdir()) == []


def test_a_gimp_that_never_ran_makes_its_profile_itself(
    home: Path, program: Callable, cli: Callable
) -> None:
    profile = home / ".config/GIMP/3.2"
    program(
        "gimp-console",
        f"""case $1 in
        --version) echo "GNU Image Manipulation Program version 3.2.6" ;;
        *) /usr/bin/mkdir -p '{profile}/brushes' ;;
        esac""",
    )
    ran = cli("gimp", "install")
    assert ran.code == 0, ran.err
    assert look(profile_of(profile)).state == "current"
    assert (profile / "brushes").is_dir()
    assert len(cli("gimp", "install").out.splitlines()) == 1


def test_a_gimp_that_can_make_no_profile_has_to_be_started(
    home: Path, program: Callable, cli: Callable
) -> None:
    program("gimp", '[ "$1" = --version ] && echo "GIMP version 3.0.4"')
    program("flatpak", "exit 1")
    ran = cli("gimp", "install")
    assert ran.code == 2
    assert "start it once" in ran.err


def test_a_failed_exchange_puts_the_old_one_back(
    profile: Path, cli: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("gimp", "install")
    before = listing(profile)
    rename = Path.rename

    def refusing(self: Path, target: Path) -> Path:
        if target.name == NAME and self.name.startswith(f".{NAME}-"):
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(RequestError, match="Permission denied"):
        gimp_profiles.install(find_profiles()[0])
    assert listing(profile) == before
