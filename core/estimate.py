"""What a recipe will take, before it is run: tiles, seconds, memory.

Seconds of the engine are measured in this process (its last tile, or a quick try); those of the
other parts are a share of it, as measured beside it on one machine. Both are meant as "about".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .engines import Engine, Wanted
from .geometry import Bounds, Extent
from .masks import Mask, box_of

MARGIN = 8  # px of the working size around a region's box, for what looks at neighbours

# Seconds a pixel of a tile on one machine, by engine: what is slower than that elsewhere makes
# everything else as much slower.
NOMINAL_PACES = {
    "adaattn": 5.2e-7, "adaattn-published": 1.4e-5, "zmnet": 2.6e-7, "gatys": 1.9e-4,
}  # fmt: skip
NOMINAL_PACE = NOMINAL_PACES["adaattn"]  # of any other engine
WORTH_A_TRY = 6.0  # s of nominal pace; for less it has to do
# Seconds a megapixel of the picture on that machine.
FINDING, MASK, COMPOSITING, SAVING = 0.01, 0.04, 0.035, 0.03
LOOKING = 0.3  # s: one look of the segmenter, whatever the size

POLISHED_SIDE = 512  # px, long side of the picture that polishing tries
POLISHING = 3  # tiles of that size, in whose time one step of polishing is done
POLISHED_BYTES = {"bfloat16": 1700, "float32": 3200}  # a pixel of that picture, at the peak

STORED = 6  # bytes a pixel of a stylised region: canvas.store's uint16
MASK_BYTES = 4
BROUGHT_UP = 100  # bytes a pixel of a region that is brought up from a smaller size
STRIPS = 100_000_000  # bytes: what is held for one strip of the picture
ENCODED = 4  # bytes a pixel: Pillow's own copy of an 8-bit picture


@dataclass(frozen=True)
class Site:
    """Where one region is repainted: a box of the picture, `part` of the working size, and of
    its boxes those where anything will show. steps: of polishing."""

    name: str
    box: Bounds
    part: Bounds
    wanted: Wanted | None = None
    steps: int = 0


@dataclass(frozen=True)
class Estimate:
    """work: the size worked at. tiles: how many the engine takes for all regions. parts:
    seconds of each part of the work, in order. peak_bytes: of the process, held_bytes what it
    holds already; free_bytes: what it could still get."""

    work: Extent
    tiles: int
    parts: Mapping[str, float]
    peak_bytes: int
    held_bytes: int
    free_bytes: int

    @property
    def seconds(self) -> float:
        return sum(self.parts.values())

    @property
    def short(self) -> bool:
        """Whether memory will hardly do."""
        return self.peak_bytes - self.held_bytes > self.free_bytes

    def __str__(self) -> str:
        tiles = f"{self.tiles} tile{'' if self.tiles == 1 else 's'}"
        line = f"{self.work.width} x {self.work.height} px in {tiles}, {self.about()}"
        if self.short:
            line += f"; only {self.free_bytes / 1e9:.1f} GB more are free"
        return line

    def about(self) -> str:
        """Time and memory in words."""
        seconds = self.seconds
        units = {"s": seconds, "min": seconds / 60, "h": seconds / 3600}
        unit = "s" if seconds < 90 else "min" if seconds < 5400 else "h"
        time = f"{units[unit]:.0f} {unit}"
        return f"about {time} and {self.peak_bytes / 1e9:.1f} GB"


def site_of(
    name: str, mask: Mask | None, full: Extent, work: Extent, *, all_of_it: bool
) -> Site | None:
    """Where the region of that mask [H, W] is repainted; None where the mask is 0.

    mask: None for one that is not known yet, which may be the whole picture. all_of_it: also
    what the mask hides within its box, as layers show it to who moves their edges.
    """
    if mask is None:
        return Site(name, Bounds.whole(full), Bounds.whole(work))
    box = box_of(mask)
    if box is None:
        return None

    def wanted(tile: Bounds) -> bool:
        return bool(mask[tile.grown(MARGIN, work).scaled(work, full).slices].any())

    part = box.scaled(full, work).grown(MARGIN, work)
    return Site(name, box, part, None if all_of_it else wanted)


def estimated(
    full: Extent,
    work: Extent,
    sites: Sequence[Site],
    engine: Engine,
    *,
    masks: int,
    sample_bytes: int = 1,
    loaded: bool = True,
    layers: bool = False,
) -> Estimate:
    """What repainting these sites takes. masks: number of regions. sample_bytes: of the
    picture's samples. loaded: whether the process holds the picture already."""
    from .device import free_memory

    plans = [engine.plan(work, site.part, wanted=site.wanted) for site in sites]
    held = _held()
    picture = full.pixels * 3 * sample_bytes
    kept = full.pixels * MASK_BYTES * masks + (0 if loaded else picture)
    kept += 0 if work == full else work.pixels * 3 * sample_bytes
    painted = STORED * sum(plan.shown for plan in plans)
    engines = [plan.peak_bytes for plan in plans]
    tried = [polishing_pixels(work, site.steps) for site in sites]
    if any(tried):
        each = POLISHED_BYTES.get(engine.dtype, max(POLISHED_BYTES.values()))
        engines.append(work.fitted(POLISHED_SIDE).pixels * each)
    peaks = [
        kept + 2 * MASK_BYTES * full.pixels,  # while masks are made
        kept + painted + max(engines, default=0),
        kept + painted + picture + STRIPS + _beside(sites, full, work, sample_bytes, layers),
        kept + picture + ENCODED * full.pixels,  # saving
    ]
    pixels = sum(tried) + sum(plan.pixels for plan in plans)
    nominal = NOMINAL_PACES.get(engine.name, NOMINAL_PACE)
    pace = engine.pace() if pixels * nominal >= WORTH_A_TRY else nominal
    slower, megapixels = pace / nominal, full.pixels / 1e6
    parts = {name: slower * seconds for name, seconds in selecting(full, masks).items()}
    parts |= {
        f"styling {number}": pace * (plan.pixels + extra)
        for number, (plan, extra) in enumerate(zip(plans, tried, strict=True))
    }
    parts |= {"compositing": slower * megapixels * COMPOSITING}
    parts |= {"saving": slower * megapixels * SAVING}
    return Estimate(
        work=work,
        tiles=sum(len(plan.tiles) for plan in plans),
        parts=parts,
        peak_bytes=held + max(peaks),
        held_bytes=held,
        free_bytes=free_memory(),
    )


def polishing_pixels(work: Extent, steps: int) -> float:
    """Pixels of a tile that take as long to paint as a region takes to polish."""
    return work.fitted(POLISHED_SIDE).pixels * steps * POLISHING


def selecting(full: Extent, masks: int) -> dict[str, float]:
    """Seconds of finding a recipe's regions and of making their masks, at nominal pace."""
    megapixels = full.pixels / 1e6
    return {"finding": LOOKING + megapixels * FINDING, "masks": megapixels * MASK * masks}


def _beside(
    sites: Sequence[Site], full: Extent, work: Extent, sample_bytes: int, layers: bool
) -> int:
    """Bytes that compositing takes for bringing regions up, and for layers."""
    total = 0
    if work != full:
        total += BROUGHT_UP * sum(site.part.extent.pixels for site in sites)
    if layers:
        total += 4 * sample_bytes * sum(site.box.extent.pixels for site in sites)
    return total


def _held() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)
