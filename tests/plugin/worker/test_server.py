"""The worker's routes in one process: what they answer, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from semantic_style.core.geometry import Bounds
from semantic_style.core.layers import Layer, flatten
from semantic_style.core.picture import Picture, from_float
from semantic_style.core.recipe import parse_recipe, to_data
from semantic_style.core.selection import ByHand
from semantic_style.plugin.gimp.semantic_style.link.wire import MEDIA_TYPE, pack, unpack
from semantic_style.plugin.server import Worker
from semantic_style.plugin.session import Session
from semantic_style.plugin.worker.pictures import LARGEST

from ...worker import noise, until
from .asking import done, embedded_style, put

WIDTH, HEIGHT = 96, 64
RECIPE = "* = word:night"


def array(samples: memoryview, offset: int, *shape: int) -> np.ndarray:
    return np.frombuffer(samples, np.uint8, int(np.prod(shape)), offset).reshape(shape)


def layers_of(header: dict[str, Any], samples: memoryview) -> list[Layer]:
    return [
        Layer(
            each["name"],
            array(samples, each["offset"], each["height"], each["width"], 3),
            array(samples, each["mask_offset"], each["height"], each["width"]),
            Bounds(each["x"], each["y"], each["width"], each["height"]),
            each["region"],
        )
        for each in header["layers"]
    ]


def test_what_it_can_do(asked: TestClient) -> None:
    until(lambda: asked.get("/capabilities").json()["warm"])
    found = asked.get("/capabilities").json()
    assert found["protocol"] == 1
    assert found["device"] == "cpu"
    engines = {each["name"]: each for each in found["engines"]}
    assert engines["zmnet"]["words"]
    assert engines["zmnet"]["ready"]
    assert not engines["adaattn"]["words"]
    assert not engines["adaattn-published"]["ready"]
    assert "weights import" in engines["adaattn-published"]["note"]
    assert "builtin" in found["segmenters"]
    assert found["words"] == ["noon", "sunset", "night", "mosaic"]
    assert found["log"].endswith("worker.log")
    assert found["limits"]["body"] == LARGEST


def test_thumbnails_of_styles(asked: TestClient) -> None:
    header, samples = unpack(asked.get("/styles", params={"side": 40}).content)
    assert {"mosaic", "batik"} <= {each["name"] for each in header["styles"]}
    total = 0
    for each in header["styles"]:
        assert each["offset"] == total
        assert max(each["width"], each["height"]) == 40
        total += each["width"] * each["height"] * 3
    assert total == len(samples)
    assert np.frombuffer(samples, np.uint8).std() > 20
    assert asked.get("/styles", params={"side": 4000}).status_code == 400


def test_recipes_in_both_forms(asked: TestClient) -> None:
    text = "sky = mosaic @ 0.5; keep tree"
    first = asked.post("/recipes", json={"recipe": text}).json()
    assert first["text"] == text
    assert first["recipe"] == to_data(parse_recipe(text))
    packed = b"".join(pack({"recipe": first["recipe"]}))
    again = asked.post("/recipes", content=packed, headers={"Content-Type": MEDIA_TYPE})
    assert again.json() == first
    embedded = {"regions": [{"target": "sky", "style": [embedded_style(20)]}]}
    answer = asked.post("/recipes", json={"recipe": embedded})
    assert answer.json()["text"] == ""
    wrong = asked.post("/recipes", json={"recipe": "sky ="})
    assert wrong.status_code == 400
    assert set(wrong.json()) == {"error", "code"}


def test_a_mask_is_what_the_shell_finds(
    asked: TestClient, sent: str, session: Session, picture: np.ndarray
) -> None:
    header, samples = done(asked, {"kind": "mask", "picture": sent, "recipe": "sky = unheard-of"})
    recipe = parse_recipe("sky = mosaic")
    found = session.selector(recipe).select(Picture(np.ascontiguousarray(picture[..., :3])), recipe)
    (region,) = header["regions"]
    assert (header["width"], header["height"], region["name"]) == (WIDTH, HEIGHT, "sky")
    assert region["score"] == round(found.scores["sky"], 4)
    mask = array(samples, region["offset"], HEIGHT, WIDTH)
    assert np.array_equal(mask, from_float(found.mask))
    assert mask.max() == 255


def test_small_and_full_masks_of_a_large_picture(asked: TestClient) -> None:
    sent = put(asked, noise(200, 100))
    for side, size in ((64, (64, 32)), (0, (200, 100)), (640, (200, 100))):
        job = {"kind": "mask", "picture": sent, "recipe": "* = x; keep sky", "side": side}
        header, samples = done(asked, job)
        assert (header["width"], header["height"]) == size
        assert len(samples) == size[0] * size[1]


def test_a_result_is_what_the_shell_paints(
    asked: TestClient, sent: str, session: Session, picture: np.ndarray
) -> None:
    """Also through layers flattened as an editor does it."""
    text = "sky = word:night; * = word:noon @ 0.5"
    recipe = parse_recipe(text)
    photo = Picture(np.ascontiguousarray(picture[..., :3]), np.ascontiguousarray(picture[..., 3]))
    expected = session.stylist(recipe).run(photo, recipe)
    job = {"kind": "stylize", "picture": sent, "recipe": text}
    header, samples = done(asked, job)
    layers = layers_of(header, samples)
    assert [layer.number for layer in layers] == [0, 1]
    for ours, theirs in zip(layers, expected.layers, strict=True):
        assert ours.bounds == theirs.bounds
        assert np.array_equal(ours.pixels, theirs.pixels)
        assert np.array_equal(ours.mask, theirs.mask)
    assert header["text"] == text
    assert header["recipe"]["pins"]["engine"] == header["engine"] == "zmnet"
    assert header["recipe"] == to_data(expected.recipe)
    (merged,) = layers_of(*done(asked, {**job, "merge": True}))
    assert merged.number == -1
    shown = flatten(photo, [merged]).pixels.astype(int)
    assert np.abs(shown - expected.picture.pixels).max() <= 1


def test_a_preview_is_a_small_result(asked: TestClient, sent: str, picture: np.ndarray) -> None:
    job = {"kind": "preview", "picture": sent, "recipe": RECIPE, "side": 64}
    header, samples = done(asked, job)
    height, width = header["height"], header["width"]
    assert (width, height) == (64, 43)
    shown = array(samples, header["picture"], height, width, 4)
    assert header["picture"] + shown.nbytes == len(samples)
    before = np.asarray(Image.fromarray(picture[..., :3]).resize((width, height)))
    assert np.abs(shown[..., :3].astype(int) - before).mean() > 10
    assert (shown[:, :4, 3] == 100).all()
    assert (shown[:, 12:, 3] == 255).all()


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_depths_come_back_as_they_went(asked: TestClient, picture: np.ndarray, kind: Any) -> None:
    high = 1 if kind is np.float32 else 65535
    deep = (picture / 255 * high).astype(kind)
    header, samples = done(
        asked, {"kind": "stylize", "picture": put(asked, deep), "recipe": RECIPE}
    )
    (layer,) = header["layers"]
    assert layer["depth"] == {np.uint16: "u16", np.float32: "float"}[kind]
    assert layer["mask_depth"] == "u16"
    assert layer["mask_offset"] == WIDTH * HEIGHT * 3 * np.dtype(kind).itemsize
    assert len(samples) == layer["mask_offset"] + WIDTH * HEIGHT * 2


def test_a_selection_and_painted_masks(asked: TestClient, sent: str, session: Session) -> None:
    left, top = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    left[:, :30] = 255
    top[:20] = 128
    job = {"picture": sent, "recipe": "* = word:night; * = word:noon"}
    by_hand = {"selection": put(asked, left), "painted": {"0": put(asked, top)}}
    header, samples = done(asked, {"kind": "mask", "side": 0, **job, **by_hand})
    first, second = (array(samples, each["offset"], HEIGHT, WIDTH) for each in header["regions"])
    assert np.array_equal(first, top)
    assert (second[:, 30:] == 0).all()
    assert np.abs(second[:20, :30].astype(int) - 127).max() <= 1
    recipe = parse_recipe(str(job["recipe"]))
    hands = ByHand(left / np.float32(255), {0: top / np.float32(255)})
    expected = session.selector(recipe).select(
        Picture(np.zeros((HEIGHT, WIDTH, 3), np.uint8)), recipe, by_hand=hands
    )
    assert np.array_equal(np.stack([first, second]), from_float(expected.region_masks))
    layers = layers_of(*done(asked, {"kind": "stylize", **job, **by_hand}))
    assert [layer.bounds for layer in layers] == [Bounds(0, 0, WIDTH, 20), Bounds(0, 0, 30, 64)]


def test_an_animation(asked: TestClient, sent: str) -> None:
    way = ["word:noon", [{"kind": "word", "value": "night"}]]
    job = {"kind": "animate", "picture": sent, "recipe": "sky = mosaic", "through": way}
    header, samples = done(asked, {**job, "frames": 3})
    assert header["frames"] == 3
    assert [header[name] for name in ("x", "y", "width", "height")] == [0, 0, WIDTH, HEIGHT]
    frames = np.frombuffer(samples, np.uint8).reshape(3, HEIGHT, WIDTH, 4)
    assert (frames[:, -20:] == frames[0, -20:]).all(), "what is no sky stands still"
    assert (frames[0] != frames[2]).any()
    assert (frames[..., :5, 3] == 100).all()


def test_only_what_changed_is_painted_again(
    asked: TestClient, worker: Worker, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = worker.studio.session.engine("zmnet")
    painted, stylize = [], engine.stylize

    def counted(*arguments: Any, **more: Any) -> Any:
        painted.append(arguments)
        return stylize(*arguments, **more)

    monkeypatch.setattr(engine, "stylize", counted)
    sent = put(asked, np.ascontiguousarray(picture[:, ::-1]))
    for recipe, more in (
        ("sky = word:night; * = word:noon", 2),
        ("sky = word:night; * = word:noon", 0),
        ("sky = word:night @ 0.5; * = word:noon", 0),
        ("sky = word:night; * = word:sunset", 1),
    ):
        before = len(painted)
        done(asked, {"kind": "stylize", "picture": sent, "recipe": recipe})
        assert len(painted) - before == more
