"""Patterns that statistics of features do not mind and eyes do: grids that up-sampling leaves,
stripes and halftones of a few pixels, roughness."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 32  # px of the windows whose spectra are compared
FINEST = 8  # px; what has a longer period is brushwork
LEAST_POWER = 1e-3  # of a window: noise of 1/255 has as much, and nobody sees it


def grid_loss(image: Tensor, period: int = 16) -> Tensor:
    """How unlike the contrasts of neighbours are from column to column, and from row to row, of a
    grid of `period` px; [N], 0 = all alike. Up-sampling by repetition leaves such grids of 2, 4,
    8, ... px, which statistics of features do not mind and eyes do.

    image: [N, 3, H, W], each side longer than `period`.
    """
    total = image.new_zeros(len(image), dtype=torch.float32)
    for turned in (image, image.mT):
        contrast = turned.float().diff(dim=3).abs().mean(dim=(1, 2))
        cells = contrast[:, : contrast.shape[1] // period * period].unflatten(1, (-1, period))
        column = cells.mean(dim=1)
        share = column / column.mean(dim=1, keepdim=True).clamp_min(1e-4)
        total = total + (share - 1).square().mean(dim=1)
    return total


def fine_pattern_loss(output: Tensor, content: Tensor, style: Tensor) -> Tensor:
    """How far the output's spectrum at periods under FINEST px stands out above those of both its
    pictures; [N], mean squared logarithm, 0 = nowhere. Stripes and halftones of 3 to 6 px, which
    no painting has, please statistics of features as well as brushwork does. Of R, G and B each:
    what was not allowed in grey came in colour.

    output, content: [N, 3, H, W], style: [N or 1, 3, h, w], sides of WINDOW px at least.
    """
    return pattern_excess(output, allowed_patterns(content, style))


@torch.no_grad()
def allowed_patterns(*pictures: Tensor, apart: int = WINDOW // 2) -> Tensor:
    """The larger of the pictures' powers at each frequency: [N, 3, WINDOW, WINDOW / 2 + 1].
    apart: px from window to window."""
    spectra = [_spectrum(picture, apart) for picture in pictures]
    return torch.stack(torch.broadcast_tensors(*spectra)).amax(0)


def pattern_excess(output: Tensor, allowed: Tensor, *, apart: int = WINDOW // 2) -> Tensor:
    """`fine_pattern_loss` of what `allowed_patterns` gave."""
    excess = (_spectrum(output, apart) / allowed).log().clamp_min(0)
    return excess[..., _fine(output.device)].square().mean(dim=(1, 2))


def _spectrum(image: Tensor, apart: int) -> Tensor:
    """Mean power of windows of each channel (P. Welch, 1967); [N, 3, WINDOW, WINDOW / 2 + 1]."""
    with torch.autocast(image.device.type, enabled=False):
        windows = image.float().unfold(2, WINDOW, apart).unfold(3, WINDOW, apart)
        windows = windows.flatten(2, 3)
        taper = torch.hann_window(WINDOW, device=image.device)
        windows = (windows - windows.mean(dim=(3, 4), keepdim=True)) * torch.outer(taper, taper)
        return torch.fft.rfft2(windows).abs().square().mean(dim=2) + LEAST_POWER


def _fine(device: torch.device) -> Tensor:
    """Which frequencies of `_spectrum` are periods under FINEST px."""
    down, across = torch.fft.fftfreq(WINDOW), torch.fft.rfftfreq(WINDOW)
    return (torch.hypot(down[:, None], across) > 1 / FINEST).to(device)


def roughness(image: Tensor) -> Tensor:
    """Mean square of what 2 x 2 px differ by from their own mean: what the loss, looking at
    half the size, can't see; [N]."""
    height, width = image.shape[-2] // 2 * 2, image.shape[-1] // 2 * 2
    image = image[..., :height, :width]
    small = F.interpolate(F.avg_pool2d(image, 2), scale_factor=2, mode="nearest")
    return (image - small).pow(2).mean(dim=(1, 2, 3))
