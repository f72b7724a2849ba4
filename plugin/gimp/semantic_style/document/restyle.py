"""The whole run: layers to the worker, results back, and then one step in the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from gi.repository import Gimp

from ..link.client import Client, WorkerError
from . import group
from .arrived import arrived_layers
from .asking import answer_of
from .faults import Refused
from .insertion import Done, Wish, written
from .options import Options
from .pixels import box_of
from .source import Source, SourceChanged, Work, sources_of, work_of
from .styles import self_contained
from .waiting import Event, awaited


class Watch(Protocol):
    """Who looks on. Both are called on the main thread."""

    def stage(self, text: str, fraction: float) -> None:
        """What is being done, and how much of all is done."""

    def look(self) -> None:
        """Called a few times a second; raises Stopped when the work is not wanted any more."""


class ProgressBar:
    """GIMP's own progress; its Cancel ends the plug-in."""

    def __init__(self) -> None:
        Gimp.progress_init(group.TITLE)

    def stage(self, text: str, fraction: float) -> None:
        Gimp.progress_set_text(text)
        Gimp.progress_update(fraction)

    def look(self) -> None:
        """GIMP itself ends what is not wanted."""


def restyle_in_batch(image: Any, drawables: list[Any], options: Options) -> None:
    """The procedure without its dialog. Raises what `restyle` does."""
    from ..link.launch import connected

    watch = ProgressBar()
    client = awaited(lambda tell: connected(), lambda event: None, watch.look)
    restyle(client, image, drawables, options, watch)
    Gimp.progress_end()


def restyle(
    client: Client, image: Any, drawables: list[Any], options: Options, watch: Watch
) -> list[Any]:
    """The groups, or merged layers, that hold the results, one for each source, selected now.

    Nothing is changed before all is there, and then all in one undo step. Refused, SourceChanged
    (see Options.accept_changes), WorkerError; Stopped from the watch: the image is untouched.
    """
    sources = sources_of(image, drawables)
    asked = _asked(client, options, watch) if options.recipe.strip() else None
    done = []
    for number, source in enumerate(sources):
        wish = _wish(client, source, asked, options, watch)

        def seen(event: Event, number: int = number, source: Source = source) -> None:
            fraction = (number + float(event.get("fraction", 0))) / len(sources)
            stage = str(event.get("stage", "waiting"))
            watch.stage(f"{source.name}: {stage}", fraction)

        done.append(_done(client, image, source, wish, options, seen, watch))
    _still_there(image, done)
    holders = written(image, done, options)
    for each in done:
        for line in each.warnings:
            Gimp.message(f"{each.source.name}: {line}")
    return holders


def _asked(client: Client, options: Options, watch: Watch) -> Wish:
    return Wish(_canonical(client, options, options.wording, watch), options.merge, options.strict)


def _canonical(
    client: Client, options: Options, wording: str | dict[str, Any], watch: Watch
) -> dict[str, Any]:
    """The recipe with the options worked in, its files put in, judged by the worker."""

    def judged(recipe: str | dict[str, Any]) -> dict[str, Any]:
        answer = awaited(lambda tell: client.canonical(recipe), lambda event: None, watch.look)
        return dict(answer["recipe"])

    return judged(self_contained(options.over(judged(wording))))


def _wish(
    client: Client, source: Source, asked: Wish | None, options: Options, watch: Watch
) -> Wish:
    """What was asked for, or what the group that is made again remembers."""
    if asked is not None:
        return asked
    if source.former is None:
        return _asked(client, options, watch)  # which says that no recipe is given
    record = source.former.record
    return Wish(_canonical(client, options, record.recipe, watch), record.merge, record.strict)


def _done(
    client: Client,
    image: Any,
    source: Source,
    wish: Wish,
    options: Options,
    seen: Callable[[Event], None],
    watch: Watch,
) -> Done:
    former = source.former
    if former is not None and not former.layers and not options.recompute_masks:
        raise Refused(
            f"{former.holder.get_name()} has none of its own layers left: choose recompute masks "
            "to bring them back"
        )
    work = work_of(source, wish.recipe, options)
    accepted = former is None or options.accept_changes

    def run(tell: Callable[[Event], None]) -> tuple[str, Any, Any]:
        sha256 = client.put_picture(work.picture.parts)
        if former is not None and not accepted and sha256 != former.record.sha256:
            raise SourceChanged(
                f"the layer {source.name} has changed since {former.holder.get_name()} was made: "
                "run it again with when-source-changed = accept, or undo the change"
            )
        try:
            return sha256, *_job(client, sha256, work, wish, tell)
        except WorkerError as error:
            if error.code != "picture":
                raise
        # Pictures of others had taken its place before the job began.
        client.put_picture(work.picture.parts)
        return sha256, *_job(client, sha256, work, wish, tell)

    def look() -> None:
        watch.look()
        if not image.is_valid():
            raise Refused("the image was closed")

    sha256, header, samples = awaited(run, seen, look)
    box = work.picture.box
    return Done(
        source=source,
        wish=wish,
        work=work,
        sha256=sha256,
        layers=arrived_layers(header, samples, box.width, box.height),
        warnings=[str(line) for line in header.get("warnings", [])],
    )


def _job(
    client: Client, sha256: str, work: Work, wish: Wish, tell: Callable[[Event], None]
) -> tuple[dict[str, Any], memoryview]:
    """Header and samples of the finished job. WorkerError; what `tell` raises ends the job."""
    bound = work.bound_parts
    # Grey documents have no place for colours: only the lightness is repainted.
    recipe = {**wish.recipe, "keep_colors": True} if work.picture.grey else wish.recipe
    job = client.submit(
        "stylize",
        sha256,
        recipe,
        selection=None if bound is None else client.put_picture(bound),
        painted={str(number): client.put_picture(each) for number, each in work.painted.items()},
        merge=wish.merge,
        strict=wish.strict,
    )
    return answer_of(client, job, tell)


def _still_there(image: Any, done: list[Done]) -> None:
    """Refused where the document is not what it was when the work began."""
    if not image.is_valid():
        raise Refused("the image was closed")
    for each in done:
        layer, former = each.source.layer, each.source.former
        if not layer.is_valid() or (former is not None and not former.holder.is_valid()):
            raise Refused("a layer was deleted while the work went on")
        now = box_of(layer)
        if (now.width, now.height) != (each.work.picture.box.width, each.work.picture.box.height):
            raise Refused(f"{layer.get_name()} was resized while the work went on: run it again")
