"""Where results go, decided and checked before any work starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.atomic import check_target
from ..core.errors import RequestError
from ..core.image import check_output, holds_floats
from ..core.wording import shown_path


@dataclass(frozen=True)
class Job:
    """One photo and every file that is made of it. layers is a folder or an .ora file."""

    photo: Path
    out: Path
    mask: Path | None = None
    layers: Path | None = None


def plan(
    photos: Sequence[Path],
    out: Path,
    *,
    mask: Path | None = None,
    layers: Path | None = None,
    force: bool = False,
) -> list[Job]:
    """One job a photo. Raises RequestError for anything that could not be written later.

    With several photos, or where `out` is a folder, each result is `out`/STEM.png, or STEM.tif
    for a photo of floats; mask and layers are folders then too.
    """
    for photo in photos:
        check_photo(photo)
    if len(photos) == 1 and not out.is_dir():
        jobs = [Job(photos[0], out, mask, layers)]
    else:
        for folder in (out, mask):
            _check_folder(folder, len(photos))
        jobs = [
            Job(
                photo,
                out / f"{photo.stem}{'.tif' if holds_floats(photo) else '.png'}",
                mask and mask / f"{photo.stem}.png",
                layers and layers / photo.stem,
            )
            for photo in photos
        ]
        if layers and layers.suffix.lower() == ".ora":
            raise RequestError("--layers-out FILE.ora takes one photo: name a folder instead")
    for job in jobs:
        check_output(job.out, force=force)
        if job.mask:
            check_mask_target(job.mask, force=force)
        if job.layers:
            _check_layers(job.layers, force, made=len(jobs) > 1 or out.is_dir())
    _check_distinct(jobs, photos, force)
    return jobs


def check_photo(photo: Path) -> None:
    """RequestError unless there is a file of that name; what is in it is seen on reading."""
    try:
        there, folder = photo.exists(), photo.is_dir()
    except (OSError, ValueError):
        there = folder = False
    if folder:
        raise RequestError(f"{shown_path(photo)} is a folder: name a picture file in it")
    if not there:
        raise RequestError(f"there is no file {shown_path(photo)}: check the photo's name")


def check_mask_target(path: Path, *, force: bool) -> None:
    """RequestError where a mask can't be written to `path`."""
    if path.suffix.lower() != ".png":
        raise RequestError(f"a mask is written as PNG: end {shown_path(path)} in .png")
    check_target(path, force=force)


def _check_folder(folder: Path | None, photos: int) -> None:
    if folder is None or folder.is_dir():
        return
    if folder.exists():
        raise RequestError(f"{shown_path(folder)} is a file: {photos} photos need a folder")
    raise RequestError(
        f"there is no folder {shown_path(folder)}: make it first, {photos} photos need one"
    )


def _check_layers(layers: Path, force: bool, made: bool) -> None:
    """`made`: the folder above is made with the first photo's layers."""
    if layers.suffix.lower() == ".ora":
        check_target(layers, force=force)
        return
    above = layers.parent.parent if made and not layers.parent.exists() else layers.parent
    if not above.is_dir():
        raise RequestError(f"the folder of {shown_path(layers)} does not exist: make it first")
    if layers.exists() and not layers.is_dir():
        raise RequestError(f"{shown_path(layers)} is a file: name a folder or a .ora file")
    if layers.is_dir() and any(layers.iterdir()) and not force:
        raise RequestError(f"{shown_path(layers)} is not empty: choose another, or --force")


def _check_distinct(jobs: Sequence[Job], photos: Sequence[Path], force: bool) -> None:
    """No file is written twice, and none of the photos is replaced but by its own result."""
    inputs = {photo.resolve(): photo for photo in photos}
    seen: set[Path] = set()
    for job in jobs:
        for path in filter(None, (job.out, job.mask, job.layers)):
            place = path.resolve()
            if place in seen:
                raise RequestError(
                    f"{shown_path(path)} would be written twice: give each result its own name"
                )
            seen.add(place)
            own = place == job.photo.resolve() and path is job.out and force
            if place in inputs and not own:
                raise RequestError(
                    f"{shown_path(path)} is a photo that is read: choose another name"
                )
