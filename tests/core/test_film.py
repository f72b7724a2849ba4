"""Films, read back with Pillow and PyAV."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from semantic_style.core.bench.animation import distance, film_frames, main, measured, run
from semantic_style.core.errors import Cancelled, RequestError
from semantic_style.core.film import check_film, durations, held_bytes, write_film
from semantic_style.core.geometry import Extent
from semantic_style.core.image import save_mask
from semantic_style.core.palette import Palette, bayer

Frame = NDArray[np.uint8]
LOSSLESS = [".webp", ".png", ".apng"]
EVERY = [".gif", *LOSSLESS, ".mp4"]
HEIGHT, WIDTH = 63, 95
MOVING = (slice(10, 40), slice(20, 70))


def frames(count: int, *, alpha: bool = False) -> list[Frame]:
    """A shaded picture in which one box slowly changes its colour."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    still = np.stack([x * 2, y * 4, (x + y) % 256], axis=-1).astype(np.uint8)
    made = []
    for k in range(count):
        frame = still.copy()
        frame[MOVING] = (40 + 150 * k // max(1, count - 1), 90, 200 - 3 * k)
        made.append(np.dstack([frame, np.full_like(x, 99, np.uint8)]) if alpha else frame)
    return made


def held() -> NDArray[np.bool_]:
    mask = np.ones((HEIGHT, WIDTH), bool)
    mask[MOVING] = False
    return mask


@pytest.mark.parametrize("suffix", EVERY)
def test_a_film_reads_back_with_all_its_frames_and_its_time(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    write_film(path, iter(frames(15)), 15, fps=12)
    read = list(film_frames(path))
    assert len(read) == 15
    if suffix == ".mp4":
        import av

        with av.open(str(path)) as film:
            video = film.streams.video[0]
            assert video.average_rate == 12
            assert float(video.duration * video.time_base) == pytest.approx(15 / 12)
            assert video.codec_context.name == "h264"
            assert video.codec_context.pix_fmt == "yuv420p"
        return
    with Image.open(path) as film:
        assert film.is_animated
        assert film.info["loop"] == 0
        told = []
        for number in range(film.n_frames):
            film.seek(number)
            film.load()
            told.append(film.info["duration"])
        assert sum(told) == pytest.approx(1250, abs=10)
        assert max(told) - min(told) <= 10


@pytest.mark.parametrize("suffix", [".gif", *LOSSLESS])
def test_what_is_held_still_is_the_same_in_every_frame(tmp_path: Path, suffix: str) -> None:
    path, made = tmp_path / f"film{suffix}", frames(12)
    write_film(path, iter(made), 12)
    read = list(film_frames(path))
    mask = np.where(held(), 0, 1).astype(np.float32)
    assert measured(read, mask)["held_identical"]
    if suffix in LOSSLESS:
        assert all((a == b).all() for a, b in zip(read, made, strict=True))
    else:
        assert max(distance(a, b) for a, b in zip(read, made, strict=True)) < 8 / 255


@pytest.mark.parametrize("suffix", [".webp", ".png"])
def test_transparency_is_kept_where_films_can_hold_it(tmp_path: Path, suffix: str) -> None:
    path, made = tmp_path / f"film{suffix}", frames(4, alpha=True)
    write_film(path, iter(made), 4)
    assert all((a == b).all() for a, b in zip(film_frames(path), made, strict=True))


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_transparency_is_refused_where_they_cannot(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    with pytest.raises(RequestError, match="transparency"):
        write_film(path, iter(frames(4, alpha=True)), 4)
    assert not list(tmp_path.iterdir())


def test_mp4_is_near_the_frames_and_repeats_an_odd_edge(tmp_path: Path) -> None:
    path, made = tmp_path / "film.mp4", frames(6)
    write_film(path, iter(made), 6, fps=24)
    for read, frame in zip(film_frames(path), made, strict=True):
        assert read.shape == (HEIGHT + 1, WIDTH + 1, 3)
        assert distance(read[:HEIGHT, :WIDTH], frame) < 3 / 255


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_once_is_once(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"film{suffix}"
    write_film(path, iter(frames(3)), 3, endless=False)
    with Image.open(path) as film:
        assert film.info.get("loop", 1) == 1


@pytest.mark.parametrize("suffix", EVERY)
def test_one_frame_makes_a_film_too(tmp_path: Path, suffix: str) -> None:
    path, (frame,) = tmp_path / f"film{suffix}", frames(1)
    write_film(path, iter([frame]), 1)
    (read,) = film_frames(path)
    assert distance(read[:HEIGHT, :WIDTH], frame) < 8 / 255


@pytest.mark.parametrize("suffix", EVERY)
def test_what_ends_early_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    def stopped() -> Iterator[Frame]:
        yield from frames(4)
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        write_film(tmp_path / f"film{suffix}", stopped(), 9)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".webp", ".mp4"])
def test_frames_are_taken_one_at_a_time_and_not_held(tmp_path: Path, suffix: str) -> None:
    import weakref

    alive: list[weakref.ref[Frame]] = []
    most = 0

    def stream() -> Iterator[Frame]:
        nonlocal most
        for frame in range(20):
            most = max(most, sum(ref() is not None for ref in alive))
            made = frames(20)[frame].copy()
            alive.append(weakref.ref(made))
            yield made
            del made

    write_film(tmp_path / f"film{suffix}", stream(), 20)
    assert len(alive) == 20
    assert most <= 4
    form = check_film(tmp_path / f"new{suffix}")
    assert held_bytes(form, Extent(1000, 1000), 100) == 0
    assert held_bytes("GIF", Extent(1000, 1000), 100) > 100_000_000


def test_an_existing_file_stays_without_force(tmp_path: Path) -> None:
    path = tmp_path / "film.gif"
    path.write_bytes(b"mine")
    with pytest.raises(RequestError, match="--force"):
        write_film(path, iter(frames(2)), 2)
    assert path.read_bytes() == b"mine"
    write_film(path, iter(frames(2)), 2, force=True)
    assert len(list(film_frames(path))) == 2


@pytest.mark.parametrize("name", ["film", "film.avi", "film.jpg", "film.gif.txt"])
def test_a_type_that_nobody_can_write_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RequestError, match=r"\.gif, \.webp, \.png, \.apng or \.mp4"):
        check_film(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "fps"), [("a.gif", 51), ("a.webp", 61), ("a.mp4", 0), ("a.png", float("nan"))]
)
def test_a_frame_rate_that_a_film_cannot_have_is_refused(
    tmp_path: Path, name: str, fps: float
) -> None:
    with pytest.raises(RequestError):
        check_film(tmp_path / name, fps=fps)


