from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from semantic_style.core.bench.measures import (
    Judge,
    grid_ratio,
    nyquist_share,
    spot_share,
    ssim,
)
from semantic_style.core.nets.encoder import Encoder, EncoderConfig

SIZE = 64


@pytest.fixture(scope="module")
def network() -> Encoder:
    torch.manual_seed(0)
    return Encoder(EncoderConfig(widths=(4, 6, 8, 10, 12))).requires_grad_(False).eval()


def picture(seed: int, tint: tuple[float, float, float] = (1, 1, 1)) -> Image.Image:
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (12, 16, 3)) * tint
    return Image.fromarray(coarse.astype(np.uint8)).resize((160, 120), Image.Resampling.BICUBIC)


def grey(samples: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray((samples.clip(0, 1) * 255).astype(np.uint8)).convert("RGB")


def plain_figures(
    network: Encoder, photo: Image.Image, style: Image.Image, out: Image.Image
) -> dict[str, float]:
    """The definitions again, in NumPy and double precision, one channel at a time."""
    small = [
        np.asarray(p.resize((SIZE, SIZE), Image.Resampling.LANCZOS), float) / 255
        for p in (photo, style, out)
    ]
    levels = []
    for pixels in small:
        x = torch.tensor(pixels.transpose(2, 0, 1)[None], dtype=torch.float32)
        levels.append([f[0].flatten(1).double().numpy() for f in network(x)])

    def statistics(a: list[NDArray[np.float64]], b: list[NDArray[np.float64]]) -> float:
        total = 0.0
        for x, y in zip(a, b, strict=True):
            means = np.array([c.mean() for c in x]), np.array([c.mean() for c in y])
            spreads = np.array([c.std(ddof=1) for c in x]), np.array([c.std(ddof=1) for c in y])
            for p, q in (means, spreads):
                total += np.sqrt(((p - q) ** 2).sum()) / np.sqrt((q**2).sum())
        return total

    def gram(a: list[NDArray[np.float64]], b: list[NDArray[np.float64]]) -> float:
        pairs = [(x @ x.T / x.shape[1], y @ y.T / y.shape[1]) for x, y in zip(a, b, strict=True)]
        return float(sum(np.linalg.norm(p - q) / np.linalg.norm(q) for p, q in pairs))

    def content(a: list[NDArray[np.float64]], b: list[NDArray[np.float64]]) -> float:
        normed = [np.stack([(c - c.mean()) / (c.std(ddof=1) + 1e-5) for c in x[3]]) for x in (a, b)]
        return float(((normed[0] - normed[1]) ** 2).mean())

    def colour(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        counts = [
            np.histogramdd(p.reshape(-1, 3), bins=8, range=[(0, 1.0001)] * 3)[0] / SIZE**2
            for p in (a, b)
        ]
        return float((0.5 * (counts[0] - counts[1]) ** 2 / (counts[0] + counts[1] + 1e-9)).sum())

    p, s, o = levels
    return {
        "style": statistics(o, s) / statistics(p, s),
        "gram": gram(o, s) / gram(p, s),
        "content": content(o, p) / content(s, p),
        "colour": colour(small[2], small[1]) / colour(small[0], small[1]),
    }


def test_figures_are_those_of_the_plain_formula(network: Encoder) -> None:
    photo, style = picture(1), picture(2, (1, 0.5, 0.2))
    output = Image.blend(photo, style, 0.4)
    judge = Judge(network, SIZE)
    figures = judge.compare(judge.look(photo), judge.look(style), judge.look(output)).as_dict()
    for name, expected in plain_figures(network, photo, style, output).items():
        assert figures[name] == pytest.approx(expected, abs=1e-3), name


def test_an_untouched_photo_and_the_style_itself_are_the_two_ends(network: Encoder) -> None:
    photo, style = picture(1), picture(2, (1, 0.5, 0.2))
    judge = Judge(network, SIZE)
    p, s = judge.look(photo), judge.look(style)
    assert judge.compare(p, s, p).as_dict() == pytest.approx(
        {"style": 1, "gram": 1, "content": 0, "ssim": 1, "colour": 1}
    )
    end = judge.compare(p, s, s)
    assert (end.style, end.gram, end.content, end.colour) == pytest.approx((0, 0, 1, 0))


def test_the_same_picture_twice_divides_by_no_zero(network: Encoder) -> None:
    judge = Judge(network, SIZE)
    p = judge.look(picture(1))
    assert all(np.isfinite(v) for v in judge.compare(p, p, p).as_dict().values())


def test_ssim_falls_with_noise_and_knows_contrast() -> None:
    a = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    noise = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    assert ssim(a, a) == pytest.approx(1)
    assert ssim(a, 0.5 * a + 0.5 * noise) < 0.95
    assert ssim(a, noise) < 0.2
    assert ssim(a, 1 - a) < 0


def test_a_checkerboard_is_seen_at_nyquist_and_a_ramp_is_not() -> None:
    y, x = np.mgrid[0:128, 0:128]
    ramp = (x + y) / 256
    board = ramp * 0.5 + 0.4 * ((x + y) % 2)
    assert nyquist_share(grey(board)) > 0.5
    assert nyquist_share(grey(ramp)) < 1e-3
    assert nyquist_share(grey(np.full((64, 64), 0.5))) < 1e-9


def test_block_lines_raise_the_grid_ratio() -> None:
    y, x = np.mgrid[0:160, 0:203]
    plain = np.random.default_rng(0).uniform(0.3, 0.7, (160, 203))
    lines = plain + 0.25 * ((x % 8 == 0) | (y % 8 == 0))
    assert 0.5 < grid_ratio(grey(plain)) < 1.6
    assert grid_ratio(grey(lines)) > 5


def test_spots_count_only_where_the_photo_is_flat() -> None:
    rng = np.random.default_rng(0)
    photo = np.full((120, 120), 0.5)
    photo[60:] = rng.uniform(0, 1, (60, 120))
    output = photo.copy()
    assert spot_share(grey(photo), grey(output)) < 1e-3
    output[10:40:10, 10:110:10] = 1.0
    share = spot_share(grey(photo), grey(output))
    assert share == pytest.approx(30 / (120 * 52), rel=0.15)
    busy = grey(rng.uniform(0, 1, (60, 60)))
    assert spot_share(busy, grey(rng.uniform(0, 1, (60, 60)))) == 0
