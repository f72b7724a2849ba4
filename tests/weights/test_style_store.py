from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semantic_style.core.errors import RequestError
from semantic_style.weights.manifest import PACKAGE_FOLDER
from semantic_style.weights.style_store import LONGEST_SIDE, StyleStore, slug


@pytest.fixture
def store() -> StyleStore:
    return StyleStore()


def painted(path: Path, size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Path:
    rng = np.random.default_rng(3)
    samples = rng.integers(0, 256, (size[1], size[0], len(mode)), dtype=np.uint8)
    Image.fromarray(samples.squeeze(), mode=None).save(path)
    return path


def test_at_least_sixteen_shipped_styles_that_are_all_whole(store: StyleStore) -> None:
    styles = store.list()
    assert len(styles) >= 16
    assert len({s.name for s in styles}) == len(styles)
    for style in styles:
        assert slug(style.name) == style.name
        assert style.licence
        assert style.credit
        with Image.open(style.path) as picture:
            picture.load()
            assert picture.mode == "RGB"
            assert max(picture.size) <= 700


def test_shipped_pictures_are_small_and_credited(store: StyleStore) -> None:
    credits = (PACKAGE_FOLDER / "CREDITS.md").read_text(encoding="utf-8")
    for shown in [*store.list(), *store.photos()]:
        assert shown.path.stat().st_size < 260_000
        assert shown.path.relative_to(PACKAGE_FOLDER).as_posix() in credits
    there = {p for f in ("styles", "photos") for p in (PACKAGE_FOLDER / f).glob("*.jpg")}
    assert there == {shown.path for shown in [*store.list(), *store.photos()]}


def test_shipped_styles_differ_in_colour_or_texture(store: StyleStore) -> None:
    seen = []
    for style in store.list():
        with Image.open(style.path) as picture:
            pixels = np.asarray(picture.convert("RGB").resize((128, 128)), float) / 255
        fine = np.abs(np.diff(pixels, axis=0)).mean(), np.abs(np.diff(pixels, axis=1)).mean()
        seen.append(np.array([*pixels.mean((0, 1)), *pixels.std((0, 1)), *fine]))
    apart = np.linalg.norm(np.array(seen)[:, None] - np.array(seen)[None], axis=-1)
    assert apart[~np.eye(len(seen), dtype=bool)].min() > 0.03


def test_a_style_is_added_found_and_removed(store: StyleStore, tmp_path: Path) -> None:
    added = store.add(painted(tmp_path / "p.png"), "My Painting No. 7")
    assert added.name == "my-painting-no-7"
    assert added.origin == "own"
    assert StyleStore().get("My-Painting-No-7") == added
    assert added in StyleStore().list()
    store.remove(added.name)
    assert not added.path.exists()
    with pytest.raises(RequestError):
        store.get(added.name)


def test_a_copy_is_bounded_upright_and_tells_nothing(store: StyleStore, tmp_path: Path) -> None:
    source = tmp_path / "large.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    exif[0x010E] = "where it was taken"
    Image.new("RGB", (3000, 1000), (200, 30, 30)).save(source, exif=exif)
    with Image.open(store.add(source, "large").path) as copy:
        assert max(copy.size) == LONGEST_SIDE == copy.height
        assert not copy.getexif()
        assert np.abs(np.asarray(copy).mean((0, 1)) - (200, 30, 30)).max() < 3


def test_see_through_pictures_lie_on_white(store: StyleStore, tmp_path: Path) -> None:
    source = tmp_path / "clear.png"
    Image.new("RGBA", (40, 40), (10, 20, 30, 0)).save(source)
    with Image.open(store.add(source, "clear").path) as copy:
        assert np.asarray(copy).min() >= 250


def test_sixteen_bit_grey_is_scaled_not_cut(store: StyleStore, tmp_path: Path) -> None:
    source = tmp_path / "deep.png"
    Image.fromarray(np.full((32, 32), 32_896, dtype=np.uint16)).save(source)
    with Image.open(store.add(source, "deep").path) as copy:
        assert abs(int(np.asarray(copy).mean()) - 128) <= 1


@pytest.mark.parametrize(
    "name", ["../../escape", "/etc/passwd", "..\\up", "C:\\x", "a/b", "nul\x00l", "x\ny"]
)
def test_no_name_leads_out_of_the_folder(name: str, store: StyleStore, tmp_path: Path) -> None:
    added = store.add(painted(tmp_path / "p.png"), name)
    assert added.path.parent == store.folder
    assert added.path.name == f"{slug(name)}.jpg"
    assert not set(added.name) & set("/\\.:\x00\n")


@pytest.mark.parametrize("name", ["", "   ", "../..", "///", "\x00", "---"])
def test_names_without_a_letter_are_refused(name: str, store: StyleStore, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is no name"):
        store.add(painted(tmp_path / "p.png"), name)
    assert not store.folder.exists()


def test_taken_names_are_refused(store: StyleStore, tmp_path: Path) -> None:
    source = painted(tmp_path / "p.png")
    store.add(source, "mine")
    before = store.get("mine").path.read_bytes()
    for name in ("mine", "Mine", "mosaic"):
        with pytest.raises(RequestError, match="already a style"):
            store.add(painted(tmp_path / "q.png", (32, 32)), name)
    assert store.get("mine").path.read_bytes() == before


def test_shipped_styles_stay(store: StyleStore) -> None:
    with pytest.raises(RequestError, match="stays"):
        store.remove("mosaic")
    assert store.get("mosaic").path.exists()


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("mosiac", "mosaic"), ("night-cafe", "van-gogh-night-cafe"), ("glass", "stained-glass")],
)
def test_an_unknown_name_brings_the_nearest(wrong: str, hint: str, store: StyleStore) -> None:
    with pytest.raises(RequestError, match=hint) as caught:
        store.get(wrong)
    assert "\n" not in str(caught.value)


def test_hostile_names_stay_one_short_line(store: StyleStore) -> None:
    with pytest.raises(RequestError) as caught:
        store.get("\x1b[31m\n" + "x" * 100_000)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 900


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "truncated", "tiny", "bomb"])
def test_what_is_no_sound_picture_is_refused(kind: str, store: StyleStore, tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    match kind:
        case "folder":
            path.mkdir()
        case "text":
            path.write_text("no picture")
        case "truncated":
            whole = painted(path).read_bytes()
            path.write_bytes(whole[: len(whole) // 2])
        case "tiny":
            painted(path, (1, 1))
        case "bomb":
            whole = bytearray(painted(path).read_bytes())
            whole[16:24] = (100_000).to_bytes(4, "big") * 2
            path.write_bytes(whole)
    with pytest.raises(RequestError) as caught:
        store.add(path, "name")
    assert "\n" not in str(caught.value)
    assert not store.folder.exists() or not list(store.folder.iterdir())


def test_photos_are_found_by_name(store: StyleStore) -> None:
    photos = store.photos()
    assert 6 <= len(photos) <= 10
    for photo in photos:
        assert store.photo(photo.name) == photo
        with Image.open(photo.path) as picture:
            assert 400 < max(picture.size) <= 960
    with pytest.raises(RequestError, match="neuschwansteinCastle"):
        store.photo("neuschwanstein")
