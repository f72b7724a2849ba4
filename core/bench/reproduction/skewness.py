"""AdaAttN paper, sections 4.2.3 and 5.3: skewness in the style loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ...nets.perceptual import global_style_loss, skewness
from ...nets.statistics import normalise
from .attention import attention_method, attention_run, attention_settings
from .frame import Bench, Experiment, Outcome, Shown, Table, save_picture
from .judging import (
    UNSEEN_STYLES,
    figures_table,
    held_out,
    judge_of,
    judged,
    means,
    sheet,
    shipped_photos,
    shipped_styles,
)
from .plots import figure, picture_in
from .scales import SKEWNESS as SCALE
from .training import described

SHAPE = 2.0  # of the gamma distribution: its skewness is 2 / sqrt(shape)
SKEW_WEIGHT = 0.2  # of the term in training: about a fifth of what the loss begins with


def run(bench: Bench, folder: Path) -> Outcome:
    example, curves = _example()
    save_picture(curves, folder / "skewness-example.jpg")
    base = attention_settings(bench, SCALE)
    names = ("without skewness", "with skewness")
    runs = [
        attention_run(bench, config) for config in (base, replace(base, skew_weight=SKEW_WEIGHT))
    ]
    methods = [attention_method(n, r.weights) for n, r in zip(names, runs, strict=True)]
    judge, judge_name = judge_of(bench)
    pairs = held_out(bench, bench.count(SCALE.pairs, 2))
    found = judged(methods, pairs, judge, SCALE.shown)
    shown = list(zip(shipped_photos(4), shipped_styles(UNSEEN_STYLES[:4]), strict=True))
    sheet(methods, shown, folder / "skewness.jpg")
    a, b = (means(found[n]) for n in names)
    return Outcome(
        about=[
            described(bench, SCALE, runs),
            f"Weight of the skewness term: {SKEW_WEIGHT}. Judged by {judge_name} on "
            f"{len(pairs)} held-out photos and paintings, {SCALE.shown} px.",
        ],
        tables=[example, figures_table(found, "Trained without and with the term.")],
        notes=[
            "The loss of means and deviations can't tell a gamma from a normal distribution of "
            "the same moments; with the skewness term it can.",
            f"In pictures the term changes style by {b['style'] - a['style']:+.3f} and content by "
            f"{b['content'] - a['content']:+.3f}; the paper's authors saw no difference.",
        ],
        pictures=[
            Shown("skewness-example.jpg", "The two distributions of the example (figure 6)"),
            Shown("skewness.jpg", "Photo, style, trained without and with skewness (figure 11)"),
        ],
    )


def distributions(positions: int = 64) -> dict[str, Tensor]:
    """Feature maps [1, 16, P, P] of mean 3 and deviation 1.5: normal, normal drawn again, gamma."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, 16, positions, positions)
    normal = torch.randn(shape, generator=generator)
    again = torch.randn(shape, generator=generator)
    # A gamma distribution of shape 2 is the sum of two exponential ones.
    parts = -torch.log1p(-torch.rand(int(SHAPE), *shape, generator=generator))
    drawn = {"normal": normal, "normal, drawn again": again, "gamma": parts.sum(0)}
    return {name: 3 + 1.5 * normalise(x) for name, x in drawn.items()}


def _example() -> tuple[Table, Image.Image]:
    maps = distributions()
    wanted = [maps["normal"]]
    rows = [
        (name, float(x.mean()), float(x.std()), float(skewness(x).mean()),
         float(global_style_loss([x], wanted)), float(global_style_loss([x], wanted, skew=1.0)))
        for name, x in maps.items()
    ]  # fmt: skip
    columns = ("features", "mean", "deviation", "skewness", "loss without", "loss with skewness")
    caption = "Equation 9's distance from normal features, without and with the skewness term."
    return Table(columns, rows, caption), _histograms(maps)


def _histograms(maps: dict[str, Tensor]) -> Image.Image:
    with figure(5, 2.6) as (axes, out):
        for name in ("normal", "gamma"):
            axes.hist(maps[name].flatten().numpy(), bins=120, histtype="step", density=True,
                      label=name)  # fmt: skip
        axes.set(xlabel="feature", ylabel="density", xlim=(-2, 11))
        axes.legend()
    return picture_in(out)


EXPERIMENT = Experiment(
    "skewness",
    "Skewness in the style loss",
    "AdaAttN, sections 4.2.3 and 5.3, figures 6 and 11",
    "Means and deviations can't tell a gamma distribution from a normal one; a skewness term can, "
    "but the results looked very similar.",
    run,
    needs=("content", "style", "test_content", "test_style"),
)
