"""How tests ask a worker in this process."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from semantic_style.plugin.gimp.semantic_style.link.wire import MEDIA_TYPE, unpack

from ...worker import named, noise

if TYPE_CHECKING:
    from fastapi.testclient import TestClient


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


def png(width: int, height: int) -> str:
    stream = io.BytesIO()
    Image.fromarray(noise(width, height)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def embedded_style(side: int) -> dict[str, str]:
    return {"kind": "embedded", "value": png(side, side)}
