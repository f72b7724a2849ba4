"""Somebody who looks at the page: what they do, and what they see."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Browser = Any  # Playwright is not there where these tests are skipped
PATIENCE = 60_000.0  # ms, for a busy machine


@contextlib.contextmanager
def launched(program: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # A container has no user namespaces for Chromium's own sandbox.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One browser profile with one tab. strayed: addresses that it asked for elsewhere.
    complaints: of the page's own scripts."""

    def __init__(
        self, browser: Browser, address: str, width: int, height: int, *, dark: bool
    ) -> None:
        self.strayed: list[str] = []
        self.complaints: list[str] = []
        self._context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        self._context.set_default_timeout(PATIENCE)
        self.page = self._context.new_page()
        home = urlsplit(address).netloc

        def asked(request: Any) -> None:
            url = urlsplit(request.url)
            if url.scheme not in ("data", "blob") and url.netloc != home:
                self.strayed.append(request.url)

        self.page.on("request", asked)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address)
        self.page.wait_for_selector("#ss-photo input[type=file]", state="attached")
        self.page.wait_for_function("() => semanticStyle.catalogue.styles.length > 0")

    def leave(self) -> None:
        self._context.close()

    def example(self, title: str = "Neuschwanstein Castle") -> None:
        self.page.get_by_role("button", name=title).click()
        self.opened()

    def bring(self, path: Path) -> None:
        """Upload a file."""
        self.page.set_input_files("#ss-photo input[type=file]", path)

    def opened(self) -> None:
        """Wait until a picture is there."""
        self.page.wait_for_selector(".ss-frame", state="visible")

    def say(self, phrase: str, row: int = 0) -> None:
        self.row(row).locator(".ss-phrase").fill(phrase)

    def row(self, number: int = 0) -> Any:
        return self.page.locator(".ss-row").nth(number)

    def choose(self, style: str) -> None:
        """A style for the active region."""
        self.page.locator(f"[data-style={style}]").click()

    def mask(self, row: int = 0) -> NDArray[np.uint8]:
        """[h, w]: the row's mask as the page shows it, once there is one."""
        self.page.wait_for_function(f"() => semanticStyle.shown.masks[{row}]")
        return self._mask(row)

    def next_mask(self, row: int = 0) -> NDArray[np.uint8]:
        """The mask that comes after the one that is shown now; call `watching` before."""
        self.page.wait_for_function(
            f"() => semanticStyle.shown.masks[{row}] && "
            f"semanticStyle.shown.masks[{row}] !== window.seen"
        )
        return self._mask(row)

    def watching(self, row: int = 0) -> None:
        self.page.evaluate(f"() => {{ window.seen = semanticStyle.shown.masks[{row}] }}")

    def preview(self) -> NDArray[np.uint8]:
        """[h, w, 3]: the result that the page shows, once there is one."""
        self.page.wait_for_selector(".ss-after", state="visible")
        return self._data("semanticStyle.shown.after")

    def paint(self) -> None:
        """Paint the whole picture, and wait for it."""
        self.page.get_by_role("button", name="Paint the whole picture").click()
        self.page.wait_for_function("() => semanticStyle.shown.label.startsWith('finished')")
        self.page.wait_for_selector("#ss-downloads", state="visible")

    def download(self, name: str, folder: Path) -> Path:
        """Click one of the downloads; the file."""
        place = self.page.locator("#ss-downloads").get_by_text(name, exact=True)
        with self.page.expect_download() as coming:
            place.click()
        path = folder / coming.value.suggested_filename
        coming.value.save_as(path)
        return path

    def says(self, text: str) -> None:
        """Wait until the page shows that text."""
        self.page.get_by_text(text).first.wait_for(state="visible")

    def picture(self) -> NDArray[np.uint8]:
        """The stage as it is on the screen."""
        shot = self.page.locator(".ss-frame").screenshot()
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))

    def _mask(self, row: int) -> NDArray[np.uint8]:
        mask = self._data(f"semanticStyle.shown.masks[{row}]")
        return mask[..., 0] if mask.ndim == 3 else mask

    def _data(self, name: str) -> NDArray[np.uint8]:
        import base64

        url = str(self.page.evaluate(f"() => {name}"))
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))
