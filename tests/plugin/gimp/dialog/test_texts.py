"""What the plug-in says in other languages, and its manual: whole, and made from what is there."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[4]
PLUGIN = ROOT / "plugin" / "gimp" / "semantic_style"
CATALOGUES = sorted(PLUGIN.glob("locale/*/LC_MESSAGES/semantic_style.mo"))
MANUALS = {"en": "manual.md", "de": "manual.de.md"}
# Alt and one of these is for a button that GIMP itself puts into the dialog.
GIMPS_OWN = "ochrls"
RENEW = "run .ci/gimp-texts"


def texts(*modules: Path) -> Iterator[str]:
    """Every text that the modules hand to gettext."""
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                count = {"_": 1, "counted": 2}.get(node.func.id, 0)
                for argument in node.args[:count]:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        yield argument.value


def in_german(text: str) -> str:
    with CATALOGUES[0].open("rb") as stream:
        return gettext.GNUTranslations(stream).gettext(text)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_every_text_is_translated_with_the_same_places_to_fill(path: Path) -> None:
    with path.open("rb") as stream:
        catalogue = gettext.GNUTranslations(stream)
    known = set(catalogue._catalog)  # type: ignore[attr-defined]  # there is no other way to ask
    known |= {text[0] for text in known if isinstance(text, tuple)}
    said = set(texts(*PLUGIN.rglob("*.py")))
    assert len(said) > 100
    plurals = {"Mixture of %d styles"}  # found by its singular
    assert said - known - plurals == set(), RENEW
    for text in said - plurals:
        placed = re.findall("%.", catalogue.ngettext(text, text, 2))
        assert placed == re.findall("%.", text), text


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_two_controls_of_the_dialog_have_the_same_letter(language: str) -> None:
    names = ("window", "preview", "regions", "more", "status")
    said = set(texts(*(PLUGIN / "dialog" / f"{name}.py" for name in names)))
    if language == "de":
        said = {in_german(text) for text in said}
    letters = [found[1].lower() for text in said if (found := re.search("_(.)", text))]
    letters += GIMPS_OWN if language == "en" else ""
    assert len(letters) > 14
    assert sorted(letters) == sorted(set(letters))


@pytest.mark.parametrize("language", MANUALS)
def test_the_page_that_help_opens_is_the_manual(language: str) -> None:
    manual = (ROOT / "docs" / "gimp" / MANUALS[language]).read_text("utf-8")
    page = (PLUGIN / "help" / language / "manual.html").read_text("utf-8")
    assert MarkdownIt().render(manual) in page, RENEW
    contents = (PLUGIN / "help" / language / "gimp-help.xml").read_text("utf-8")
    assert 'id="python-fu-semantic-style" ref="manual.html"' in contents
