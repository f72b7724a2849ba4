"""`python -m semantic_style.core.train WHAT ... --out RUN`; `accelerate launch` works too."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import RequestError
from .config import build_config


def _encoder() -> tuple[type[Any], Callable[[Any], Any]]:
    from .encoder import EncoderTask, EncoderTraining

    return EncoderTraining, EncoderTask


def _adaattn() -> tuple[type[Any], Callable[[Any], Any]]:
    from .adaattn import AdaAttNTask, AdaAttNTraining

    return AdaAttNTraining, AdaAttNTask


def _zmnet() -> tuple[type[Any], Callable[[Any], Any]]:
    from .zmnet import ZMNetTask, ZMNetTraining

    return ZMNetTraining, ZMNetTask


def _zmnet_words() -> tuple[type[Any], Callable[[Any], Any]]:
    from .zmnet_words import ZMNetWordsTask, ZMNetWordsTraining

    return ZMNetWordsTraining, ZMNetWordsTask


def _fst() -> tuple[type[Any], Callable[[Any], Any]]:
    from .zmnet_baselines import FastStyleTransfer, TableTraining

    return TableTraining, FastStyleTransfer


def _cin() -> tuple[type[Any], Callable[[Any], Any]]:
    from .zmnet_baselines import ConditionalNorm, TableTraining

    return TableTraining, ConditionalNorm


TASKS: dict[str, Callable[[], tuple[type[Any], Callable[[Any], Any]]]] = {
    "encoder": _encoder,
    "adaattn": _adaattn,
    "zmnet": _zmnet,
    "zmnet-words": _zmnet_words,
    "fst": _fst,
    "cin": _cin,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Raises RequestError for settings that can't be met."""
    parser = argparse.ArgumentParser(prog="train", description="Train one of the networks.")
    parser.add_argument("what", choices=[*TASKS, "segmenter"])
    parser.add_argument("--content", action="append", help="a folder of photographs; repeatable")
    parser.add_argument("--style", action="append", help="a folder of paintings; repeatable")
    parser.add_argument("--data", help="a folder of labelled pictures (zmnet-words, segmenter)")
    parser.add_argument("--config", type=Path, help="settings, TOML")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder")
    parser.add_argument("--resume", action="store_true")
    given = parser.parse_args(arguments)
    folders = {k: getattr(given, k) for k in ("content", "style", "data") if getattr(given, k)}
    if given.what == "segmenter":
        from .segmenter import SegmenterConfig, train

        train(
            build_config(SegmenterConfig, given.config, given.set, folders), given.out, given.resume
        )
        return
    from .loop import fit

    kind, task = TASKS[given.what]()
    config = build_config(kind, given.config, given.set, folders)
    print(fit(task(config), config, given.out, resume=given.resume))


if __name__ == "__main__":
    try:
        main()
    except RequestError as error:
        sys.exit(f"train: {error}")