def test_a_side_that_a_film_cannot_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="16383"):
        check_film(tmp_path / "a.webp", extent=Extent(16384, 10))
    assert check_film(tmp_path / "a.png", extent=Extent(16384, 10)) == "APNG"


@given(st.sampled_from(["GIF", "WEBP", "APNG"]), st.integers(1, 200), st.floats(0.1, 50))
def test_frames_together_take_their_time(form: str, count: int, fps: float) -> None:
    step = {"GIF": 10, "WEBP": 1, "APNG": 0}[form]
    told = durations(form, count, fps)
    assert len(told) == count
    assert abs(sum(told) - 1000 * count / fps) <= step / 2 + 1e-6
    assert all(abs(each - 1000 / fps) <= step + 1e-6 for each in told)
    assert all(each % step == 0 for each in told if step)


def test_a_pixels_palette_colour_depends_on_its_value_and_place_alone() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.integers(0, 256, (2, 40, 56, 3), dtype=np.uint8)
    same = rng.random((40, 56)) < 0.5
    other[same] = one[same]
    palette = Palette([one, other])
    drawn = [np.asarray(palette.drawn(frame)) for frame in (one, other)]
    assert (drawn[0][same] == drawn[1][same]).all()
    assert len(palette.colours) <= 3 * 256


def test_few_colours_stay_as_they_are(tmp_path: Path) -> None:
    colours = np.array([[0, 0, 0], [255, 255, 255], [200, 30, 40]], np.uint8)
    made = [colours[np.roll(np.arange(48 * 40).reshape(40, 48) % 3, k)] for k in range(3)]
    write_film(tmp_path / "film.gif", iter(made), 3)
    assert all(
        (a == b).all() for a, b in zip(film_frames(tmp_path / "film.gif"), made, strict=True)
    )


def test_dithering_keeps_the_mean_of_what_lies_between_two_colours() -> None:
    thresholds = bayer(3)
    assert sorted(np.rint(thresholds.ravel() * 64 + 31.5)) == list(range(64))
    ramp = np.broadcast_to(np.linspace(0, 255, 512)[None, :, None], (256, 512, 3))
    frame = ramp.astype(np.uint8) // np.array([1, 2, 1], np.uint8)
    drawn = np.asarray(Palette([frame]).drawn(frame).convert("RGB")).astype(float)
    assert np.abs(drawn.mean(axis=0) - frame.mean(axis=0)).mean() < 2


def test_measures_of_known_motions() -> None:
    ramp = [np.full((4, 6, 3), 10 * k, np.uint8) for k in range(11)]
    found = measured(ramp, np.ones((4, 6), np.float32))
    assert found["first_last"] == pytest.approx(100 / 255)
    assert found["mean_step"] == pytest.approx(10 / 255)
    assert found["largest_step"] == pytest.approx(10 / 255)
    assert found["travel"] == pytest.approx(10)
    assert found["unevenness"] == pytest.approx(1)
    assert found["held"] == 0
    jump = measured([ramp[0], ramp[0], ramp[4], ramp[4]])
    assert jump["unevenness"] == pytest.approx(3)
    assert "held_identical" not in jump
    still = measured([ramp[3]] * 3, np.zeros((4, 6), np.float32))
    assert still["travel"] == 0
    assert still["held_identical"]
    assert not measured(ramp, np.zeros((4, 6), np.float32))["held_identical"]


def test_the_command_measures_a_film(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film, mask, json = tmp_path / "film.gif", tmp_path / "m.png", tmp_path / "r.json"
    write_film(film, iter(frames(8)), 8)
    save_mask(np.where(held(), 0, 255).astype(np.uint8), mask)
    assert main([str(film), "--mask", str(mask), "--json", str(json)]) == 0
    assert "held_identical  True" in capsys.readouterr().out
    assert '"unevenness"' in json.read_text()
    assert run(film).rows[0]["frames"] == 8
    (tmp_path / "no.gif").write_text("no film")
    assert main([str(tmp_path / "no.gif")]) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert main([str(tmp_path / "none.mp4")]) == 2
