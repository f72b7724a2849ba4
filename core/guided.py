"""The guided filter: results at low resolution that follow the edges of a picture.

K. He, J. Sun, X. Tang, "Guided Image Filtering", TPAMI 35(6), 2013: equations 5 and 6 (grey
guide), 14 and 15 (colour guide). K. He, J. Sun, "Fast Guided Filter", arXiv:1505.00996, 2015:
the coefficients are found at low resolution, enlarged, and applied to the guide at full size.
Every mean is a box filter, so time does not depend on the radius.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from .geometry import Bounds, Extent
from .resample import BICUBIC, Enlarged

REC709 = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
GAIN_RADIUS = 2  # px of the working size, of the windows in which detail is matched
GAIN_EPSILON = 1e-3  # variance (of [0, 1]) below which a window counts as flat
LARGEST_GAIN = 1.5  # detail is at most this much stronger than in the photo


def box_mean(values: NDArray[np.floating], radius: int) -> NDArray[np.float32]:
    """Mean over windows of 2 * radius + 1 pixels; [h, w] or [h, w, C], per channel."""
    side = 2 * radius + 1
    size = (side, side) + (1,) * (values.ndim - 2)
    result: NDArray[np.float32] = uniform_filter(
        values.astype(np.float32, copy=False), size=size, mode="nearest"
    )
    return result


def luma(colours: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rec. 709 luma of [..., 3] gamma-coded colours, in their own range."""
    return colours.astype(np.float32, copy=False) @ REC709


class GuidedFilter:
    """Local linear models of maps in terms of one colour guide; the guide's share is kept.

    guide: [h, w, 3] in [0, 1]. radius: px of the guide, of the windows. epsilon: variance of
    the guide below which a window counts as flat.
    """

    def __init__(self, guide: NDArray[np.float32], radius: int, epsilon: float = 1e-4) -> None:
        self._guide, self._radius = guide, radius
        self._mean = box_mean(guide, radius)  # [h, w, 3]
        self._inverse = _inverted(self._covariance(epsilon))

    def coefficients(
        self, values: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """a [h, w, 3] and b [h, w] such that a . guide + b approximates values [h, w]."""
        mean = box_mean(values, self._radius)
        products = box_mean(self._guide * values[..., None], self._radius)
        covariance = products - self._mean * mean[..., None]
        rr, rg, rb, gg, gb, bb = self._inverse
        r, g, b = np.moveaxis(covariance, -1, 0)
        slope = np.stack(
            [rr * r + rg * g + rb * b, rg * r + gg * g + gb * b, rb * r + gb * g + bb * b], axis=-1
        )
        offset = mean - (slope * self._mean).sum(axis=-1)
        return box_mean(slope, self._radius), box_mean(offset, self._radius)

    def _covariance(self, epsilon: float) -> list[NDArray[np.float32]]:
        """rr, rg, rb, gg, gb, bb of the guide in each window, epsilon on the diagonal."""
        pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
        return [
            box_mean(self._guide[..., i] * self._guide[..., j], self._radius)
            - self._mean[..., i] * self._mean[..., j]
            + np.float32(epsilon if i == j else 0)
            for i, j in pairs
        ]


def _inverted(matrix: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """The six entries of a symmetric 3 x 3 matrix's inverse, by cofactors."""
    # Cofactors cancel: with windows of little variance float32 keeps no digit of them.
    rr, rg, rb, gg, gb, bb = (entry.astype(np.float64) for entry in matrix)
    cofactors = [
        gg * bb - gb * gb,
        rb * gb - rg * bb,
        rg * gb - rb * gg,
        rr * bb - rb * rb,
        rg * rb - rr * gb,
        rr * gg - rg * rg,
    ]
    determinant = rr * cofactors[0] + rg * cofactors[1] + rb * cofactors[2]
    return [(each / determinant).astype(np.float32) for each in cofactors]


class BroughtUp:
    """A stylised picture at full size, with the edges of the photo rather than a blur.

    The enlarged (bicubic) stylised picture gets the detail that the photo has at full size and
    lost at the working size: stylised_up + gain_up * (luma - luma_small_up). The gain of each
    colour is the slope of the local linear model stylised ~ gain * luma + offset at the working
    size (guided filter, equation 5): where the painting follows the photo its edges are as sharp
    as the photo's; where it doesn't, the gain is near 0 and strokes stay as painted. This is the
    fast guided filter (He and Sun 2015) with what the model leaves unexplained added back.

    stylised: [h, w, 3] in [0, 1], `part` of the working size `work`. photo: the same part of the
    photo. full: extent of the result.
    """

    def __init__(
        self,
        stylised: NDArray[np.float32],
        photo: NDArray[np.float32],
        part: Bounds,
        work: Extent,
        full: Extent,
    ) -> None:
        light = luma(photo)
        mean = box_mean(light, GAIN_RADIUS)
        variance = box_mean(light * light, GAIN_RADIUS) - mean * mean
        together = box_mean(stylised * light[..., None], GAIN_RADIUS)
        covariance = together - box_mean(stylised, GAIN_RADIUS) * mean[..., None]
        slope = covariance / (np.maximum(variance, 0) + GAIN_EPSILON)[..., None]
        gain = box_mean(slope.clip(-LARGEST_GAIN, LARGEST_GAIN), GAIN_RADIUS)
        base = np.concatenate([stylised, light[..., None]], axis=-1)
        self._base = Enlarged(base, full, kernel=BICUBIC, part=part, of=work)
        self._gain = Enlarged(gain, full, part=part, of=work)

    def window(self, bounds: Bounds, photo: NDArray[np.float32]) -> NDArray[np.float32]:
        """`bounds` of the result; photo: the same window of the full-size photo, [0, 1]."""
        base = self._base.window(bounds)
        detail = luma(photo) - base[..., 3]
        return (base[..., :3] + self._gain.window(bounds) * detail[..., None]).clip(0, 1)
