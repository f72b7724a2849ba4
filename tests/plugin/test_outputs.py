"""What could not be written later is refused before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from semantic_style.core.errors import RequestError
from semantic_style.plugin.outputs import Job, plan


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "one.jpg", tmp_path / "two.png"]
    for path in paths:
        path.touch()
    (tmp_path / "results").mkdir()
    return paths


def test_one_photo_goes_to_the_named_file(tmp_path: Path, photos: list[Path]) -> None:
    out, mask = tmp_path / "out.webp", tmp_path / "mask.png"
    assert plan(photos[:1], out, mask=mask) == [Job(photos[0], out, mask)]


def test_several_photos_go_to_a_folder_under_their_own_names(
    tmp_path: Path, photos: list[Path]
) -> None:
    folder = tmp_path / "results"
    jobs = plan(photos, folder, layers=tmp_path / "layers")
    assert [job.out for job in jobs] == [folder / "one.png", folder / "two.png"]
    assert [job.layers for job in jobs] == [tmp_path / "layers/one", tmp_path / "layers/two"]
    assert plan(photos[:1], folder)[0].out == folder / "one.png"


def refusal(*arguments, **options) -> str:
    with pytest.raises(RequestError) as caught:
        plan(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_refusals_for_one_photo(tmp_path: Path, photos: list[Path]) -> None:
    one = photos[:1]
    out = tmp_path / "out.png"
    assert "already exists" in refusal(one, photos[1])
    assert "already exists" in refusal(one, one[0])
    assert "no suffix" in refusal(one, tmp_path / "out")
    assert "does not exist" in refusal(one, tmp_path / "nowhere" / "out.png")
    assert "end" in refusal(one, out, mask=tmp_path / "mask.jpg")
    assert "written twice" in refusal(one, out, mask=out)
    assert "no file" in refusal([tmp_path / "gone.jpg"], out)
    assert "is a folder" in refusal([tmp_path], out)
    assert "does not exist" in refusal(one, out, layers=tmp_path / "no" / "layers")
    assert "is a file" in refusal(one, out, layers=photos[1])
    assert "not empty" in refusal(one, out, layers=tmp_path)


def test_refusals_for_several_photos(tmp_path: Path, photos: list[Path]) -> None:
    folder = tmp_path / "results"
    assert "no folder" in refusal(photos, tmp_path / "nowhere")
    assert "is a file" in refusal(photos, photos[0], force=True)
    assert "one photo" in refusal(photos, folder, layers=tmp_path / "a.ora")
    twin = folder / "one.tif"
    twin.touch()
    assert "written twice" in refusal([photos[0], twin], folder)
    (folder / "two.png").touch()
    assert "already exists" in refusal(photos, folder)


def test_force_replaces_a_photo_by_its_own_result_only(tmp_path: Path, photos: list[Path]) -> None:
    own = photos[1:]
    assert plan(own, own[0], force=True)[0].out == own[0]
    assert "is a photo that is read" in refusal(own, tmp_path / "out.png", mask=own[0], force=True)
    other = tmp_path / "one.png"
    other.touch()
    assert "is a photo that is read" in refusal([photos[0], other], tmp_path, force=True)


def test_a_link_to_the_photo_is_the_photo(tmp_path: Path, photos: list[Path]) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(photos[1])
    assert "already exists" in refusal(photos[1:], link)
