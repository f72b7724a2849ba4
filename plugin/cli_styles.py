"""semantic-style styles: shipped and own styles, shared by all faces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .console import note, say, table

app = typer.Typer(help="Shipped and own styles: list, add, remove.", no_args_is_help=False)


@app.command("list")
def list_styles(
    words: Annotated[
        bool, typer.Option("--words", help="The words that the engine zmnet was trained on.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Every style that a recipe can name; words are styles, too: word:night."""
    if words:
        _list_words(as_json)
        return
    from ..weights.style_store import StyleStore

    styles = StyleStore().list()
    if as_json:
        keys = ("name", "title", "origin", "licence", "credit")
        rows = [{key: getattr(s, key) for key in keys} | {"path": str(s.path)} for s in styles]
        say(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    say(
        table(
            ("NAME", "ORIGIN", "LICENCE", "TITLE"),
            [(s.name, s.origin, s.licence, s.title) for s in styles],
        )
    )
    note("a word is a style, too, such as word:night; semantic-style styles list --words has more")


def _list_words(as_json: bool) -> None:
    from .session import Session

    words = Session().words()
    if as_json:
        say(json.dumps(words, ensure_ascii=False, indent=2))
        return
    say("\n".join(f"word:{word}" for word in words))
    note("these were trained; words between them are taken, too, such as word:dusk")


@app.command("add")
def add_style(
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="The style's picture.")],
    name: Annotated[
        str | None, typer.Option("--name", help="Its name (default: the file's).")
    ] = None,
) -> None:
    """Keep a picture as a style of your own, under a name."""
    from ..core.image import load_picture
    from ..weights.style_store import StyleStore
    from .outputs import check_photo

    check_photo(picture)
    load_picture(picture)  # refuses what is no picture
    style = StyleStore().add(picture, name or picture.stem)
    say(f"added {style.name}: {style.path}")


@app.command("remove")
def remove_style(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of your own styles.")],
) -> None:
    """Remove a style that you added; shipped ones stay."""
    from ..weights.style_store import StyleStore

    StyleStore().remove(name)
    say(f"removed {name}")
