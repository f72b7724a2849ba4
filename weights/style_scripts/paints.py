"""Styles of brush, pigment and light."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from .canvas import (
    WORK,
    Field,
    Random,
    along,
    colours,
    dabs,
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
    strokes,
    traced,
    warped,
)


def oil_impasto(rng: Random) -> Field:
    """Thick oil in long, swirling strokes; the paint's ridges catch the light."""
    scene = landscape(
        rng,
        colours("#17306b", "#2f63a8", "#6fa5c0", "#f0cf7a"),
        colours("#6d8f5a", "#c9a23c", "#8a6a1f", "#2f4a2a"),
        colours("#fbe27a")[0],
    )
    y, x = grid()
    swirl = 0.9 * noise(rng, 330, 2)
    sun = np.arctan2(y - 0.3, x - 0.68) + np.pi / 2
    near = np.exp(-((np.hypot(x - 0.68, y - 0.3) / 0.26) ** 2))
    heading = np.where(near > 0.25, sun, swirl)
    relief = np.full((WORK, WORK), 0.35)
    picture = scene
    for spacing, width, steps in ((30, 30, 5), (20, 20, 5), (15, 13, 4)):
        points = scattered(rng, spacing, jitter=0.7)
        points = points[rng.permutation(len(points))]
        tones = sampled(scene, points) + rng.normal(0, 0.05, (len(points), 1))
        tones = tones + rng.normal(0, 0.045, (len(points), 3))
        paths = traced(points, heading, steps, width * 0.75)
        widths = rng.uniform(0.6, 1.1, len(points)) * width
        picture, relief = strokes(picture, paths, tones, widths, bristles=5)
    ridges = gaussian_filter(relief, 1.2) * 7
    return picture * light(ridges, 0.5)[..., None]


def pointillism(rng: Random) -> Field:
    """Dots of nearly pure colour beside each other, which only the eye mixes: a river bank."""
    scene = landscape(
        rng,
        colours("#3d7fd6", "#7cb6ea", "#f7d488", "#f0937f"),
        colours("#7fb58a", "#c9b23a", "#2f8f4f", "#1d3f6b"),
        colours("#fff0a8")[0],
    )
    y, x = grid()
    water = soft(y - 0.74 - 0.1 * (x - 0.5), 0.02)
    mirrored = np.flip(scene, axis=0) * 0.85 + 0.1 * colours("#3d7fc4")[0]
    scene = over(scene, mirrored, water)
    picture = np.zeros_like(scene) + colours("#ede4d0")[0]
    pure = colours(
        "#f2c230",
        "#e8622c",
        "#d63a5c",
        "#7a4fb0",
        "#2d62c4",
        "#2aa0c8",
        "#3fa35a",
        "#b8d24a",
        "#ffffff",
        "#1f2d5c",
    )
    for spacing, size, stray in ((15, 17, 0.5), (12, 12, 0.8), (11, 9, 1.0)):
        points = scattered(rng, spacing, jitter=0.55)
        points = points[rng.permutation(len(points))]
        wanted = sampled(scene, points)
        apart = ((wanted[:, None] - pure[None]) ** 2).sum(-1)
        # Nearer pigments are likelier, so that a patch's mean stays the scene's colour.
        chance = np.exp(-apart / 0.09)
        chance /= chance.sum(1, keepdims=True)
        pick = (chance.cumsum(1) > rng.random(len(points))[:, None]).argmax(1)
        tones = (1 - stray * 0.75) * wanted + stray * 0.75 * pure[pick]
        picture = dabs(picture, points, tones, rng.uniform(0.8, 1.15, len(points)) * size)
    return picture * paper(rng, 0.9)[..., None]


