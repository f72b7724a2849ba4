"""The worker's routes in one process: what they answer, and what they refuse."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
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
from semantic_style.plugin.bodies import LONGEST_MESSAGE
from semantic_style.plugin.gimp.semantic_style.link.wire import MEDIA_TYPE, pack, unpack
from semantic_style.plugin.pictures import LARGEST
from semantic_style.plugin.server import Worker, create_app
from semantic_style.plugin.session import Session
from semantic_style.plugin.work import Studio

from ..worker import named, noise, until
from ..zmnet_tiny import tiny_zmnet

WIDTH, HEIGHT = 96, 64
RECIPE = "* = word:night"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    tiny_zmnet(folder)
    return folder


@pytest.fixture(scope="module")
def worker(weights: Path) -> Worker:
    """One with small networks."""
    return Worker(Studio(Session("cpu", weights, kept_bytes=10_000_000)))


@pytest.fixture(scope="module")
def asked(worker: Worker) -> Iterator[TestClient]:
    with TestClient(create_app(worker)) as client:
        yield client
    assert worker.jobs.stop(20)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """[64, 96, 4]: a castle under a sky, see-through at the left."""
    with Image.open(Session().shipped_photo("neuschwansteinCastle")) as photo:
        rgb = np.asarray(photo.convert("RGB").resize((WIDTH, HEIGHT)))
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    alpha[:, :9] = 100
    return np.concatenate([rgb, alpha], axis=2)


@pytest.fixture(scope="module")
def sent(asked: TestClient, picture: np.ndarray) -> str:
    return put(asked, picture)


@pytest.fixture(scope="module")
def session(weights: Path) -> Session:
    """What a shell would use."""
    return Session("cpu", weights)


def put(asked: TestClient, samples: np.ndarray) -> str:
    name, body = named(samples)
    answer = asked.put(f"/pictures/{name}", content=body)
    assert answer.status_code == 201, answer.text
    return name


def ended(asked: TestClient, job: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A job's name, and its last event."""
    answer = asked.post("/jobs", json=job)
    assert answer.status_code == 202, answer.text
    name = answer.json()["id"]
    lines = asked.get(f"/jobs/{name}/events").text.split("\n")
    return name, json.loads([line for line in lines if line][-1])


def done(asked: TestClient, job: dict[str, Any]) -> tuple[dict[str, Any], memoryview]:
    name, last = ended(asked, job)
    assert last == {"event": "done"}
    answer = asked.get(f"/jobs/{name}/result")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert asked.get(f"/jobs/{name}/result").status_code == 404
    return unpack(answer.content)


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


