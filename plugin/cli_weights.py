"""semantic-style weights: what networks there are, and whether they are whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import RequestError
from .console import progress_bar, say, table

app = typer.Typer(help="Networks' weights: list, fetch, verify, import.")
NAME = Annotated[str, typer.Argument(metavar="NAME", help="A name of weights list.")]


@app.command("list")
def list_weights(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Every weight file that Semantic Style knows, and where it lies."""
    from ..weights.store import entries

    rows = [(item, _place(item.name)) for item in entries()]
    if as_json:
        say(
            json.dumps(
                [
                    {
                        "name": item.name,
                        "kind": item.kind,
                        "licence": item.licence,
                        "size": item.size,
                        "path": str(place) if place else None,
                        "description": item.description,
                    }
                    for item, place in rows
                ],
                ensure_ascii=False,
                indent=2,
            )
        )
        return
    say(
        table(
            ("NAME", "HERE", "SIZE", "LICENCE", "WHAT"),
            [
                (
                    item.name,
                    "yes" if place else "no",
                    f"{item.size / 1e6:.1f} MB" if item.size else "",
                    item.licence,
                    item.description,
                )
                for item, place in rows
            ],
        )
    )


@app.command("fetch")
def fetch_weights(name: NAME) -> None:
    """Get weights over the network into the user's data folder."""
    from ..weights.store import fetch

    with progress_bar(name) as progress:
        place = fetch(name, progress)
    say(f"fetched {name}: {place}")


@app.command("verify")
def verify_weights(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Default: all that is here.")
    ] = None,
) -> None:
    """Compare size and sha256 with the manifest; exit code 2 if anything is not as it should be."""
    from ..weights.store import entry, verify

    findings = verify(names or ())
    rows = [(finding.name, finding.state, finding.detail) for finding in findings]
    say(table(("NAME", "STATE", "DETAIL"), rows))
    bad = [
        finding.name
        for finding in findings
        if finding.state == "damaged"
        or (finding.state == "missing" and (names or entry(finding.name).kind == "shipped"))
    ]
    if bad:
        raise RequestError(f"not as they should be: {', '.join(bad)}; the table says what to do")


@app.command("import")
def import_weights_file(
    name: NAME,
    source: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="What was downloaded.")],
) -> None:
    """Take weights from a file or folder at hand, for machines without a network."""
    from ..weights.store import OWN, import_weights, is_own

    place = import_weights(name, source)
    own = name.startswith("clipseg") and is_own(name)
    say(f"imported {name}: {place}{f' ({OWN})' if own else ''}")


def _place(name: str) -> Path | None:
    from ..weights.store import weight_path

    try:
        return weight_path(name)
    except RequestError:
        return None
