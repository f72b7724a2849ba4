"""`bench words`: the probe tells night from day, and words are measured by it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from semantic_style.core.bench.probe import Probe, accuracy, brightness, exposed, features_of
from semantic_style.core.bench.words import AS_OURS, Sources, findings, main, run, table
from semantic_style.core.engines.zmnet import ZMNetEngine
from semantic_style.core.errors import RequestError
from semantic_style.core.nets.encoder import Encoder, EncoderConfig

from ...zmnet_tiny import tiny_zmnet


@pytest.fixture(scope="module")
def network() -> Encoder:
    torch.manual_seed(0)
    return Encoder(EncoderConfig(widths=(4, 4, 4, 4, 4))).requires_grad_(False).eval()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ZMNetEngine:
    return ZMNetEngine(*tiny_zmnet(tmp_path_factory.mktemp("weights")), "cpu", cached=False)


def picture(kind: str, rng: np.random.Generator) -> Image.Image:
    """Day: bright patches. Night: dark, with a few lights."""
    array = rng.integers(120, 256, (16, 20, 3)).repeat(4, 0).repeat(4, 1)
    if kind == "night":
        array = array // 10
        array[rng.integers(0, 64, 30), rng.integers(0, 80, 30)] = 255
    return Image.fromarray(array.astype(np.uint8))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for folder, kind, count in (("day", "day", 8), ("night", "night", 8), ("photos", "day", 3)):
        (root / folder).mkdir()
        for k in range(count):
            picture(kind, rng).save(root / folder / f"{k}.png")
    picture("night", rng).save(root / "photos" / "dark.png")
    return root


def sources(folders: Path, trained: Path | None = None) -> Sources:
    return Sources([folders / "day"], [folders / "night"], folders / "photos", trained)


def test_a_linear_probe_learns_what_is_linear() -> None:
    torch.manual_seed(0)
    features = torch.randn(60, 5) * torch.tensor([1.0, 10, 0.1, 3, 1]) + 4
    night = (features[:, 1] > 4).float()
    assert accuracy(features, night) > 0.85
    probe = Probe.fitted(features, night)
    assert (((probe(features) > 0) == night.bool()).float().mean()) > 0.95
    noise = (torch.rand(60) > 0.5).float()
    assert accuracy(features, noise) < 0.75  # not by heart


def test_exposure_changes_brightness_and_nothing_else() -> None:
    photo = picture("day", np.random.default_rng(1))
    for mean in (0.1, 0.4, 0.8):
        assert brightness(exposed(photo, mean)) == pytest.approx(mean, abs=0.01)
    dark = np.asarray(exposed(photo, 0.1), float)
    light = np.asarray(photo, float)
    assert np.corrcoef(dark.ravel(), light.ravel())[0, 1] > 0.99
    black = Image.new("RGB", (8, 8))
    assert brightness(exposed(black, 0.5)) == 0


def test_a_probe_that_is_shown_one_brightness_can_not_go_by_it(network: Encoder) -> None:
    photo = picture("day", np.random.default_rng(2))
    looks = [
        features_of(network, [photo, exposed(photo, 0.2)], same_light=same)
        for same in (False, True)
    ]
    apart = [float((look[0] - look[1]).abs().mean()) for look in looks]
    assert apart[1] < 0.2 * apart[0]


def test_the_report(engine: ZMNetEngine, network: Encoder, folders: Path, tmp_path: Path) -> None:
    words = ("noon", "evening", "night")
    report = run(
        engine, network, "a tiny network", sources(folders), words=words, count=3, size=64,
        sheet=tmp_path / "sheet.jpg", shown=2,
    )  # fmt: skip
    by = {row["method"]: row for row in report.rows}
    assert list(by)[:4] == ["photo", "word:noon", "word:evening", "word:night"]
    assert report.about["accuracy"] > 0.9
    assert by["photo"]["night_share"] == 0
    assert "dark.png" not in report.about["photos"]  # the surest days are taken
    assert by[AS_OURS]["luminance"] == pytest.approx(by["word:night"]["luminance"], abs=0.02)
    found = report.about["findings"]
    assert sorted(found["order"]) == sorted(words)
    assert set(found["between"]) | set(found["outside"]) == {"evening"}
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.width > sheet.height
    report.write(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())["kind"] == "words"
    assert len(table(report).columns) == 7


def rows(**odds: float) -> list[dict[str, object]]:
    return [
        {"method": name, "odds": value, "blind_odds": value, "night_share": float(value > 0),
         "blind_share": float(value > 0)}
        for name, value in odds.items()
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("evening", "plain", "between", "beats"),
    [(0.5, -1.0, ["evening"], True), (-4.0, -1.0, [], True), (0.5, 3.0, ["evening"], False)],
)
def test_what_is_found(evening: float, plain: float, between: list[str], beats: bool) -> None:
    given = rows(**{"word:noon": -3.0, "word:evening": evening, "word:night": 2.0, AS_OURS: plain})
    found = findings(given, ("noon", "evening", "night"))
    assert found["between"] == between
    assert found["ordered"] == bool(between)
    assert found["beats_exposure"] is beats


def test_pictures_that_were_trained_on_are_left_out(
    engine: ZMNetEngine, network: Encoder, folders: Path, tmp_path: Path
) -> None:
    (tmp_path / "words/night").mkdir(parents=True)
    for k in range(2):  # under another name, in another place
        shutil.copyfile(folders / f"night/{k}.png", tmp_path / f"words/night/x{k}.png")
    report = run(
        engine, network, "", sources(folders, tmp_path / "words"), words=("noon", "night"),
        count=1, size=64,
    )  # fmt: skip
    assert report.about["night"] == 6
    assert report.about["day"] == 8
    for k in range(8):
        shutil.copyfile(folders / f"day/{k}.png", tmp_path / f"words/night/d{k}.png")
    with pytest.raises(RequestError, match="only 0 pictures"):
        run(engine, network, "", sources(folders, tmp_path / "words"), count=1)


def test_what_can_not_be_met_is_one_line(
    engine: ZMNetEngine, network: Encoder, folders: Path, tmp_path: Path
) -> None:
    for given, line in (
        ({"words": ("noon", "evening")}, "must hold noon and night"),
        ({"words": ("noon", "night", "zyxquorb")}, "zyxquorb"),
        ({"count": 99}, "ask for fewer"),
    ):
        with pytest.raises(RequestError, match=line) as caught:
            run(engine, network, "", sources(folders), **{"count": 2, **given})  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
    missing = str(tmp_path / "none.safetensors")
    with pytest.raises(RequestError, match="none"):
        main(["--day", "d", "--night", "n", "--photos", "p", "--out", str(tmp_path / "o.json"),
              "--styles-net", missing])  # fmt: skip
