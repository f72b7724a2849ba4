"""What there is to choose from: shipped photos, styles with thumbnails, words, engines."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from PIL import Image

from ...weights.style_store import StyleStore
from ..gimp.semantic_style.link.client import Client
from .answers import data_url
from .wishes import Problem

HINTS = ("sky", "person", "building", "whole picture")
PHOTOS = (
    "neuschwansteinCastle", "schwerinPalace", "brandenburgGate", "kingfisher", "red_panda",
    "astronaut", "coffee", "chelsea",
)  # fmt: skip
THUMBNAIL = (240, 180)  # px of an example
ENGINES = {
    "adaattn": "AdaAttN",
    "zmnet": "ZM-Net, the fast one",
    "gatys": "Gatys, takes minutes",
    "adaattn-published": "AdaAttN of its authors",
}


def photos() -> list[dict[str, str]]:
    """The shipped photos, as name, title and thumbnail."""
    found = {photo.name: photo for photo in StyleStore().photos()}
    tiles = []
    for name in [name for name in PHOTOS if name in found]:
        with Image.open(found[name].path) as image:
            image.draft("RGB", (2 * THUMBNAIL[0], 2 * THUMBNAIL[1]))
            image.thumbnail((2 * THUMBNAIL[0], THUMBNAIL[1]))
            picture = data_url(np.asarray(image.convert("RGB")))
        tiles.append({"name": name, "title": found[name].title, "picture": picture})
    return tiles


def catalogue(client: Client) -> dict[str, Any]:
    """Styles and words that the worker can name. WorkerError."""
    entries, samples = client.styles(128)
    styles = []
    for entry in entries:
        shape = entry["height"], entry["width"], 3
        count = entry["height"] * entry["width"] * 3
        picture = np.frombuffer(samples, np.uint8, count, entry["offset"]).reshape(shape)
        title, short = entry["title"], short_title(entry["title"])
        styles.append(
            {"name": entry["name"], "title": title, "short": short, "picture": data_url(picture)}
        )
    words = client.capabilities()["words"]
    return {"styles": styles, "words": words, "hints": list(HINTS)}


def short_title(title: str) -> str:
    """A title for a tile: no year, no painter before it, no explanation behind it."""
    plain = re.sub(r" \(\d{4}\)$", "", title)
    plain = re.sub(r"^[A-Z]\w+( \w+)* [A-Z]\w+, ", "", plain)
    return plain.partition(":")[0]


def engines(capabilities: dict[str, Any]) -> list[tuple[str, str]]:
    """Choices of the control, the automatic one first."""
    ready = [each["name"] for each in capabilities["engines"] if each["ready"]]
    return [("Automatic", "auto"), *((ENGINES.get(name, name), name) for name in ready)]


def answering(capabilities: dict[str, Any]) -> str:
    """Who answers, in a line."""
    device = {"cpu": "this machine's CPU", "cuda": "this machine's GPU", "mps": "Apple's GPU"}
    names = {"builtin": "the built-in segmenter", "clipseg": "CLIPSeg"}
    segmenter = names.get(capabilities["segmenter"], capabilities["segmenter"])
    place = device.get(capabilities["device"], "this machine")
    return f"Runs on {place}; {segmenter} finds things."


def film_styles(text: str) -> list[str]:
    """Styles with commas between them, each in the region language: names and titles of styles
    as they are, anything else is a word. Problem."""
    known = {style.name: style.name for style in StyleStore().list()}
    known |= {style.title.casefold(): style.name for style in StyleStore().list()}
    looks = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        spoken = any(mark in part for mark in (":", "*", "+"))
        word = part.replace('"', "")
        looks.append(part if spoken else known.get(part.casefold()) or f'word:"{word}"')
    if len(looks) < 2:
        raise Problem("animation", "name at least two looks, such as noon, sunset, night")
    return looks
