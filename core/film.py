"""Films: frames into GIF, WebP, APNG or MP4, whole or not at all."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import recipe_checks as checks
from .atomic import check_target, replacing
from .errors import RequestError
from .geometry import Extent
from .palette import Palette
from .wording import listed, shown, shown_path

Frame = NDArray[np.uint8]  # HWC: RGB, or RGBA in films that can hold it

FORMS = {".gif": "GIF", ".webp": "WEBP", ".png": "APNG", ".apng": "APNG", ".mp4": "MP4"}
FPS = 12.0  # frames a second where nobody says
FPS_RANGE = (0.1, 60.0)
GIF_FPS = 50  # browsers show a frame of less than 2/100 s for 10/100 s
_OPAQUE_ONLY = ("GIF", "MP4")
_LONGEST_SIDE = {"GIF": 65535, "WEBP": 16383, "MP4": 16384}  # px; the last is H.264's, level 6.2
# Bytes a pixel of each frame that are held until the film is written. GIF: RGB until all frames
# are there for the one palette, then Pillow's copy in colours of it. APNG: ours and Pillow's.
_HELD_BYTES = {"GIF": 4, "APNG": 7}
H264 = ("libx264", "libopenh264")  # FFmpeg's encoders, the better one first
# Of libx264: hardly to be told from lossless.
QUALITY: dict[str, object] = {"crf": "16", "preset": "medium"}
_BT709, _SRGB_CURVE, _VIDEO_RANGE = 1, 13, 1  # H.264's numbers (ITU-T H.273, tables 2 to 4)


def check_film(
    path: str | os.PathLike[str],
    *,
    fps: float = FPS,
    extent: Extent | None = None,
    opaque: bool = True,
    force: bool = False,
) -> str:
    """GIF, WEBP, APNG or MP4: what a film of that path will be.

    Worth calling before the work, and again with what is known of the picture: RequestError for
    a suffix that stands for none of them, a frame rate or a size that it can't have, for
    transparency that it can't hold, and see atomic.check_target.
    """
    name, suffix = shown_path(path), Path(path).suffix.lower()
    form = FORMS.get(suffix)
    if form is None:
        ending = f"the suffix {shown(suffix, 12)}" if suffix else "no suffix"
        raise RequestError(f"{name} has {ending}, films are written as {listed(FORMS)}")
    fps = checks.number("the frame rate", fps, *FPS_RANGE)
    if form == "GIF" and fps > GIF_FPS:
        raise RequestError(
            f"a GIF shows at most {GIF_FPS} frames a second, not {fps:g}: ask for fewer, or end "
            f"{name} in .webp or .mp4"
        )
    check_target(path, force=force)
    if not opaque and form in _OPAQUE_ONLY:
        raise RequestError(
            f"{form} can't hold this picture's transparency: end {name} in .webp or .png"
        )
    longest = _LONGEST_SIDE.get(form)
    if longest and extent and extent.long_side > longest:
        raise RequestError(f"{form} holds at most {longest} pixels a side: choose a smaller size")
    return form


def held_bytes(form: str, extent: Extent, frames: int) -> int:
    """Memory that grows with the film until it is written: none for WebP and MP4 but for what is
    coded already."""
    return _HELD_BYTES.get(form, 0) * extent.pixels * frames


def durations(form: str, count: int, fps: float) -> list[float]:
    """Milliseconds of each frame.

    GIF counts in 1/100 s and WebP in 1/1000 s: there each frame ends on the step nearest to
    where it should, so frames differ by a step and the film as a whole takes its time.
    """
    if form == "APNG":  # a fraction
        return [1000 / fps] * count
    step = 10 if form == "GIF" else 1
    ends = [round(1000 * k / fps / step) * step for k in range(count + 1)]
    return [float(end - start) for start, end in itertools.pairwise(ends)]


def write_film(
    path: str | os.PathLike[str],
    frames: Iterable[Frame],
    count: int,
    *,
    fps: float = FPS,
    endless: bool = True,
    force: bool = False,
) -> None:
    """Write `count` frames of one size; they are taken one at a time.

    What is the same in all frames is the same in all frames of the film, bit for bit, but for
    MP4, whose coding loses a little of everything: WebP and APNG lose nothing, GIF has one
    palette of at most 256 colours for the whole film, see Palette. A frame that equals the one
    before may be joined with it, which is shown for both times then. endless: start again at
    the end; players decide for MP4. MP4 is H.264 in 4:2:0, BT.709; a side of an odd number of
    pixels gets its last row or column once more.

    RequestError: see check_film; also for a full disk. What `frames` raises ends the writing.
    """
    form = check_film(path, fps=fps, force=force)
    frames = iter(frames)
    first = next(frames)
    check_film(path, fps=fps, extent=_extent(first), opaque=first.shape[2] == 3, force=force)
    every = itertools.chain([first], frames)
    with replacing(path, force=force) as stream:
        if form == "MP4":
            _write_mp4(stream, every, _extent(first), fps)
            return
        timing: dict[str, Any] = {"duration": durations(form, count, fps)}
        if form != "GIF":
            timing["loop"] = 0 if endless else 1
        elif endless:
            timing["loop"] = 0  # of a GIF, 1 would be once more
        match form:
            case "GIF":
                _write_gif(stream, list(every), timing)
            case "APNG":
                one, *others = (Image.fromarray(frame) for frame in every)
                one.save(stream, "PNG", save_all=True, append_images=others, **timing)
            case _:
                rest = [_Reel(frames, count - 1)] if count > 1 else []
                Image.fromarray(first).save(
                    stream,
                    "WEBP",
                    save_all=True,
                    append_images=rest,
                    lossless=True,
                    method=2,
                    **timing,
                )


def _extent(frame: Frame) -> Extent:
    return Extent(frame.shape[1], frame.shape[0])


def _write_gif(stream: BinaryIO, frames: list[Frame], timing: dict[str, Any]) -> None:
    palette = Palette(frames)
    frames.reverse()  # so that each can be let go as soon as it is drawn

    def drawn() -> Iterator[Image.Image]:
        while frames:
            yield palette.drawn(frames.pop())

    images = drawn()
    next(images).save(
        stream, "GIF", save_all=True, append_images=images, palette=palette.colours,
        optimize=False, disposal=1, **timing,
    )  # fmt: skip


class _Reel:
    """Frames as one image of several, of which only the last one asked for is held: Pillow makes
    a list of images, but takes the frames of one image one by one."""

    def __init__(self, frames: Iterator[Frame], count: int) -> None:
        self.n_frames = count
        self._frames, self._image = frames, Image.new("RGB", (1, 1))

    def seek(self, frame: int) -> None:
        self._image = Image.fromarray(next(self._frames))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._image, name)


def _write_mp4(stream: BinaryIO, frames: Iterable[Frame], extent: Extent, fps: float) -> None:
    import av
    from av.video.stream import VideoStream

    encoder = next((name for name in H264 if name in av.codecs_available), None)
    if encoder is None:
        raise RequestError("PyAV has no H.264 here: end the film in .webp, .gif or .png")
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(stream, "w", format="mp4") as container:
        video = container.add_stream(encoder, rate=rate)
        assert isinstance(video, VideoStream)  # as that encoder's are
        video.options = QUALITY if encoder == H264[0] else {}
        video.width = extent.width + extent.width % 2
        video.height = extent.height + extent.height % 2
        video.pix_fmt = "yuv420p"
        coding = video.codec_context
        coding.color_primaries, coding.colorspace = _BT709, _BT709
        coding.color_trc, coding.color_range = _SRGB_CURVE, _VIDEO_RANGE
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(_even(pixels), format="rgb24")
            frame = frame.reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(video.encode(frame))
        container.mux(video.encode())


def _even(frame: Frame) -> Frame:
    """Edges repeated to the right and below where a side is odd."""
    height, width = frame.shape[:2]
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
