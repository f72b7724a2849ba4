"""semantic-style styles: shipped and own styles, shared by all faces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .console import say, table

app = typer.Typer(help="Shipped and own styles: list, add, remove.", no_args_is_help=False)


@app.command("list")
def list_styles(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Every style that a recipe can name."""
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
