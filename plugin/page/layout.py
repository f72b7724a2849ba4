"""The page itself: its controls, and which of them does what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from ...core.recipe import GROUPS
from .api import add_api
from .arriving import PICTURES, RECIPES, upload_field
from .catalogue import photos
from .events import connect
from .shown import Shown
from .visits import Visits

TITLE = "Semantic Style"
POLISHES = [("Automatic", -1), ("Off", 0), *((f"{n} steps", n) for n in (4, 8, 16, 32))]
SIZES = [
    ("Automatic size", 0),
    ("512 px", 512),
    ("1024 px", 1024),
    ("2048 px", 2048),
    ("Full size", -1),
]
TRANSFERS = [(name, name) for name in GROUPS]
FRONT = Path(__file__).with_name("front")

Controls = dict[str, Any]


def front(name: str) -> str:
    return (FRONT / name).read_text("utf-8")


def script(name: str, *arguments: str) -> str:
    """A part of the page in JavaScript, called with what Gradio gives it."""
    return f"{front(name).strip()}({', '.join(arguments)})"


def theme() -> gr.themes.Base:
    fonts = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    base = gr.themes.Base(
        primary_hue="indigo", neutral_hue="slate", font=fonts,
        font_mono=["ui-monospace", "Menlo", "monospace"], radius_size="md",
    )  # fmt: skip
    return base.set(
        block_border_width="0px", block_shadow="none", block_padding="0px",
        block_background_fill="transparent", block_background_fill_dark="transparent",
        body_text_color_subdued="*neutral_500", block_label_text_color="*neutral_600",
        block_title_text_color="*neutral_700", block_info_text_color="*neutral_500",
    )  # fmt: skip


def build(visits: Visits) -> gr.Blocks:
    """The page, its events and its API. Nothing is loaded yet."""
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(600, 7200)
    ) as page:
        controls = _controls()
        connect(page, controls, visits)
        add_api(visits)
    return page


def _controls() -> Controls:
    c: Controls = {}
    with gr.Row(elem_id="ss-head"):
        gr.HTML(
            "<h1>Semantic Style</h1><p>Point at part of a picture with words, and repaint only "
            "that part.</p>",
            elem_id="ss-title",
        )
        c["answers"] = gr.HTML("", elem_id="ss-answers")
    with gr.Row(elem_id="ss-columns"):
        with gr.Column(scale=7, min_width=340, elem_id="ss-stage-column"):
            with gr.Column(elem_id="ss-start"):
                c["photo"] = upload_field(
                    label="A photo, or a recipe made here", show_label=False,
                    file_types=[*PICTURES, *RECIPES], elem_id="ss-photo", height=180,
                )  # fmt: skip
                c["photo_line"] = gr.HTML("", elem_classes="ss-problem")
                c["examples"] = _tiles("or try one of these", photos(), "ss-examples")
            c["stage"] = gr.HTML(
                Shown().data, html_template=" ", apply_default_css=False, elem_id="ss-stage",
                js_on_load=script("stage.js", "element", "props", "watch"),
            )  # fmt: skip
            c["work_line"] = gr.HTML("", elem_classes="ss-problem ss-later")
            c["use"] = gr.Button("Use its picture, too", visible=False, size="sm")
            with gr.Row(elem_classes="ss-later", elem_id="ss-make"):
                c["size"] = gr.Dropdown(
                    SIZES, value=0, label="Size", show_label=False, container=False, scale=3,
                    min_width=150, elem_id="ss-size",
                )  # fmt: skip
                c["paint"] = gr.Button(
                    "Paint the whole picture", variant="primary", scale=4, min_width=150,
                    elem_id="ss-paint",
                )  # fmt: skip
                c["stop"] = gr.Button(
                    "Stop", visible=False, variant="stop", scale=1, min_width=80, elem_id="ss-stop"
                )
            c["estimate"] = gr.HTML("", elem_id="ss-estimate", elem_classes="ss-later")
            c["progress"] = gr.HTML("", elem_classes="ss-later ss-empty")
            with gr.Row(visible=False, elem_id="ss-downloads") as c["downloads"]:
                c["png"] = gr.DownloadButton("Save picture", size="sm", variant="primary")
                c["ora"] = gr.DownloadButton("Save layers", size="sm")
                c["recipe"] = gr.DownloadButton("Save recipe", size="sm")
            c["other"] = gr.Button(
                "Another photo", size="sm", variant="secondary", elem_classes="ss-later",
                elem_id="ss-other",
            )  # fmt: skip
        with (
            gr.Column(scale=5, min_width=320, elem_classes="ss-later", elem_id="ss-side"),
            gr.Tabs(),
        ):
            with gr.Tab("Picture"):
                _picture_controls(c)
            with gr.Tab("Animation"):
                _film_controls(c)
            with gr.Tab("History"):
                c["history"] = _tiles("What you paint appears here.", [], "ss-history")
    return c


def _tiles(heading: str, tiles: list[dict[str, str]], name: str) -> gr.HTML:
    return gr.HTML(
        heading=heading, tiles=tiles, html_template=" ", apply_default_css=False, elem_id=name,
        js_on_load=script("tiles.js", "element", "props", "trigger", "watch"),
    )  # fmt: skip


def _picture_controls(c: Controls) -> None:
    c["regions"] = gr.HTML(
        {"regions": [], "keep": ""}, html_template=" ", apply_default_css=False, catalogue=None,
        elem_id="ss-regions",
        js_on_load=script("regions.js", "element", "props", "trigger", "watch"),
    )  # fmt: skip
    with gr.Accordion("More settings", open=False, elem_id="ss-more"):
        c["engine"] = gr.Dropdown([("Automatic", "auto")], value="auto", label="Painter")
        c["segmenter"] = gr.Dropdown(
            [("Automatic", "auto")], value="auto", label="Who finds things", visible=False
        )
        c["transfer"] = gr.CheckboxGroup(
            TRANSFERS, value=list(GROUPS), label="Take over from the style",
            info="Fewer than all three: ZM-Net paints.",
        )  # fmt: skip
        c["brush"] = gr.Slider(0.25, 4, 1, step=0.05, label="Brush size")
        c["polish"] = gr.Dropdown(
            POLISHES, value=-1, label="Polish",
            info="Steps spent on coming nearer to the style; not in films.",
        )  # fmt: skip
        c["keep_colors"] = gr.Checkbox(False, label="Keep the photo's own colours")
        c["settings_line"] = gr.HTML("", elem_classes="ss-problem")


def _film_controls(c: Controls) -> None:
    c["through"] = gr.Textbox(
        "noon, sunset, night", label="Travel through", max_lines=1,
        info="Words or styles, with commas between them.",
    )  # fmt: skip
    c["moves"] = gr.Textbox("", label="What changes", placeholder="sky", max_lines=1,
                            info="Empty: the whole picture.")  # fmt: skip
    c["motion"] = gr.Radio(
        [("Once", "linear"), ("There and back", "ping-pong"), ("In a circle", "cyclic")],
        value="ping-pong", label="Way",
    )  # fmt: skip
    with gr.Row():
        c["frames"] = gr.Slider(2, 96, 24, step=1, label="Pictures")
        c["fps"] = gr.Slider(2, 30, 12, step=1, label="Pictures a second")
    c["form"] = gr.Radio(["webp", "gif", "mp4", "png"], value="webp", label="File")
    c["film_line"] = gr.HTML("", elem_classes="ss-problem")
    with gr.Row():
        c["make_film"] = gr.Button("Make the film", variant="primary", elem_id="ss-make-film")
        c["stop_film"] = gr.Button("Stop", visible=False, variant="stop", elem_id="ss-stop-film")
    c["film_progress"] = gr.HTML("", elem_classes="ss-empty")
    c["film"] = gr.HTML("", elem_id="ss-film")
    c["film_file"] = gr.DownloadButton("Save the film", visible=False, size="sm")
