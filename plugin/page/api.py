"""The page's functions for programs: Gradio's API, for gradio_client and plain HTTP."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path
from typing import Any

import gradio as gr

from ...core.errors import RequestError
from ...core.image import save_mask
from ...core.recipe import Recipe, Region, Source, from_json, parse_recipe, parse_target
from . import desk
from .answers import masks_of
from .arriving import PICTURES, arrived, upload_field
from .catalogue import catalogue, film_styles
from .visit import Stopped, Visit
from .visits import Visits, api_session
from .wishes import Problem, Wish

FILMS = ("webp", "gif", "mp4", "png")
MOTIONS = ("linear", "ping-pong", "cyclic")


def add_api(visits: Visits) -> None:
    """The documented functions, none of which is shown on the page."""
    functions = Functions(visits)
    with gr.Column(visible=False):
        photo = upload_field(label="photo", file_types=list(PICTURES))
        recipe = gr.Textbox(label="recipe")
        phrase = gr.Textbox(label="phrase")
        threshold = gr.Number(0.5, label="threshold")
        grow, feather = gr.Number(0, label="grow"), gr.Number(2, label="feather")
        invert = gr.Checkbox(False, label="invert")
        through = gr.Textbox("noon, sunset, night", label="through")
        target = gr.Textbox("*", label="region")
        frames = gr.Number(24, label="frames")
        motion = gr.Textbox("linear", label="motion")
        form = gr.Textbox("webp", label="form")
        picture, layers = gr.File(label="picture"), gr.File(label="layers")
        made, mask, film = gr.File(label="recipe"), gr.File(label="mask"), gr.File(label="film")
        data = gr.JSON(label="answer")
        button = gr.Button()
        button.click(
            functions.stylize, [photo, recipe], [picture, layers, made], api_name="stylize"
        )
        button.click(
            functions.mask, [photo, phrase, threshold, grow, feather, invert], mask,
            api_name="mask",
        )  # fmt: skip
        button.click(
            functions.animate, [photo, through, target, frames, motion, form], film,
            api_name="animate",
        )  # fmt: skip
        button.click(functions.estimate, [photo, recipe], data, api_name="estimate")
        button.click(functions.styles, None, data, api_name="styles")


class Functions:
    """What the API does. Every error is a gr.Error of one line."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits

    def stylize(self, photo: str, recipe: str, request: gr.Request) -> tuple[str, str | None, str]:
        """Repaint the whole picture.

        photo: PNG, JPEG, WebP or TIFF. recipe: in the region language, such as
        "sky = mosaic @ 0.6; keep people", or a recipe's JSON. Gives the picture as PNG with the
        recipe inside, its layers as OpenRaster, and the recipe as JSON.
        """

        def work(visit: Visit) -> tuple[str, str | None, str]:
            made = visit.paint(_wish(recipe), lambda stage, fraction: None)
            files = made.files
            layers = None if files.layers is None else str(files.layers)
            return str(files.picture), layers, str(files.recipe)

        return self._done(photo, request, work)  # type: ignore[no-any-return]

    def mask(
        self,
        photo: str,
        phrase: str,
        threshold: float,
        grow: float,
        feather: float,
        invert: bool,
        request: gr.Request,
    ) -> str:
        """Where the picture shows something, as a grey PNG of the picture's size, white = there.

        phrase: such as "sky" or "sky + sea". threshold: 0 to 1, lower finds more. grow: px, may
        be negative. feather: px of soft edge. invert: everything but that.
        """

        def work(visit: Visit) -> str:
            region = Region(
                **parse_target(phrase)._asdict(), style=(Source("name", desk.spare()),),
                threshold=None if threshold == 0.5 else threshold, grow=round(grow),
                feather=feather, invert=invert,
            )  # fmt: skip
            wish = Wish(Recipe((region,)), (0,), False)
            header, samples = visit.ask("mask", wish, final=True, side=0)
            path = Path(tempfile.mkdtemp(dir=visit.folder)) / "mask.png"
            save_mask(masks_of(header, samples)[0], path)
            return str(path)

        return self._done(photo, request, work)  # type: ignore[no-any-return]

    def animate(
        self,
        photo: str,
        through: str,
        region: str,
        frames: float,
        motion: str,
        form: str,
        request: gr.Request,
    ) -> str:
        """A film in which the picture, or a region of it, travels through looks.

        through: words or styles with commas between them. region: what changes, "*" for all.
        motion: linear, ping-pong or cyclic. form: webp, gif, mp4 or png.
        """

        def work(visit: Visit) -> str:
            if form not in FILMS or motion not in MOTIONS:
                raise RequestError("form: webp, gif, mp4 or png; motion: linear, ping-pong, cyclic")
            area = Region(**parse_target(region)._asdict(), style=(Source("name", desk.spare()),))
            wish = Wish(Recipe((area,)), (0,), True, free=True)
            film, _ = visit.animate(
                wish, film_styles(through), lambda stage, fraction: None,
                frames=int(frames), motion=motion, form=form, fps=12,
            )  # fmt: skip
            return str(film)

        return self._done(photo, request, work)  # type: ignore[no-any-return]

    def estimate(self, photo: str, recipe: str, request: gr.Request) -> dict[str, Any]:
        """What `stylize` would take at most: seconds by part of the work, bytes, and a line."""
        return self._done(photo, request, lambda visit: visit.estimate(_wish(recipe)))  # type: ignore[no-any-return]

    def styles(self) -> dict[str, Any]:
        """The styles and the words that a recipe can name."""
        offers = catalogue(self._visits.room.client())
        names = {each["name"]: each["title"] for each in offers["styles"]}
        return {"styles": names, "words": offers["words"]}

    def _done(self, photo: str, request: gr.Request, work: Any) -> Any:
        try:
            visit = self._visits.of(api_session(request.session_hash or uuid.uuid4().hex))
            path = Path(photo)
            visit.uploads.add(path)
            came = arrived(path)
            if came.picture is None:
                raise Problem("photo", "this is a recipe: send a picture")
            visit.open(came.name, came.picture)
            return work(visit)
        except Stopped:
            raise gr.Error("stopped", print_exception=False) from None
        except (Problem, RequestError) as error:
            raise gr.Error(str(error), print_exception=False) from None


def _wish(recipe: str) -> Wish:
    read = from_json(recipe) if recipe.lstrip().startswith("{") else parse_recipe(recipe)
    return Wish(read, tuple(range(len(read.regions))), True)
