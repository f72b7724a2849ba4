"""Shipped and own styles by name, and the shipped photos.

Own styles lie in the user's data folder, so that the shell, GIMP and the browser share them.
"""

from __future__ import annotations

import difflib
import tempfile
import tomllib
import unicodedata
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..core.errors import RequestError
from .manifest import PACKAGE_FOLDER, user_folder

if TYPE_CHECKING:
    from PIL import Image

LONGEST_SIDE = 2048  # px of an own style's copy
SMALLEST_SIDE = 16  # px
MOST_PIXELS = 200_000_000  # of a picture that becomes a style
LONGEST_NAME = 60  # characters
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")


@dataclass(frozen=True)
class Style:
    """A style picture that recipes can name. licence and credit are empty for own ones."""

    name: str
    title: str
    path: Path
    origin: Literal["shipped", "own"]
    licence: str = ""
    credit: str = ""
    script: str = ""


@dataclass(frozen=True)
class Photo:
    """A photo that comes with the project, to try things on."""

    name: str
    title: str
    path: Path
    licence: str
    credit: str


def slug(name: str) -> str:
    """A name as styles have them: lower-case letters and digits of any script, and hyphens.

    No separator, dot or control character is left, so the name is safe as a file's. Raises
    RequestError where nothing is left.
    """
    folded = unicodedata.normalize("NFKC", name[: 4 * LONGEST_NAME]).casefold()
    words = "".join(c if c.isalnum() else " " for c in folded).split()
    made = "-".join(words)[:LONGEST_NAME].strip("-")
    if not made:
        raise RequestError(f"{_shown(name)} is no name for a style: use letters and digits")
    return made


Styles = list[Style]  # named here: inside the store, `list` is its method
Photos = list[Photo]


class StyleStore:
    """What lies on disk now; nothing is cached, since other faces write there too."""

    def __init__(self, folder: Path | None = None) -> None:
        """folder: where own styles lie; default the user's data folder. It need not exist."""
        self.folder = folder or user_folder() / "styles"

    def list(self) -> Styles:
        """Shipped styles in the project's order, then own ones by name."""
        return [*_shipped(), *self._own()]

    def get(self, name: str) -> Style:
        """The style of that name, whatever its case. Raises RequestError with the nearest names."""
        wanted = name.strip().casefold()
        styles = self.list()
        for style in styles:
            if style.name == wanted:
                return style
        raise RequestError(_unknown("style", name, [s.name for s in styles]))

    def add(self, path: Path, name: str) -> Style:
        """Keep a copy of the picture under the name (made a slug).

        The copy is encoded anew as sRGB without metadata, its long side at most LONGEST_SIDE.
        Raises RequestError for a name that is taken and for what is no sound picture.
        """
        made = slug(name)
        for style in self.list():
            if style.name == made:
                remedy = (
                    "choose another name"
                    if style.origin == "shipped"
                    else "choose another name, or remove that style first"
                )
                raise RequestError(f"there is already a style called {made!r}: {remedy}")
        picture = _read(Path(path))
        target = self.folder / f"{made}.jpg"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(picture, target)
        except OSError as error:
            raise RequestError(
                f"{target} can't be written ({error.strerror}): free some space or check the folder"
            ) from None
        return _own_style(target)

    def remove(self, name: str) -> None:
        """Delete an own style. Raises RequestError for shipped and unknown ones."""
        style = self.get(name)
        if style.origin == "shipped":
            raise RequestError(
                f"{style.name!r} comes with Semantic Style and stays: only styles that you "
                "added can be removed"
            )
        style.path.unlink(missing_ok=True)

    def photos(self) -> Photos:
        """The shipped photos, the demo's first."""
        folder = PACKAGE_FOLDER / "photos"
        return [
            Photo(name, entry["title"], folder / entry["file"], entry["licence"], entry["credit"])
            for name, entry in _table(folder / "photos.toml").items()
        ]

    def photo(self, name: str) -> Photo:
        """The shipped photo of that name. Raises RequestError with the nearest names."""
        photos = {photo.name: photo for photo in self.photos()}
        if name not in photos:
            raise RequestError(_unknown("shipped photo", name, photos))
        return photos[name]

    def _own(self) -> Iterable[Style]:
        if not self.folder.is_dir():
            return []
        taken = {style.name for style in _shipped()}
        found = (_own_style(p) for p in sorted(self.folder.glob("*.jpg")) if p.is_file())
        # A later version may ship a style of the same name: recipes then mean the shipped one.
        return [style for style in found if style.name not in taken]


