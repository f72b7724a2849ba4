"""Optimisation on small arrays, with the perceptual network that ships."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from semantic_style.core.bench.measures import Judge
from semantic_style.core.device import choose_device
from semantic_style.core.engines import Word
from semantic_style.core.engines.gatys import GatysEngine
from semantic_style.core.engines.optimisation import Grams, grams_of, mixed, optimised
from semantic_style.core.errors import Cancelled, RequestError
from semantic_style.core.geometry import Bounds, Extent
from semantic_style.core.perceptual_weights import load_distilled
from semantic_style.core.picture import from_float
from semantic_style.core.progress import CancelToken

Floats = NDArray[np.float32]


def picture(height: int, width: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / rng.uniform(2, 30) + y / rng.uniform(2, 30) + k) for k in range(3)]
    tint = rng.uniform(0.2, 0.9, 3)
    return (np.stack(waves, axis=-1) * 0.3 * tint + tint / 2 + 0.1).clip(0, 1).astype(np.float32)


def engine(iterations: int = 4, **more: int) -> GatysEngine:
    return GatysEngine(device="cpu", exact=True, iterations=iterations, **more)  # type: ignore[arg-type]


def test_the_loss_falls_and_each_sample_goes_its_own_way() -> None:
    network, device = load_distilled(), choose_device("cpu", exact=True)
    images = torch.stack(
        [torch.from_numpy(picture(48, 48, k)).permute(2, 0, 1) for k in range(4)]
    )  # fmt: skip
    photo, style = images[:2], images[2:]
    losses: list[torch.Tensor] = []

    def run(photo: torch.Tensor, grams: Grams, iterations: int) -> torch.Tensor:
        return optimised(
            network, photo, photo, grams, iterations=iterations, device=device,
            each=lambda _, loss: losses.append(loss),
        )  # fmt: skip

    grams = grams_of(network(style))
    run(photo, grams, 20)
    assert (losses[-1] < 0.8 * losses[0]).all()
    both = run(photo, grams, 3)  # of a rounding each step makes more
    assert 0 <= both.min() <= both.max() <= 1
    alone = run(photo[1:], tuple(g[1:] for g in grams), 3)
    assert (alone[0] - both[1]).abs().mean() < 1e-3
    assert not photo.requires_grad


def test_the_result_is_near_the_style_and_still_the_photo() -> None:
    gatys, judge = engine(24), Judge(load_distilled(), 96)
    photo, style = picture(96, 96, 0), picture(96, 96, 7)
    painted = gatys.stylize(photo, [(gatys.prepare(style, scale=0.2), 1.0)])
    seen = [judge.look(Image.fromarray(from_float(each))) for each in (photo, style, painted)]
    figures = judge.compare(*seen)
    assert figures.gram < 0.5
    assert figures.content < 0.8


def test_the_same_twice() -> None:
    gatys, photo = engine(), picture(40, 56, 1)
    style = gatys.prepare(picture(40, 40, 2))
    assert (gatys.stylize(photo, [(style, 1.0)]) == gatys.stylize(photo, [(style, 1.0)])).all()


@pytest.mark.parametrize("size", [(1, 1), (17, 45), (64, 21), (50, 49)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    gatys = engine(2)
    painted = gatys.stylize(picture(*size, 0), [(gatys.prepare(picture(20, 33, 1)), 1.0)])
    assert painted.shape == (*size, 3)
    assert painted.dtype == np.float32
    assert 0 <= painted.min() <= painted.max() <= 1


@pytest.mark.parametrize("most", [1_000_000, 64 * 64])
def test_bounds_are_cut_out_of_the_same_picture(most: int) -> None:
    gatys, photo = engine(2, most=most), picture(120, 90, 2)
    mixture = [(gatys.prepare(picture(40, 40, 3)), 1.0)]
    whole = gatys.stylize(photo, mixture)
    box = Bounds(20, 33, 40, 51)
    out = np.zeros((51, 40, 3), np.uint16)
    part = gatys.stylize(photo, mixture, bounds=box, out=out)
    assert part is out
    assert np.abs(part / 65535 - whole[box.slices]).max() < 1e-4


def test_what_is_too_large_is_painted_smaller_and_keeps_its_edges() -> None:
    photo = np.full((160, 160, 3), 0.25, np.float32)
    photo[:, 83:] = 0.75
    gatys = engine(2, most=64 * 64)
    style = gatys.prepare(photo[:, 40:120])
    painted = gatys.stylize(photo, [(style, 1.0)])
    step = np.abs(np.diff(painted[40:120].mean(axis=(0, 2))))
    assert step.argmax() == 82
    assert step[82] > 0.3
    large, small = gatys.plan(Extent(4000, 4000)), gatys.plan(Extent(160, 160))
    assert large.pixels == small.pixels == 64 * 64
    assert large.peak_bytes == small.peak_bytes


def test_what_does_not_show_is_left_alone() -> None:
    gatys, photo = engine(2), picture(40, 48, 0)
    style, out = gatys.prepare(picture(40, 40, 1)), np.full((40, 48, 3), 7, np.uint16)
    assert not gatys.plan(Extent(48, 40), wanted=lambda box: False).tiles
    gatys.stylize(photo, [(style, 1.0)], out=out, wanted=lambda box: False)
    assert (out == 7).all()
    gatys.stylize(photo, [(style, 1.0)], out=out, wanted=lambda box: box.width == 48)
    assert (out != 7).mean() > 0.99


def test_one_style_twice_is_that_style_once_and_two_are_between() -> None:
    gatys, photo = engine(6), picture(48, 48, 0)
    a, b = (gatys.prepare(picture(48, 48, seed)) for seed in (5, 6))
    for whole, halves in zip(
        mixed([(a.grams[0], 1.0)]), mixed([(a.grams[0], 0.5), (a.grams[0], 0.5)]), strict=True
    ):
        assert torch.equal(whole, halves)
    once, other = gatys.stylize(photo, [(a, 1.0)]), gatys.stylize(photo, [(b, 1.0)])
    twice = gatys.stylize(photo, [(a, 0.25), (a, 0.75)])
    assert np.abs(once - twice).mean() < 2e-3
    middle = gatys.stylize(photo, [(a, 0.5), (b, 0.5)]).mean(axis=(0, 1))
    ends = np.sort([once.mean(axis=(0, 1)), other.mean(axis=(0, 1))], axis=0)
    assert (ends[0] - 0.03 < middle).all()
    assert (middle < ends[1] + 0.03).all()


def test_parts_of_the_style_and_of_the_photo() -> None:
    gatys = engine(6)
    style = np.zeros((100, 100, 3), np.float32)
    style[:50] = picture(50, 100, 1) * (1, 0, 0)
    style[50:] = picture(50, 100, 2) * (0, 0, 1)
    top = np.zeros((100, 100), np.float32)
    top[:50] = 1
    photo = picture(64, 64, 0)
    red = gatys.stylize(photo, [(gatys.prepare(style, region=top), 1.0)])
    blue = gatys.stylize(photo, [(gatys.prepare(style, region=1 - top), 1.0)])
    assert red[..., 0].mean() > red[..., 2].mean() + 0.1
    assert blue[..., 2].mean() > blue[..., 0].mean() + 0.1
    halves = photo * 0.3
    halves[:, 32:] += 0.7
    left = np.zeros((64, 64), np.float32)
    left[:, :32] = 1
    wanted = picture(64, 64, 3)
    mixture = [(gatys.prepare(wanted), 1.0)]

    def off(painted: Floats) -> float:
        return float(np.abs(painted[:, :32].mean(axis=(0, 1)) - wanted.mean(axis=(0, 1))).max())

    assert off(gatys.stylize(halves, mixture, region=left[::2, ::2])) < 0.08
    assert off(gatys.stylize(halves, mixture)) > 0.12
    with pytest.raises(RequestError, match="empty"):
        gatys.prepare(style, region=np.zeros((100, 100), np.float32))


def test_brush_size() -> None:
    gatys, photo, style = engine(6), picture(64, 64, 0), picture(64, 64, 1)
    small, large = (
        gatys.stylize(photo, [(gatys.prepare(style, scale=scale), 1.0)]) for scale in (0.2, 1.5)
    )
    assert np.abs(small - large).mean() > 1e-2


def test_progress_and_cancel() -> None:
    gatys, seen = engine(12), []
    style, cancel = gatys.prepare(picture(32, 32, 1)), CancelToken()
    photo = picture(64, 400, 0)  # two sizes

    def note(stage: str, fraction: float) -> None:
        seen.append(fraction)

    gatys.stylize(photo, [(style, 1.0)], progress=note)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 1)
    assert np.diff(seen).max() < 1 / 5
    seen.clear()

    def enough(stage: str, fraction: float) -> None:
        note(stage, fraction)
        if fraction > 0.3:
            cancel.cancel()

    with pytest.raises(Cancelled):
        gatys.stylize(photo, [(style, 1.0)], progress=enough, cancel=cancel)
    assert max(seen) < 0.5
    gatys.stylize(picture(32, 32, 0), [(style, 1.0)])  # the engine is as good as before


def test_cancel_is_heard_on_the_way_there_and_back() -> None:
    class Impatient(CancelToken):
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks == self.last:
                self.cancel()
            super().check()

        def __init__(self, last: int) -> None:
            super().__init__()
            self.last = last

    gatys = engine(1)
    style, photo = gatys.prepare(picture(32, 32, 1)), picture(32, 32, 0)
    counted = Impatient(0)
    gatys.stylize(photo, [(style, 1.0)], cancel=counted)
    convolutions = sum(isinstance(m, torch.nn.Conv2d) for m in gatys.network.modules())
    assert counted.checks > 3 * convolutions  # photo, picture, its gradient
    for last in (convolutions + 3, counted.checks - 4):
        impatient = Impatient(last)
        with pytest.raises(Cancelled):
            gatys.stylize(photo, [(style, 1.0)], cancel=impatient)
        assert impatient.checks == last


def test_refusals() -> None:
    gatys = engine()
    for refused in (
        lambda: gatys.check_word("night"),
        lambda: gatys.prepare(Word("night")),
        lambda: gatys.prepare(picture(32, 32, 0), transfer=("details",)),
        lambda: engine(0),
    ):
        with pytest.raises(RequestError):
            refused()


def test_pace_pins_and_inference_mode() -> None:
    gatys = engine(10)
    (name, digest), = gatys.weights()  # fmt: skip
    assert (name, len(digest), gatys.dtype) == ("perceptual-compact", 64, "float32")
    assert 1e-8 < gatys.pace() < 1
    assert gatys.pace() == gatys.pace()
    with torch.inference_mode():  # a caller's mode
        style = gatys.prepare(picture(32, 32, 1))
        gatys.stylize(picture(32, 32, 0), [(style, 1.0)])


MEMORY = """
import resource, sys
import numpy as np, psutil
from semantic_style.core.engines.gatys import GatysEngine
from semantic_style.core.geometry import Extent
engine = GatysEngine(device="cpu", exact=True, iterations=2)
photo = np.random.default_rng(0).random((400, 400, 3), np.float32)
style = engine.prepare(photo[:64, :64], scale=0.15)
engine.stylize(photo[:64, :64], [(style, 1.0)])
held = psutil.Process().memory_info()
if sys.argv[1] == "short":
    resource.setrlimit(resource.RLIMIT_AS, (held.vms + 450_000_000, resource.RLIM_INFINITY))
plan = engine.plan(Extent(400, 400))
painted = engine.stylize(photo, [(style, 1.0)])
# Not ru_maxrss, which starts at what the parent process held.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak = int(status["VmHWM"].split()[0]) * 1024 - held.rss
print(plan.peak_bytes, peak, float(np.ptp(painted)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space are Linux's")
@pytest.mark.parametrize("room", ["plenty", "short"])
def test_the_plan_says_what_memory_is_taken(room: str) -> None:
    """Also where little is left: the picture is painted smaller, then."""
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    command = [sys.executable, "-c", MEMORY, room]
    done = subprocess.run(command, env=alone, capture_output=True, text=True, check=True)
    planned, peak, spread = map(float, done.stdout.split())
    assert 0.2 * planned < peak < planned
    assert (planned < 400e6) == (room == "short")
    assert 0.3 < spread <= 1
