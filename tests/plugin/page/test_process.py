"""The page's process: the worker that it uses, and what it leaves behind."""

from __future__ import annotations

import http.client
import json
import os
import signal
import time
from pathlib import Path

from semantic_style.plugin.gimp.semantic_style.link.address import Address
from semantic_style.plugin.gimp.semantic_style.link.client import Client, WorkerGone
from tests.page_server import served
from tests.worker import end, start


def worker_in(folder: Path) -> Client:
    return Client(Address(socket=folder / "run" / "semantic-style" / "worker.sock"))


def answered(client: Client, within: float = 60) -> int:
    """The worker's process, once it answers."""
    deadline = time.monotonic() + within
    while True:
        try:
            return int(client.capabilities()["pid"])
        except WorkerGone:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_worker_that_it_started_ends_with_it() -> None:
    with served() as server:
        client = worker_in(server.folder)
        answered(client)
        home = next((server.folder / "tmp").glob("semantic-style-web-*"))
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(30) == 0
        assert server.process.stderr is not None
        assert server.process.stderr.read() == ""
        assert not home.exists()
        try:
            client.capabilities()
        except WorkerGone:
            return
        raise AssertionError("the worker is still there")


def test_a_worker_that_runs_is_used_and_left_running() -> None:
    with served() as server:
        client = worker_in(server.folder)
        first = answered(client)
        places = {"HOME": "home", "XDG_RUNTIME_DIR": "run", "TMPDIR": "tmp"}
        variables = {name: str(server.folder / place) for name, place in places.items()}
        other = start("web", "--no-open", "--port", "0", **variables)
        try:
            assert other.stdout is not None
            address = other.stdout.readline().split("http://")[1].split()[0]
            port = int(address.rpartition(":")[2])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request(
                "POST", "/gradio_api/call/styles", json.dumps({"data": []}),
                {"Content-Type": "application/json"},
            )  # fmt: skip
            event = json.loads(connection.getresponse().read())["event_id"]
            connection.request("GET", f"/gradio_api/call/styles/{event}")
            assert b"mosaic" in connection.getresponse().read()
            connection.close()
            other.send_signal(signal.SIGTERM)
            assert other.wait(30) == 0
        finally:
            end(other)
        assert answered(client) == first


def test_a_worker_that_died_is_started_again(tmp_path: Path) -> None:
    from gradio_client import Client as PageClient

    with served() as server:
        client = worker_in(server.folder)
        first = answered(client)
        os.kill(first, signal.SIGKILL)
        page = PageClient(server.address, verbose=False, download_files=tmp_path)
        assert "mosaic" in page.predict(api_name="/styles")["styles"]
        page.close()
        assert answered(client) != first
