"""How near a stylised picture came to its style, and how much of its photo it kept.

Gatys-style statistics of VGG-16's relu1_1 to relu5_1, taken on pictures squashed to 256 x 256.
All but SSIM and the spectral figures are relative, so that a pair of much alike pictures weighs
as much as any other: style, gram, colour: 1 = nothing transferred, 0 = the style's own
statistics; content: 0 = all kept, 1 = as far from the photo as the style picture is.

Low style together with low content is what counts. Either alone is easy.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..nets.perceptual import PerceptualNetwork

MEASURED_AT = 256  # px, both sides: the measures' own size, whatever the pictures' size
CONTENT_LEVEL = 3  # relu4_1, counted from 0
BINS = 8  # of each colour channel in the histogram
WINDOW = 11  # px, the box that SSIM takes its statistics in
LUMINANCE = (0.299, 0.587, 0.114)
GRID = 8  # px: decoders that paint by blocks of 2, 4 or 8 px leave lines at its multiples
FLAT_DEVIATION = 0.02  # of luminance in 15 x 15 px: below, a photo is flat there
SPOT_CONTRAST = 0.25  # of luminance, to the median of 15 x 15 px


@dataclass(frozen=True)
class Seen:
    """What the measures need of one picture; a picture in many pairs is looked at once."""

    pixels: Tensor  # 1 3 S S in [0, 1]
    means: list[Tensor]  # a level: C
    deviations: list[Tensor]  # a level: C
    grams: list[Tensor]  # a level: C C
    content: Tensor  # C H W, each channel with mean 0 and deviation 1
    histogram: Tensor  # BINS^3, sums to 1


@dataclass(frozen=True)
class Figures:
    """One output against its photo and its style."""

    style: float
    gram: float
    content: float
    ssim: float
    colour: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


class Judge:
    """Measures outputs with one perceptual network."""

    def __init__(self, network: PerceptualNetwork, size: int = MEASURED_AT) -> None:
        """network: RGB NCHW in [0, 1] -> features relu1_1 to relu5_1, on the CPU."""
        self.network = network
        self.size = size

    @torch.inference_mode()
    def look(self, picture: Image.Image) -> Seen:
        """The picture is squashed to size x size, so portraits and landscapes compare."""
        small = picture.convert("RGB").resize((self.size, self.size), Image.Resampling.LANCZOS)
        pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].float() / 255
        flat = [f[0].flatten(1).float() for f in self.network(pixels)]  # C HW
        content = flat[CONTENT_LEVEL]
        mean, deviation = content.mean(1, keepdim=True), content.std(1, keepdim=True)
        return Seen(
            pixels=pixels,
            means=[f.mean(1) for f in flat],
            deviations=[f.std(1) for f in flat],
            grams=[f @ f.T / f.shape[1] for f in flat],
            content=(content - mean) / (deviation + 1e-5),
            histogram=colour_histogram(pixels),
        )

    def compare(self, photo: Seen, style: Seen, output: Seen) -> Figures:
        return Figures(
            style=_ratio(style_distance(output, style), style_distance(photo, style)),
            gram=_ratio(gram_distance(output, style), gram_distance(photo, style)),
            content=_ratio(content_distance(output, photo), content_distance(style, photo)),
            ssim=ssim(output.pixels, photo.pixels),
            colour=_ratio(
                chi_squared(output.histogram, style.histogram),
                chi_squared(photo.histogram, style.histogram),
            ),
        )


def style_distance(a: Seen, b: Seen) -> float:
    """Sum over levels of |mu_a - mu_b| / |mu_b| + |sigma_a - sigma_b| / |sigma_b|."""
    pairs = [*zip(a.means, b.means, strict=True), *zip(a.deviations, b.deviations, strict=True)]
    return sum(float((x - y).norm() / y.norm()) for x, y in pairs)


def gram_distance(a: Seen, b: Seen) -> float:
    """Sum over levels of |G_a - G_b| / |G_b|, G = F F^T / (H W)."""
    return sum(float((x - y).norm() / y.norm()) for x, y in zip(a.grams, b.grams, strict=True))


def content_distance(a: Seen, b: Seen) -> float:
    """Mean squared difference of the normalised relu4_1 features."""
    return float(F.mse_loss(a.content, b.content))


def colour_histogram(pixels: Tensor) -> Tensor:
    """BINS^3 shares of 1 3 H W pixels in [0, 1]."""
    levels = (pixels[0].flatten(1) * (BINS - 1e-3)).long()
    index = (levels[0] * BINS + levels[1]) * BINS + levels[2]
    counts = torch.bincount(index, minlength=BINS**3).float()
    return counts / counts.sum()


def chi_squared(a: Tensor, b: Tensor) -> float:
    """Between two histograms that sum to 1: 0 the same, 1 nothing in common."""
    return float((0.5 * (a - b) ** 2 / (a + b + 1e-9)).sum())


def ssim(a: Tensor, b: Tensor) -> float:
    """Structural similarity of luminance in an 11 x 11 box (Wang et al. 2004); 1 = the same."""
    weights = torch.tensor(LUMINANCE).view(1, 3, 1, 1)
    a, b = (a * weights).sum(1, True), (b * weights).sum(1, True)

    def box(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, WINDOW, 1)

    mean_a, mean_b = box(a), box(b)
    variance_a = box(a * a) - mean_a * mean_a
    variance_b = box(b * b) - mean_b * mean_b
    covariance = box(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + 0.01**2) * (2 * covariance + 0.03**2)
    bottom = (mean_a**2 + mean_b**2 + 0.01**2) * (variance_a + variance_b + 0.03**2)
    return float((top / bottom).mean())


def luminance(picture: Image.Image) -> NDArray[np.float64]:
    """H W in [0, 1]."""
    return np.asarray(picture.convert("RGB"), dtype=np.float64) @ np.array(LUMINANCE) / 255


def nyquist_share(picture: Image.Image, above: float = 0.45) -> float:
    """Share of luminance's energy (its mean left out) above `above` cycles a pixel, at full size.

    Checkerboards of a decoder live there; a photograph has about 0.0001 or less.
    """
    power, rows, columns = _power(luminance(picture))
    near = np.maximum(np.abs(rows)[:, None], np.abs(columns)[None, :]) > above
    return float(power[near].sum() / max(power.sum(), 1e-12))


def grid_ratio(picture: Image.Image) -> float:
    """Energy on the lines of an 8 px grid over that of the frequencies beside them; 1 = no grid."""
    grey = luminance(picture)
    height, width = (side // GRID * GRID for side in grey.shape)
    power, _, _ = _power(grey[:height, :width])
    ratios = []
    for spectrum in (power.mean(1), power.mean(0)):
        step = len(spectrum) // GRID
        for line in range(1, GRID // 2 + 1):
            beside = [spectrum[(line * step + k) % len(spectrum)] for k in (-4, -3, 3, 4)]
            ratios.append(spectrum[line * step] / max(float(np.mean(beside)), 1e-12))
    return float(np.mean(ratios))


def spot_share(photo: Image.Image, output: Image.Image) -> float:
    """Share of the photo's flat pixels where the output stands out from its neighbourhood.

    Stray dots on a clear sky; even brushwork stays within its own median. 0 where nothing of
    the photo is flat.
    """
    from scipy.ndimage import median_filter, uniform_filter

    grey = luminance(photo.resize(output.size, Image.Resampling.LANCZOS))
    variance = uniform_filter(grey * grey, 15) - uniform_filter(grey, 15) ** 2
    flat = variance < FLAT_DEVIATION**2
    if not flat.any():
        return 0.0
    painted = luminance(output)
    apart = np.abs(painted - median_filter(painted, 15)) > SPOT_CONTRAST
    return float(apart[flat].mean())


def _power(
    grey: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Windowed power spectrum, and its rows' and columns' frequencies in cycles a pixel."""
    height, width = grey.shape
    # Without a window, the jump between opposite borders would spill over all frequencies.
    window = np.hanning(height)[:, None] * np.hanning(width)[None, :]
    mean = (grey * window).sum() / window.sum()
    power = np.abs(np.fft.fft2((grey - mean) * window)) ** 2
    rows, columns = (np.fft.fftfreq(side).astype(np.float64) for side in grey.shape)
    return power.astype(np.float64), rows, columns


def _ratio(distance: float, reference: float) -> float:
    return distance / max(reference, 1e-6)
