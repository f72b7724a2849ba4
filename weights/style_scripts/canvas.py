"""What the style scripts share: noise, palettes, cells, light, brush strokes, a landscape.

Pictures are H W 3 float64 sRGB in [0, 1], fields H W float64. Everything is drawn at WORK px and
halved at the end, which smooths the edges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

Field = NDArray[np.float64]
Random = np.random.Generator

WORK = 1024


def colours(*names: str) -> Field:
    """`#rrggbb` names -> K 3."""
    return np.array([[int(n[i : i + 2], 16) for i in (1, 3, 5)] for n in names]) / 255


def grid(size: int = WORK) -> tuple[Field, Field]:
    """y and x of every pixel, 0 at the top left, 1 at the other end."""
    line = (np.arange(size) + 0.5) / size
    y, x = np.meshgrid(line, line, indexing="ij")
    return y, x


def noise(rng: Random, scale: float, octaves: int = 1, size: int = WORK) -> Field:
    """Smooth noise with mean 0 and deviation 1; scale: px of its largest features."""
    total = np.zeros((size, size))
    for octave in range(octaves):
        step = max(1, int(scale / 2**octave / 4))
        coarse = rng.standard_normal((size // step + 2, size // step + 2))
        coarse = gaussian_filter(coarse, scale / 2**octave / step / 2, mode="wrap")
        layer = _enlarged(coarse, step)[:size, :size]
        total += layer / layer.std() / 2**octave
    return (total - total.mean()) / total.std()


def spread(field: Field) -> Field:
    """Ranks in [0, 1]: every value as frequent as any other, so that a palette is used evenly."""
    order = np.empty(field.size)
    order[np.argsort(field, axis=None, kind="stable")] = np.linspace(0, 1, field.size)
    return order.reshape(field.shape)


def along(palette: Field, t: Field) -> Field:
    """The palette's colours at t in [0, 1], blended from one to the next."""
    stops = np.linspace(0, 1, len(palette))
    return np.stack([np.interp(t, stops, palette[:, c]) for c in range(3)], axis=-1)


def over(below: Field, above: Field, cover: Field) -> Field:
    """`above` (a picture or one colour) painted on `below` where cover (H W) is 1."""
    return below + (above - below) * cover[..., None]


