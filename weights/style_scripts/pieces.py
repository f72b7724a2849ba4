"""Styles put together out of pieces: tiles, glass, shards, paper, stitches."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from .canvas import (
    WORK,
    Field,
    Random,
    along,
    cells,
    colours,
    covered,
    drawn,
    grid,
    landscape,
    light,
    noise,
    over,
    paper,
    sampled,
    scattered,
    soft,
    spread,
)


def mosaic(rng: Random) -> Field:
    """Roman tesserae in stone and gold that follow a sun over hills."""
    scene = landscape(
        rng,
        colours("#123f86", "#2f8fc4", "#9fd8d8", "#f6dc9a"),
        colours("#3f9c86", "#e0a63a", "#c9552b", "#7a1f2b"),
        colours("#f6c445")[0],
    )
    points = scattered(rng, 21, jitter=0.24)
    index, border = cells(points)
    tone = sampled(scene, points) * 1.2 + rng.normal(0, 0.06, (len(points), 1))
    tone += rng.normal(0, 0.025, (len(points), 3))
    tilt = rng.uniform(0.86, 1.14, len(points))
    picture = tone[index] * tilt[index][..., None]
    dome = np.minimum(border, 5)
    picture = picture * light(gaussian_filter(dome, 1.0), 0.32)[..., None]
    picture = picture * (1 + 0.04 * noise(rng, 5)[..., None])
    return over(colours("#332d29")[0] + np.zeros_like(picture), picture, soft(border - 1.7, 1.0))


def stained_glass(rng: Random) -> Field:
    """A rose window: jewel-coloured glass in black lead, lit from behind."""
    y, x = grid()
    radius, angle = np.hypot(x - 0.5, y - 0.5), np.arctan2(y - 0.5, x - 0.5)
    rings = [0.0, 0.1, 0.2, 0.32, 0.45, 0.6, 0.76]
    counts = [1, 8, 16, 16, 24, 32, 40]
    points, hues = [], []
    for ring, count in zip(rings, counts, strict=True):
        for k in range(count):
            turn = 2 * np.pi * (k + 0.5 * (count % 3)) / count + rng.normal(0, 0.03)
            r = ring + rng.normal(0, 0.012)
            points.append(WORK * np.array([0.5 + r * np.cos(turn), 0.5 + r * np.sin(turn)]))
            hues.append((k * 3 + len(points) // 7) % 7)
    palette = colours("#c4122f", "#1237b5", "#0c8f4d", "#f0b81c", "#6a1b9a", "#0fa3c9", "#e8641b")
    index, border = cells(np.array(points))
    tone = palette[np.array(hues)] * rng.uniform(0.7, 1.15, (len(points), 1))
    glass = tone[index]
    streaks = noise(rng, 90, 4) * 0.13 + noise(rng, 9, 2) * 0.05
    glow = 1.35 - 0.75 * radius + streaks
    glass = glass * glow[..., None] + 0.2 * np.exp(-border / 22.0)[..., None] * -0.6
    glass += (0.16 * np.clip(noise(rng, 40, 3) - 0.4, 0, 2))[..., None]
    lead = np.maximum(soft(5.5 - border, 1.5), soft(5 - np.abs(radius * WORK - 268), 1.5))
    lead = np.maximum(
        lead, soft(4 - np.abs(np.sin(angle * 8)) * radius * WORK / 8, 1.5) * (radius > 0.26)
    )
    metal = (
        colours("#15130f")[0]
        + 0.1 * np.clip(light(gaussian_filter(lead, 3) * 9) - 1, 0, 1)[..., None]
    )
    return over(glass, metal, lead)


def cubist_shards(rng: Random) -> Field:
    """Faceted planes in ochre, slate and umber, each shaded across, as in analytic cubism."""
    palette = colours(
        "#2d2a2b", "#5b4a3a", "#8a6a43", "#c49a5a", "#e4cf9d", "#7d8c8f", "#4d5f70", "#a34a2c"
    )
    picture = np.zeros((WORK, WORK, 3)) + palette[3]
    y, x = grid()
    for spacing, share in ((260, 1.0), (150, 0.75), (85, 0.4)):
        points = scattered(rng, spacing, jitter=0.6)
        index, border = cells(points)
        chosen = (rng.random(len(points)) < share).astype(float)
        tone = palette[rng.integers(0, len(palette), len(points))]
        turn = rng.uniform(0, 2 * np.pi, len(points))
        at = points[index] / WORK
        across = (x - at[..., 0]) * np.cos(turn)[index] + (y - at[..., 1]) * np.sin(turn)[index]
        shade = np.clip(1 + across / (spacing / WORK) * 0.75, 0.35, 1.6)
        plane = tone[index] * shade[..., None]
        cover = chosen[index] * np.clip(0.72 + across / (spacing / WORK) * 0.5, 0.25, 1)
        picture = over(picture, plane, cover)
        line = soft(3.2 - border, 1.2) * chosen[index] * 0.85
        picture = over(picture, palette[0], line)
        rim = soft(3.5 - np.abs(border - 9), 2) * chosen[index] * 0.35
        picture = over(picture, palette[4], np.where(across > 0, rim, 0.0))
    brush = noise(rng, 16, 2) * 0.06 + noise(rng, 5) * 0.04
    return picture * (1 + brush[..., None]) * paper(rng, 1.2)[..., None]


def paper_cut(rng: Random) -> Field:
    """Layers of coloured card, each throwing a soft shadow on the one behind."""
    palette = colours(
        "#fde8cf", "#f9b5ac", "#ee7674", "#9d4edd", "#5a3d9a", "#264e86", "#1b998b", "#123044"
    )
    y, x = grid()
    depth = spread(noise(rng, 300, 2) + 1.6 * (y - 0.5) + 0.9 * np.hypot(x - 0.5, y - 0.35))
    picture = np.zeros((WORK, WORK, 3)) + palette[0]
    for k, tone in enumerate(palette[1:], start=1):
        wobble = 0.012 * noise(rng, 50, 2)
        cover = soft(depth + wobble - k / len(palette), 0.004)
        shadow = gaussian_filter(shift(cover, (16, 11), mode="nearest"), 12)
        picture = picture * (1 - 0.5 * shadow)[..., None]
        fibre = 1 + 0.025 * noise(rng, 6)[..., None] + 0.02 * noise(rng, 60, 2)[..., None]
        rim = np.clip(light(gaussian_filter(cover, 1.6) * 6, 0.25), 0.8, 1.25)[..., None]
        picture = over(picture, tone * fibre * rim, cover)
    return picture


def cross_stitch(rng: Random) -> Field:
    """Embroidery: crosses of cotton on linen, a garden of flowers in few colours."""
    palette = colours(
        "#f4ead7", "#b3202c", "#e7637b", "#f2b134", "#2f6b3a", "#7fa650", "#264b8c", "#5b2a6b"
    )
    step = 16
    count = WORK // step
    plan = np.zeros((count, count), dtype=int)
    line = np.arange(count)
    yy, xx = np.meshgrid(line, line, indexing="ij")
    for _ in range(46):
        cx, cy, size = rng.integers(0, count), rng.integers(0, count), rng.uniform(3, 6.5)
        radius, angle = np.hypot(xx - cx, yy - cy), np.arctan2(yy - cy, xx - cx)
        stem = (np.abs(xx - cx) < 1) & (yy > cy) & (yy < cy + 12)
        plan[stem] = 4
        leaf = np.hypot((xx - cx - 3) * 0.6, (yy - cy - 8) * 1.3) < 2.2
        plan[leaf] = 5
        petals = radius < size * (0.72 + 0.28 * np.cos(5 * angle + rng.uniform(0, 6)))
        plan[petals] = rng.choice([1, 2, 6, 7, 1])
        plan[radius < size * 0.3] = 3
    v, u = np.mgrid[0:step, 0:step] + 0.5
    first = np.exp(-(((u - v) / 2.6) ** 2))
    second = np.exp(-(((u + v - step) / 2.6) ** 2))
    height = np.tile(np.maximum(first * 0.8, second), (count, count))
    twist = np.tile(
        np.sin((u + v) * 1.9) * first * 0.5 + np.sin((u - v) * 1.9) * second, (count, count)
    )
    cotton = palette[np.kron(plan, np.ones((step, step), dtype=int))]
    weave = light(
        np.sin(np.arange(WORK) * np.pi / 4)[:, None] * np.sin(np.arange(WORK) * np.pi / 4)[None],
        0.12,
    )
    linen = palette[0] * 0.93 * weave[..., None] * (1 + 0.03 * noise(rng, 40, 3)[..., None])
    sheen = light(gaussian_filter(height, 1.0) * 4, 0.28) + 0.1 * twist
    thread = (
        cotton
        * sheen[..., None]
        * (
            1
            + 0.05 * rng.standard_normal((count, count)).repeat(step, 0).repeat(step, 1)[..., None]
        )
    )
    worked = np.kron((plan > 0).astype(float), np.ones((step, step)))
    shadow = 1 - 0.35 * gaussian_filter(worked, 4)
    return over(linen * shadow[..., None], thread, soft(height - 0.42, 0.25) * worked)


def batik(rng: Random) -> Field:
    """Wax-resist cloth: cream ornaments on indigo and rust, with the wax's crackle."""
    palette = colours("#101d42", "#1f3b73", "#9c4a1a", "#e9d9b0")
    y, x = grid()
    picture = along(palette[:2], spread(noise(rng, 130, 3)))
    rust, draw_rust = drawn()
    wax, draw = drawn()
    for row in range(-1, 6):
        for column in range(-1, 6):
            cx = (column + 0.5 * (row % 2)) * 220 + 60 + rng.normal(0, 4)
            cy = row * 190 + 50 + rng.normal(0, 4)
            draw_rust.ellipse([cx - 74, cy - 74, cx + 74, cy + 74], fill=255)
            for radius, dots, dot in ((92, 28, 6), (64, 0, 0), (26, 10, 5)):
                draw.ellipse(
                    [cx - radius, cy - radius, cx + radius, cy + radius], outline=255, width=5
                )
                for k in range(dots):
                    a = 2 * np.pi * k / dots
                    px, py = cx + (radius + 13) * np.cos(a), cy + (radius + 13) * np.sin(a)
                    draw.ellipse([px - dot, py - dot, px + dot, py + dot], fill=255)
            for k in range(8):
                a = 2 * np.pi * k / 8
                tip = (cx + 62 * np.cos(a), cy + 62 * np.sin(a))
                left = (cx + 40 * np.cos(a - 0.34), cy + 40 * np.sin(a - 0.34))
                right = (cx + 40 * np.cos(a + 0.34), cy + 40 * np.sin(a + 0.34))
                draw.polygon([(cx, cy), left, tip, right], fill=255)
                draw.line([(cx, cy), tip], fill=0, width=3)
    bleed = 0.45 * noise(rng, 7)
    picture = over(
        picture,
        palette[2] * (1 + 0.12 * noise(rng, 30, 3)[..., None]),
        soft(gaussian_filter(covered(rust), 4) - 0.5 + 0.1 * bleed, 0.2),
    )
    picture = over(
        picture,
        palette[3] * (1 + 0.03 * noise(rng, 12, 2)[..., None]),
        soft(gaussian_filter(covered(wax), 1.8) - 0.45 + 0.12 * bleed, 0.25),
    )
    for spacing, width, strength in ((120, 2.0, 0.75), (48, 1.2, 0.5)):
        points = scattered(rng, spacing, jitter=0.6)
        _, border = cells(points)
        crack = soft(width * (1 + 0.8 * noise(rng, 60, 2)) - border, 1.0) * strength
        picture = over(picture, palette[0], crack)
    cloth = 1 + 0.05 * np.sin(y * WORK * np.pi / 2) * np.sin(x * WORK * np.pi / 2)
    return picture * cloth[..., None]
