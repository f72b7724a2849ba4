"""Ways through mixtures, and the frames that are painted on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from semantic_style.core.animation import Animation, animate, film_extent
from semantic_style.core.bench.animation import measured
from semantic_style.core.canvas import Canvas
from semantic_style.core.errors import Cancelled, PhraseNotFound, RequestError
from semantic_style.core.geometry import Bounds, Extent
from semantic_style.core.keyframes import MOTIONS, Keyframes, Motion, positions
from semantic_style.core.picture import Picture
from semantic_style.core.pipeline import Stylist
from semantic_style.core.progress import CancelToken
from semantic_style.core.recipe import Recipe, Region, Source, parse_item
from semantic_style.core.recipe_language import parse_mixtures

from .tiny import ColourSegmenter, TintEngine, engine_of, fields, segmenter_of, style_of

Floats = NDArray[np.float32]

counts = st.integers(1, 40)
keys = st.integers(1, 6)
motions = st.sampled_from(MOTIONS)


def way(through: str, target: str = "red", **settings: Any) -> tuple[Recipe, ...]:
    region = parse_item(f"{target} = ink")
    assert isinstance(region, Region)
    looks = parse_mixtures(through)
    return tuple(
        Recipe((replace(region, feather=0, **look._asdict()),), **settings) for look in looks
    )


def painted(
    stylist: Stylist, picture: Picture, animation: Animation, **options: Any
) -> list[NDArray[np.uint8]]:
    return list(animate(stylist, picture, animation, **options).frames)


@given(keys, counts, motions)
def test_frames_start_at_the_first_key_and_stay_on_the_way(
    keys: int, frames: int, motion: Motion
) -> None:
    places = positions(keys, frames, motion)
    assert places.shape == (frames,)
    assert places[0] == 0
    assert places.min() >= 0
    assert places.max() < keys if motion == "cyclic" else places.max() <= keys - 1


@given(keys, st.integers(2, 40))
def test_a_linear_way_ends_at_the_last_key_in_equal_steps(keys: int, frames: int) -> None:
    places = positions(keys, frames)
    assert places[-1] == keys - 1
    assert np.allclose(np.diff(places), (keys - 1) / (frames - 1))


def test_with_fewer_frames_than_keys_the_ends_stay() -> None:
    assert positions(5, 1).tolist() == [0]
    assert positions(5, 2).tolist() == [0, 4]
    assert positions(5, 3).tolist() == [0, 2, 4]
    assert positions(5, 2, "cyclic").tolist() == [0, 2.5]


@given(keys, counts)
def test_a_cyclic_way_goes_on_over_the_seam_as_everywhere(keys: int, frames: int) -> None:
    places = positions(keys, frames, "cyclic")
    steps = np.diff([*places, keys])  # the first key stands at `keys` again
    assert np.allclose(steps, keys / frames)


@given(st.integers(2, 6), st.integers(2, 40))
def test_ping_pong_goes_to_the_last_key_and_back_and_repeats_no_end(keys: int, frames: int) -> None:
    places = positions(keys, frames, "ping-pong")
    turn = frames // 2
    assert places[turn] == keys - 1
    assert (places == keys - 1).sum() == 1
    assert (places == 0).sum() == 1
    there, back = np.diff(places[: turn + 1]), np.diff([*places[turn:], 0])
    assert np.allclose(there, there[0])
    assert np.allclose(back, back[0])
    if frames % 2 == 0:
        assert np.allclose(places[1:], places[:0:-1])


@st.composite
def journeys(draw: st.DrawFn) -> tuple[Region, ...]:
    source = st.builds(
        Source, st.just("name"), st.sampled_from(["a", "b", "c", "d"]), st.floats(0, 9)
    )
    style = st.lists(source, min_size=1, max_size=4).filter(lambda s: any(x.weight for x in s))
    region = parse_item("* = a")
    assert isinstance(region, Region)
    return tuple(
        replace(region, style=tuple(each)) for each in draw(st.lists(style, min_size=1, max_size=5))
    )


@given(journeys(), counts, motions)
def test_every_frame_is_a_mixture(regions: tuple[Region, ...], frames: int, motion: Motion) -> None:
    keyframes = Keyframes(regions)
    weights = keyframes.at(positions(len(regions), frames, motion))
    assert weights.shape == (frames, len(keyframes.guides))
    assert len(set(keyframes.guides)) == len(keyframes.guides)
    assert (weights >= 0).all()
    assert np.allclose(weights.sum(axis=1), 1)
    assert np.allclose(weights[0], keyframes.weights[0])
    if motion == "linear" and frames > 1:
        assert np.allclose(weights[-1], keyframes.weights[-1])
    if motion == "cyclic":
        beyond = keyframes.at(np.array([len(regions) - 1e-6]))[0]
        assert np.allclose(beyond, keyframes.weights[0], atol=1e-5)


def test_keys_stand_where_they_are_and_halves_between() -> None:
    ((one,), (two,)) = (key.regions for key in way("ink, 0.5*ink + 1.5*ochre"))
    weights = Keyframes([one, two]).at(np.array([0.0, 0.5, 1.0]))
    assert np.allclose(weights, [[1, 0], [0.625, 0.375], [0.25, 0.75]])


def test_commas_stand_between_mixtures_and_not_in_quotes() -> None:
    looks = parse_mixtures('word:noon, 0.5*word:late evening + 0.5*"a, b.jpg" from sky ,ink')
    assert [[(s.kind, s.value, s.weight) for s in look.style] for look in looks] == [
        [("word", "noon", 1)],
        [("word", "late evening", 0.5), ("file", "a, b.jpg", 0.5)],
        [("name", "ink", 1)],
    ]
    assert [look.style_region for look in looks] == [None, "sky", None]


@pytest.mark.parametrize("text", ["", "ink,", "ink,,ochre", ", ink", "ink; ochre", "sky = ink"])
def test_a_way_that_lacks_a_style_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        parse_mixtures(text)


def test_the_first_frame_is_what_stylize_gives_and_the_rest_stands_still(
    stylist: Stylist, picture: Picture
) -> None:
    keys = way("ochre, 0.5*ochre + 0.5*ink, ink")
    film = animate(stylist, picture, Animation(keys, 9))
    frames = list(film.frames)
    for key, frame in ((keys[0], frames[0]), (keys[-1], frames[-1])):
        assert (frame == stylist.run(picture, key).picture.pixels).all()
    held = film.mask == 0
    assert 0.4 < held.mean() < 0.8
    assert all((frame[held] == picture.pixels[held]).all() for frame in frames)
    measures = measured(frames, film.mask)
    assert measures["held_identical"]
    assert measures["travel"] == pytest.approx(8, rel=0.02)
    assert measures["unevenness"] < 1.5
    assert film.scores == {"red": pytest.approx(1.0, abs=0.01)}


def test_picture_mask_and_styles_are_looked_at_once(stylist: Stylist, picture: Picture) -> None:
    painted(stylist, picture, Animation(way("ochre, ink, 0.3*ink + 0.7*ochre"), 12))
    assert segmenter_of(stylist).encoded == 1
    assert engine_of(stylist).prepared == 2
    assert len(engine_of(stylist).contents) == 12


def test_frames_of_the_way_back_are_not_painted_again(stylist: Stylist, picture: Picture) -> None:
    frames = painted(stylist, picture, Animation(way("ochre, ink"), 8, "ping-pong"))
    assert len(frames) == 8
    assert len(engine_of(stylist).contents) == 5
    assert all((a == b).all() for a, b in zip(frames[1:4], frames[:4:-1], strict=True))


def test_one_frame_and_one_key(stylist: Stylist, picture: Picture) -> None:
    (frame,) = painted(stylist, picture, Animation(way("ochre, ink"), 1))
    assert (frame == stylist.run(picture, way("ochre")[0]).picture.pixels).all()
    same = painted(stylist, picture, Animation(way("ochre"), 3, "cyclic"))
    assert all((each == frame).all() for each in same)


class BatchEngine(TintEngine):
    """Paints all mixtures of one call."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def batch(
        self,
        content: Canvas,
        mixtures: Sequence[Sequence[tuple[Floats, float]]],
        *,
        bounds: Bounds | None = None,
        region: Floats | None = None,
        progress: Any = None,
        cancel: CancelToken | None = None,
    ) -> Iterator[Floats]:
        self.batches.append(len(mixtures))
        for mixture in mixtures:
            answer = self.stylize(content, mixture, bounds=bounds, region=region, cancel=cancel)
            assert answer.dtype == np.float32
            yield answer


