"""After `semantic-style gimp install`, GIMP has our procedures and menu entries."""

from __future__ import annotations

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
