"""Put a trained file into weights/ and its size and sha256 into the manifest.

    python -m semantic_style.weights.register NAME FILE [--card CARD]

Run after each training; the model card is copied beside the weights where one is given.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tomllib
from pathlib import Path

import tomli_w

from ..core.errors import RequestError
from . import manifest
from .reading import read_safetensors


def register(name: str, file: Path, card: Path | None = None) -> Path:
    """Copy `file` to where shipped weights lie and record it; gives the copy's path.

    Raises RequestError for a name that is not of kind 'shipped' and for a file that is no
    sound safetensors file.
    """
    item = manifest.entry(name)
    if item.kind != "shipped":
        raise RequestError(f"{name!r} does not ship with the project: use weights import")
    read_safetensors(file, remedy="give the .safetensors file that training wrote")
    target = manifest.PACKAGE_FOLDER / item.file
    if file.resolve() != target.resolve():
        shutil.copyfile(file, target)
    if card is not None:
        shutil.copyfile(card, manifest.PACKAGE_FOLDER / item.card)

    text = manifest.MANIFEST.read_text(encoding="utf-8")
    table = tomllib.loads(text)
    table[name]["sha256"] = manifest.file_sha256(target)
    table[name]["size"] = target.stat().st_size
    # tomli_w knows no comments; all of the manifest's stand above its first table.
    comments = text[: text.index("[")].rstrip("\n")
    manifest.MANIFEST.write_text(comments + "\n\n" + tomli_w.dumps(table), encoding="utf-8")
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("file", type=Path)
    parser.add_argument("--card", type=Path)
    options = parser.parse_args()
    try:
        target = register(options.name, options.file, options.card)
    except RequestError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{options.name}: {target} ({target.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
