"""The engine zmnet on real arrays: style pictures, tiles, batches, what is kept on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from semantic_style.core.engines import Word
from semantic_style.core.engines.zmnet import ZMNetEngine, receptive_margin
from semantic_style.core.errors import Cancelled, RequestError
from semantic_style.core.geometry import Bounds, Extent
from semantic_style.core.nets.transformer_net import TNet, TNetConfig, plain
from semantic_style.core.progress import CancelToken

from ...zmnet_tiny import tiny_zmnet

Floats = NDArray[np.float32]
Files = tuple[Path, Path]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return tiny_zmnet(tmp_path_factory.mktemp("weights"))


def made(files: Files, **options: Any) -> ZMNetEngine:
    return ZMNetEngine(*files, "cpu", exact=True, **options)


def picture(height: int, width: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / rng.uniform(5, 60) + y / rng.uniform(5, 60) + k) for k in range(3)]
    return (np.stack(waves, axis=-1) * 0.4 + 0.5).astype(np.float32)


def far(a: Floats, b: Floats) -> float:
    return float(np.abs(a - b).max())


def test_a_picture_is_repainted_after_a_style(files: Files) -> None:
    engine, content = made(files), picture(96, 120, 0)
    one, other = (engine.prepare(picture(80, 60, seed) ** seed) for seed in (1, 3))
    a = engine.stylize(content, [(one, 1.0)])
    b = engine.stylize(content, [(other, 1.0)])
    assert a.shape == content.shape
    assert a.dtype == np.float32
    assert 0 <= a.min() <= a.max() <= 1
    assert far(a, content) > 0.1
    assert far(a, b) > 0.1
    assert (engine.stylize(content, [(one, 1.0)]) == a).all()


def test_tiles_leave_no_seam(files: Files) -> None:
    content, style = picture(240, 330, 0), picture(120, 90, 1)
    whole, tiled = made(files), made(files, tile=96)
    mixture = [(whole.prepare(style), 1.0)]
    assert len(whole.plan(Extent(330, 240)).tiles) == 1
    assert len(tiled.plan(Extent(330, 240)).tiles) > 9
    a, b = (engine.stylize(content, mixture) for engine in (whole, tiled))
    assert far(a, content) > 0.1
    assert far(a, b) < 1 / 255


def test_a_large_picture_looks_as_it_does_in_one_piece(files: Files) -> None:
    """Above the size at which statistics are taken all tiles share those of the smaller whole."""
    content = picture(90, 1100, 0)
    coarse, fine = made(files), made(files, tile=100)
    mixture = [(coarse.prepare(picture(80, 80, 1)), 1.0)]
    assert far(coarse.stylize(content, mixture), fine.stylize(content, mixture)) < 1e-4


@pytest.mark.parametrize("tile", [None, 64])
def test_bounds_are_cut_out_of_the_same_picture(files: Files, tile: int | None) -> None:
    engine, content = made(files, tile=tile), picture(190, 180, 2)
    mixture = [(engine.prepare(picture(100, 100, 3)), 1.0)]
    box = Bounds(70, 33, 90, 120)
    part = engine.stylize(content, mixture, bounds=box)
    assert part.shape == (120, 90, 3)
    assert far(part, engine.stylize(content, mixture)[box.slices]) < 1 / 255


@pytest.mark.parametrize(
    "config", [TNetConfig((3, 4, 4)), TNetConfig((3, 4, 4), 2, 3, True, retouch=0.5)]
)
def test_the_margin_is_what_a_tile_needs(config: TNetConfig) -> None:
    torch.manual_seed(0)
    net, margin = TNet(config).eval(), receptive_margin(config)
    torch.nn.init.normal_(net.out.weight)
    width = sum(map(sum, config.norms))
    parameters = plain(torch.ones(1, width), torch.rand(1, width))
    image, inner = torch.rand(1, 3, 2 * margin + 40, 64), slice(margin, margin + 40)
    with torch.inference_mode():
        of = net.measure(image, parameters)
        before = net(image, parameters, of)[..., inner, :]
        image[..., :8, :] = 0.5
        near = net(image, parameters, of)[..., inner, :]
        image[..., 8:margin, :] = 0.5
        reached = net(image, parameters, of)[..., inner, :]
    assert (before - near)[..., 8:, :].abs().max() < 1e-5
    assert (before != reached).any()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (16, 17), (61, 33)])
def test_small_and_odd_pictures(files: Files, size: tuple[int, int]) -> None:
    engine = made(files)
    mixture = [(engine.prepare(picture(2, 3, 1)), 1.0)]
    assert engine.stylize(picture(*size, 0), mixture).shape == (*size, 3)


def test_brush_size_and_style_region_change_the_picture(files: Files) -> None:
    engine, content = made(files), picture(64, 64, 0)
    style = np.concatenate([picture(60, 60, 1) * (1, 0.2, 0.2), picture(60, 60, 2) * (0.2, 0.2, 1)])
    style = style.astype(np.float32)
    top = np.zeros((120, 60), np.float32)
    top[:60] = 1

    def painted(**options: Any) -> Floats:
        return np.asarray(engine.stylize(content, [(engine.prepare(style, **options), 1.0)]))

    red, blue = painted(region=top), painted(region=1 - top)
    assert red[..., 0].mean() - red[..., 2].mean() > blue[..., 0].mean() - blue[..., 2].mean() + 0.2
    assert far(painted(scale=0.25), painted(scale=2.0)) > 1e-3
    with pytest.raises(RequestError, match="empty"):
        engine.prepare(style, region=np.zeros((120, 60), np.float32))


def test_a_region_of_the_photo_gets_the_style_s_colours(files: Files) -> None:
    engine = made(files)
    content = picture(64, 192, 0) * 0.3
    content[:, 64:] += 0.7
    left = np.zeros((64, 192), np.float32)
    left[:, :64] = 1
    mixture = [(engine.prepare(picture(80, 80, 1)), 1.0)]
    alone = engine.stylize(content, mixture, region=left)
    everywhere = engine.stylize(content, mixture)
    again = made(files, tile=64).stylize(content, mixture, region=left)
    assert np.abs(alone - again).mean() < 1e-3
    small_mask = engine.stylize(content, mixture, region=left[::2, ::2])
    off, near = (np.abs(alone - each)[:, :64].mean() for each in (everywhere, small_mask))
    assert near < 0.7 * off
    # What lies further away than the convolutions look has no say.
    content[:, 140:] **= 3
    assert far(engine.stylize(content, mixture, region=left)[:, :64], alone[:, :64]) < 1e-4


@pytest.mark.parametrize("group", ["details", "colours", "textures"])
def test_groups_of_features_are_transferred_alone(files: Files, group: str) -> None:
    engine, content, style = made(files), picture(64, 64, 0), picture(64, 64, 1) ** 2
    alone, every, again = (
        engine.stylize(content, [(engine.prepare(style, transfer=groups), 1.0)])
        for groups in ((group,), ("details", "colours", "textures"), (group,))
    )
    assert (alone == again).all()
    assert far(alone, every) > 1e-3
    # What is not transferred does not depend on the style.
    other = engine.prepare(1 - style, transfer=(group,))
    if group != "colours":
        assert (other.share == 0).all()


def mixtures(engine: ZMNetEngine) -> list[list[tuple[Any, float]]]:
    style, word = engine.prepare(picture(60, 60, 1)), engine.prepare(Word("night"))
    return [[(style, 1 - k / 6), (word, k / 6)] for k in range(7)]


@pytest.mark.parametrize(
    ("size", "bounds", "part"),
    [
        ((250, 400), None, False),  # four at once
        ((90, 110), Bounds(10, 5, 50, 61), False),
        ((90, 110), Bounds(10, 5, 50, 61), True),
    ],
)
def test_a_batch_is_its_pictures_one_by_one(
    files: Files, size: tuple[int, int], bounds: Bounds | None, part: bool
) -> None:
    engine, content = made(files), picture(*size, 0)
    region = (picture(*size, 4)[..., 0] > 0.5).astype(np.float32) if part else None
    frames = list(engine.batch(content, mixtures(engine), bounds=bounds, region=region))
    assert len(frames) == 7
    for frame, mixture in zip(frames, mixtures(engine), strict=True):
        one = engine.stylize(content, mixture, bounds=bounds, region=region)
        assert frame.shape == one.shape
        assert frame.dtype == np.float32
        # Threads add up a batch in another order, which fifteen normalisations in a row amplify.
        assert far(frame, np.asarray(one)) < 2 / 255


def test_a_batch_of_a_large_picture_is_painted_one_by_one(files: Files) -> None:
    engine, content = made(files), picture(30, 1100, 0)
    frames = list(engine.batch(content, mixtures(engine)[:2]))
    one = engine.stylize(content, mixtures(engine)[1])
    assert far(frames[1], np.asarray(one)) < 1e-5


def test_a_batch_reports_and_hears_who_cancels(files: Files) -> None:
    engine, content, seen = made(files), picture(200, 300, 0), []
    frames = engine.batch(content, mixtures(engine), progress=lambda _, f: seen.append(f))
    assert len(list(frames)) == 7
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 1)
    assert np.diff(seen).max() < 1 / 7
    assert list(engine.batch(content, [])) == []
    cancel = CancelToken()
    running = engine.batch(content, mixtures(engine) * 3, cancel=cancel)
    next(running)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(running)


def test_cancel_is_heard_within_a_tile_and_the_engine_goes_on(files: Files) -> None:
    class Impatient(CancelToken):
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks > 9:
                self.cancel()
            super().check()

    engine, cancel = made(files), Impatient()
    mixture = [(engine.prepare(picture(64, 64, 1)), 1.0)]
    with pytest.raises(Cancelled):
        engine.stylize(picture(128, 128, 0), mixture, cancel=cancel)
    assert cancel.checks == 10
    engine.stylize(picture(64, 64, 0), mixture)


@pytest.mark.parametrize("tile", [None, 128])
def test_progress_is_even(files: Files, tile: int | None) -> None:
    engine, seen = made(files, tile=tile), []
    mixture = [(engine.prepare(picture(64, 64, 1)), 1.0)]
    engine.stylize(picture(300, 300, 0), mixture, progress=lambda _, f: seen.append(f))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 1)
    assert np.diff(seen).max() < 1 / 12


class Counting:
    """How often the network was asked what it makes of a style picture."""

    def __init__(self, engine: ZMNetEngine) -> None:
        self.calls = 0
        engine.network.heads.register_forward_hook(self._count)

    def _count(self, *_: Any) -> None:
        self.calls += 1


def test_a_style_met_before_costs_no_network(files: Files) -> None:
    content, style = picture(48, 48, 0), picture(60, 40, 1)
    first = made(files)
    truth = first.stylize(content, [(first.prepare(style), 1.0)])
    later = made(files)
    counted = Counting(later)
    again = later.stylize(content, [(later.prepare(style.copy()), 1.0)])
    assert counted.calls == 0
    assert (again == truth).all()
    # Groups are chosen from what is kept, and so is what stands in for the others.
    first.prepare(style, transfer=("colours",))
    later.prepare(style, transfer=("colours",))
    assert counted.calls == 0
    top = np.ones(style.shape[:2], np.float32)
    top[30:] = 0
    for number, options in enumerate(({"scale": 0.5}, {"region": top}, {"region": 1 - top}), 1):
        later.prepare(style, **options)  # type: ignore[arg-type]
        assert counted.calls == number
    later.prepare(1 - style)
    assert counted.calls == 4


def test_other_weights_know_nothing_of_it(files: Files, tmp_path: Path) -> None:
    style = picture(60, 40, 1)
    mine = made(files).prepare(style)
    other = made(tiny_zmnet(tmp_path, seed=7))
    counted = Counting(other)
    assert not other.prepare(style).gamma.equal(mine.gamma)
    assert counted.calls == 1


def test_a_folder_that_can_t_be_written_is_no_error(files: Files, data_folder: Path) -> None:
    data_folder.write_text("a file where a folder should be")
    engine = made(files)
    assert engine.prepare(picture(40, 40, 1)).gamma.isfinite().all()


def test_every_file_that_answers_is_named(files: Files) -> None:
    engine = made(files)
    assert len(engine.weights()) == 1
    named = dict(engine.weights(words=True))
    assert len(named) == 3
    assert all(len(sha256) == 64 for sha256 in named.values())


def test_bfloat16_paints_the_same_picture(files: Files) -> None:
    """Where the processor has it: convolutions in half the numbers look alike."""
    exact, fast = made(files), ZMNetEngine(*files, "cpu")
    content, style = picture(96, 96, 0), picture(64, 64, 1)
    a, b = (e.stylize(content, [(e.prepare(style), 1.0)]) for e in (exact, fast))
    assert np.abs(a - b).mean() < 0.03


@pytest.mark.parametrize("config", ["{}", "[]", "no JSON", '{"tnet": {"widths": [3]}}'])
def test_weights_of_something_else_are_refused(tmp_path: Path, config: str) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(3)}, path, {"config": config})
    with pytest.raises(RequestError, match="does not hold a ZM-Net"):
        ZMNetEngine(path, path, "cpu")
