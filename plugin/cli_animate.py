"""semantic-style animate: a still photo that travels through styles, words or mixtures."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.errors import RequestError
from ..core.recipe import GROUPS, Recipe, Region, parse_target, to_data
from ..core.recipe_language import format_mixture, parse_mixtures
from ..core.wording import shown
from .console import note, progress_bar, say, warn
from .request import size_value, transfer_value

if TYPE_CHECKING:
    from ..core.animation import Animated, Animation
    from ..core.estimate import Estimate
    from .session import Session

LONG = 10.0  # s of work about which a line is said before it begins


def animate(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="The photo to set in motion.")],
    through: Annotated[
        str,
        typer.Option(
            metavar="STYLES", help='"word:noon, 0.5*word:night + 0.5*mosaic": commas between.'
        ),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FILM", help=".gif, .webp, .png or .mp4")
    ],
    frames: Annotated[int, typer.Option(metavar="N", help="Number of frames.")],
    region: Annotated[
        str,
        typer.Option("-r", "--region", metavar="PHRASE", help="What moves; * is all of it."),
    ] = "*",
    keep: Annotated[
        list[str] | None, typer.Option("--keep", metavar="PHRASE", help="Stays; repeatable.")
    ] = None,
    cyclic: Annotated[
        bool, typer.Option("--cyclic", help="On from the last style to the first.")
    ] = False,
    ping_pong: Annotated[bool, typer.Option("--ping-pong", help="There and back.")] = False,
    fps: Annotated[
        float, typer.Option(metavar="N", help="Frames a second, 0.1 to 60; GIF up to 50.")
    ] = 12.0,
    once: Annotated[
        bool, typer.Option("--once", help="Play once, not for ever (not for MP4).")
    ] = False,
    strength: Annotated[
        float, typer.Option(metavar="S", help="0 to 1; how much of the style.")
    ] = 1.0,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="zmnet, or a slower one that takes no words.")
    ] = "zmnet",
    segmenter: Annotated[
        str, typer.Option(metavar="NAME", help="auto, clipseg or builtin.")
    ] = "auto",
    style_region: Annotated[
        str | None,
        typer.Option(metavar="PHRASE", help="Part of the style pictures to take from."),
    ] = None,
    keep_colors: Annotated[
        bool, typer.Option("--keep-colors", help="The photo's own colours stay.")
    ] = False,
    transfer: Annotated[
        str | None,
        typer.Option(metavar="GROUPS", help="details,colours,textures; engine zmnet only."),
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="N|full", help="Long side of the film (default: 512).")
    ] = None,
    style_scale: Annotated[
        float, typer.Option(metavar="F", help="Size of the brush, 0.1 to 10.")
    ] = 1.0,
    threshold: Annotated[
        float | None, typer.Option(metavar="T", help="0 to 1; lower finds more.")
    ] = None,
    grow: Annotated[
        int, typer.Option(metavar="N", help="Widen the region by N px of the film.")
    ] = 0,
    feather: Annotated[float, typer.Option(metavar="N", help="Soften its edge, px.")] = 2.0,
    invert: Annotated[bool, typer.Option("--invert", help="All but the region moves.")] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="For what is random.")] = 0,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Summary for machines, JSON.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop if anything that is named is not found.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Let a photo, or a region of it, travel through styles while the rest stands still.

    semantic-style animate photo.jpg --through "word:noon, word:night" -r sky --frames 48 -o day.gif
    """
    from .outputs import check_photo

    looks = parse_mixtures(through)
    if style_region is not None:
        looks = tuple(look._replace(style_region=style_region) for look in looks)
    area = parse_target(region)._asdict()
    keys = [
        Recipe(
            (
                Region(
                    **area,
                    **look._asdict(),
                    strength=strength,
                    threshold=threshold,
                    grow=grow,
                    feather=feather,
                    invert=invert,
                ),
            ),
            keep=tuple(keep or ()),
            engine=engine,  # type: ignore[arg-type]  # checked there
            segmenter=segmenter,  # type: ignore[arg-type]
            size=size_value(size),
            style_scale=style_scale,
            keep_colors=keep_colors,
            seed=seed,
            transfer=transfer_value(transfer) or GROUPS,
        )
        for look in looks
    ]
    if cyclic and ping_pong:
        raise RequestError("--cyclic and --ping-pong are two ways back: choose one")
    motion = "cyclic" if cyclic else "ping-pong" if ping_pong else "linear"

    from ..core.animation import Animation
    from ..core.film import check_film

    animation = Animation(tuple(keys), frames, motion)  # type: ignore[arg-type]  # one of three
    check_photo(photo)
    check_film(out, fps=fps, force=force)

    from .session import Session

    session = Session(device)
    for key in keys:
        session.check(key)
    animation = replace(animation, keys=tuple(session.pinned(key) for key in keys))
    film = _Film(session, animation, photo, out, fps, not once, strict, force, as_json)
    film.make()


