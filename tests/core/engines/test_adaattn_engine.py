"""The engine on real arrays: no seams, bounds, statistics of the whole, cancel, damage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from semantic_style.core.engines.adaattn import AdaAttNEngine, receptive_margin
from semantic_style.core.errors import Cancelled, RequestError
from semantic_style.core.geometry import Bounds, Extent
from semantic_style.core.nets.adaattn import AdaAttN, AdaAttNConfig
from semantic_style.core.nets.encoder import EncoderConfig
from semantic_style.core.nets.painter import Painter
from semantic_style.core.nets.transformer_net import TNetConfig
from semantic_style.core.progress import CancelToken


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network that attention has a say in, as a weight file."""
    torch.manual_seed(1)
    encoder = EncoderConfig(widths=(6, 8, 12, 16, 16))
    config = AdaAttNConfig(encoder, painter=TNetConfig((6, 8, 12), 2, 5, recolours=True))
    net = AdaAttN(config)
    assert isinstance(net.decoder, Painter)
    for conv in net.decoder.hear:
        torch.nn.init.dirac_(conv.weight)  # type: ignore[arg-type]
    torch.nn.init.normal_(net.decoder.tnet.out.weight, std=0.005)
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


def test_the_plain_path_agrees(weights: Path) -> None:
    """Attention in blocks, and in this machine's format, against the formula in float32."""
    content, style = picture(150, 200, 0), picture(120, 90, 1)
    plain = AdaAttNEngine(weights, "cpu", plain=True)
    assert plain.dtype == "float32"
    truth = plain.stylize(content, [(plain.prepare(style), 1.0)])
    for exact, least in ((True, 80), (False, 40)):
        ours = AdaAttNEngine(weights, "cpu", exact=exact)
        assert psnr(ours.stylize(content, [(ours.prepare(style), 1.0)]), truth) > least
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        plain.stylize(content, [(plain.prepare(style), 1.0)], cancel=cancel)


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
    assert blue[..., 2].mean() > blue[..., 0].mean() + 0.1
    small = engine.stylize(content, [(engine.prepare(style, scale=0.3), 1.0)])
    large = engine.stylize(content, [(engine.prepare(style, scale=2.0), 1.0)])
    assert np.abs(small - large).mean() > 1e-3


def test_a_region_of_the_photo_gets_the_style_s_mean_and_spread(weights: Path) -> None:
    engine, tiled = (AdaAttNEngine(weights, "cpu", exact=True, tile=t) for t in (None, 64))
    content = picture(160, 128, 0) * 0.3
    content[:, 64:] += 0.7
    left = np.zeros((160, 128), np.float32)
    left[:, :64] = 1
    style = picture(80, 80, 1) * np.array((0.6, 0.4, 0.3), np.float32)
    mixture = [(engine.prepare(style), 1.0)]

    def off(painted: NDArray[np.float32]) -> float:
        """How far the left half's mean colour is from the style's."""
        return float(np.abs(painted[:, :64].mean(axis=(0, 1)) - style.mean(axis=(0, 1))).max())

    alone = engine.stylize(content, mixture, region=left)
    assert off(alone) < 0.05
    assert off(engine.stylize(content, mixture)) > off(alone) + 0.03
    for region in (left, left[::4, ::4]):
        again = tiled.stylize(content, mixture, region=region)
        assert np.abs(again - alone)[:, :64].mean() < 0.01
    flat = content.copy()
    flat[:, :64] = 0.2
    flat[:, :64:2] += 1 / 255  # what a sensor's noise makes of an overcast sky
    painted = engine.stylize(flat, mixture, region=left)[8:-8, 8:48]
    assert np.abs(painted[:, ::2] - painted[:, 1::2]).mean() < 0.05


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


