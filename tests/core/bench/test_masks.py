"""The arithmetic of `bench masks` against figures worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from semantic_style.core.bench import masks
from semantic_style.core.errors import RequestError
from semantic_style.core.segmenter import Knowledge
from semantic_style.core.train import unbuilt


def grid(*rows: str) -> NDArray[np.bool_]:
    return np.array([[cell == "#" for cell in row] for row in rows])


def tally(scores: NDArray[np.float32], truth: NDArray[np.bool_], valid: bool = True) -> masks.Tally:
    result = masks.Tally()
    result.add(np.asarray(scores, np.float32), truth, np.full(truth.shape, valid))
    return result


def test_intersection_over_union_is_pooled_over_pictures() -> None:
    one = masks.Tally()
    valid = np.ones((1, 4), bool)
    one.add(np.array([[0.9, 0.9, 0.1, 0.1]], np.float32), grid("#.#."), valid)  # 1 of 3
    one.add(np.array([[0.5, 0.5, 0.5, 0.49]], np.float32), grid("###."), valid)  # 3 of 3
    assert one.iou == pytest.approx(4 / 6)


def test_unlabelled_pixels_do_not_count() -> None:
    one = masks.Tally()
    valid = np.array([[True, True, False, False]])
    one.add(np.ones((1, 4), np.float32), grid("#..#"), valid)
    assert one.iou == pytest.approx(1 / 2)
    assert one.hits.sum() + one.misses.sum() == 2


def test_average_precision_of_a_ranking_worked_out_by_hand() -> None:
    # true, false, true, false from the surest on: (1/1 + 2/3) / 2
    scores = np.array([[0.9, 0.8, 0.7, 0.6]], np.float32)
    assert tally(scores, grid("#.#.")).average_precision == pytest.approx((1 + 2 / 3) / 2)


def test_average_precision_without_the_word_is_no_number() -> None:
    assert np.isnan(tally(np.ones((1, 4), np.float32), grid("....")).average_precision)


def test_boundary_forgives_two_pixels_but_not_three() -> None:
    truth = np.zeros((9, 20), bool)
    truth[:, :10] = True
    for shift, expected in ((0, 1.0), (2, 1.0), (3, 0.0)):
        found = np.zeros(truth.shape, np.float32)
        found[:, : 10 + shift] = 1
        assert tally(found, truth).boundary == expected


def test_boundary_is_the_harmonic_mean_of_precision_and_recall() -> None:
    truth = grid("#.........", "#.........")
    found = grid("#.....#...", "#.....#...").astype(np.float32)
    # claimed edge pixels: 2 right, 2 wrong; all 2 true ones found
    assert tally(found, truth).boundary == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_area_claimed_where_the_word_is_absent() -> None:
    one = tally(np.array([[0.9, 0.1, 0.1, 0.1]], np.float32), grid("...."))
    assert one.absent_area == pytest.approx(0.25)
    assert one.shown == 0
    assert one.iou == 0.0


def test_edges_lie_inside_the_mask_and_not_beside_unlabelled_pixels() -> None:
    valid = np.ones((1, 5), bool)
    assert (masks.edges(grid(".###."), valid) == grid(".#.#.")).all()
    valid[0, 4] = False
    assert (masks.edges(grid(".###."), valid) == grid(".#...")).all()


class HalfKnown:
    """Finds what is bright, under the name of sun and star; knows nothing else."""

    name = "bright"

    def encode(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        return image.mean(axis=2)

    def masks(self, encoding: NDArray[np.float32], phrases: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([encoding for _ in phrases]).astype(np.float32)

    def knows(self, phrase: str) -> Knowledge:
        if phrase == "sun":
            return Knowledge("yes", "sun")
        return Knowledge("near", "sun") if phrase == "star" else Knowledge("no", nearest=("sun",))

    def weights(self) -> tuple[tuple[str, str], ...]:
        return ()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "seg" / "space"
    for part in ("images", "masks"):
        (folder / "holdout" / part).mkdir(parents=True)
    names = {"0": "background", "1": "sun", "2": "moon"}
    (folder / "labels.json").write_text(json.dumps({"ids": names}))
    for number in range(3):
        ids = np.zeros((32, 32), np.uint8)
        ids[8:16, 8:24] = 1
        ids[20:24, :8] = 2
        Image.fromarray(ids).save(folder / "holdout" / "masks" / f"{number}.png")
        shades = np.where(ids == 1, 255, 0).astype(np.uint8)
        Image.fromarray(shades).convert("RGB").save(folder / "holdout" / "images" / f"{number}.png")
    return tmp_path


@pytest.mark.parametrize("refine", [False, True])
def test_a_whole_run_on_made_pictures(data: Path, tmp_path: Path, refine: bool) -> None:
    synonyms = tmp_path / "synonyms.tsv"
    synonyms.write_text("word\tsynonym\nsun\tstar\n")
    report = masks.run(HalfKnown(), data, synonyms, refine=refine)
    by_word = {(d["word"], d["synonym"]): d for d in report.details}
    assert by_word["sun", ""]["iou"] == 1.0
    assert by_word["sun", "star"]["iou"] == 1.0
    assert by_word["moon", ""]["iou"] == 0.0
    assert by_word["moon", ""]["knows"] == "no"
    (row,) = report.rows
    assert (row["pictures"], row["words"], row["iou"]) == (3, 2, 0.5)
    assert row["twin_synonyms_iou"] == row["twin_names_iou"] == 1.0
    assert masks.table(report).row_count == 1
    report.write(tmp_path / "masks.json")
    assert json.loads((tmp_path / "masks.json").read_text())["rows"][0]["set"] == "space"


def test_photographs_of_nothing_built_show_what_is_claimed_all_the_same(data: Path) -> None:
    class Walls(HalfKnown):
        def knows(self, phrase: str) -> Knowledge:
            return Knowledge("yes", phrase) if phrase == "building" else Knowledge("no")

    listed = [n for n in unbuilt.LIST.read_text().split() if "/holdout/" in n][:2]
    for name, bright in zip(listed, (0, 255), strict=True):
        file = data / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shades = np.zeros((32, 64), np.uint8)
        shades[:16] = bright
        Image.fromarray(shades).convert("RGB").save(file, quality=95)
    space, row = masks.run(Walls(), data).rows
    assert (space["set"], row["set"]) == ("space", "unbuilt")
    assert (row["pictures"], row["words"], row["iou"]) == (2, 0, None)
    # half of one picture of two, for one word of eight
    assert row["absent_area"] == pytest.approx(0.5 / 2 / len(unbuilt.WORDS))


def test_a_folder_without_held_out_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no held-out sets"):
        masks.run(HalfKnown(), tmp_path)


def test_a_list_of_synonyms_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.tsv").write_text("a\tb\nsun\tstar\n")
    with pytest.raises(RequestError, match="no list of synonyms"):
        masks.read_synonyms(tmp_path / "list.tsv")
