"""Polishing, with the networks that ship: nearer to the style, and the photograph still there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file

from semantic_style.core.bench.measures import Judge
from semantic_style.core.device import choose_device
from semantic_style.core.engines import Polishing, Word
from semantic_style.core.engines.adaattn import AdaAttNEngine
from semantic_style.core.engines.polish import Look, mixed_looks, polished
from semantic_style.core.engines.zmnet import ZMNetEngine
from semantic_style.core.errors import Cancelled, RequestError
from semantic_style.core.nets.adaattn import AdaAttN, AdaAttNConfig
from semantic_style.core.nets.encoder import EncoderConfig
from semantic_style.core.nets.statistics import Moments
from semantic_style.core.nets.transformer_net import plain
from semantic_style.core.perceptual_weights import load_distilled
from semantic_style.core.progress import CancelToken
from semantic_style.weights.style_store import StyleStore

Floats = NDArray[np.float32]
STEPS = 8


def opened(path: Path, side: int) -> Floats:
    with Image.open(path) as image:
        picture = image.convert("RGB")
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(picture, dtype=np.float32) / 255


@pytest.fixture(scope="module")
def photo() -> Floats:
    return opened(StyleStore().photo("neuschwansteinCastle").path, 224)


@pytest.fixture(scope="module")
def style() -> Floats:
    return opened(StyleStore().get("great-waves").path, 256)


@pytest.fixture(scope="module", params=[AdaAttNEngine, ZMNetEngine])
def engine(request: pytest.FixtureRequest) -> AdaAttNEngine | ZMNetEngine:
    if request.param is ZMNetEngine:
        return ZMNetEngine(device="cpu", cached=False)
    return AdaAttNEngine(device="cpu")


def as_image(picture: Floats) -> Image.Image:
    return Image.fromarray(np.rint(picture * 255).astype(np.uint8))


def test_a_polished_picture_is_nearer_to_its_style(
    engine: AdaAttNEngine | ZMNetEngine, photo: Floats, style: Floats
) -> None:
    """Also at another size than the one that was tried; the photograph can still be seen."""
    assert isinstance(engine, Polishing)
    mixture = [(engine.prepare(style), 1.0)]
    heard: list[float] = []
    nearer = engine.polish(
        photo, mixture, [(style, None)], steps=STEPS, progress=lambda _, share: heard.append(share)
    )
    assert heard == sorted(heard)
    assert heard[-1] == 1
    judge = Judge(load_distilled())
    for size in (224, 320):
        content = np.asarray(as_image(photo).resize((size, size)), dtype=np.float32) / 255
        looks = [judge.look(as_image(x)) for x in (content, style)]
        before, after = (
            judge.compare(*looks, judge.look(as_image(engine.stylize(content, each))))
            for each in (mixture, nearer)
        )
        assert after.style < 0.9 * before.style
        assert after.content < 0.75  # 1: all is lost


def test_only_the_meant_parts_are_looked_at(
    engine: AdaAttNEngine | ZMNetEngine, photo: Floats, style: Floats
) -> None:
    mixture = [(engine.prepare(style), 1.0)]
    part = np.zeros(style.shape[:2], np.float32)
    part[: part.shape[0] // 3] = 1
    sky = np.zeros(photo.shape[:2], np.float32)
    sky[: sky.shape[0] // 3] = 1
    pictures = [
        engine.stylize(photo, engine.polish(photo, mixture, [(style, each)], steps=2, region=where))
        for each, where in ((None, None), (part, None), (None, sky), (None, 0 * sky))
    ]
    for other in pictures[1:3]:
        assert np.abs(other - pictures[0]).mean() > 1e-3
    assert (pictures[3] == pictures[0]).all()  # a region that is empty bounds nothing


def test_a_mixture_stays_one(
    engine: AdaAttNEngine | ZMNetEngine, photo: Floats, style: Floats
) -> None:
    other = opened(StyleStore().get("mosaic").path, 256)
    mixture = [(engine.prepare(style), 0.25), (engine.prepare(other), 0.75)]
    nearer = engine.polish(photo, mixture, [(style, None), (other, None)], steps=2)
    assert [weight for _, weight in nearer] == [0.25, 0.75]
    painted = [engine.stylize(photo, each) for each in (mixture, nearer)]
    assert np.abs(painted[0] - painted[1]).mean() > 1e-3


def test_it_can_be_stopped_and_says_what_it_can_not_do(
    engine: AdaAttNEngine | ZMNetEngine, photo: Floats, style: Floats
) -> None:
    mixture = [(engine.prepare(style), 1.0)]
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        engine.polish(
            photo, mixture, [(style, None)], steps=50, cancel=cancel,
            progress=lambda _, share: cancel.cancel() if share else None,
        )  # fmt: skip
    with pytest.raises(RequestError, match="word:night"):
        engine.polish(photo, mixture, [(Word("night"), None)], steps=2)
    tiny = np.full((5, 9, 3), 0.4, np.float32)  # flat, and smaller than any window
    nearer = engine.polish(tiny, mixture, [(style, None)], steps=2)
    assert np.isfinite(engine.stylize(tiny, nearer)).all()


def test_the_papers_decoder_has_nothing_to_polish(tmp_path: Path, photo: Floats) -> None:
    torch.manual_seed(0)
    config = AdaAttNConfig(EncoderConfig(widths=(4, 6, 8, 8, 8)), painter=None)
    state = {k: v.contiguous() for k, v in AdaAttN(config).state_dict().items()}
    save_file(state, tmp_path / "paper.safetensors", {"config": config.to_json()})
    engine = AdaAttNEngine(tmp_path / "paper.safetensors", "cpu")
    with pytest.raises(RequestError, match="nothing to polish"):
        engine.polish(photo, [(engine.prepare(photo), 1.0)], [(photo, None)], steps=2)


def look(seed: int) -> Look:
    torch.manual_seed(seed)
    levels = tuple(Moments(torch.rand(1, 4, 1, 1), torch.rand(1, 4, 1, 1)) for _ in range(5))
    return Look(levels, tuple(torch.rand(1, 4, 4) for _ in range(5)), torch.rand(1, 3, 32, 17))


def test_looks_are_mixed_linearly() -> None:
    one, other = look(0), look(1)
    for mixture in ([(one, 1.0)], [(one, 0.3), (one, 0.7)], [(one, 1.0), (other, 0.0)]):
        mixed = mixed_looks(mixture)
        assert torch.allclose(mixed.moments[2].deviation, one.moments[2].deviation)
        assert torch.allclose(mixed.grams[3], one.grams[3])
    half = mixed_looks([(one, 0.5), (other, 0.5)])
    wanted = (one.moments[1].mean + other.moments[1].mean) / 2
    assert torch.allclose(half.moments[1].mean, wanted)
    assert (half.patterns >= torch.maximum(one.patterns, other.patterns)).all()


def test_the_best_step_is_kept() -> None:
    """Where every step leads away the answer is the start, and so it is where nothing is finite."""
    network = load_distilled()
    photo, start = torch.rand(1, 3, 64, 64), plain(torch.ones(1, 4), torch.zeros(1, 4))
    device = choose_device("cpu", exact=True)
    ours = look(0)
    shown = network(photo)
    ours = replace(
        ours,
        moments=tuple(Moments(f.mean((2, 3), True), f.std((2, 3), keepdim=True)) for f in shown),
        grams=tuple(f.flatten(2) @ f.flatten(2).mT / f[0, 0].numel() for f in shown),
    )
    for away in (1.0, float("nan")):
        tries: list[int] = []
        found = polished(
            network,
            lambda p, away=away: photo + away * (p.gamma - 1).abs().sum() * (photo - 0.5),
            start, photo, ours, steps=3, device=device, each=tries.append,
        )  # fmt: skip
        assert torch.equal(found.gamma, start.gamma)
        assert torch.equal(found.beta, start.beta)
