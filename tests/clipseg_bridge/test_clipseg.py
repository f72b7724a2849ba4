"""CLIPSeg through our parts, against transformers' own forward on the same tiny checkpoints."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import CLIPSegForImageSegmentation, CLIPSegProcessor

from semantic_style.clipseg_bridge.clipseg import ClipSegSegmenter, available
from semantic_style.clipseg_bridge.clipseg_network import ClipSegNetwork
from semantic_style.core.device import Device
from semantic_style.core.errors import RequestError
from semantic_style.core.finding import PicturePrompts
from semantic_style.core.segmenter import Segmenter
from semantic_style.weights import store
from semantic_style.weights.manifest import HUB_WEIGHTS, file_sha256

Floats = NDArray[np.float32]
PHRASES = ("sky", "red car", "a")


@pytest.fixture(scope="module")
def exact(tiny: Path) -> ClipSegSegmenter:
    return ClipSegSegmenter(tiny, exact=True)


def eight_bit(image: Floats) -> Image.Image:
    return Image.fromarray(np.rint(image * 255).astype(np.uint8))


def own_logits(folder: Path, image: Floats, side: int | None = None, **prompt: Sequence) -> Floats:
    """What transformers' own processor and forward make of one picture and some prompts."""
    processor = CLIPSegProcessor.from_pretrained(folder, local_files_only=True)
    model = CLIPSegForImageSegmentation.from_pretrained(folder, local_files_only=True).eval()
    size = {"size": {"height": side, "width": side}} if side else {}
    (given,) = prompt.values()
    pictures = [eight_bit(image)] * len(given)
    inputs = dict(processor.image_processor(pictures, return_tensors="pt", **size))
    if "text" in prompt:
        inputs |= processor.tokenizer(list(given), padding=True, return_tensors="pt")
    else:
        seen = processor.image_processor([eight_bit(each) for each in given], return_tensors="pt")
        inputs["conditional_pixel_values"] = seen["pixel_values"]
    with torch.no_grad():
        values: Floats = model(**inputs).logits.numpy()
    return values


@contextmanager
def towers(segmenter: ClipSegSegmenter) -> Iterator[Counter[str]]:
    """Counts the calls of the vision tower, the text tower and the decoder."""
    calls: Counter[str] = Counter()
    model = segmenter.network._model
    parts = {"vision": model.clip.vision_model, "text": model.clip.text_model}
    parts["decoder"] = model.decoder
    hooks = [
        part.register_forward_hook(lambda *_, name=name: calls.update([name]))
        for name, part in parts.items()
    ]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def test_it_fulfils_both_protocols(exact: ClipSegSegmenter, tiny: Path) -> None:
    typed: Segmenter = exact
    prompts: PicturePrompts = exact
    assert isinstance(prompts, PicturePrompts)
    assert typed.name == "clipseg"
    assert typed.weights() == (("tiny-clipseg", file_sha256(tiny / HUB_WEIGHTS)),)
    assert typed.knows("a phrase that nobody ever said").kind == "yes"


def test_logits_equal_transformers_own(
    exact: ClipSegSegmenter, tiny: Path, picture: Floats
) -> None:
    ours = exact.logits(exact.encode(picture), PHRASES)
    theirs = own_logits(tiny, picture, text=PHRASES)
    assert ours.dtype == np.float32
    assert theirs.std() > 1, "a flat answer would equal anything"
    assert np.abs(ours[0] - ours[1]).max() > 0.1, "phrases differ"
    assert np.abs(ours - theirs).max() <= 1e-5


def test_a_picture_as_prompt_equals_transformers_own(
    exact: ClipSegSegmenter, tiny: Path, picture: Floats
) -> None:
    prompts = [picture[:20, :20], picture[::-1]]
    theirs = own_logits(tiny, picture, images=prompts)
    masks = exact.image_masks(exact.encode(picture), prompts)
    assert np.abs(masks - calibrated(theirs)).max() <= 1e-5
    assert np.abs(masks[0] - masks[1]).max() > 0.01


def test_at_another_side_position_embeddings_are_interpolated(tiny: Path, picture: Floats) -> None:
    segmenter = ClipSegSegmenter(tiny, exact=True, size=48)
    ours = segmenter.logits(segmenter.encode(picture), PHRASES)
    assert ours.shape == (3, 12, 12)
    assert np.abs(ours - own_logits(tiny, picture, 48, text=PHRASES)).max() <= 1e-5
    for wrong in (4, 50):
        with pytest.raises(RequestError, match="multiple of 4"):
            ClipSegSegmenter(tiny, size=wrong)


def calibrated(logits: Floats) -> Floats:
    return (1 / (1 + np.exp(-logits) * (0.3 / 0.7))).astype(np.float32)


def test_calibration_brings_three_tenths_to_the_natural_threshold(
    exact: ClipSegSegmenter, picture: Floats
) -> None:
    encoding = exact.encode(picture)
    plain = exact.as_published().masks(encoding, PHRASES)
    masks = exact.masks(encoding, PHRASES)
    assert np.abs(masks - calibrated(exact.logits(encoding, PHRASES))).max() <= 1e-5
    clear = np.abs(plain - 0.3) > 1e-4
    assert ((masks >= 0.5) == (plain >= 0.3))[clear].all()
    assert 0.05 < (masks >= 0.5).mean() < 0.95