class _Film:
    """One film: read, painted, written, reported."""

    def __init__(
        self,
        session: Session,
        animation: Animation,
        photo: Path,
        out: Path,
        fps: float,
        endless: bool,
        strict: bool,
        force: bool,
        as_json: bool,
    ) -> None:
        self._session, self._animation = session, animation
        self._photo, self._out, self._fps, self._endless = photo, out, fps, endless
        self._strict, self._force, self._as_json = strict, force, as_json
        self._form = ""

    def make(self) -> None:
        from ..core.animation import animate, film_extent
        from ..core.film import check_film, write_film
        from ..core.image import load_picture
        from ..core.streams import heard

        started, animation = time.perf_counter(), self._animation
        with progress_bar(self._photo.name) as progress:
            progress("loading", 0.0)
            with heard(_nothing):  # Ctrl+C ends it, whatever the file
                picture = load_picture(self._photo)
            self._form = check_film(
                self._out,
                fps=self._fps,
                extent=film_extent(picture.extent, animation.recipe.size),
                opaque=picture.opaque,
                force=self._force,
            )
            animated = animate(
                self._session.stylist(animation.recipe),
                picture,
                animation,
                strict=self._strict,
                planned=self._planned,
                progress=progress,
            )
            write_film(
                self._out, animated.frames, animation.frames,
                fps=self._fps, endless=self._endless, force=self._force,
            )  # fmt: skip
        self._report(animated, time.perf_counter() - started)

    def _planned(self, estimate: Estimate) -> None:
        """Says what will take long, and refuses what memory can't hold."""
        from ..core.film import held_bytes

        held = held_bytes(self._form, estimate.work, self._animation.frames)
        estimate = replace(estimate, peak_bytes=estimate.peak_bytes + held)
        if held > estimate.free_bytes:
            raise RequestError(
                f"{self._form} needs all frames at once, {held / 1e9:.1f} GB, and "
                f"{estimate.free_bytes / 1e9:.1f} GB are free: end the film in .webp or .mp4, "
                "or choose a smaller --size or fewer --frames"
            )
        if not self._as_json and (estimate.seconds > LONG or estimate.short):
            note(f"{self._photo.name}, {self._animation.frames} frames: {estimate}")

    def _report(self, animated: Animated, seconds: float) -> None:
        session, animation, extent = self._session, self._animation, animated.still.extent
        for line in animated.warnings:
            warn(line)
        if session.fallback:
            note(session.fallback)
        stylist = session.stylist(animation.recipe)
        lasts = animation.frames / self._fps
        if self._as_json:
            summary: dict[str, Any] = {
                "photo": str(self._photo),
                "output": str(self._out),
                "format": self._form,
                "size": [extent.width, extent.height],
                "frames": animation.frames,
                "fps": self._fps,
                "lasts": round(lasts, 3),
                "endless": self._endless,
                "motion": animation.motion,
                "through": [format_mixture(key.regions[0].style) for key in animation.keys],
                "bytes": self._out.stat().st_size,
                "seconds": round(seconds, 3),
                "segmenter": stylist.segmenter.name,
                "engine": stylist.engine.name,
                "dtype": stylist.engine.dtype,
                "scores": {phrase: round(score, 4) for phrase, score in animated.scores.items()},
                "warnings": list(animated.warnings),
                "note": session.fallback,
                "recipes": [to_data(key) for key in animation.keys],
            }
            print(json.dumps(summary, ensure_ascii=False), flush=True)
            return
        for phrase, score in animated.scores.items():
            say(f"{stylist.segmenter.name}: {shown(phrase)}, best score {score:.2f}")
        count = f"{animation.frames} frame{'' if animation.frames == 1 else 's'}"
        say(
            f"wrote {self._out}: {count} of {extent.width} x {extent.height} pixels, "
            f"{lasts:.1f} s at {self._fps:g} a second, {self._out.stat().st_size / 1e6:.1f} MB, "
            f"{stylist.engine.name} ({stylist.engine.dtype}), {seconds:.1f} s"
        )


def _nothing(passed: int) -> None:
    """Reading shows no progress of its own."""
