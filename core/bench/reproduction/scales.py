"""How large each experiment is: the one place to make them larger."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """steps, size (px of a square crop), batch: of each of its training runs. pairs: of photos
    and styles that are judged or timed, at `shown` px on the long side."""

    steps: int = 0
    size: int = 80
    batch: int = 4
    pairs: int = 24
    shown: int = 256


TIMES = Scale(shown=512)
OPTIMISED_STEPS = 60  # iterations of gatys in `times` and `capacity`
CAPACITY = Scale(steps=400, pairs=20)
OPTIMISED = Scale(pairs=4, shown=192)  # what gatys paints for `capacity`: a minute each
ZERO_SHOT = Scale(pairs=30)
GROUPS = Scale(pairs=24)
CURVES = Scale(steps=200)
FIRST_STEPS = (1, 10, 20, 30, 40, 50)  # figure 9
TEST_EVERY = 25  # steps between test losses
WORDS = Scale(steps=250, pairs=12)
EXPANDED = Scale(steps=250)
LEVELS = Scale(steps=200, batch=2)
BALANCE = Scale(steps=200, batch=2)
SKEWNESS = Scale(steps=200, batch=2)
TIMED_ROUNDS = 8  # of one step of each network by turns
BLIND = Scale(pairs=12, shown=512)
