"""Photographs that show nothing built, chosen by eye and listed in unbuilt.txt.

Who has been shown buildings and roads on photographs of streets only takes mountains, cats and
carpets for them. The listed pictures of content/ teach otherwise; of those under content/holdout
`bench masks` counts what is claimed all the same.
"""

from __future__ import annotations

from pathlib import Path

NAME = "unbuilt"
WORDS = ("building", "window", "door", "road", "pavement", "car", "pole", "traffic sign")
LIST = Path(__file__).with_name("unbuilt.txt")


def unbuilt_pictures(data: str | Path, *, held_out: bool = False) -> list[Path]:
    """Those of the listed pictures that lie under `data`, in the list's order."""
    names = LIST.read_text(encoding="utf-8").split()
    named = [Path(data) / name for name in names if ("/holdout/" in name) == held_out]
    return [file for file in named if file.is_file()]
