"""Training settings: frozen dataclasses, filled from TOML and `key=value` pairs."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..errors import RequestError


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """What every training run has.

    content, style: folders of pictures, searched deep (folders named holdout or masks are left
    out). size: pixels of a training crop's side. batch: samples a step over all processes.
    precision: auto takes bfloat16 where the processor has it. schedule: after the warm-up the
    learning rate falls along a cosine to `final_rate` of itself, or is multiplied by `decay` every
    `decay_every` steps.
    """

    content: tuple[str, ...] = ()
    style: tuple[str, ...] = ()
    vgg16: str = ""  # the real VGG-16 (safetensors or torchvision's file); empty: the store's
    size: int = 128
    batch: int = 8
    steps: int = 1000
    learning_rate: float = 1e-3
    warmup: int = 50
    schedule: str = "cosine"
    final_rate: float = 0.05
    decay: float = 0.1  # ZM-Net, section 4.1: by 0.1 every 40,000 steps
    decay_every: int = 40_000
    gradient_clip: float = 1.0
    ema: float = 0.999  # the exported weights are this moving average; 0 exports the last ones
    seed: int = 0
    workers: int = 1
    precision: str = "auto"
    log_every: int = 20
    sample_every: int = 500
    checkpoint_seconds: float = 180.0
    init: str = ""  # weights to start from: a shipped name or a file

    def __post_init__(self) -> None:
        if self.size < 32 or self.batch < 1 or self.steps < 1:
            raise RequestError("training needs size >= 32, batch >= 1 and steps >= 1")
        if self.precision not in ("auto", "bf16", "no"):
            raise RequestError(f"precision is auto, bf16 or no, not {self.precision!r}")
        if self.schedule not in ("cosine", "steps") or self.decay_every < 1:
            raise RequestError("schedule is cosine or steps, decay_every at least 1")


C = TypeVar("C", bound=TrainConfig)


def build_config(
    kind: type[C],
    file: Path | None = None,
    pairs: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
) -> C:
    """A config from defaults, then the TOML file, then `key=value` pairs, then overrides."""
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values.update(tomllib.loads(file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise RequestError(f"can't read the settings {file}: {error}") from error
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise RequestError(f"--set takes key=value, not {pair[:60]!r}")
        values[key.strip()] = _parse(text.strip())
    values.update(overrides or {})
    fields = {f.name: f for f in dataclasses.fields(kind)}
    for key in values:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise RequestError(f"{kind.__name__} has no setting {key[:60]!r}{hint}")
    return kind(**{k: _fit(k, v, getattr(kind, k, None)) for k, v in values.items()})


def _parse(text: str) -> Any:
    """A TOML value where the text is one, else the text itself."""
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _fit(key: str, value: Any, default: Any) -> Any:
    """The value in the type of the field's default."""
    if isinstance(default, tuple):
        return tuple(value) if isinstance(value, list | tuple) else (value,)
    if isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(default, float):
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        value = float(value) if fits else value
    elif isinstance(default, int):
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:
        fits, value = True, str(value)
    if not fits:
        kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(default)]
        raise RequestError(f"{key} takes {kind}, not {str(value)[:60]!r}")
    return value
