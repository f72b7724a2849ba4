"""One photo through a session: read, repaint, write every output, say what was done."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any

from ..core.image import (
    RECIPE_KEY,
    Picture,
    check_output,
    load_picture,
    losses,
    save_mask,
    save_picture,
)
from ..core.progress import Progress, Whole
from ..core.recipe import Recipe, to_data, to_json
from ..core.streams import heard
from ..core.wording import shown
from .console import note, progress_bar, say, warn
from .outputs import Job

if TYPE_CHECKING:
    from ..core.estimate import Estimate
    from ..core.pipeline import Result
    from .session import Session


LONG = 10.0  # s of work about which a line is said before it begins
BYTES_A_PIXEL = 2.0  # of a repainted picture as PNG, about


class Painter:
    """Applies one recipe to photo after photo with a warm session."""

    def __init__(
        self,
        session: Session,
        recipe: Recipe,
        *,
        strict: bool = False,
        force: bool = False,
        as_json: bool = False,
    ) -> None:
        self._session, self._recipe = session, session.pinned(recipe)
        self._strict, self._force, self._as_json = strict, force, as_json
        self._told = False

    def paint(self, job: Job) -> Result:
        """Write all of the job's outputs, each whole or not at all, and report them."""
        from ..core.layers import check_ora

        started = time.perf_counter()
        with heard(_nothing):  # Ctrl+C ends it, whatever the file
            picture = load_picture(job.photo)
        check_output(job.out, force=self._force, picture=picture)
        if job.layers and job.layers.suffix.lower() == ".ora":
            check_ora(job.layers, picture)
        plans: list[Estimate] = []

        def planned(estimate: Estimate) -> None:
            plans.append(estimate)
            if not self._as_json and (estimate.seconds > LONG or estimate.short):
                note(f"{job.photo.name}: {estimate}")

        with progress_bar(job.photo.name) as progress:
            progress("loading", 0.0)
            stylist, layers = self._session.stylist(self._recipe), job.layers is not None
            rough = stylist.estimate(picture, self._recipe, layers=layers)
            saving = rough.parts["saving"]
            whole = Whole(progress, {"painting": rough.seconds - saving, "saving": saving})
            result = stylist.run(
                picture,
                self._recipe,
                strict=self._strict,
                layers=layers,
                planned=planned,
                progress=whole.part("painting"),
            )
            self._write(job, picture, result, whole.part("saving"))
        lost = losses(picture, job.out)
        self._report(job, result, plans[0], lost, time.perf_counter() - started)
        return result

    def _write(self, job: Job, picture: Picture, result: Result, progress: Progress) -> None:
        from ..core.layers import write_layers, write_ora

        likely = BYTES_A_PIXEL * picture.extent.pixels

        def written(passed: int) -> None:
            # How long the file will be nobody knows before: the bar slows down towards the end.
            progress("saving", 1 - math.exp(-2 * passed / likely))

        text = {RECIPE_KEY: to_json(result.recipe)}
        with heard(written):
            if job.mask:
                save_mask(result.mask, job.mask, force=self._force)
            if job.layers and job.layers.suffix.lower() == ".ora":
                write_ora(job.layers, picture, result.layers, result.picture, force=self._force)
            elif job.layers:
                job.layers.parent.mkdir(exist_ok=True)
                write_layers(job.layers, picture, result.layers, force=self._force)
            save_picture(result.picture, job.out, force=self._force, text=text)
        progress("saving", 1.0)

    def _report(
        self, job: Job, result: Result, plan: Estimate, lost: list[str], seconds: float
    ) -> None:
        answered = self._answered()
        notes = [*result.warnings, *lost, *self._drift(result.recipe)]
        for line in notes:
            warn(line)
        if self._session.fallback and not self._told:  # once, however many photos there are
            note(self._session.fallback)
            self._told = True
        extent = result.picture.extent
        pins = result.recipe.pins
        assert pins is not None  # the pipeline pins every result
        if self._as_json:
            summary: dict[str, Any] = {
                "photo": str(job.photo),
                "output": str(job.out),
                "mask": str(job.mask) if job.mask else None,
                "layers": str(job.layers) if job.layers else None,
                "size": [extent.width, extent.height],
                "worked_at": [result.work.width, result.work.height],
                "seconds": round(seconds, 3),
                "estimate": {
                    "tiles": plan.tiles,
                    "seconds": round(plan.seconds, 1),
                    "peak_bytes": plan.peak_bytes,
                    "free_bytes": plan.free_bytes,
                },
                "segmenter": pins.segmenter,
                "engine": pins.engine,
                "scores": {phrase: round(score, 4) for phrase, score in result.scores.items()},
                "answered": answered,
                "warnings": notes,
                "note": self._session.fallback,
                "recipe": to_data(result.recipe),
            }
            print(json.dumps(summary, ensure_ascii=False), flush=True)
            return
        for phrase, score in result.scores.items():
            meant = f" -> {shown(answered[phrase])}" if phrase in answered else ""
            say(f"{pins.segmenter}: {shown(phrase)}{meant}, best score {score:.2f}")
        size = f"{extent.width} x {extent.height}"
        size += " pixels"
        if result.work.long_side < extent.long_side:
            size += f", worked at {result.work.width} x {result.work.height}"
            if self._recipe.size is None:
                size += " (--size full takes its own size, and longer)"
        say(f"wrote {job.out}: {size}, {pins.engine} ({pins.dtype}), {seconds:.1f} s")
        for path in filter(None, (job.mask, job.layers)):
            say(f"wrote {path}")

    def _answered(self) -> dict[str, str]:
        """Phrases that another word answered for, and that word."""
        segmenter = self._session.stylist(self._recipe).segmenter
        found = {}
        for phrase in self._recipe.phrases:
            knowledge = segmenter.knows(phrase)
            if knowledge.kind == "near" and knowledge.word:
                found[phrase] = knowledge.word
        return found

    def _drift(self, made: Recipe) -> list[str]:
        """What answers otherwise than it did when the recipe was made."""
        before, now = self._recipe.pins, made.pins
        if before is None or now is None or before == now:
            return []
        changed = [
            name
            for name in ("segmenter", "engine", "weights", "dtype")
            if getattr(before, name) != getattr(now, name)
        ]
        return [f"this recipe was made with another {', '.join(changed)}: the result may differ"]


def _nothing(passed: int) -> None:
    """Reading shows no progress of its own."""
