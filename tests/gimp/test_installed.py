"""After `semantic-style gimp install`, GIMP has our procedures and menu entries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from semantic_style.plugin.doctor_gimp import examine_profile
from semantic_style.plugin.gimp_profiles import profile_of, settings_folder
from semantic_style.plugin.gimp_programs import Program, make_profile

from .real_gimp import RealGimp

STYLE = "python-fu-semantic-style"
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
    assert found["menus"] == {
        STYLE: ["<Image>/Filters/Artistic"],
        "python-fu-semantic-style-animate": ["<Image>/Filters/Animation"],
        "python-fu-select-by-words": ["<Image>/Select"],
    }
    assert "Traceback" not in real_gimp.said


def test_doctor_says_what_gimp_does_with_it(real_gimp: RealGimp) -> None:
    """Menu entries that are there; a plug-in that fails; one that can't be run."""
    profile = profile_of(real_gimp.profile)

    def texts() -> str:
        return " | ".join(fact.text for fact in examine_profile(profile))

    real_gimp.batch(FIND)
    assert "GIMP has its menu entries" in texts()
    entry, broken = profile.plug_in / "semantic_style.py", profile.plug_in / "procedures.py"
    kept = broken.read_text()
    try:
        broken.write_text("raise RuntimeError\n")
        entry.touch()
        assert real_gimp.batch(FIND)["menus"] == {}
        assert "has not taken it" in texts()
        broken.write_text(kept)
        entry.chmod(0o644)
        assert real_gimp.batch(FIND)["menus"] == {}
        assert "can't be run, so GIMP passes over it" in texts()
    finally:
        broken.write_text(kept)
        entry.chmod(0o755)
        entry.touch()
    assert STYLE in real_gimp.batch(FIND)["menus"]
    assert "GIMP has its menu entries" in texts()


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
