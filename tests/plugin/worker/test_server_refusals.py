"""What the worker's routes refuse, and how."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from semantic_style.plugin.worker.bodies import LONGEST_MESSAGE
from semantic_style.plugin.worker.pictures import LARGEST

from ...worker import named, noise
from .asking import done, embedded_style, ended, png, put

WIDTH, HEIGHT = 96, 64
RECIPE = "* = word:night"


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
