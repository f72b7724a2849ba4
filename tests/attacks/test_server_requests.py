"""Random and mutated requests against the worker: no crash, no hang, no answer of 500.

SEMANTIC_STYLE_REQUESTS=100000 sends that many instead of the few that a quick run has time for.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semantic_style.plugin.gimp.semantic_style.link.wire import MEDIA_TYPE, pack
from semantic_style.plugin.server import Worker, create_app
from semantic_style.plugin.session import Session
from semantic_style.plugin.worker.work import Studio

from ..worker import named, noise, until
from ..zmnet_tiny import tiny_zmnet
from .mutations import Asked, mutated

COUNT = int(os.environ.get("SEMANTIC_STYLE_REQUESTS", "1000"))
HANGS = 60.0  # s in which even a busy machine answers
AT_ONCE = 4  # requests on their way together

schemathesis.serializer.alias(MEDIA_TYPE, "application/octet-stream")
pytestmark = pytest.mark.timeout(max(300, COUNT))


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """Running, warm, with small networks."""
    folder = tmp_path_factory.mktemp("weights")
    tiny_zmnet(folder)
    worker = Worker(Studio(Session("cpu", folder, kept_bytes=10_000_000)))
    worker.jobs.start()
    until(lambda: worker.studio.warm)
    yield worker
    assert worker.jobs.stop(60)


@pytest.fixture(scope="module")
def app(worker: Worker) -> FastAPI:
    return create_app(worker)


def valid() -> list[Asked]:
    """Requests that are right, for a picture and a mask of 32 x 24 px."""
    sent, picture = named(noise(32, 24, 4))
    painted, mask = named(np.full((24, 32), 200, np.uint8))
    deep, floats = named(noise(32, 24).astype(np.float32) / 255)
    job = {"kind": "mask", "picture": sent, "recipe": "* = word:night; keep sky", "client": "a"}
    by_hand = {"selection": painted, "painted": {"0": painted}, "side": 64}
    data = {"regions": [{"target": "sky", "style": [{"kind": "word", "value": "noon"}]}]}
    bodies: list[dict[str, Any]] = [
        job,
        {**job, **by_hand, "kind": "preview"},
        {**job, **by_hand, "kind": "stylize", "merge": True, "recipe": data},
        {**job, "kind": "stylize", "picture": deep, "strict": True},
        {**job, "kind": "animate", "through": ["word:noon", "mosaic"], "frames": 2},
    ]
    packed = {"Content-Type": MEDIA_TYPE}
    plain = {"Content-Type": "application/json"}
    return [
        Asked("GET", "/capabilities"),
        Asked("GET", "/openapi.json"),
        Asked("GET", "/styles?side=32"),
        Asked("POST", "/recipes", plain, {"recipe": "sky = mosaic @ 0.5; keep tree"}),
        Asked("POST", "/recipes", plain, {"recipe": data}),
        *(Asked("PUT", f"/pictures/{name}", packed, body) for name, body in (
            (sent, picture), (painted, mask), (deep, floats))),
        Asked("HEAD", f"/pictures/{sent}"),
        *(Asked("POST", "/jobs", plain, body) for body in bodies),
        *(Asked("POST", "/jobs", packed, b"".join(pack(body))) for body in bodies),
        Asked("GET", f"/jobs/{'0' * 32}/result"),
        Asked("GET", f"/jobs/{'0' * 32}/events"),
        Asked("DELETE", f"/jobs/{'0' * 32}"),
    ]  # fmt: skip


def test_mutated_requests(app: FastAPI, worker: Worker) -> None:
    chosen, seen, slowest = random.Random(11), Counter[int](), 0.0
    right = valid()

    async def send(asked: Asked) -> None:
        nonlocal slowest
        begun = time.monotonic()
        status, body = await asyncio.wait_for(asked.sent_to(app), HANGS)
        slowest = max(slowest, time.monotonic() - begun)
        seen[status] += 1
        assert status < 500, (asked, body)
        if status >= 400 and asked.method != "HEAD":
            refusal = json.loads(body)
            assert set(refusal) == {"error", "code"}, (asked, body)
            assert "\n" not in refusal["error"]
        if status == 202:
            await finish(json.loads(body)["id"])

    async def finish(job: str) -> None:
        """Some are followed to the end, some are cancelled, some are left alone."""
        way = chosen.random()
        if way < 0.2:
            await Asked("GET", f"/jobs/{job}/events").sent_to(app)
            await Asked("GET", f"/jobs/{job}/result").sent_to(app)
        elif way < 0.9:
            await Asked("DELETE", f"/jobs/{job}").sent_to(app)

    async def all_of_them() -> None:
        for asked in right:  # also so that pictures are there
            await send(asked)
        for _ in range(COUNT // AT_ONCE):
            batch = [mutated(chosen.choice(right), chosen) for _ in range(AT_ONCE)]
            await asyncio.gather(*map(send, batch))
            worker.jobs.sweep()

    asyncio.run(all_of_them())
    print(f"{seen.total()} requests, {dict(seen)}, slowest {slowest:.1f} s")
    assert {200, 201, 202, 204, 400, 404, 405, 411} <= set(seen)
    assert_sound(app, worker)


def test_requests_as_openapi_describes_them(app: FastAPI, worker: Worker) -> None:
    """And as it does not: schemathesis makes both."""
    schema = schemathesis.openapi.from_dict(app.openapi())
    operations = [each.ok() for each in schema.get_all_operations()]
    operations = [each for each in operations if each.path != "/shutdown"]
    assert len(operations) == 9
    modes, seen = list(schemathesis.GenerationMode), Counter[int]()
    for operation in operations:
        cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

        @settings(
            max_examples=max(10, COUNT // 100), deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(cases)
        def attack(case: schemathesis.Case) -> None:
            asked = as_asked(case)
            status, body = asyncio.run(asyncio.wait_for(asked.sent_to(app), HANGS))
            seen[status] += 1
            assert status < 500, (asked, body)
            if status >= 400 and asked.method != "HEAD":
                assert set(json.loads(body)) == {"error", "code"}

        attack()
    print(f"{seen.total()} requests, {dict(seen)}")
    assert {200, 204, 400, 404} <= set(seen)
    assert_sound(app, worker)


def as_asked(case: schemathesis.Case) -> Asked:
    """The request that schemathesis would send."""
    made = requests.Request(**case.as_transport_kwargs(base_url="http://worker")).prepare()
    assert made.path_url is not None
    body = made.body.encode() if isinstance(made.body, str) else made.body
    return Asked(str(made.method), made.path_url, dict(made.headers), body)


def assert_sound(app: FastAPI, worker: Worker) -> None:
    """A right request is answered as before, and no job is left."""
    until(lambda: worker.jobs.sweep() or not worker.jobs.busy)

    async def one() -> None:
        right = valid()
        for asked in right[:8]:
            assert (await asked.sent_to(app))[0] in (200, 201)
        _, body = await right[9].sent_to(app)
        _, events = await Asked("GET", f"/jobs/{json.loads(body)['id']}/events").sent_to(app)
        assert b'{"event": "done"}' in events

    asyncio.run(one())


def test_nothing_of_the_disk_is_ever_opened(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Names of files in every place that takes text."""
    secret = tmp_path / "secret.png"
    secret.write_text("secret")
    opened, open_ = [], Path.open

    def noted(self: Path, *arguments: Any, **more: Any) -> Any:
        opened.append(self)
        return open_(self, *arguments, **more)

    monkeypatch.setattr(Path, "open", noted)
    sent = named(noise(32, 24, 4))[0]
    style = {"regions": [{"target": "*", "style": [{"kind": "file", "value": str(secret)}]}]}
    name = {"regions": [{"target": "*", "style": [{"kind": "name", "value": str(secret)}]}]}
    mask = {"regions": [{"target": {"kind": "mask", "value": str(secret)}, "style": "mosaic"}]}
    recipes: list[Any] = [style, name, mask, f'"{secret}" = mosaic', f"sky = {secret}"]
    recipes += [f"image:{secret} = mosaic", f"sky within mask:{secret} = mosaic"]
    bodies = [{"kind": "stylize", "picture": sent, "recipe": recipe} for recipe in recipes]
    bodies += [{**bodies[0], "recipe": "* = mosaic", key: str(secret)}
               for key in ("picture", "selection", "client", "through")]  # fmt: skip

    async def ask() -> None:
        for asked in valid()[5:8]:
            await asked.sent_to(app)
        for data in bodies:
            status, body = await Asked("POST", "/jobs", body=data).sent_to(app)
            if status == 202:
                job = json.loads(body)["id"]
                await Asked("GET", f"/jobs/{job}/events").sent_to(app)

    asyncio.run(ask())
    assert secret not in opened