def shipped_folder() -> Path:
    return PACKAGE_FOLDER / "styles"


def _shipped() -> Iterable[Style]:
    folder = shipped_folder()
    for name, entry in _table(folder / "styles.toml").items():
        yield Style(
            name,
            entry["title"],
            folder / entry["file"],
            "shipped",
            entry["licence"],
            entry["credit"],
            entry.get("script", ""),
        )


def _own_style(path: Path) -> Style:
    title = path.stem.replace("-", " ")
    return Style(path.stem, title[:1].upper() + title[1:], path, "own")


def _table(path: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    wanted = name.strip().casefold()[:LONGEST_NAME]
    folded = {each.casefold(): each for each in names}
    # Part of a name is as good a hint as a slip of the finger.
    near = [folded[n] for n in difflib.get_close_matches(wanted, folded, n=3, cutoff=0.5)]
    near += [n for f, n in folded.items() if len(wanted) > 2 and wanted in f and n not in near]
    hint = f"did you mean {' or '.join(near[:3])}?" if near else f"take one of {', '.join(names)}"
    return f"no {what} is called {_shown(name)}: {hint}"


def _shown(name: str) -> str:
    return repr(name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "...")


def _shown_path(path: Path) -> str:
    text = str(path)
    return repr(text if len(text) <= LONGEST_NAME else "..." + text[3 - LONGEST_NAME :])


def _read(path: Path) -> Image.Image:
    """The picture upright, as sRGB, over white where it is see-through, at its copy's size."""
    from PIL import Image

    shown = _shown_path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as file:
                width, height = file.size
                if min(width, height) < SMALLEST_SIDE:
                    raise RequestError(
                        f"{shown} is {width} x {height} pixels: a style needs at least "
                        f"{SMALLEST_SIDE} x {SMALLEST_SIDE}"
                    )
                if width * height > MOST_PIXELS:
                    raise RequestError(
                        f"{shown} is {width} x {height} pixels: make it smaller first"
                    )
                return _plain(file)
    except RequestError:
        raise
    except FileNotFoundError:
        raise RequestError(f"there is no file {shown}: check the path") from None
    except Image.DecompressionBombError:
        raise RequestError(f"{shown} claims too many pixels: make it smaller first") from None
    except Exception as error:
        # Readers of hostile files raise nearly anything: SyntaxError, struct.error, KeyError ...
        raise RequestError(f"{shown} can't be read as a picture: save it again as PNG") from error


def _plain(file: Image.Image) -> Image.Image:
    import numpy as np
    from PIL import Image, ImageOps

    # JPEGs are decoded at a half or a quarter of their size where that is still enough.
    file.draft("RGB", (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))
    picture = ImageOps.exif_transpose(file)
    profile = file.info.get("icc_profile")
    if picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        ground = Image.new("RGBA", clear.size, "white")
        picture = Image.alpha_composite(ground, clear).convert("RGB")
    if profile:
        picture = _to_srgb(picture, profile)
    if picture.mode.startswith("I"):
        # 16-bit grey, which Pillow would cut off at 255 instead of scaling.
        picture = Image.fromarray((np.asarray(picture, dtype=np.uint32) // 257).astype(np.uint8))
    picture = picture.convert("RGB")
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return picture


def _to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    import io

    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        changed = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture  # a broken profile says nothing: take the numbers as sRGB
    return changed or picture


def _write(picture: Image.Image, target: Path) -> None:
    """As JPEG, whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as file:
        part = Path(file.name)
        try:
            picture.save(file, "JPEG", quality=95, subsampling=0)
            file.close()
            part.chmod(0o644)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