def test_nothing_beyond_the_margin_has_an_influence(weights: Path) -> None:
    engine = AdaAttNEngine(weights, "cpu", exact=True)
    margin = receptive_margin(engine.network)
    assert margin == 112
    content = torch.rand(1, 3, 2 * margin + 64, 2 * margin + 64)
    style = engine.prepare(picture(80, 80, 1))
    statistics = engine.network.measure(content, [(style, 1.0)])
    inner = slice(margin, margin + 64)
    before = engine.network.stylize(content, style, statistics)[..., inner, inner]
    content[..., : margin // 6, :] = 0.5
    near = engine.network.stylize(content, style, statistics)[..., inner, inner]
    assert (before == near).all() or (before - near).abs().max() < 1e-5
    content[..., : margin - 8, :] = 0.5
    assert (before - engine.network.stylize(content, style, statistics)[..., inner, inner]).any()


def test_tiles_of_which_nothing_shows_are_left_alone(weights: Path) -> None:
    engine = AdaAttNEngine(weights, "cpu", tile=64)
    content, style = picture(128, 192, 0), engine.prepare(picture(64, 64, 1))
    out = np.full((128, 192, 3), 7, np.uint16)
    plan = engine.plan(Extent(192, 128), wanted=lambda box: box.x >= 100)
    assert len(plan.tiles) == 2
    assert plan.peak_bytes < engine.plan(Extent(960, 640)).peak_bytes
    engine.stylize(content, [(style, 1.0)], out=out, wanted=lambda box: box.x >= 100)
    assert (out[:, :128] == 7).all()
    assert (out[:, 128:] != 7).mean() > 0.99


def test_what_takes_no_more_than_one_tile_is_not_cut(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = AdaAttNEngine(weights, "cpu")
    monkeypatch.setattr(engine, "_side", lambda: 64)
    outer = 64 + 2 * engine._margin  # of one tile, with its margins
    assert len(engine.plan(Extent(2 * outer, outer // 2)).tiles) == 1
    assert len(engine.plan(Extent(2 * outer, outer // 2 + 16)).tiles) > 1
    part = Bounds(1000, 1000, 80, 40)  # of a large picture: its margins count
    assert len(engine.plan(Extent(4000, 3000), part).tiles) == 1
    assert len(engine.plan(Extent(4000, 3000), part.grown(32, Extent(4000, 3000))).tiles) > 1
    plain = AdaAttNEngine(weights, "cpu", plain=True)
    assert len(plain.plan(Extent(6000, 4000)).tiles) == 1


@pytest.mark.parametrize("tile", [None, 128])
def test_progress_is_even(weights: Path, tile: int | None) -> None:
    """Also within a tile: no step is more than a twelfth, whatever the number of tiles."""
    engine, seen = AdaAttNEngine(weights, "cpu", exact=True, tile=tile), []
    style = engine.prepare(picture(64, 64, 1))
    engine.stylize(
        picture(300, 300, 0), [(style, 1.0)], progress=lambda stage, fraction: seen.append(fraction)
    )
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 1)
    assert np.diff(seen).max() < 1 / 12


def test_the_pace_is_that_of_the_last_tile(weights: Path) -> None:
    engine = AdaAttNEngine(weights, "cpu")
    tried = engine.pace()
    assert 1e-9 < tried < 1e-3
    engine.stylize(picture(128, 128, 0), [(engine.prepare(picture(64, 64, 1)), 1.0)])
    assert engine.pace() != tried
    assert engine.pace() == engine.pace()


SHORT = """
import resource, sys
import numpy as np, psutil
from semantic_style.core.engines.adaattn import AdaAttNEngine
weights, tile, room = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
engine = AdaAttNEngine(weights, "cpu", exact=True, tile=tile)
content = np.random.default_rng(0).random((320, 2400, 3), np.float32)
style = engine.prepare(content[:96, :96])
engine.stylize(content[:300, :300], [(style, 1.0)])  # what is set up once
sides = []
paint = engine._painted
engine._painted = lambda window, *rest: (sides.append(window.shape[1]), paint(window, *rest))[1]
held = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (int(held + room * 1e6), resource.RLIM_INFINITY))
try:
    painted = engine.stylize(content, [(style, 1.0)])
except MemoryError as error:
    print("short", error)
else:
    print(sides[0], sides[-1], float(np.nanmean(painted)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space are Linux's")
def test_short_of_memory_means_smaller_tiles(weights: Path) -> None:
    """In a process that may not have more: the same picture in smaller tiles, or a MemoryError."""

    def run(room: int) -> list[str]:
        command = [sys.executable, "-c", SHORT, str(weights), "2400", str(room)]
        # A thread reserves 64 MB of addresses for itself, at a moment that nobody can tell.
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
        done = subprocess.run(command, env=alone, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert run(15)[0] == "short"
    # How much is too little for one tile and enough for a smaller one differs between builds of
    # PyTorch, and by chance: one of these is.
    answers = (run(room) for room in (110, 125, 105, 115, 135, 145, 160))
    shrunk = next(a for a in answers if a[0] == "2400" and int(a[1]) < 2400)
    enough = run(4000)
    assert enough[0] == enough[1] == "2400"
    assert float(shrunk[2]) == pytest.approx(float(enough[2]), abs=1e-3)


def test_weights_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(3)}, path, {"config": "{}"})
    with pytest.raises(RequestError, match="does not hold an AdaAttN network"):
        AdaAttNEngine(path, "cpu")
