"""The command `semantic-style`. Each subcommand is a thin call; what they share is here.

Nothing heavy is imported before a command runs: `--help` has to answer at once.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from ..core.allocator import share_arena
from ..core.threads import wait_briefly
from . import (
    cli_animate,
    cli_bench,
    cli_demo,
    cli_doctor,
    cli_expand,
    cli_gimp,
    cli_mask,
    cli_serve,
    cli_styles,
    cli_stylize,
    cli_train,
    cli_web,
    cli_weights,
)
from .faults import run_guarded

app = typer.Typer(
    name="semantic-style",
    help="Point at part of a picture with words and repaint only that part in any style.",
    epilog="Start with: semantic-style demo",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"semantic-style {version('semantic-style')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; works after a command too.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command("demo")(cli_demo.demo)
app.command("stylize")(cli_stylize.stylize)
app.command("animate")(cli_animate.animate)
app.command("mask")(cli_mask.mask)
app.add_typer(cli_styles.app, name="styles")
app.command("expand-styles")(cli_expand.expand_styles)
app.command("train")(cli_train.train)
app.add_typer(cli_bench.app, name="bench")
app.add_typer(cli_weights.app, name="weights")
app.add_typer(cli_gimp.app, name="gimp")
app.command("serve")(cli_serve.serve)
app.command("web")(cli_web.web)
app.command("doctor")(cli_doctor.doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (default: sys.argv) and give its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    if arguments is None and not debug and not sys.warnoptions:
        warnings.simplefilter("ignore")  # what libraries warn of is no line for users
    given = [argument for argument in given if argument != "--debug"]
    share_arena()  # before any thread starts
    wait_briefly()  # before PyTorch is imported
    return run_guarded(
        lambda: app(given, prog_name="semantic-style", standalone_mode=False), debug=debug
    )