def png(width: int, height: int) -> str:
    stream = io.BytesIO()
    Image.fromarray(noise(width, height)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def embedded_style(side: int) -> dict[str, str]:
    return {"kind": "embedded", "value": png(side, side)}


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


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "paint"}, "kind"),
        ({"kind": None}, "kind"),
        ({"recipe": "sky"}, "TARGET = STYLE"),
        ({"recipe": {}}, "region"),
        ({"recipe": 7}, "recipe"),
        ({"recipe": "sky = /etc/passwd"}, "opens no files"),
        ({"recipe": "sky = a.png"}, "opens no files"),
        ({"recipe": "mask:/etc/passwd = mosaic"}, "opens no files"),
        ({"recipe": "sky + image:a.png = mosaic"}, "opens no files"),
        ({"recipe": "sky within mask:a.png = mosaic"}, "opens no files"),
        (
            {"recipe": {"regions": [{"target": "sky", "style": [{"kind": "url", "value": "h"}]}]}},
            "",
        ),
        ({"picture": "../../etc/passwd"}, "picture"),
        ({"side": 3}, "side"),
        ({"side": 0, "kind": "preview"}, "side"),
        ({"side": 4096}, "side"),
        ({"side": "640"}, "side"),
        ({"merge": 1}, "merge"),
        ({"painted": {"1": "a" * 64}}, "no region 1"),
        ({"painted": {"-1": "a" * 64}}, "painted"),
        ({"painted": []}, "painted"),
        ({"client": "x" * 101}, "client"),
        ({"path": "/etc/passwd"}, "path"),
        ({"kind": "animate"}, "through"),
        ({"kind": "animate", "through": ["word:noon"] * 65}, "through"),
        ({"kind": "animate", "through": ["sky.png"]}, "opens no files"),
        ({"kind": "animate", "through": ["word:noon"], "motion": "round"}, "motion"),
        ({"kind": "animate", "through": ["word:noon"], "frames": 0}, "frames"),
        ({"kind": "animate", "through": ["word:noon"], "painted": {"0": "a" * 64}}, "no selection"),
        ({"recipe": "\ud800 = mosaic"}, ""),
    ],
)
def test_a_job_that_is_refused(
    asked: TestClient, sent: str, changes: dict[str, Any], says: str
) -> None:
    job = {"kind": "mask", "picture": sent, "recipe": RECIPE, **changes}
    answer = asked.post("/jobs", content=json.dumps(job))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert says in error
    assert "\n" not in error
    assert len(error) < 400


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"recipe": "* = unheard-of"}, "request", "unheard-of"),
        ({"recipe": "horse = word:night"}, "phrase", "horse"),
        ({"recipe": "flibbertigibbet = word:night"}, "request", "flibbertigibbet"),
        ({"recipe": {"regions": [{"target": "*", "style": "word:night"}], "engine": "adaattn"}},
         "request", "zmnet"),
        ({"recipe": {"regions": [{"target": "*", "style": "mosaic"}], "segmenter": "clipseg"}},
         "request", "clipseg"),
    ],
)  # fmt: skip
def test_a_job_that_fails(
    asked: TestClient, sent: str, changes: dict[str, Any], code: str, says: str
) -> None:
    name, last = ended(asked, {"kind": "preview", "picture": sent, "recipe": RECIPE, **changes})
    assert (last["event"], last["code"]) == ("failed", code)
    assert says in last["message"]
    answer = asked.get(f"/jobs/{name}/result")
    assert answer.status_code == 410
    assert answer.json() == {"error": last["message"], "code": code}


def test_embedded_pictures_are_measured_before_they_are_unpacked(
    asked: TestClient, sent: str
) -> None:
    fitting = {"regions": [{"target": "*", "style": [embedded_style(64)]}], "engine": "zmnet"}
    done(asked, {"kind": "stylize", "picture": sent, "recipe": fitting})
    for target, style, says in (
        ("*", embedded_style(513), "512"),
        (claimed(10_000, 10_000), "mosaic", "megapixels"),
        ({"kind": "embedded", "value": "AAAA"}, "mosaic", "PNG"),
    ):
        recipe = {"regions": [{"target": target, "style": style}]}
        job = {"kind": "stylize", "picture": sent, "recipe": recipe}
        answer = asked.post("/jobs", json=job)
        assert answer.status_code == 400
        assert says in answer.json()["error"]


def test_an_embedded_picture_that_says_twice_how_large_it_is(asked: TestClient, sent: str) -> None:
    data = base64.b64decode(png(16, 16))
    header = b"IHDR" + (2000).to_bytes(4, "big") * 2 + data[24:29]
    second = (13).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big")
    value = base64.b64encode(data[:33] + second + data[33:]).decode()
    style = {"kind": "embedded", "value": value}
    recipe = {"regions": [{"target": "*", "style": [style]}], "engine": "zmnet"}
    _, last = ended(asked, {"kind": "stylize", "picture": sent, "recipe": recipe})
    assert last["event"] == "failed"
    assert "2000 x 2000" in last["message"]


def claimed(width: int, height: int) -> dict[str, str]:
    """An embedded PNG that claims that size."""
    data = bytearray(base64.b64decode(png(16, 16)))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return {"kind": "embedded", "value": base64.b64encode(data).decode()}


def test_pictures_that_do_not_go_together(asked: TestClient, sent: str) -> None:
    mask = put(asked, noise(WIDTH, HEIGHT)[..., 0])
    small = put(asked, noise(WIDTH - 1, HEIGHT)[..., 0])
    for changes, says in (
        ({"picture": mask}, "one channel"),
        ({"selection": sent}, "a mask"),
        ({"selection": small}, "size"),
        ({"painted": {"0": small}}, "size"),
    ):
        answer = asked.post(
            "/jobs", json={"kind": "mask", "picture": sent, "recipe": RECIPE, **changes}
        )
        assert answer.status_code == 400
        assert says in answer.json()["error"]
    for changes in ({"picture": "0" * 64}, {"selection": "0" * 64}):
        job = {"kind": "mask", "picture": sent, "recipe": RECIPE, **changes}
        answer = asked.post("/jobs", json=job)
        assert (answer.status_code, answer.json()["code"]) == (404, "picture")


