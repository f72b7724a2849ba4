"""What the page shows beside Gradio's own controls: the stage's data, and lines of HTML."""

from __future__ import annotations

import html
import itertools
from dataclasses import dataclass, field
from typing import Any

_turns = itertools.count(1)


@dataclass
class Shown:
    """What the stage shows; see front/model.js. errors: lines by control. notes: by row."""

    picture: dict[str, Any] | None = None
    after: str | None = None
    label: str = ""
    masks: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    restore: dict[str, Any] | None = None

    @property
    def data(self) -> dict[str, Any]:
        """As it travels. No two are equal, so that the browser takes note of each."""
        return {**self.__dict__, "turn": next(_turns)}


def bar(stage: str, fraction: float) -> str:
    """Progress as HTML."""
    percent = round(100 * fraction)
    return (
        f'<div class="ss-progress" role="status">{html.escape(stage)}<div role="progressbar" '
        f'aria-label="Progress" aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>'
        "</div>"
    )


def line(text: str, kind: str = "error") -> str:
    """A line for a person as HTML, none for an empty text. kind: error or note."""
    role = "alert" if kind == "error" else "status"
    return f'<p class="ss-{kind}" role="{role}">{html.escape(text)}</p>' if text else ""
