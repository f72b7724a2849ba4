"""Styles made of lines and dots: pen, knife, compass, screen and ruler."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from .canvas import (
    WORK,
    Field,
    Random,
    along,
    colours,
    covered,
    drawn,
    grid,
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
)


def pen_hatching(rng: Random) -> Field:
    """Ink on cream paper: boulders under a sky, shaded by one to four directions of pen lines."""
    y, x = grid()
    tone = 0.78 + 0.1 * noise(rng, 220, 2) - 0.1 * (y > 0.45)
    for _ in range(26):
        cx, cy, radius = rng.uniform(0, 1), rng.uniform(0.3, 1.0), rng.uniform(0.06, 0.17)
        wobble = 1 + 0.13 * noise(rng, 90, 3)
        distance = np.hypot(x - cx, (y - cy) * 1.15) / radius * wobble
        ball = np.sqrt(np.clip(1 - distance**2, 0, 1))
        lit = np.clip(0.55 * ball - 0.55 * ((x - cx) + 1.1 * (y - cy)) / radius + 0.22, 0, 1)
        tone = np.where(distance < 1, lit, tone)
        fall = np.exp(
            -(((x - cx - radius) / radius) ** 2) - ((y - cy - radius) / (0.3 * radius)) ** 2
        )
        tone = np.where(distance < 1, tone, tone * (1 - 0.5 * fall))
        tone = np.where(np.abs(distance - 1) < 0.025, 0.02, tone)
    picture = np.zeros((WORK, WORK, 3)) + colours("#f3e9d2")[0]
    ink = colours("#1c1a22")[0]
    for level, angle in ((0.78, 0.75), (0.52, 2.25), (0.34, 1.5), (0.18, 0.1)):
        points = scattered(rng, 13, jitter=0.45)
        points = points[sampled(tone, points) < level + rng.normal(0, 0.03, len(points))]
        heading = angle + 0.12 * noise(rng, 140, 2)
        paths = traced(points, heading, 5, 7.0)
        weights = rng.integers(1, 3, len(points)).astype(float)
        picture, _ = strokes(picture, paths, np.repeat(ink[None], len(points), 0), weights)
    picture = over(picture, ink, soft(0.05 - tone, 0.03) * 0.9)
    return picture * paper(rng, 0.7)[..., None]


def linocut(rng: Random) -> Field:
    """A three-block print: gouges that follow the hills, a red sun, black ink on warm paper."""
    y, x = grid()
    flow = 0.07 * noise(rng, 380, 2)
    depth = y + flow
    level = np.floor(depth * 5.5)
    inside = depth * 5.5 - level
    bend = 0.5 * np.sin(level * 2.4)
    phase = (depth * 46 + x * 20 * bend + 1.6 * noise(rng, 220, 2)) * np.pi
    gouge = np.sin(phase) - (1.25 * inside - 0.55) - 0.25 * noise(rng, 18, 2)
    sun = 0.17 - np.hypot(x - 0.62, y - 0.28)
    rays = np.sin(np.arctan2(y - 0.28, x - 0.62) * 44) - 2.6 * (np.hypot(x - 0.62, y - 0.28) - 0.28)
    sky = soft(0.5 - depth, 0.004)
    carved = np.where(sky > 0.5, rays - 0.2 * noise(rng, 18, 2), gouge)
    black = soft(-carved, 0.16)
    sheet = colours("#efe3c8")[0]
    picture = np.zeros((WORK, WORK, 3)) + sheet
    picture = over(picture, colours("#d9a13b")[0], soft(depth - 0.5, 0.01) * (level % 2))
    picture = over(
        picture, colours("#3f7f7a")[0], soft(depth - 0.5, 0.01) * ((level + 1) % 2) * 0.9
    )
    picture = over(picture, colours("#1b1717")[0], black * np.where(sun > 0, 0, 1))
    picture = over(
        picture,
        colours("#c1272d")[0],
        soft(sun, 0.003) * soft(1.4 - np.sin(y * 300) - 3 * sun, 0.2),
    )
    patchy = np.clip(0.9 + 0.12 * noise(rng, 4) + 0.05 * noise(rng, 60, 2), 0, 1)
    return over(np.zeros_like(picture) + sheet, picture, patchy) * paper(rng, 0.8)[..., None]


def great_waves(rng: Random) -> Field:
    """Sea in Prussian blue and foam, in the manner of Edo-period prints."""
    y, x = grid()
    palette = colours("#f3e6c6", "#e9d3a4", "#cbd6c9")
    picture = along(palette, np.clip(y * 1.3, 0, 1))
    blues = colours("#0f2a56", "#1d4a86", "#3f79ae", "#8fb9cf", "#e9f0e4")
    for k in range(7):
        base = 0.2 + 0.125 * k
        turn = rng.uniform(0, 2 * np.pi)
        count = 1.6 + 0.45 * k
        lean = x + 0.05 * np.sin(2 * np.pi * count * x + turn + 0.9)
        swell = (0.075 + 0.02 * (k % 3)) * np.abs(np.sin(np.pi * count * lean + turn)) ** 0.7
        foam = 0.012 * np.abs(np.sin(2 * np.pi * 13 * x + 3 * noise(rng, 90, 2) + k))
        foam += 0.006 * np.abs(np.sin(2 * np.pi * 37 * x + 2 * noise(rng, 40, 2)))
        edge = y - base + swell + foam
        body = y - base + swell
        lines = np.clip(body * (34 - k) + 0.25 * noise(rng, 200, 2), 0, None)
        tone = blues[[0, 1, 2, 1, 3, 1, 0]][np.clip((lines % 7).astype(int), 0, 6)]
        tone = tone * (1.03 - 0.18 * (k % 2))
        picture = over(picture, blues[0], soft(edge + 0.006, 0.002))
        picture = over(picture, blues[4], soft(edge, 0.002))
        picture = over(picture, tone, soft(body - 0.016 - 0.8 * foam, 0.002))
        spray = scattered(rng, 26, jitter=0.7)
        near = sampled(edge, spray)
        spray = spray[(near < 0) & (near > -0.06) & (rng.random(len(spray)) < 0.4)]
        mask, draw = drawn()
        for px, py in spray:
            r = rng.uniform(1.5, 5)
            draw.ellipse([px - r, py - r, px + r, py + r], fill=255)
        picture = over(picture, blues[4], covered(mask))
    grain = 1 + 0.03 * noise(rng, 5) + 0.03 * np.sin(y * 420 + 3 * noise(rng, 200, 2))
    return picture * grain[..., None]


def halftone(rng: Random) -> Field:
    """A comic page: bold colours in cyan, magenta, yellow and black screens, black outlines."""
    y, x = grid()
    burst = np.arctan2(y - 0.55, x - 0.42)
    radius = np.hypot(x - 0.42, y - 0.55)
    picture = along(colours("#ffe94a", "#ff9d1e", "#ff4f4f"), np.clip(radius * 1.5, 0, 1))
    picture = over(picture, colours("#2fb6e9")[0], soft(np.sin(burst * 11), 0.03))
    star = radius - 0.24 * (1 + 0.32 * np.cos(burst * 9 + 0.6))
    picture = over(picture, colours("#f6275f")[0], soft(-star, 0.004))
    picture = over(picture, colours("#fff7e0")[0], soft(-star - 0.09, 0.004))
    for _ in range(7):
        cx, cy, r = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.04, 0.11)
        ball = r - np.hypot(x - cx, y - cy)
        picture = over(picture, colours("#18204a")[0], soft(ball + 0.008, 0.002))
        shade = np.clip(0.5 + (x - cx + y - cy) / r * 0.5, 0, 1)
        picture = over(
            picture, along(colours("#ffffff", "#ff6fb1", "#7b2cbf"), shade), soft(ball, 0.002)
        )
    outline = np.abs(star) - 0.006
    sheet = np.ones_like(picture) * colours("#fbf4e2")[0]
    inks = colours("#00a5e3", "#ec1c78", "#ffe100")
    blurred = gaussian_filter(picture, (5, 5, 0))
    for channel, angle, pitch in ((2, 0.0, 13.0), (0, 0.26, 13.0), (1, 1.3, 13.0)):
        u = (x * np.cos(angle) + y * np.sin(angle)) * WORK / pitch
        v = (-x * np.sin(angle) + y * np.cos(angle)) * WORK / pitch
        screen = 0.5 + 0.25 * (np.cos(2 * np.pi * u) + np.cos(2 * np.pi * v))
        cover = soft(1.04 * (1 - blurred[..., channel]) - screen, 0.06)
        sheet = sheet * (1 - cover[..., None] * (1 - inks[channel]))
    sheet = over(sheet, colours("#120f1c")[0], soft(-outline, 0.002))
    dark = gaussian_filter(picture.mean(-1), 1) < 0.22
    return over(sheet, colours("#120f1c")[0], dark.astype(float))


def blueprint(rng: Random) -> Field:
    """White and pale-blue draughtsman's lines on cyanotype paper: circuits, gears, dimensions."""
    y, x = grid()
    picture = along(colours("#0b3a75", "#14549b", "#0f4687"), spread(noise(rng, 260, 3)))
    for pitch, strength in ((16, 0.07), (80, 0.2)):
        rules = np.maximum(np.arange(WORK)[:, None] % pitch < 2, np.arange(WORK)[None] % pitch < 2)
        picture = over(picture, colours("#a9d2f5")[0], rules * strength)
    mask, draw = drawn()
    for _ in range(11):
        cx, cy, r = (float(v) for v in (*rng.uniform(60, WORK - 60, 2), rng.uniform(35, 130)))
        teeth = int(rng.integers(14, 30))
        rim: list[tuple[float, float]] = []
        for k in range(teeth * 4):
            a = 2 * np.pi * k / (teeth * 4)
            reach = r * (1.1 if k % 4 < 2 else 0.97)
            rim.append((cx + reach * np.cos(a), cy + reach * np.sin(a)))
        draw.polygon(rim, fill=0)
        draw.line([*rim, rim[0]], fill=255, width=4)
        for share in (0.8, 0.35, 0.12):
            s = r * share
            draw.ellipse([cx - s, cy - s, cx + s, cy + s], outline=230, width=3)
        for k in range(6):
            a = np.pi * k / 3 + 0.2
            c, s = np.cos(a), np.sin(a)
            draw.line(
                [(cx + c * r * 0.35, cy + s * r * 0.35), (cx + c * r * 0.8, cy + s * r * 0.8)],
                fill=220,
                width=3,
            )
        draw.line([(cx - r * 1.5, cy), (cx + r * 1.5, cy)], fill=140, width=2)
        draw.line([(cx, cy - r * 1.5), (cx, cy + r * 1.5)], fill=140, width=2)
    for _ in range(60):
        px, py = (int(v) * 16 for v in rng.integers(0, WORK // 16, 2))
        path = [(px, py)]
        for _ in range(int(rng.integers(2, 6))):
            along_x = rng.random() < 0.5
            step = int(rng.integers(-9, 10)) * 16
            px, py = (px + step, py) if along_x else (px, py + step)
            path.append((px, py))
        draw.line(path, fill=200, width=3)
        for ex, ey in (path[0], path[-1]):
            draw.ellipse([ex - 7, ey - 7, ex + 7, ey + 7], fill=0, outline=255, width=3)
    lines = covered(mask)
    faded = np.clip(0.9 + 0.16 * noise(rng, 9, 2), 0, 1)
    picture = over(picture, colours("#7fb8f0")[0], gaussian_filter(lines, 4) * 0.35)
    picture = over(picture, colours("#eef7ff")[0], lines * faded)
    crease = soft(2.5 - np.abs(x - 0.5) * WORK, 2) + soft(2.5 - np.abs(y - 0.5) * WORK, 2)
    picture = over(picture, colours("#cfe4f7")[0], np.clip(crease, 0, 1) * 0.35)
    return picture * paper(rng, 1.0)[..., None]


def art_deco(rng: Random) -> Field:
    """Gilded fans on black and emerald lacquer."""
    reach = WORK // 8  # a fan's radius
    picture = np.zeros((WORK, WORK, 3))
    gilt = _gold(rng)
    lacquers = colours("#0b1416", "#0d4a44", "#16293d", "#5c1526")
    for row in range(-1, 17):
        for column in range(-1, 6):
            cx = (2 * column + row % 2) * reach
            cy = row * reach // 2 + 20
            rows = slice(max(0, cy - reach), min(WORK, cy + reach))
            columns = slice(max(0, cx - reach), min(WORK, cx + reach))
            if rows.stop <= rows.start or columns.stop <= columns.start:
                continue
            y, x = np.mgrid[rows, columns]
            radius = np.hypot(x - cx, y - cy) / reach
            rays = np.sin(np.arctan2(y - cy, x - cx) * 18) * 0.5
            inside = soft(1 - radius, 0.01)
            tone = lacquers[(row * 3 + column * 5) % 4] * (1.35 - 0.6 * radius)[..., None]
            gilded = soft(rays - 0.28, 0.2) * (radius > 0.42) * (radius < 0.78)
            for at, width in (
                (0.97, 0.03),
                (0.88, 0.014),
                (0.8, 0.012),
                (0.4, 0.022),
                (0.3, 0.012),
            ):
                gilded = np.maximum(gilded, soft(width - np.abs(radius - at), 0.012))
            gilded = np.maximum(gilded, soft(0.17 - radius, 0.02))
            fan = over(picture[rows, columns], tone, inside)
            picture[rows, columns] = over(fan, gilt[rows, columns], gilded * inside)
    return picture * (1 + 0.03 * noise(rng, 6)[..., None])


def _gold(rng: Random) -> NDArray[np.float64]:
    shine = spread(noise(rng, 200, 2) + 0.35 * noise(rng, 20, 2))
    gold = along(colours("#6d4a12", "#b8862d", "#e9c766", "#fff3c0", "#c9973a", "#8a5f1c"), shine)
    return gold * light(noise(rng, 6) * 0.4, 0.12)[..., None]
