"""Run a command and write its peak memory: `python launch.py RESULT COMMAND ...`.

A process of its own and by file name, because a process's peak counts what its parent held when
it was started: here, next to nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    start = time.perf_counter()
    child = subprocess.Popen(sys.argv[2:])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes on a Mac
    found = {
        "peak_bytes": usage.ru_maxrss * unit,
        "seconds": time.perf_counter() - start,
        "code": child.returncode,
    }
    Path(sys.argv[1]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
