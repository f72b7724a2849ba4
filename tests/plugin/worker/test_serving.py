"""The worker as a process over a real socket: how it begins, who may ask, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from semantic_style.plugin.gimp.semantic_style.link.address import Address, read_port_file
from semantic_style.plugin.gimp.semantic_style.link.client import Client, WorkerError, WorkerGone

from ...worker import (
    PATIENCE,
    Served,
    end,
    kill,
    noise,
    parts_of,
    serving,
    short_folder,
    start,
    until,
    until_answered,
)

SLOW = {"regions": [{"target": "*", "style": "mosaic"}], "engine": "gatys", "size": "full"}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as served:
        yield served


def slow_job(client: Client) -> str:
    """A job of some minutes."""
    return client.submit("stylize", client.put_picture(parts_of(noise(600, 500))), SLOW)


def begun(client: Client, job: str, stage: str = "styling") -> Iterator[dict[str, Any]]:
    """The events of a job, from the one on in which it does that."""
    events = client.follow(job)
    for event in events:
        if event["event"] == "stage" and stage in event["stage"]:
            return events
    raise AssertionError("it ended too early")


def busy_seconds(process: subprocess.Popen[str]) -> float:
    """What the processor has spent on a process."""
    import psutil

    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


def test_it_answers_before_anything_heavy_is_loaded() -> None:
    with serving() as served:
        assert served.client.capabilities()["warm"] is False
        until(lambda: served.client.capabilities()["warm"])


def test_only_its_owner_can_connect(served: Served) -> None:
    place = served.folder / "w"
    about = place.stat()
    assert stat.S_ISSOCK(about.st_mode)
    assert about.st_mode & 0o077 == 0
    if os.getuid() != 0:
        pytest.skip("only root can try as somebody else")
    nobody = 65534
    trial = (
        f"import os, socket; os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})\n"
        f"socket.socket(socket.AF_UNIX).connect({str(place)!r})"
    )
    for mode in (0o700, 0o777):  # also where the folder lets everybody in
        served.folder.chmod(mode)
        done = subprocess.run([sys.executable, "-c", trial], capture_output=True, text=True)
        assert "PermissionError" in done.stderr
    served.folder.chmod(0o700)


def test_a_cancelled_job_ends_at_once(served: Served) -> None:
    client = served.client
    job = slow_job(client)
    events = begun(client, job)
    asked = time.monotonic()
    client.cancel(job)
    assert list(events)[-1]["event"] == "cancelled"
    assert time.monotonic() - asked < 2 * slack()


def slack() -> float:
    """How much slower this machine may be than one with time to spare."""
    return 5.0 if (os.getloadavg()[0] > (os.cpu_count() or 1)) else 1.0


def test_a_client_that_is_killed_takes_its_job_with_it(served: Served) -> None:
    job = slow_job(served.client)
    script = (
        "import sys; from pathlib import Path\n"
        "from semantic_style.plugin.gimp.semantic_style.link.address import Address\n"
        "from semantic_style.plugin.gimp.semantic_style.link.client import Client\n"
        "for event in Client(Address(Path(sys.argv[1]))).follow(sys.argv[2]):\n"
        "    print(event, flush=True)\n"
    )
    command = [sys.executable, "-c", script, str(served.folder / "w"), job]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        for line in follower.stdout:
            if "styling" in line:
                break
        kill(follower)
    took = until(lambda: refused(served.client, job) != "running")
    assert took < 10
    assert refused(served.client, job) != "running"
    idle = busy_seconds(served.process)
    time.sleep(0.5)
    assert busy_seconds(served.process) - idle < 0.25, "it still computes"


def refused(client: Client, job: str) -> str:
    """Why a job's result can't be had."""
    with pytest.raises(WorkerError) as error:
        client.result(job)
    return error.value.code


def test_a_job_that_nobody_ever_follows_ends(served: Served) -> None:
    job = slow_job(served.client)
    assert until(lambda: refused(served.client, job) != "running") < 10 + 5 * slack()


def test_a_preview_makes_way_for_a_final_job(served: Served) -> None:
    client = served.client
    picture = client.put_picture(parts_of(noise(600, 500)))
    preview = client.submit("preview", picture, SLOW)
    events = begun(client, preview)
    final = client.submit("mask", picture, "* = x", side=0)
    assert list(client.follow(final))[-1]["event"] == "done"
    assert list(events)[-1] == {"event": "cancelled", "message": "", "code": "replaced"}


def test_a_second_one_is_told_so(served: Served) -> None:
    second = start("serve", "--socket", str(served.folder / "w"))
    out, err = second.communicate(timeout=PATIENCE)
    assert second.returncode == 2
    assert out == ""
    assert err.count("\n") == 1
    assert "already" in err
    assert served.client.capabilities()["pid"] == served.process.pid


def test_what_it_left_when_it_was_killed_is_no_hindrance() -> None:
    with serving() as served:
        place = served.folder / "w"
        events = begun(served.client, slow_job(served.client), "s")
        kill(served.process)
        with pytest.raises(WorkerGone, match="middle of the work"):
            list(events)
        with pytest.raises(WorkerGone, match="no worker"):
            served.client.capabilities()
        assert place.exists()
        again = start("serve", "--socket", str(place))
        try:
            assert until_answered(served.client, again)["pid"] == again.pid
        finally:
            end(again)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_clean_end(number: signal.Signals) -> None:
    with serving() as served:
        events = begun(served.client, slow_job(served.client), "s")
        served.process.send_signal(number)
        assert list(events)[-1]["event"] == "cancelled"
        assert served.ended() == 0
        assert not (served.folder / "w").exists()
        out, err = served.process.communicate()
        assert out.startswith("listening at ")
        assert err == ""


def test_it_ends_when_it_is_asked_to() -> None:
    with serving() as served:
        served.client.shut_down()
        with pytest.raises(WorkerError):
            served.client.capabilities()
        assert served.ended(15) == 0
        assert not (served.folder / "w").exists()


def test_it_leaves_when_nothing_was_asked_for_long() -> None:
    with serving("--idle-exit", "2") as served:
        until(lambda: served.client.capabilities()["warm"])
        job = slow_job(served.client)
        events = begun(served.client, job)
        time.sleep(4)
        assert served.process.poll() is None, "it left in the middle of the work"
        events.close()  # type: ignore[attr-defined]
        assert served.ended(20) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "70000"], "0 to 65535"),
        (["--port", "1", "--socket", "w"], "choose one"),
        (["--idle-exit", "0"], "above 0"),
        (["--socket", "no/such/folder/w"], "no folder"),
        (["--socket", "x" * 120], "too long"),
        (["--socket", "file"], "no socket"),
        (["--device", "tpu"], "tpu"),
    ],
)
def test_what_can_not_be_served(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    with short_folder() as folder:
        monkeypatch.chdir(folder)
        (folder / "file").write_text("mine")
        ran = cli("serve", *arguments)
        assert (folder / "file").read_text() == "mine"
    assert ran.code == 2
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_over_tcp_every_route_wants_the_host_and_the_token(tmp_path: Path) -> None:
    with short_folder() as folder:
        process = start("serve", "--port", "0", XDG_RUNTIME_DIR=str(folder), HOME=str(folder))
        try:
            file = folder / "semantic-style" / "worker.json"
            until(file.exists)
            assert file.stat().st_mode & 0o077 == 0
            address = read_port_file(file)
            client = Client(address)
            until_answered(client, process)
            asked = json.loads(reply(address, "GET", "/openapi.json", right(address))[1])
            routes = [(m.upper(), p) for p, about in asked["paths"].items() for m in about]
            routes += [("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/nothing")]
            for method, path in routes:
                path = path.replace("{name}", "0" * 64)
                for headers, status, code in wrong(address):
                    answer, body = reply(address, method, path, headers)
                    assert answer == status, (method, path, headers)
                    assert method == "HEAD" or json.loads(body)["code"] == code
            assert client.capabilities()["pid"] == process.pid
            assert client.put_picture(parts_of(noise(20, 20)))
            client.shut_down()
            assert process.wait(15) == 0
            assert not file.exists()
        finally:
            end(process)


def right(address: Address) -> dict[str, str]:
    return {"Host": f"127.0.0.1:{address.port}", "Authorization": f"Bearer {address.token}"}


def wrong(address: Address) -> list[tuple[dict[str, str], int, str]]:
    """Headers that must not pass, and what they get."""
    good = right(address)
    hosts = ["evil.example", f"evil.example:{address.port}", "127.0.0.1", "localhost:1", ""]
    tokens = ["", "Bearer", "Bearer ", f"Bearer {address.token[:-1]}", f"Basic {address.token}"]
    tokens += [f"Bearer {address.token}x", f"bearer {address.token}", "Bearer \xff"]
    return [
        *(({**good, "Host": host}, 403, "host") for host in hosts),
        *(({**good, "Authorization": token}, 401, "token") for token in tokens),
        ({"Host": good["Host"]}, 401, "token"),
    ]


def reply(address: Address, method: str, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=PATIENCE)
    connection.putrequest(method, path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_noise_instead_of_http(served: Served) -> None:
    for sent in (
        b"\0" * 1000,
        b"GET / HTTP/9.9\r\n\r\n",
        b"A" * 200_000,
        os.urandom(5000) + b"\r\n",
    ):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(str(served.folder / "w"))
            raw.settimeout(PATIENCE)
            try:
                raw.sendall(sent)
                raw.shutdown(socket.SHUT_WR)
                assert raw.recv(100).startswith((b"HTTP/1.1 400", b""))
            except (BrokenPipeError, ConnectionResetError):
                pass  # it does not have to listen to the end
        assert served.client.capabilities()["pid"] == served.process.pid
