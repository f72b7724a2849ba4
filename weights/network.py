"""Ways out of this machine: is a host there, and a file from it. Both end soon where it is not."""

from __future__ import annotations

import hashlib
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from ..core.errors import RequestError
from ..core.progress import Progress
from .manifest import Entry

PROBE_SECONDS = 4.0
READ_SECONDS = 20.0


def probe(url: str, item: Entry) -> None:
    """Raise RequestError unless the host answers soon."""
    outcome: list[str] = []

    def ask() -> None:
        request = urllib.request.Request(url, method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()
        except urllib.error.HTTPError as refusal:
            refusal.close()
            outcome.append("")  # it did answer; the download will say what is wrong
        except OSError as error:
            outcome.append(str(getattr(error, "reason", error)))
        else:
            outcome.append("")

    # A thread, because a name lookup heeds no timeout.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    reason = outcome[0] if outcome else f"no answer within {PROBE_SECONDS:g} s"
    if reason:
        what = "a folder" if item.kind == "hub" else "a file"
        raise RequestError(
            f"{urlsplit(url).hostname} can't be reached ({reason}): try again later, or bring "
            f"{what} and run semantic-style weights import {item.name}"
        )


def download(item: Entry, target: Path, progress: Progress) -> None:
    """Stream the entry's URL to `target`, and check it against the digits in its name."""
    checksum = hashlib.sha256()
    done = 0
    try:
        with (
            urllib.request.urlopen(item.url, timeout=READ_SECONDS) as response,
            target.open("wb") as file,
        ):
            total = int(response.headers.get("Content-Length") or 0)
            while chunk := response.read(1 << 20):
                file.write(chunk)
                checksum.update(chunk)
                done += len(chunk)
                progress(f"fetching {item.name}", done / total if total else 0.0)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        raise RequestError(f"{item.url} is refused ({refusal}): try again later") from None
    except OSError as error:
        raise RequestError(
            f"fetching {item.name} broke off after {done} bytes ({error}): try again"
        ) from None
    match = re.search(r"-([0-9a-f]{8,})\.pth$", item.url)
    if match is None or not checksum.hexdigest().startswith(match[1]):
        raise RequestError(
            f"{item.url} is not the file it should be (sha256 differs): try again later"
        )