def test_the_vision_tower_runs_once_a_picture_and_text_once_a_phrase(
    tiny: Path, picture: Floats
) -> None:
    segmenter = ClipSegSegmenter(tiny, exact=True)
    with towers(segmenter) as calls:
        encoding = segmenter.encode(picture)
        assert calls == {"vision": 1}
        first = segmenter.masks(encoding, PHRASES)
        assert calls == {"vision": 1, "text": 1, "decoder": 1}
        again = segmenter.masks(encoding, PHRASES[::-1])
        assert calls == {"vision": 1, "text": 1, "decoder": 2}, "its phrases are remembered"
        segmenter.masks(segmenter.encode(picture[::-1]), [*PHRASES, "new"])
        assert calls == {"vision": 2, "text": 2, "decoder": 3}
    assert np.abs(first - again[::-1]).max() <= 1e-6


def test_a_batch_answers_as_one_by_one(tiny: Path, picture: Floats) -> None:
    phrases = [*PHRASES, "the longest of all", *(f"no {i}" for i in range(20))]  # two chunks
    phrases = [phrase[:14] for phrase in phrases]
    batch, single = (ClipSegSegmenter(tiny, exact=True) for _ in range(2))
    together = batch.logits(batch.encode(picture), phrases)
    encoding = single.encode(picture)
    for phrase, expected in zip(phrases, together, strict=True):
        assert np.abs(single.logits(encoding, [phrase])[0] - expected).max() <= 5e-5
    twice = batch.logits(batch.encode(picture), ["sky", "sky"])
    assert np.abs(twice - together[0]).max() <= 1e-5


def test_bfloat16_stays_close(tiny: Path, picture: Floats) -> None:
    half, full = (
        ClipSegNetwork(tiny, Device(torch.device("cpu"), dtype))
        for dtype in (torch.bfloat16, torch.float32)
    )
    image = np.asarray(eight_bit(picture))
    one, other = (net.logits(net.see(image), net.read(PHRASES)) for net in (half, full))
    assert one.dtype == torch.float32
    difference = (one.sigmoid() - other.sigmoid()).abs()
    assert 0 < difference.mean() < 0.02


def test_a_phrase_that_is_too_long_is_refused_in_one_line(
    exact: ClipSegSegmenter, picture: Floats
) -> None:
    encoding = exact.encode(picture)
    assert exact.masks(encoding, ["a" * 14]).shape == (1, 8, 8)
    with pytest.raises(RequestError, match="17 tokens of at most 16") as caught:
        exact.masks(encoding, ["sky", "a" * 15])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(1, 1), (2, 90), (300, 5), (33, 31)])
def test_pictures_of_any_shape(exact: ClipSegSegmenter, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((*shape, 3), np.float32)
    masks = exact.masks(exact.encode(image), PHRASES)
    assert masks.dtype == np.float32
    assert masks.shape[0] == 3
    assert masks.min() >= 0
    assert masks.max() <= 1


def grey_with_red(height: int, width: int, *boxes: tuple[slice, slice]) -> Floats:
    image = np.full((height, width, 3), 0.5, np.float32)
    for box in boxes:
        image[box] = (1, 0, 0)
    return image


DOT = (slice(21, 29), slice(57, 65))


def test_windows_find_a_dot_that_the_whole_picture_is_too_coarse_for(red: Path) -> None:
    image = grey_with_red(96, 128, DOT)
    coarse = ClipSegSegmenter(red, exact=True, windows=False)
    assert coarse.masks(coarse.encode(image), ["red"]).max() < 0.5

    segmenter = ClipSegSegmenter(red, exact=True)
    with towers(segmenter) as calls:
        encoding = segmenter.encode(image)
        assert calls["vision"] == 1
        (mask,) = segmenter.masks(encoding, ["red"])
        assert calls["vision"] == 1 + len(encoding.windows) == 7
        segmenter.masks(encoding, ["ruby", "red"])
        assert calls["vision"] == 7, "windows are encoded once a picture"
    assert mask.shape == (48, 64), "the picture's shape, finer than the network's own"
    found = np.argwhere(mask >= 0.5) * 2  # in the picture's pixels
    assert len(found)
    assert (found.min(axis=0) >= (14, 50)).all()
    assert (found.max(axis=0) <= (36, 72)).all()


def test_windows_leave_alone_what_the_whole_picture_shows(red: Path) -> None:
    image = grey_with_red(96, 128, (slice(30, 90), slice(20, 80)), DOT)
    segmenter = ClipSegSegmenter(red, exact=True)
    with towers(segmenter) as calls:
        encoding = segmenter.encode(image)
        (mask,) = segmenter.masks(encoding, ["red"])
        assert calls["vision"] == 1
    assert mask[25:40, 15:35].min() >= 0.5
    assert mask[DOT[0].start // 2, -10:].max() < 0.5


def test_a_picture_prompt_is_looked_for_in_windows_too(red: Path) -> None:
    segmenter = ClipSegSegmenter(red, exact=True)
    encoding = segmenter.encode(grey_with_red(96, 128, DOT))
    (mask,) = segmenter.image_masks(encoding, [grey_with_red(20, 20)])
    assert mask.max() >= 0.5


def test_names_lead_to_the_data_folder_and_damage_is_noticed(tiny: Path, tmp_path: Path) -> None:
    assert available() is None
    with pytest.raises(RequestError, match="weights fetch clipseg"):
        ClipSegSegmenter()
    store.import_weights("clipseg-fp16", tiny)
    assert available() == "clipseg-fp16"
    folder = store.import_weights("clipseg", tiny)
    assert available() == "clipseg"
    assert ClipSegSegmenter().weights() == (("clipseg", file_sha256(tiny / HUB_WEIGHTS)),)

    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "vocab.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RequestError):
        ClipSegSegmenter(copy)
    file = folder / HUB_WEIGHTS
    file.write_bytes(file.read_bytes()[:-4] + b"\0\0\1\0")
    with pytest.raises(RequestError, match="damaged"):
        ClipSegSegmenter()
    with pytest.raises(RequestError, match="can't be read"):
        ClipSegSegmenter(tmp_path / "nowhere")
