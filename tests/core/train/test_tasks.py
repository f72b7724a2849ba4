"""`train encoder` and `train adaattn` end to end on a few made pictures; settings and data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from semantic_style.core.engines.adaattn import AdaAttNEngine
from semantic_style.core.engines.zmnet import ZMNetEngine
from semantic_style.core.errors import RequestError
from semantic_style.core.perceptual_weights import load_distilled, load_perceptual, load_vgg16
from semantic_style.core.train.__main__ import main
from semantic_style.core.train.adaattn import AdaAttNTraining
from semantic_style.core.train.config import build_config
from semantic_style.core.train.data import Batches, RandomCrops, collated, find_pictures


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for kind in ("photos", "paintings", "photos/holdout", "photos/masks"):
        (tmp_path / kind).mkdir(exist_ok=True)
        for k in range(3):
            array = rng.integers(0, 256, (48, 60, 3), np.uint8)
            Image.fromarray(array).save(tmp_path / kind / f"{k}.png")
    return tmp_path


def arguments(pictures: Path, vgg16: Path, out: str, *pairs: str) -> list[str]:
    common = ["size=32", "batch=2", "steps=2", "workers=0", "log_every=1", "sample_every=2"]
    settings = [a for pair in (*common, f"vgg16={vgg16}", *pairs) for a in ("--set", pair)]
    return [
        "--content", str(pictures / "photos"), "--style", str(pictures / "paintings"),
        "--out", str(pictures / out), *settings,
    ]  # fmt: skip


def test_encoder_then_adaattn_then_a_picture(pictures: Path, vgg16: Path) -> None:
    """What the one command writes, the next one reads, and the engine paints with."""
    main(["encoder", *arguments(pictures, vgg16, "encoder")])
    encoder = pictures / "encoder/encoder-compact.safetensors"
    features = load_distilled(encoder)(torch.rand(1, 3, 32, 32))
    assert [f.shape[1] for f in features] == [64, 128, 256, 512, 512]
    main(
        [
            "adaattn",
            *arguments(
                pictures, vgg16, "adaattn", "start=", f"encoder={encoder}", "local_weight=0.05"
            ),
        ]
    )
    weights = pictures / "adaattn/adaattn-compact.safetensors"
    engine = AdaAttNEngine(weights, "cpu", exact=True)
    seen = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        mine = engine.network.encoder(seen)
        theirs = load_distilled(encoder).encoder(seen)
    for own, other in zip(mine, theirs, strict=True):  # frozen while AdaAttN learned
        assert (own - other).norm() < 0.01 * own.norm()
    style = engine.prepare(np.random.default_rng(2).random((64, 64, 3), np.float32))
    for values in style.values.values():  # of all levels about as large
        assert 0.2 < values.square().mean().sqrt() < 5
    photo = np.random.default_rng(1).random((40, 50, 3), np.float32)
    out = engine.stylize(photo, [(engine.prepare(photo[:, ::-1].copy()), 1.0)])
    assert out.shape == photo.shape
    report = json.loads((pictures / "adaattn/report.json").read_text())
    assert {"style", "content", "local", "loss"} <= report["losses"].keys()
    assert (pictures / "adaattn/samples/000002.png").is_file()


def test_training_can_go_on_from_earlier_weights(pictures: Path, vgg16: Path) -> None:
    main(["adaattn", *arguments(pictures, vgg16, "first", "start=", "encoder=")])
    first = pictures / "first/adaattn-compact.safetensors"
    main(["adaattn", *arguments(pictures, vgg16, "second", f"init={first}", "learning_rate=0.0")])
    a, b = (AdaAttNEngine(p, "cpu").network.state_dict() for p in
            (first, pictures / "second/adaattn-compact.safetensors"))  # fmt: skip
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_an_encoder_can_go_on_from_earlier_weights(pictures: Path, vgg16: Path) -> None:
    main(["encoder", *arguments(pictures, vgg16, "first")])
    first = pictures / "first/encoder-compact.safetensors"
    main(["encoder", *arguments(pictures, vgg16, "second", f"init={first}", "learning_rate=0.0")])
    a, b = (load_distilled(p).state_dict() for p in
            (first, pictures / "second/encoder-compact.safetensors"))  # fmt: skip
    assert all(torch.equal(a[k], b[k]) for k in a)
    wider = arguments(pictures, vgg16, "wider", f"init={first}", "widths=[8,8,8,8,8]")
    with pytest.raises(RequestError, match="an earlier run of the same network"):
        main(["encoder", *wider])


def test_adaattn_starts_as_the_zmnet_it_is_given(pictures: Path, vgg16: Path) -> None:
    main(["zmnet", *arguments(pictures, vgg16, "zmnet", "style_size=32", "learning_rate=0.01")])
    styles = pictures / "zmnet/zmnet-styles.safetensors"
    pairs = (f"start={styles}", "learning_rate=0.0")
    main(["adaattn", *arguments(pictures, vgg16, "adaattn", *pairs)])
    adaattn = AdaAttNEngine(pictures / "adaattn/adaattn-compact.safetensors", "cpu", exact=True)
    zmnet = ZMNetEngine(styles, device="cpu", exact=True)
    photo, style = np.random.default_rng(1).random((2, 64, 96, 3), np.float32)
    one, other = (np.asarray(e.stylize(photo, [(e.prepare(style), 1.0)])) for e in (adaattn, zmnet))
    assert np.abs(one - other).max() < 1e-3
    with pytest.raises(RequestError, match="is no ZM-Net for style pictures"):
        main(
            [
                "adaattn",
                *arguments(
                    pictures,
                    vgg16,
                    "again",
                    f"start={pictures / 'adaattn/adaattn-compact.safetensors'}",
                ),
            ]
        )


def test_vgg16_from_torchvisions_own_file(vgg16: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    path = tmp_path / "vgg16_features.pth"
    torch.save(load_file(vgg16), path)
    image = torch.rand(1, 3, 32, 32)
    for a, b in zip(load_vgg16(path)(image), load_perceptual(vgg16)[0](image), strict=True):
        assert torch.equal(a, b)


def test_a_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    """weights_only: nothing of the file is executed."""
    import pickle

    target = tmp_path / "ran"

    class Attack:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (target,)

    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Attack()))
    with pytest.raises(RequestError, match="can't read VGG-16"):
        load_vgg16(path)
    assert not target.exists()


def test_settings_come_from_defaults_then_file_then_pairs(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('steps = 7\nlearning_rate = 1\nlayers = [3, 5]\nstyle = ["a", "b"]\n')
    config = build_config(AdaAttNTraining, file, ["steps=9", "encoder=x y"], {"content": ["c"]})
    assert config.steps == 9
    assert config.learning_rate == 1.0
    assert config.layers == (3, 5)
    assert config.style == ("a", "b")
    assert config.content == ("c",)
    assert config.encoder == "x y"
    assert config.batch == AdaAttNTraining().batch


@pytest.mark.parametrize(
    ("pair", "line"),
    [
        ("stepz=3", "did you mean steps"),
        ("steps", "key=value"),
        ("steps=many", "steps takes a whole number"),
        ("steps=0", "steps >= 1"),
        ("precision=fp8", "auto, bf16 or no"),
        ("train_encoder=1", "takes true or false"),
    ],
)
def test_wrong_settings_are_one_line(pair: str, line: str) -> None:
    with pytest.raises(RequestError, match=line) as caught:
        build_config(AdaAttNTraining, pairs=[pair])
    assert "\n" not in str(caught.value)


def test_held_out_pictures_and_masks_are_never_trained_on(pictures: Path) -> None:
    found = find_pictures([str(pictures / "photos")])
    assert [p.parent.name for p in found] == ["photos"] * 3
    assert len(find_pictures([str(pictures / "photos/holdout")])) == 3  # asked for by name
    with pytest.raises(RequestError, match="no such folder"):
        find_pictures([str(pictures / "nowhere")])


def test_crops_depend_on_the_seed_and_the_index_alone(pictures: Path) -> None:
    files = find_pictures([str(pictures / "photos")])
    a, b = RandomCrops(files, 32, 0.5, 1), RandomCrops(files, 32, 0.5, 1)
    assert a[5].shape == (3, 32, 32)
    assert torch.equal(a[5], b[5])
    assert not torch.equal(a[5], a[6])
    assert not torch.equal(a[5], RandomCrops(files, 32, 0.5, 2)[5])


def test_batches_go_on_where_a_run_stopped() -> None:
    whole = list(Batches(3, 0, 4))
    assert whole[2:] == list(Batches(3, 2, 4))
    assert sorted(i for batch in whole for i in batch) == list(range(12))


def test_views_have_their_pictures_shapes_and_are_met_sharp_and_enlarged(pictures: Path) -> None:
    files = find_pictures([str(pictures / "photos")])  # 60 x 48 px
    views = RandomCrops(files, 200, 0.8, 1, square=False)
    seen = [views[i] for i in range(20)]
    for view in seen:
        assert view.dtype == torch.uint8
        assert 0.65 * 200 - 1 <= view.shape[2] <= 200
        assert view.shape[2] / view.shape[1] == pytest.approx(60 / 48, abs=0.05)
    assert len({tuple(view.shape) for view in seen}) > 10
    assert torch.equal(views[3], RandomCrops(files, 200, 0.8, 1, square=False)[3])


def test_pairs_of_different_shapes_are_batches_of_their_own() -> None:
    alike = [(torch.zeros(3, 4, 5), torch.zeros(3, 6, 7)) for _ in range(2)]
    content, style = collated(alike)
    assert (content.shape, style.shape) == ((2, 3, 4, 5), (2, 3, 6, 7))
    first, second = collated([alike[0], (torch.ones(3, 8, 9), torch.ones(3, 6, 7))])
    assert [part.shape for part in first] == [(1, 3, 4, 5), (1, 3, 6, 7)]
    assert [part.shape for part in second] == [(1, 3, 8, 9), (1, 3, 6, 7)]
