"""Where the work is done, and in which number format."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from semantic_style.core.device import (
    choose_device,
    cpu_has_bfloat16,
    free_memory,
    group_memory,
    out_of_memory,
)
from semantic_style.core.errors import RequestError


def test_the_cpu_takes_bfloat16_only_where_it_multiplies_it_itself() -> None:
    device = choose_device("cpu")
    assert device.place == torch.device("cpu")
    assert (device.dtype == torch.bfloat16) == cpu_has_bfloat16()
    assert choose_device("cpu", exact=True).dtype_name == "float32"


def test_a_processor_held_to_an_older_form_is_given_no_bfloat16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = (
        "from semantic_style.core.device import choose_device\n"
        "print(choose_device('cpu').dtype_name)"
    )
    held = {**os.environ, "ATEN_CPU_CAPABILITY": "avx2"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=held, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["float32"]
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx2")
    assert choose_device("cpu").dtype == torch.float32


def test_autocast_follows_the_format() -> None:
    a, b = torch.rand(2, 40), torch.rand(40, 3)
    for exact in (True, False):
        device = choose_device("cpu", exact=exact)
        with device.autocast():
            assert (a @ b).dtype == device.dtype


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_in_one_line(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(RequestError, match=f"no usable {name} device; try --device auto"):
        choose_device(name)  # type: ignore[arg-type]


def test_free_memory_is_what_a_machine_may_have() -> None:
    assert 2**20 < free_memory(choose_device("cpu")) < 2**50


def written(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")


def test_a_control_group_s_limit_counts_also_where_a_group_above_has_it(tmp_path: Path) -> None:
    mount, membership = tmp_path / "cgroup", tmp_path / "membership"
    membership.write_text("0::/user/job\n", encoding="utf-8")
    assert group_memory(mount, membership) is None
    stat = "anon 5\ninactive_file 300\n"
    written(mount / "user", memory__max="5000", memory__current="4000", memory__stat=stat)
    written(mount / "user/job", memory__max="max", memory__current="10", memory__stat=stat)
    assert group_memory(mount, membership) == 1300
    written(mount / "user/job", memory__max="1000")
    assert group_memory(mount, membership) == 1000 - 10 + 300


def test_the_older_control_groups_too(tmp_path: Path) -> None:
    mount, membership = tmp_path / "cgroup", tmp_path / "membership"
    membership.write_text("5:devices:/a\n4:cpu,memory:/a\n0::/\n", encoding="utf-8")
    files = {"memory__usage_in_bytes": "700", "memory__stat": "total_inactive_file 100\n"}
    written(mount / "memory/a", memory__limit_in_bytes=str(2**63 - 4096), **files)
    assert group_memory(mount, membership) is None
    written(mount / "memory", memory__limit_in_bytes="900", **files)
    assert group_memory(mount, membership) == 300


def test_an_allocation_that_fails_is_told_from_other_errors() -> None:
    with pytest.raises((MemoryError, RuntimeError)) as numpy_s:
        np.empty(2**61, np.uint8)
    with pytest.raises((MemoryError, RuntimeError)) as torch_s:
        torch.empty(2**61, dtype=torch.uint8)
    assert out_of_memory(numpy_s.value)
    assert out_of_memory(torch_s.value)
    with pytest.raises(RuntimeError) as other:
        torch.zeros(2) @ torch.zeros(3)
    assert not out_of_memory(other.value)
