"""Where the work is done, and in which number format."""

from __future__ import annotations

import pytest
import torch

from semantic_style.core.device import choose_device, cpu_has_bfloat16, free_memory
from semantic_style.core.errors import RequestError


def test_the_cpu_takes_bfloat16_only_where_it_multiplies_it_itself() -> None:
    device = choose_device("cpu")
    assert device.place == torch.device("cpu")
    assert (device.dtype == torch.bfloat16) == cpu_has_bfloat16()
    assert choose_device("cpu", exact=True).dtype_name == "float32"


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