def watercolour(rng: Random) -> Field:
    """Transparent washes with hard, dark edges, blooms, and the tooth of cold-pressed paper."""
    sheet = np.zeros((WORK, WORK, 3)) + colours("#fbf7ee")[0]
    pigments = colours(
        "#2b6cb0", "#38a89d", "#e8795a", "#d8a31a", "#8b4fa0", "#4a7c3a", "#c2416b", "#1f4e79"
    )
    for k in range(19):
        centre = rng.uniform(0, 1, 2)
        y, x = grid()
        size = rng.uniform(0.1, 0.27)
        wobble = 0.3 * noise(rng, 190, 3) + 0.1 * noise(rng, 45, 2)
        shape = 1 - np.hypot((x - centre[0]) * rng.uniform(0.6, 1.2), y - centre[1]) / size + wobble
        wash = soft(shape, 0.035)
        rim = np.exp(-(((shape - 0.03) / 0.03) ** 2)) * 0.5
        flow = 0.55 + 0.2 * noise(rng, 150, 3) + 0.35 * np.clip(shape, 0, 1)
        strength = np.clip(wash * (0.46 * np.clip(flow, 0.1, 1.2) + rim), 0, 1)
        second = pigments[(k + 3) % len(pigments)]
        tone = over(
            np.zeros_like(sheet) + pigments[k % len(pigments)],
            second,
            soft(noise(rng, 230, 2) - 0.5, 0.8),
        )
        sheet = sheet * (1 - strength[..., None] * (1 - tone))
    grain = noise(rng, 5) + 0.7 * noise(rng, 11, 2)
    settled = 1 - np.clip(grain, 0, 3)[..., None] * 0.1 * (1 - sheet)
    splash = scattered(rng, 150, jitter=0.9)
    splash = splash[rng.random(len(splash)) < 0.5]
    tones = pigments[rng.integers(0, len(pigments), len(splash))]
    drops = dabs(np.ones_like(sheet), splash, tones, rng.uniform(4, 18, len(splash)))
    picture = sheet * settled * (0.35 + 0.65 * drops)
    return picture * paper(rng, 1.1)[..., None]


def charcoal(rng: Random) -> Field:
    """Charcoal and white chalk on grey laid paper: bare trees, smudged masses, grainy strokes."""
    y, x = grid()
    tone = 0.62 + 0.13 * noise(rng, 340, 3)
    tone = tone + 0.35 * np.exp(-((np.hypot(x - 0.4, y - 0.3) / 0.24) ** 2))
    tone = tone - 0.55 * soft(y - 0.78 - 0.02 * noise(rng, 90, 2), 0.05)
    for _ in range(11):
        px, lean, width = rng.uniform(0, 1), rng.normal(0, 0.14), rng.uniform(0.008, 0.035)
        across = x - px - lean * (1 - y) - 0.02 * np.sin(6 * y + px * 9)
        trunk = np.abs(across) / (width * (0.4 + y))
        lit = 0.08 + 0.5 * np.clip(-across / width * 0.6 + 0.1, 0, 1)
        tone = np.where(trunk < 1, lit, tone - 0.16 * np.exp(-trunk * 1.5))
    grain = (
        0.8 * rng.standard_normal((WORK, WORK)) + noise(rng, 6) + 0.6 * np.sin(x * WORK * np.pi / 6)
    )
    grain = gaussian_filter(grain, 0.8)
    picture = np.zeros((WORK, WORK, 3)) + colours("#bcb4a6")[0]
    smudge = np.clip(0.66 - gaussian_filter(tone, 7), 0, 1) * 1.3
    picture = over(picture, colours("#262426")[0], np.clip(smudge * (1 - 0.25 * grain), 0, 0.9))
    heading = 0.95 + 0.35 * noise(rng, 260, 2)
    for dark, name, turn in (
        (True, "#0f0e10", 0.0),
        (True, "#0f0e10", 0.9),
        (False, "#fbf8ef", -0.2),
    ):
        points = scattered(rng, 15, jitter=0.8)
        value = sampled(tone, points) + rng.normal(0, 0.05, len(points))
        points = points[value < 0.4 - 0.15 * turn] if dark else points[value > 0.72]
        paths = traced(points, heading + turn, 6, 8.0)
        white = np.repeat(rng.uniform(0.55, 1, (len(points), 1)), 3, axis=1)
        mask, _ = strokes(np.zeros_like(picture), paths, white, rng.uniform(2, 8, len(points)))
        cover = gaussian_filter(mask[..., 0], 1.0) * soft(grain + 0.25, 0.8)
        picture = over(picture, colours(name)[0], np.clip(cover, 0, 1) * 0.9)
    return picture * paper(rng, 1.0)[..., None]