def test_an_engine_that_takes_batches_gets_them(stylist: Stylist, picture: Picture) -> None:
    engine = BatchEngine()
    animation = Animation(way("ochre, ink"), 7, "cyclic")
    frames = painted(Stylist(ColourSegmenter(), engine, style_of), picture, animation)
    expected = painted(stylist, picture, animation)
    assert engine.batches == [4]  # of 7 frames the last 3 are mixed as the first ones are
    assert all((a == b).all() for a, b in zip(frames, expected, strict=True))


def test_frames_are_painted_when_they_are_asked_for(stylist: Stylist, picture: Picture) -> None:
    cancel, engine = CancelToken(), engine_of(stylist)
    film = animate(stylist, picture, Animation(way("ochre, ink"), 50), cancel=cancel)
    assert not engine.contents
    next(film.frames)
    next(film.frames)
    assert len(engine.contents) == 2
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(film.frames)


def test_progress_never_goes_back_and_ends_at_one(stylist: Stylist, picture: Picture) -> None:
    told: list[tuple[str, float]] = []
    painted(
        stylist, picture, Animation(way("ochre, ink"), 4),
        progress=lambda stage, fraction: told.append((stage, fraction)),
    )  # fmt: skip
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert "frame 3 of 4" in dict(told)


def test_a_large_picture_makes_a_small_film(stylist: Stylist) -> None:
    picture = Picture(fields(600, 1200))
    film = animate(stylist, picture, Animation(way("ochre"), 1))
    assert film.still.extent == Extent(512, 256) == film_extent(picture.extent, None)
    assert next(film.frames).shape == (256, 512, 3)
    film = animate(stylist, picture, Animation(way("ochre", size=100), 1))
    assert next(film.frames).shape == (50, 100, 3)
    film = animate(stylist, picture, Animation(way("ochre", size="full"), 1))
    assert next(film.frames).shape == (600, 1200, 3)


