"""semantic-style bench: figures that anybody can make again."""

from __future__ import annotations

import typer

app = typer.Typer(help="Measure quality, masks, speed and memory; print a table, write JSON.")