def soft(edge: Field, width: float = 0.02) -> Field:
    """A smooth step from 0 (edge <= -width) to 1 (edge >= width)."""
    t = np.clip(edge / width * 0.5 + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def light(height: Field, strength: float = 1.0, angle: float = -2.36) -> Field:
    """Brightness factor of a relief lit from `angle` (radians, default top left); about 1."""
    dy, dx = np.gradient(height)
    slope = dx * np.cos(angle) + dy * np.sin(angle)
    return 1 - strength * slope / np.sqrt(1 + slope * slope)


def cells(points: Field, size: int = WORK) -> tuple[NDArray[np.intp], Field]:
    """Nearest of K points (x, y in px) for every pixel, and the distance in px to the next cell."""
    y, x = np.mgrid[0:size, 0:size]
    distance, index = cKDTree(points).query(np.stack([x.ravel(), y.ravel()], axis=1), k=2)
    a, b = points[index[:, 0]], points[index[:, 1]]
    gap = np.maximum(np.hypot(*(a - b).T), 1e-6)
    border = (distance[:, 1] ** 2 - distance[:, 0] ** 2) / (2 * gap)
    return index[:, 0].reshape(size, size), border.reshape(size, size)


def scattered(rng: Random, spacing: float, size: int = WORK, jitter: float = 0.5) -> Field:
    """Points (x, y in px) on a shaken lattice that reaches past the picture's border."""
    line = np.arange(-spacing, size + spacing, spacing)
    x, y = np.meshgrid(line, line)
    x = x + (np.arange(len(line)) % 2 * spacing / 2)[:, None]
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    return points + rng.uniform(-jitter, jitter, points.shape) * spacing


def warped(picture: Field, dx: Field, dy: Field) -> Field:
    """The picture (or field) read at px + (dx, dy), mirrored past its border."""
    size = picture.shape[0]
    y, x = np.mgrid[0:size, 0:size]
    return picture[_mirrored(y + dy, size), _mirrored(x + dx, size)]


def sampled(picture: Field, points: Field) -> Field:
    """Colours or values of the picture at points (x, y in px)."""
    size = picture.shape[0]
    at = np.clip(np.rint(points), 0, size - 1).astype(int)
    return picture[at[:, 1], at[:, 0]]


def traced(points: Field, angle: Field, steps: int, stride: float) -> Field:
    """Paths that follow a direction field from points: K steps+1 2, in px."""
    paths = [points]
    for _ in range(steps):
        heading = sampled(angle, paths[-1])
        paths.append(paths[-1] + stride * np.stack([np.cos(heading), np.sin(heading)], axis=1))
    return np.stack(paths, axis=1)


def strokes(
    base: Field, paths: Field, tones: Field, widths: Field, bristles: int = 1
) -> tuple[Field, Field]:
    """Paint paths over base in order; the picture, and the paint's height for `light`.

    paths K T 2, tones K 3, widths K in px. bristles: lines that a stroke is made of, each of a
    slightly different height.
    """
    picture = Image.fromarray((np.clip(base, 0, 1) * 255).astype(np.uint8))
    relief = Image.new("L", picture.size, 90)
    paint, raise_ = ImageDraw.Draw(picture), ImageDraw.Draw(relief)
    for k, (path, tone, width) in enumerate(zip(paths, np.clip(tones, 0, 1), widths, strict=True)):
        direction = path[-1] - path[0]
        normal = np.array([-direction[1], direction[0]]) / max(np.hypot(*direction), 1e-6)
        for b in range(bristles):
            offset = (b - (bristles - 1) / 2) / bristles * width
            line = [tuple(p) for p in path + normal * offset]
            thick = max(1, round(width / bristles * 1.5))
            wobble = ((k * 7 + b * 13) % 11 - 5) / 5
            shade = tuple(int(c) for c in np.clip(tone * 255 + 9 * wobble, 0, 255))
            paint.line(line, fill=shade, width=thick, joint="curve")
            raise_.line(line, fill=int(150 + 50 * wobble), width=thick, joint="curve")
    return np.asarray(picture) / 255.0, np.asarray(relief) / 255.0


def dabs(base: Field, points: Field, tones: Field, widths: Field) -> Field:
    """Round dots over base in order: points K 2 and widths K in px, tones K 3."""
    picture = Image.fromarray((np.clip(base, 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for (x, y), tone, width in zip(points, np.clip(tones, 0, 1), widths, strict=True):
        r = width / 2
        draw.ellipse([x - r, y - r, x + r, y + r], fill=tuple(int(c * 255) for c in tone))
    return np.asarray(picture) / 255.0


def drawn(size: int = WORK) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An empty 8-bit cover mask to draw on; `covered` turns it into a field."""
    mask = Image.new("L", (size, size), 0)
    return mask, ImageDraw.Draw(mask)


def covered(mask: Image.Image) -> Field:
    return np.asarray(mask) / 255.0


def paper(rng: Random, roughness: float = 1.0, size: int = WORK) -> Field:
    """A brightness factor about 1: the tooth of rough paper or canvas."""
    tooth = noise(rng, 5, 1, size) + 0.6 * noise(rng, 14, 2, size)
    return light(tooth * 0.5, 0.05 * roughness) * (1 + 0.012 * roughness * noise(rng, 120, 2, size))


def landscape(rng: Random, sky: Field, land: Field, sun: Field, layers: int = 5) -> Field:
    """A sun over hills, for the styles that need a subject. sky, land: palettes, far to near."""
    y, x = grid()
    haze = noise(rng, 160, 3)
    picture = along(sky, np.clip(y / 0.62 + 0.05 * haze, 0, 1))
    disc = 0.12 - np.hypot(x - 0.68, y - 0.3)
    picture = over(picture, sun, np.exp(np.minimum(disc, 0) * 9) * 0.7)
    picture = over(picture, sun, soft(disc, 0.004))
    for k in range(layers):
        t = k / (layers - 1)
        ridge = noise(rng, 260 - 110 * t, 3)[WORK // 2]
        level = 0.46 + 0.42 * t + 0.05 * ridge[None, :]
        tone = along(land, np.clip(t + 0.06 * noise(rng, 60, 3), 0, 1))
        tone = tone * (1.12 - 0.5 * np.clip(y - level, 0, 0.4)[..., None])
        picture = over(picture, tone, soft(y - level, 0.003))
    return np.clip(picture, 0, 1)


def finished(picture: Field) -> NDArray[np.uint8]:
    """Halved in size, as 8 bit."""
    half = picture.shape[0] // 2
    small = picture.reshape(half, 2, half, 2, 3).mean(axis=(1, 3))
    return (np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8)


def _enlarged(coarse: Field, factor: int) -> Field:
    if factor == 1:
        return coarse
    image = Image.fromarray(coarse.astype(np.float32))
    size = (coarse.shape[1] * factor, coarse.shape[0] * factor)
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC), dtype=np.float64)


def _mirrored(position: Field, size: int) -> NDArray[np.intp]:
    folded = np.abs(np.rint(position).astype(int)) % (2 * size - 2)
    return np.where(folded >= size, 2 * size - 2 - folded, folded)
