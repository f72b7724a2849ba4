"""`python -m semantic_style.core.bench.reproduction`: run what was not run, write the document."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ...errors import Cancelled, RequestError
from .catalogue import EXPERIMENTS, experiment
from .frame import Bench, Data, Shipped, answer, answered
from .render import render

ABOUT = """The papers' experiments again, small: each is run once and its answer kept in the work
folder, so that the next call goes on where this one stopped and then only writes the document."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Raises RequestError for what can't be met, Cancelled where Ctrl+C ended a training run."""
    parser = argparse.ArgumentParser(prog="reproduction", description=ABOUT)
    for name, what in (
        ("content", "photos to train on (without their holdout)"),
        ("style", "paintings to train on"),
        ("test-content", "photos never trained on"),
        ("test-style", "paintings never trained on"),
        ("day", "pictures of day, for a probe"),
        ("night", "pictures of night, for a probe"),
    ):
        parser.add_argument(f"--{name}", nargs="+", default=[], metavar="DIR", help=what)
    parser.add_argument("--words", default="", metavar="DIR", help="WORD/*.jpg, labelled pictures")
    parser.add_argument("--expanded", default="", metavar="DIR", help="what expand-styles made")
    parser.add_argument("--vgg16", default="", metavar="FILE", help="default: the store's")
    parser.add_argument("--adaattn", default="adaattn-compact", metavar="WEIGHTS")
    parser.add_argument("--zmnet-styles", default="zmnet-styles", metavar="WEIGHTS")
    parser.add_argument("--zmnet-words", default="zmnet-words", metavar="WEIGHTS")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME",
                        help=f"of {', '.join(EXPERIMENTS)}")  # fmt: skip
    parser.add_argument(
        "--force",
        action="store_true",
        help="answer again (networks that were trained for it are kept)",
    )
    parser.add_argument("--render", action="store_true", help="run nothing: write what is there")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies all counts")
    parser.add_argument("--work", type=Path, default=Path("runs/reproduction"), metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("docs"), metavar="DIR")
    given = parser.parse_args(arguments)
    if not given.scale > 0:
        raise RequestError(f"--scale is a positive number, not {given.scale:g}")
    if not given.out.is_dir():
        raise RequestError(f"there is no folder {given.out}: make it first")
    # A trial has a folder of its own: networks of another scale would replace the long runs.
    work = given.work if given.scale == 1 else given.work / f"scale-{given.scale:g}"
    bench = Bench(
        work,
        Data(
            tuple(given.content), tuple(given.style), tuple(given.test_content),
            tuple(given.test_style), given.words, tuple(given.day), tuple(given.night),
            given.expanded, given.vgg16,
        ),
        Shipped(given.adaattn, given.zmnet_styles, given.zmnet_words),
        given.scale,
    )  # fmt: skip
    chosen = [experiment(name) for name in given.only or EXPERIMENTS]
    if not given.render:
        for each in chosen:
            made = answer(bench, each, force=given.force)
            print(f"{each.name}: {made.seconds:.0f} s", flush=True)
    answers = {e.name: a for e in EXPERIMENTS.values() if (a := answered(bench, e))}
    for path in render(bench, EXPERIMENTS, answers, given.out):
        print(path)


if __name__ == "__main__":
    try:
        main()
    except (RequestError, Cancelled) as error:
        sys.exit(f"reproduction: {error}")
