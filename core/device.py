"""Which device does the work, in which number format, and how much memory is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from .errors import RequestError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


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
    """Whether the processor multiplies bfloat16 itself: emulated, it is slower than float32."""
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


def free_memory(device: Device) -> int:
    """Bytes that can still be had on the device, as the system tells it."""
    if device.place.type == "cuda":
        return int(torch.cuda.mem_get_info(device.place)[0])
    import psutil  # a dependency of accelerate

    return int(psutil.virtual_memory().available)
