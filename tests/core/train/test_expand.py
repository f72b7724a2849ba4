"""Expanded styles: nothing leaks between splits, runs go on where they were stopped."""

from __future__ import annotations

import csv
import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from semantic_style.core.device import choose_device
from semantic_style.core.errors import Cancelled, RequestError
from semantic_style.core.perceptual_weights import load_distilled
from semantic_style.core.progress import CancelToken, Progress
from semantic_style.core.train.expand import (
    SPLITS,
    Expansion,
    Source,
    expand,
    pairs,
    sources,
    split_of,
)

SETTINGS = Expansion(size=32, iterations=1)
DIGESTS = st.lists(st.binary(max_size=8), min_size=1, max_size=60, unique=True)


def sources_of(kind: str, contents: list[bytes]) -> list[Source]:
    digests = [sha256(content).hexdigest() for content in contents]
    return [Source(kind, Path(d[:8]), split_of(d), d) for d in digests]


@given(DIGESTS, DIGESTS, st.integers(0, 5))
def test_no_seed_and_no_content_is_in_two_splits(
    seeds: list[bytes], content: list[bytes], seed: int
) -> None:
    try:
        made = pairs(sources_of("seed", seeds), sources_of("content", content), 40, seed)
    except RequestError:
        kinds = (sources_of("seed", seeds), sources_of("content", content))
        assert not all(any(s.split == "train" for s in kind) for kind in kinds)
        return
    for kind in ("seed", "content"):
        splits: dict[str, set[str]] = {}
        for pair in made:
            splits.setdefault(getattr(pair, kind).sha256, set()).add(pair.name.split("/")[0])
        assert all(len(each) == 1 for each in splits.values())
    assert made[:10] == pairs(
        sources_of("seed", seeds), sources_of("content", content), 10, seed
    )  # fmt: skip


def test_the_shares_of_the_splits() -> None:
    counts = dict.fromkeys(SPLITS, 0)
    for k in range(2000):
        counts[split_of(sha256(str(k).encode()).hexdigest())] += 1
    assert 1500 < counts["train"] < 1700
    assert 150 < counts["validation"] < 250


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Twelve paintings and twelve photographs: some of both fall into the training split."""
    rng = np.random.default_rng(0)
    for kind in ("seeds", "content"):
        (tmp_path / kind).mkdir()
        for k in range(12):
            patches = rng.integers(0, 255, (6, 7, 3), np.uint8).repeat(8, 0).repeat(8, 1)
            Image.fromarray(patches).save(tmp_path / kind / f"{k}.png")
    return tmp_path / "seeds", tmp_path / "content"


def run(
    folders: tuple[Path, Path],
    out: Path,
    count: int = 6,
    settings: Expansion = SETTINGS,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> int:
    return expand(
        load_distilled(), [str(folders[0])], [str(folders[1])], out, count=count, batch=2,
        device=choose_device("cpu", exact=True), settings=settings, progress=progress,
        cancel=cancel,
    )  # fmt: skip


def rows(out: Path, name: str) -> list[dict[str, str]]:
    text = (out / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


def test_what_is_made_is_listed(folders: tuple[Path, Path], tmp_path: Path) -> None:
    out, seen = tmp_path / "deep" / "out", []
    assert run(folders, out, progress=lambda stage, fraction: seen.append(fraction)) == 6
    assert seen == sorted(seen)
    made, split = rows(out, "made.tsv"), rows(out, "split.tsv")
    assert len(made) == 6
    assert len(split) == 24
    split_by = {row["sha256"]: row["split"] for row in split}
    for row in made:
        file = out / row["picture"]
        assert row["picture"].startswith(row["split"] + "/")
        assert sha256(file.read_bytes()).hexdigest() == row["picture_sha256"]
        assert split_by[row["seed_sha256"]] == split_by[row["content_sha256"]] == row["split"]
        with Image.open(file) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (32, 32))
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*.jpg")) == sorted(
        row["picture"] for row in made
    )
    assert json.loads((out / "settings.json").read_text(encoding="utf-8"))["size"] == 32


def test_a_run_goes_on_and_gives_what_it_would_have(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    cancel = CancelToken()

    def stop(stage: str, fraction: float) -> None:
        if fraction > 0.5:
            cancel.cancel()

    with pytest.raises(Cancelled):
        run(folders, tmp_path / "a", progress=stop, cancel=cancel)
    kept = {row["picture"]: row for row in rows(tmp_path / "a", "made.tsv")}
    assert len(kept) == 4
    assert len(list((tmp_path / "a").rglob("*.jpg"))) == 4
    assert run(folders, tmp_path / "a") == 2
    assert run(folders, tmp_path / "a") == 0
    assert run(folders, tmp_path / "b") == 6
    assert rows(tmp_path / "a", "made.tsv") == rows(tmp_path / "b", "made.tsv")
    first = next(iter(kept))
    (tmp_path / "a" / first).unlink()
    assert run(folders, tmp_path / "a") == 1
    assert not [p for p in (tmp_path / "a").rglob("*") if p.name.endswith(".part")]
    assert run(folders, tmp_path / "c", settings=Expansion(32, 1, seed=9)) == 6
    assert rows(tmp_path / "c", "made.tsv") != rows(tmp_path / "b", "made.tsv")


def test_copies_and_held_out_pictures(folders: tuple[Path, Path]) -> None:
    seeds, _ = folders
    before = sources("seed", [str(seeds)])
    (seeds / "aaa.png").write_bytes((seeds / "3.png").read_bytes())
    (seeds / "holdout").mkdir()
    Image.new("RGB", (40, 40)).save(seeds / "holdout" / "x.png")
    after = sources("seed", [str(seeds)])
    assert {(s.sha256, s.split) for s in before} == {(s.sha256, s.split) for s in after}


def test_refusals(folders: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(folders, out, count=1)
    with pytest.raises(RequestError, match="other settings"):
        run(folders, out, settings=Expansion(size=48, iterations=1))
    with pytest.raises(RequestError, match="lies within"):
        run(folders, folders[0] / "new")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(RequestError, match="can't use the folder"):
        run(folders, tmp_path / "file" / "out")
    with pytest.raises(RequestError, match="size"):
        Expansion(size=8)
    for broken in folders[0].iterdir():
        broken.write_bytes(b"not a picture" + broken.name.encode())
    with pytest.raises(RequestError):
        run(folders, tmp_path / "other")
