"""Which device does the work, in which number format, and how much memory is free."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from .errors import RequestError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
_OLDER = ("DEFAULT", "NO AVX", "AVX2")  # what PyTorch calls processors without AVX-512
_OLDER_ISA = (
    "SSE41",
    "AVX",
    "AVX2",
    "AVX2_VNNI",
    "AVX2_VNNI_2",
    "AVX512_CORE",
    "AVX512_CORE_VNNI",
)  # what oneDNN calls those without bfloat16
UNLIMITED = 1 << 60  # bytes; cgroup v1 writes "no limit" as a number near 2^63
_SIGNS = ("not enough memory", "can't allocate memory", "could not create a", "bad_alloc",
          "out of memory", "Cannot allocate memory")  # fmt: skip


@dataclass(frozen=True)
class Device:
    """Where networks run. dtype: the format of convolutions; statistics stay in float32."""

    place: torch.device
    dtype: torch.dtype

    @property
    def dtype_name(self) -> str:
        return str(self.dtype).removeprefix("torch.")

    def autocast(self) -> torch.autocast:
        return torch.autocast(
            self.place.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16
        )


def cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself: emulated, it is slower than float32.

    One that the environment holds to an older form (ATEN_CPU_CAPABILITY, ONEDNN_MAX_CPU_ISA) is
    taken for such a one.
    """
    held = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    if held in _OLDER_ISA or torch.backends.cpu.get_cpu_capability() in _OLDER:
        return False
    tests = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")  # names of torch 2.6 and newer
    return any(getattr(torch.cpu, name)() for name in tests if hasattr(torch.cpu, name))


def choose_device(name: DeviceName = "auto", *, exact: bool = False) -> Device:
    """The named device, or the best that is there. exact: float32 everywhere.

    Raises RequestError for a device that this machine does not have.
    """
    if name in ("auto", "cuda") and torch.cuda.is_available():
        half = torch.cuda.is_bf16_supported(including_emulation=False)
        return Device(torch.device("cuda"), torch.bfloat16 if half and not exact else torch.float32)
    if name in ("auto", "mps") and torch.backends.mps.is_available():
        return Device(torch.device("mps"), torch.float32)
    if name not in ("auto", "cpu"):
        raise RequestError(f"this machine has no usable {name} device; try --device auto")
    fast = cpu_has_bfloat16() and not exact
    return Device(torch.device("cpu"), torch.bfloat16 if fast else torch.float32)


def free_memory(device: Device | None = None) -> int:
    """Bytes that can still be had on the device (default: the processor).

    There it is the least of what the system has, what the process's control group may still
    take, and what its address space leaves.
    """
    if device is not None and device.place.type == "cuda":
        return int(torch.cuda.mem_get_info(device.place)[0])
    import psutil  # a dependency of accelerate

    left = [int(psutil.virtual_memory().available), group_memory(), _address_space()]
    return max(0, min(each for each in left if each is not None))


def group_memory(
    mount: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> int | None:
    """Bytes left to this process's control group and those above it; None without a limit.

    Linux's cgroup v2 and v1. What a group holds of files, and could give back at once, counts
    as free.
    """
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    left = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = mount, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            root = mount / "memory"
        else:
            continue
        # In a container the path may be the host's, of which only the root is mounted.
        group = root / path.lstrip("/")
        left += [_left_in(each, *names) for each in (group, *group.parents) if _below(each, root)]
    return min((each for each in left if each is not None), default=None)


def _below(folder: Path, root: Path) -> bool:
    return folder == root or root in folder.parents


def _left_in(group: Path, limit: str, usage: str, reclaimable: str) -> int | None:
    try:
        most = int((group / limit).read_text(encoding="utf-8"))
        used = int((group / usage).read_text(encoding="utf-8"))
        counts = (group / "memory.stat").read_text(encoding="utf-8").split()
    except (OSError, ValueError):  # no such group here, or its limit is the word max
        return None
    files = dict(zip(counts[::2], counts[1::2], strict=False)).get(reclaimable, "0")
    return max(0, most - used + int(files)) if most < UNLIMITED else None


def _address_space() -> int | None:
    """Bytes that `ulimit -v` leaves; None without a limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    import psutil

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    return max(0, limit - int(psutil.Process().memory_info().vms))


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that an allocation failed: NumPy's and Python's MemoryError, what
    PyTorch's allocators raise, and what oneDNN says when it can't have its scratch space."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(sign in text for sign in _SIGNS)
