"""The engine on real arrays: no seams, bounds, statistics of the whole, cancel, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from semantic_style.core.engines.adaattn import MARGIN, AdaAttNEngine
from semantic_style.core.errors import Cancelled, RequestError
from semantic_style.core.geometry import Bounds
from semantic_style.core.nets.adaattn import AdaAttN, AdaAttNConfig
from semantic_style.core.nets.encoder import EncoderConfig
from semantic_style.core.progress import CancelToken


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network with a decoder that does something, as a weight file."""
    torch.manual_seed(1)
    config = AdaAttNConfig(encoder=EncoderConfig(widths=(6, 8, 12, 16, 16)))
    net = AdaAttN(config)
    torch.nn.init.normal_(net.decoder.convs[-1].weight, std=0.03)  # type: ignore[arg-type]
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    state = {k: v.detach().contiguous() for k, v in net.state_dict().items()}
    save_file(state, path, {"config": config.to_json()})
    return path


def picture(height: int, width: int, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / rng.uniform(5, 60) + y / rng.uniform(5, 60) + k) for k in range(3)]
    return (np.stack(waves, axis=-1) * 0.4 + 0.5).astype(np.float32)


def psnr(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(-10 * np.log10(((a - b) ** 2).mean() + 1e-20))


def test_tiles_leave_no_seam(weights: Path) -> None:
    content, style = picture(420, 610, 0), picture(120, 90, 1)
    whole = AdaAttNEngine(weights, "cpu", exact=True)
    tiled = AdaAttNEngine(weights, "cpu", exact=True, tile=128)
    a = whole.stylize(content, [(whole.prepare(style), 1.0)])
    b = tiled.stylize(content, [(tiled.prepare(style), 1.0)])
    assert psnr(a, content) < 30  # it did repaint
    assert psnr(a, b) > 45
    assert np.abs(a - b).max() < 1 / 255
    assert MARGIN >= 96


def test_bounds_are_cut_out_of_the_same_picture(weights: Path) -> None:
    """A region's strokes do not depend on the size of its box."""
    engine = AdaAttNEngine(weights, "cpu", exact=True)
    content, style = picture(300, 280, 2), picture(100, 100, 3)
    prepared = engine.prepare(style)
    box = Bounds(70, 33, 90, 120)
    part = engine.stylize(content, [(prepared, 1.0)], bounds=box)
    whole = engine.stylize(content, [(prepared, 1.0)])
    assert part.shape == (120, 90, 3)
    assert np.abs(part - whole[box.slices]).max() < 1 / 255


@pytest.mark.parametrize("size", [(16, 16), (17, 300), (64, 21)])
def test_small_pictures(weights: Path, size: tuple[int, int]) -> None:
    engine = AdaAttNEngine(weights, "cpu")
    out = engine.stylize(picture(*size, 0), [(engine.prepare(picture(20, 33, 1)), 1.0)])
    assert out.shape == (*size, 3)
    assert out.dtype == np.float32
    assert 0 <= out.min() <= out.max() <= 1


def test_brush_size_changes_the_picture_and_style_region_its_colours(weights: Path) -> None:
    engine = AdaAttNEngine(weights, "cpu", exact=True)
    content = picture(96, 96, 0)
    style = np.zeros((100, 100, 3), np.float32)
    style[:50] = picture(50, 100, 1) * (1, 0, 0)
    style[50:] = picture(50, 100, 2) * (0, 0, 1)
    top = np.zeros((100, 100), np.float32)
    top[:45] = 1
    red = engine.stylize(content, [(engine.prepare(style, region=top), 1.0)])
    blue = engine.stylize(content, [(engine.prepare(style, region=1 - top), 1.0)])
    assert red[..., 0].mean() > red[..., 2].mean() + 0.2
    assert blue[..., 2].mean() > blue[..., 0].mean() + 0.2
    small = engine.stylize(content, [(engine.prepare(style, scale=0.3), 1.0)])
    large = engine.stylize(content, [(engine.prepare(style, scale=2.0), 1.0)])
    assert np.abs(small - large).mean() > 1e-3


def test_an_empty_style_region_is_refused(weights: Path) -> None:
    engine = AdaAttNEngine(weights, "cpu")
    with pytest.raises(RequestError, match="empty"):
        engine.prepare(picture(40, 40, 0), region=np.zeros((40, 40), np.float32))


def test_cancel_stops_between_tiles(weights: Path) -> None:
    engine = AdaAttNEngine(weights, "cpu", tile=64)
    cancel, seen = CancelToken(), []

    def progress(stage: str, fraction: float) -> None:
        seen.append(fraction)
        if fraction > 0.2:
            cancel.cancel()

    with pytest.raises(Cancelled):
        engine.stylize(
            picture(256, 256, 0), [(engine.prepare(picture(64, 64, 1)), 1.0)],
            progress=progress, cancel=cancel,
        )  # fmt: skip
    assert seen == sorted(seen)
    assert max(seen) < 0.5


def test_cancel_is_heard_within_a_tile(weights: Path) -> None:
    class Impatient(CancelToken):
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks > 30:
                self.cancel()
            super().check()

    engine = AdaAttNEngine(weights, "cpu", tile=96)
    style, cancel = engine.prepare(picture(64, 64, 1)), Impatient()
    with pytest.raises(Cancelled):
        engine.stylize(picture(128, 128, 0), [(style, 1.0)], cancel=cancel)
    assert cancel.checks == 31
    # The engine is as good as before.
    engine.stylize(picture(64, 64, 0), [(engine.prepare(picture(64, 64, 1)), 1.0)])


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(3)}, path, {"config": "{}"})
    with pytest.raises(RequestError, match="does not hold an AdaAttN network"):
        AdaAttNEngine(path, "cpu")