def aurora(rng: Random) -> Field:
    """Curtains of green, violet and rose light over a dark ridge; fine rays and stars."""
    y, x = grid()
    picture = along(colours("#060b22", "#0c1f3f", "#123a52"), y)
    stars = rng.random((WORK, WORK)) > 0.9991
    picture = picture + gaussian_filter(stars.astype(float), 1.3)[..., None] * 7
    tints = colours("#32f5a0", "#19c7c1", "#8a5cff", "#f25fb0", "#b7ff6a")
    for k in range(6):
        foot = (
            0.32
            + 0.11 * k
            + 0.09 * np.sin(2 * np.pi * (x * rng.uniform(0.7, 1.6)) + rng.uniform(0, 6))
        )
        foot = foot + 0.035 * noise(rng, 160, 2)[WORK // 2][None, :]
        ray = (
            noise(rng, 26, 2)[WORK // 3][None, :] * 0.3
            + noise(rng, 110, 2)[WORK // 4][None, :] * 0.45
        )
        up = foot - y
        curtain = np.where(up > 0, np.exp(-up * (5.5 - 1.6 * ray)), np.exp(up * 46)) * np.clip(
            0.6 + ray, 0, 1.6
        )
        tone = along(tints[[k % 5, (k + 1) % 5, (k + 2) % 5]], np.clip(up * 2.6, 0, 1))
        picture = 1 - (1 - picture) * (1 - np.clip(tone * curtain[..., None] * 0.62, 0, 0.97))
    ridge = 0.86 + 0.05 * noise(rng, 220, 4)[WORK // 2][None, :] - 0.05 * np.sin(3 * x)
    water = soft(y - 0.93, 0.002)
    mirrored = warped(np.flip(picture, axis=0), 6 * noise(rng, 40, 2), 30 * noise(rng, 18))
    picture = over(picture, colours("#050a14")[0], soft(y - ridge, 0.004))
    return over(picture, mirrored * 0.55, water)


def marbling(rng: Random) -> Field:
    """Ebru: floating inks drawn out with a comb, then printed."""
    y, x = grid()
    palette = colours(
        "#7a1022",
        "#e9dcc0",
        "#d79b2e",
        "#1a4a6e",
        "#e9dcc0",
        "#0f7a6c",
        "#b8442e",
        "#f2e8d2",
        "#2a2440",
    )
    bands = y * 5 + 0.5 * noise(rng, 330, 2)
    for teeth, reach, turn in ((3, 0.5, 0.0), (3, -0.5, np.pi), (12, 0.3, 0.4)):
        comb = np.abs(np.sin(np.pi * teeth * x + turn / 2 + 0.3 * noise(rng, 260)))
        bands = bands + reach * (1 - comb) ** 2 * 2.2
    curl = 0.42 * noise(rng, 120)
    bands = bands + curl
    at = np.clip((bands * 2.1) % len(palette), 0, len(palette) - 1e-6)
    index = at.astype(int)
    inside = at - index
    picture = palette[index]
    vein = np.exp(-((np.minimum(inside, 1 - inside) / 0.07) ** 2))
    picture = over(picture, palette[(index + 1) % len(palette)], soft(inside - 0.94, 0.1))
    picture = over(picture, colours("#241c20")[0], vein * 0.5)
    picture = picture * (1 + 0.16 * (inside - 0.5))[..., None]
    points = scattered(rng, 62, jitter=0.9)
    points = points[rng.random(len(points)) < 0.45]
    tones = palette[rng.integers(0, len(palette), len(points))]
    picture = dabs(picture, points, tones, rng.uniform(4, 18, len(points)))
    tint = spread(noise(rng, 300, 3))[..., None]
    return picture * (0.93 + 0.12 * tint) * paper(rng, 0.6)[..., None]
