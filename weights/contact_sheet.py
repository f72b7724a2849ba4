"""Rows of small pictures with their names beneath, as one picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

Tile = tuple[str, Image.Image]  # caption and picture

PAPER, INK = (250, 248, 244), (40, 38, 36)
GAP = 6  # px


def contact_sheet(
    tiles: Sequence[Tile], *, columns: int, side: int, square: bool = True
) -> Image.Image:
    """tiles from left to right, top to bottom, each fitted into `side` px.

    square: cut to a square; else the whole picture, centred.
    """
    font = ImageFont.load_default(size=12)
    caption = 18 if any(name for name, _ in tiles) else 0
    rows = -(-len(tiles) // columns)
    step_x, step_y = side + GAP, side + GAP + caption
    sheet = Image.new("RGB", (columns * step_x + GAP, rows * step_y + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for k, (name, picture) in enumerate(tiles):
        x, y = GAP + k % columns * step_x, GAP + k // columns * step_y
        rgb = picture.convert("RGB")
        if square:
            small = ImageOps.fit(rgb, (side, side), Image.Resampling.LANCZOS)
        else:
            small = ImageOps.contain(rgb, (side, side), Image.Resampling.LANCZOS)
        sheet.paste(small, (x + (side - small.width) // 2, y + (side - small.height) // 2))
        draw.text((x + side / 2, y + side + 1), name, fill=INK, font=font, anchor="ma")
    return sheet
