"""AdaAttN paper, sections 4.2.1, 4.2.2, 5.1 and 5.2: fewer modules, and the losses' balance."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch

from ....weights.store import load_weights
from ...nets.adaattn import AdaAttN, AdaAttNConfig, paper
from ...nets.perceptual import global_style_loss, local_feature_loss
from ...perceptual_weights import load_perceptual
from ...train.adaattn import AdaAttNTask, AdaAttNTraining
from ...train.data import find_pictures
from ..methods import Method
from .frame import Bench, Cell, Experiment, Outcome, Shown, Table
from .judging import (
    UNSEEN_STYLES,
    error_of,
    figures_table,
    held_out,
    judge_of,
    judged,
    means,
    network_method,
    sheet,
    shipped_photos,
    shipped_styles,
)
from .scales import BALANCE, LEVELS, TIMED_ROUNDS, Scale
from .training import Trained, described, settings, trained

PAPER_SECONDS = {"all": 128.0, "without 4_1": 115.0}  # an epoch
MODULES = {"all": (3, 4, 5), "without 4_1": (3, 5), "without 5_1": (3, 4)}
BALANCES = (1.0, 0.75, 0.5, 0.25, 0.0)  # lambda_g; lambda_l is the rest
WIDE_SIZE = 96  # px, of the steps of the paper's own network that are timed


def attention_settings(bench: Bench, scale: Scale) -> AdaAttNTraining:
    """Equation 8 alone, lambda_g = lambda_l. A common factor changes nothing under Adam."""
    return settings(
        AdaAttNTraining,
        bench,
        scale,
        start="",
        style_weight=0.5,
        local_weight=0.5,
        content_weight=0.0,
        gram_weight=0.0,
        grid_weight=0.0,
        fine_weight=0.0,
        variation_weight=0.0,
        smallest_crop=0.4,
    )


def attention_run(bench: Bench, config: AdaAttNTraining) -> Trained:
    """Named after what differs, so that experiments share the run that is the same."""
    name = "adaattn-{}-g{:g}-l{:g}-s{:g}".format(
        "".join(map(str, config.layers)),
        config.style_weight,
        config.local_weight,
        config.skew_weight,
    )
    return trained(bench, name, lambda: AdaAttNTask(config), config)


def attention_method(name: str, weights: Path) -> Method:
    state, metadata = load_weights(weights)
    network = AdaAttN(AdaAttNConfig.from_json(metadata["config"]))
    network.load_state_dict({k: v.float() for k, v in state.items()})
    network.eval().requires_grad_(False)
    return network_method(name, network)


def run_levels(bench: Bench, folder: Path) -> Outcome:
    base = attention_settings(bench, LEVELS)
    configs = {name: replace(base, layers=layers) for name, layers in MODULES.items()}
    runs = {name: attention_run(bench, config) for name, config in configs.items()}
    methods = [attention_method(name, r.weights) for name, r in runs.items()]
    judge, judge_name = judge_of(bench)
    pairs = held_out(bench, bench.count(LEVELS.pairs, 2))
    found = judged(methods, pairs, judge, LEVELS.shown)
    shown = list(zip(shipped_photos(4), shipped_styles(UNSEEN_STYLES[:4]), strict=True))
    sheet(methods, shown, folder / "modules.jpg", size=LEVELS.shown)
    compact = step_seconds(
        {n: AdaAttN(AdaAttNConfig(layers=layers)) for n, layers in MODULES.items()},
        LEVELS, bench,
    )  # fmt: skip
    wide = step_seconds(
        {n: AdaAttN(replace(paper(), layers=layers)) for n, layers in MODULES.items()},
        Scale(size=WIDE_SIZE, batch=1), bench,
    )  # fmt: skip
    steps = len(find_pictures(bench.data.content)) / LEVELS.batch
    rows: list[tuple[Cell, ...]] = [
        (name, compact[name], compact[name] * steps, compact[name] / compact["all"],
         wide[name] / wide["all"], PAPER_SECONDS.get(name),
         PAPER_SECONDS[name] / PAPER_SECONDS["all"] if name in PAPER_SECONDS else None)
        for name in MODULES
    ]  # fmt: skip
    spread = max(means(r)["style"] for r in found.values()) - min(
        means(r)["style"] for r in found.values()
    )
    error = max(error_of(r, "style") for r in found.values())
    return Outcome(
        about=[
            described(bench, LEVELS, [*runs.values()]),
            "The compact network with equation 8 alone, lambda_g = lambda_l. A step is timed in "
            "float32 on fixed crops, the networks by turns, in processor time, the median of "
            f"{TIMED_ROUNDS} rounds; the paper's own network (VGG-19, random weights) with one "
            f"crop of {WIDE_SIZE} px. An epoch is {steps:.0f} steps: our photos once.",
            f"Judged by {judge_name} on {len(pairs)} held-out photos and paintings, "
            f"{LEVELS.shown} px.",
        ],
        tables=[
            figures_table(found, "What the modules are worth."),
            Table(
                ("modules", "s a step", "s an epoch", "ratio", "ratio, paper's network",
                 "paper: s an epoch", "paper: ratio"),
                rows, "What they cost.",
            ),
        ],
        notes=[
            f"Style differs by at most {spread:.3f} between the three, with a standard error of "
            f"{error:.3f} each.",
            f"Without 4_1 a step takes {saved(compact):.0%} less, {saved(wide):.0%} in the paper's "
            f"network; the paper's 128 and 115 s are {saved(PAPER_SECONDS):.0%}, where its text "
            "says 13%.",
        ],
        pictures=[
            Shown("modules.jpg", "Photo, style, all modules, without 4_1, without 5_1 (figure 9)")
        ],
    )  # fmt: skip


def saved(seconds: Mapping[str, float]) -> float:
    return 1 - seconds["without 4_1"] / seconds["all"]


def step_seconds(networks: dict[str, AdaAttN], scale: Scale, bench: Bench) -> dict[str, float]:
    """Median processor seconds of a training step, the networks by turns: whatever else the
    machine does meets them alike."""
    perceptual, _ = load_perceptual(bench.data.vgg16)
    torch.manual_seed(0)
    content, style = torch.rand(2, scale.batch, 3, scale.size, scale.size)
    optimizers = {}
    for name, network in networks.items():
        network.encoder.requires_grad_(False)
        learned = [p for p in network.parameters() if p.requires_grad]
        optimizers[name] = torch.optim.Adam(learned)
    taken: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(bench.count(TIMED_ROUNDS, 2) + 1):
        for name, network in networks.items():
            start = time.process_time()
            with torch.no_grad():
                of_content, of_style = perceptual(content), perceptual(style)
            of_output = perceptual(network(content, style))
            loss = global_style_loss(of_output, of_style) + local_feature_loss(
                of_output, of_content, of_style, network.config.layers
            )
            loss.mean().backward()
            optimizers[name].step()
            optimizers[name].zero_grad()
            taken[name].append(time.process_time() - start)
    return {name: median(seconds[1:]) for name, seconds in taken.items()}  # the first warms up


def run_balance(bench: Bench, folder: Path) -> Outcome:
    base = attention_settings(bench, BALANCE)
    runs = [
        attention_run(bench, replace(base, style_weight=share, local_weight=1 - share))
        for share in BALANCES
    ]
    methods = [
        attention_method(f"{share:g} : {1 - share:g}", run.weights)
        for share, run in zip(BALANCES, runs, strict=True)
    ]
    judge, judge_name = judge_of(bench)
    pairs = held_out(bench, bench.count(BALANCE.pairs, 2))
    found = judged(methods, pairs, judge, BALANCE.shown)
    shown = list(zip(shipped_photos(3), shipped_styles(UNSEEN_STYLES[:3]), strict=True))
    sheet(methods, shown, folder / "global-local.jpg", size=BALANCE.shown)
    first, last = means(found[methods[0].name]), means(found[methods[-1].name])
    return Outcome(
        about=[
            described(bench, BALANCE, runs),
            "The compact network, equation 8 alone. Judged by "
            f"{judge_name} on {len(pairs)} held-out photos and paintings, {BALANCE.shown} px.",
        ],
        tables=[figures_table(found, "lambda_g : lambda_l.")],
        notes=[
            f"From the global loss alone to the local loss alone, style goes from "
            f"{first['style']:.3f} to {last['style']:.3f} and content from "
            f"{first['content']:.3f} to {last['content']:.3f}.",
        ],
        pictures=[
            Shown("global-local.jpg", "Photo, style, lambda_g : lambda_l from 1 : 0 to 0 : 1 "
                  "(figure 10)")
        ],
    )  # fmt: skip


LEVELS_EXPERIMENT = Experiment(
    "modules",
    "Without an attention module",
    "AdaAttN, sections 4.2.1 and 5.1, figure 9",
    "Results without 4_1 or without 5_1 look the same; an epoch takes 115 s without 4_1, 128 s "
    "with all.",
    run_levels,
    needs=("content", "style", "test_content", "test_style"),
)
BALANCE_EXPERIMENT = Experiment(
    "global-local",
    "Global against local loss",
    "AdaAttN, sections 4.2.2 and 5.2, figure 10",
    "Without the global loss a picture misses the style's essence, without the local loss it is "
    "crude; most people prefer a blend.",
    run_balance,
    needs=("content", "style", "test_content", "test_style"),
)