def test_deep_samples_are_rounded_and_transparency_stays(stylist: Stylist) -> None:
    deep = fields().astype(np.uint16) * 257
    alpha = np.full(deep.shape[:2], 65535, np.uint16)
    alpha[:10] = 0
    frames = painted(stylist, Picture(deep, alpha), Animation(way("ochre, ink"), 2))
    for frame in frames:
        assert frame.shape == (48, 64, 4)
        assert frame.dtype == np.uint8
        assert (frame[..., 3] == np.where(alpha, 255, 0)).all()
        assert (frame[:36, 32:, :3] == fields()[:36, 32:]).all()


def test_strength_nothing_and_keep_colours_hold_for_every_frame(
    stylist: Stylist, picture: Picture
) -> None:
    keys = tuple(
        replace(key, regions=(replace(key.regions[0], strength=0.0),)) for key in way("ochre, ink")
    )
    still = painted(stylist, picture, Animation(keys, 3))
    assert all((frame == picture.pixels).all() for frame in still)
    first, *_ = painted(stylist, picture, Animation(way("ochre, ink", keep_colors=True), 2))
    alone = stylist.run(picture, way("ochre", keep_colors=True)[0])
    assert (first == alone.picture.pixels).all()


def test_what_takes_from_a_part_of_a_style_looks_at_the_region_alone(
    stylist: Stylist, picture: Picture
) -> None:
    painted(stylist, picture, Animation(way("halves from yellow, halves from blue"), 2))
    engine = engine_of(stylist)
    assert engine.prepared == 2
    assert all(region is not None for region in engine.regions)
    with pytest.raises(RequestError, match="only some"):
        Animation(way("halves from yellow, ink"), 2)


def test_bad_requests_are_refused_before_anything_is_painted(
    stylist: Stylist, picture: Picture
) -> None:
    with pytest.raises(RequestError, match="number of frames"):
        Animation(way("ochre, ink"), 0)
    with pytest.raises(RequestError, match="empty"):
        Animation((), 1)
    with pytest.raises(RequestError, match="one region"):
        Animation((replace(way("ink")[0], regions=way("ink")[0].regions * 2),), 1)
    with pytest.raises(PhraseNotFound):
        animate(stylist, picture, Animation(way("ochre, ink", "yellow"), 2))
    with pytest.raises(RequestError, match="no style"):
        animate(stylist, picture, Animation(way("ochre, nothing"), 2))
    assert not engine_of(stylist).contents