def test_pictures_are_taken_by_their_name_alone(asked: TestClient) -> None:
    name, body = named(noise(20, 20))
    assert asked.head(f"/pictures/{name}").status_code == 404
    wrong = asked.put(f"/pictures/{'0' * 64}", content=body)
    assert (wrong.status_code, "sha256" in wrong.json()["error"]) == (400, True)
    assert asked.put(f"/pictures/{name}", content=body[:-1]).status_code == 400
    assert asked.head(f"/pictures/{name}").status_code == 404
    for _ in range(2):
        assert asked.put(f"/pictures/{name}", content=body).status_code == 201
    assert asked.head(f"/pictures/{name}").status_code == 200
    assert asked.put("/pictures/etc", content=body).status_code == 400


def test_bodies_are_measured_before_they_are_read(asked: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        yield b"more"

    for method, path, most in (
        ("PUT", f"/pictures/{'0' * 64}", LARGEST),
        ("POST", "/jobs", LONGEST_MESSAGE),
        ("POST", "/recipes", LONGEST_MESSAGE),
    ):
        claims = {"Content-Length": str(most + 1)}
        answer = asked.request(method, path, headers=claims, content=b"")
        assert answer.status_code == 413
        assert asked.request(method, path, content=endless()).status_code == 411
        longer = asked.request(method, path, headers={"Content-Length": "1"}, content=b"{}")
        assert longer.status_code == 400


def test_a_job_is_asked_for_too_early_too_late_and_not_at_all(asked: TestClient, sent: str) -> None:
    job = {"kind": "stylize", "picture": sent, "recipe": "* = mosaic @ 0.31", "client": "a"}
    recipe = {"regions": [{"target": "*", "style": "mosaic"}], "engine": "gatys"}
    slow = asked.post("/jobs", json={**job, "recipe": recipe}).json()["id"]
    early = asked.get(f"/jobs/{slow}/result")
    assert (early.status_code, early.json()["code"]) == (409, "running")
    assert asked.delete(f"/jobs/{slow}").status_code == 204
    events = [json.loads(e) for e in asked.get(f"/jobs/{slow}/events").text.split("\n") if e]
    assert events[-1] == {"event": "cancelled", "message": "", "code": ""}
    assert asked.get(f"/jobs/{slow}/result").status_code == 410
    assert asked.delete(f"/jobs/{slow}").status_code == 204
    unknown = "0" * 32
    assert asked.delete(f"/jobs/{unknown}").status_code == 204
    for path in (f"/jobs/{unknown}/events", f"/jobs/{unknown}/result"):
        assert asked.get(path).json()["code"] == "job"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/docs", 404),
        ("GET", "/redoc", 404),
        ("GET", "/capabilities/", 404),
        ("GET", "/../etc/passwd", 404),
        ("POST", "/capabilities", 405),
        ("GET", "/shutdown", 405),
        ("GET", "/jobs", 405),
        ("GET", "/jobs/x/events", 400),
        ("GET", "/styles?side=x", 400),
        ("POST", "/recipes", 400),
    ],
)
def test_every_error_is_one_line_of_json(
    asked: TestClient, method: str, path: str, status: int
) -> None:
    answer = asked.request(method, path, content=b"x" if method == "POST" else None)
    assert answer.status_code == status
    body = answer.json()
    assert set(body) == {"error", "code"}
    assert body["error"]
    assert "\n" not in body["error"]


def test_its_routes_are_described(asked: TestClient) -> None:
    paths = asked.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/capabilities", "/styles", "/recipes", "/pictures/{name}", "/jobs",
        "/jobs/{name}/events", "/jobs/{name}/result", "/jobs/{name}", "/shutdown",
    }  # fmt: skip
