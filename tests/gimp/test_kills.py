"""Killed at random moments: the document as before, nothing left over, and the next run works.

SEMANTIC_STYLE_KILLS is how often; a few by default.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from semantic_style.plugin.session import Session

from .real_gimp import RealGimp, client_in

KILLS = int(os.environ.get("SEMANTIC_STYLE_KILLS", "3"))
SECONDS = 90 + 30 * KILLS

SCRIPT = """
import hashlib, random, re, signal, threading, time

def processes():
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (place / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            words = (place / "cmdline").read_bytes().split(b"\\0")
            yield int(place.name), state, int(parent), words, (place / "environ").read_bytes()
        except OSError:
            pass  # it has gone

def worker():
    ours = ("XDG_RUNTIME_DIR=" + os.environ["XDG_RUNTIME_DIR"]).encode() + b"\\0"
    return [pid for pid, state, parent, words, environment in processes()
            if b"serve" in words and ours in environment and state != "Z"]

def plug_in():
    entry = (os.environ["GIMP3_DIRECTORY"] + "/plug-ins/semantic_style/semantic_style.py").encode()
    return [pid for pid, state, parent, words, environment in processes()
            if entry in words and state != "Z"]

def zombies():
    # of GIMP's own, and of what it started; GIMP itself has taken note of them a moment later
    gimp = os.getppid()
    return [pid for pid, state, parent, words, environment in processes()
            if state == "Z" and parent in (gimp, os.getpid(), *worker(), *plug_in())]

def used(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

def seconds_until_idle():
    began = time.monotonic()
    while time.monotonic() - began < 30:
        pids = worker()
        try:
            before = sum(map(used, pids))
            time.sleep(0.5)
            if sum(map(used, pids)) - before < 0.05:
                return time.monotonic() - began - 0.5
        except OSError:
            pass  # it ends just now
    return 30.0

def stop(kind):
    if kind == "plug-in":
        victims, number = plug_in(), signal.SIGKILL
    else:
        victims, number = worker(), signal.SIGKILL if kind == "worker" else signal.SIGTERM
    for pid in victims:
        os.kill(pid, number)

def look_of(image):
    parts = [str([each.get_id() for each in image.get_layers()]), str(len(image.get_channels())),
             str(Gimp.Selection.is_empty(image)), str(image.is_dirty())]
    digest = hashlib.sha256(samples(image.get_layers()[-1])).hexdigest()
    return [*parts, digest]

def restyle(image):
    began = time.monotonic()
    found = call("python-fu-semantic-style", image=image, drawables=[image.get_layers()[-1]],
                 recipe="sky = mosaic; building = mosaic @ 0.7")
    return found["status"], found["message"], time.monotonic() - began

photo = opened(PHOTO)
numbers = iter(range(1, 1000))

def fresh():
    # With a pixel of its own: what the worker has seen before it need not compute again.
    image, number = photo.duplicate(), next(numbers)
    buffer = image.get_layers()[0].get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, 1, 1), "R'G'B' u8", bytes([number // 256, number % 256, 9]))
    buffer.flush()
    image.clean_all()
    return image

first = restyle(fresh())
whole = min(restyle(fresh())[2] for _ in range(2))
verdict["first"], verdict["whole"] = first, whole
chance = random.Random(SEED)
verdict["kills"] = []
for number in range(COUNT):
    kind = ("plug-in", "worker", "shutdown")[number % 3]
    moment = chance.uniform(0, whole)
    image = fresh()
    before = look_of(image)
    timer = threading.Timer(moment, stop, [kind])
    timer.start()
    status, message, seconds = restyle(image)
    timer.join()
    same = look_of(image) == before
    idle = seconds_until_idle()
    left = zombies()
    again = restyle(image if same else fresh())
    verdict["kills"].append({
        "kind": kind, "moment": moment, "seconds": seconds, "status": status, "message": message,
        "same": same, "idle": idle, "zombies": len(left), "again": again[0], "told": again[1],
        "layers": len(image.get_layers()),
    })
    image.delete()
"""


@pytest.fixture
def alone(real_gimp: RealGimp) -> RealGimp:
    """A GIMP whose plug-in starts its own worker."""
    if not real_gimp.starts_workers:
        pytest.skip("this Python can't be run inside, where the plug-in would start it")
    run = real_gimp.work / "kills"
    run.mkdir(mode=0o700, exist_ok=True)
    return replace(real_gimp, env={**real_gimp.env, "XDG_RUNTIME_DIR": str(run), "HOME": str(run)})


@pytest.mark.timeout(SECONDS + 60)
def test_killed_at_random_moments(alone: RealGimp, tmp_path: Path) -> None:
    photo = alone.work / "castle-480.png"
    with Image.open(Session().shipped_photo("neuschwansteinCastle")) as full:
        full.convert("RGB").resize((480, 320)).save(photo)
    names = f"PHOTO, COUNT, SEED = {str(photo)!r}, {KILLS}, 5\n"
    try:
        found = alone.batch(names + SCRIPT, limit=SECONDS)
    finally:
        client_in(Path(alone.env["XDG_RUNTIME_DIR"])).shut_down()
    assert found["first"][:2] == ["SUCCESS", ""]
    for kill in found["kills"]:
        assert kill["zombies"] == 0, kill
        assert kill["idle"] < 10, kill
        assert (kill["again"], kill["told"]) == ("SUCCESS", ""), kill
        if kill["status"] == "SUCCESS":  # it had ended before, or did without the worker
            assert kill["layers"] == 2, kill
        else:
            assert kill["same"], kill
            assert "\n" not in kill["message"], kill
    ends = Counter((kill["kind"], kill["status"]) for kill in found["kills"])
    slowest = max(kill["idle"] for kill in found["kills"])
    print(f"{alone.version}: a run {found['whole']:.2f} s, {dict(ends)}, idle in {slowest:.1f} s")
