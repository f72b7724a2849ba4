"""After `semantic-style gimp install`, GIMP has our procedures and menu entries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from semantic_style.plugin.gimp_profiles import settings_folder
from semantic_style.plugin.gimp_programs import Program, make_profile

from .real_gimp import RealGimp

FIND = """
names = Gimp.get_pdb().query_procedures("python-fu-semantic|python-fu-select-by-words",
                                        *[".*"] * 7)
verdict["version"] = Gimp.version()
verdict["menus"] = {
    name: Gimp.get_pdb().lookup_procedure(name).get_menu_paths() for name in names
}
"""


def test_gimp_finds_what_was_installed(real_gimp: RealGimp) -> None:
    found = real_gimp.batch(FIND)
    assert found["version"].startswith(real_gimp.version)
    assert found["menus"]["python-fu-semantic-style"] == ["<Image>/Filters/Artistic"]
    assert "Traceback" not in real_gimp.said


def test_a_gimp_that_never_ran_takes_over_old_settings_in_the_profile_it_makes(
    real_gimp: RealGimp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which it would not do in a folder that an installer had made."""
    home = real_gimp.work / "never"
    old = home / ".config/GIMP/2.10"
    old.mkdir(parents=True)
    (old / "gimprc").write_text("(undo-levels 77)\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    major, minor = (int(part) for part in real_gimp.version.split("."))
    settings = {name: value for name, value in real_gimp.env.items() if name != "GIMP3_DIRECTORY"}
    start = replace(real_gimp, env={**settings, "HOME": str(home)}).command("gimp-console")
    assert make_profile(Program(tuple(start), (major, minor)))
    profile = settings_folder() / real_gimp.version
    assert "(undo-levels 77)" in (profile / "gimprc").read_text()
    assert (profile / "brushes").is_dir()
