"""A real browser for the pages, and what it has to say about them."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Any

import pytest

from tests.profiles import needed


class Opened:
    """A page in the browser, with every message of its console and every address it asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._heard = {
            "console": lambda message: self.complaints.append(message.text),
            "pageerror": lambda error: self.complaints.append(str(error)),
            "request": lambda request: self.requests.append(request.url),
        }
        for event, hear in self._heard.items():
            page.on(event, hear)

    def leave(self) -> None:
        """Leave the tab as a new one is, for the next page."""
        for event, hear in self._heard.items():
            self.page.remove_listener(event, hear)
        self.page.emulate_media(media="null", color_scheme="null")
        self.page.mouse.move(0, 0)
        self.page.goto("about:blank")

    def text(self, selector: str) -> str:
        """Return the text of an element as it is shown."""
        return str(self.page.inner_text(selector))

    def grave_findings(self) -> list[str]:
        """Return what the accessibility engine finds serious or critical, with the elements it found it in."""
        package = needed("axe_playwright_python")
        # Injected through the debugger: the page itself would not let a foreign script in.
        self.page.evaluate(files(package).joinpath("axe.min.js").read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{finding['id']}: {node['html'][:120]}"
            for finding in found["violations"]
            if finding["impact"] in {"serious", "critical"}
            for node in finding["nodes"]
        ]


@pytest.fixture(scope="session")
def tabs(browser):
    """Return a function that gives a browser's profile, with or without a touch screen and with the network off, and its unused tabs."""
    return functools.cache(lambda touch: (browser.new_context(has_touch=touch, offline=True), []))


@pytest.fixture
def open_page(tabs, tmp_path):
    """Return a function that opens a page's text from a file, as a person would, with the network off.

    Tabs are used again, as a new one takes twice the time of all that a test does in it.
    """
    opened: list[tuple[Opened, list[Any]]] = []

    def open_text(html: str, *, width: int = 1280, height: int = 900, scheme: str = "light", touch: bool = False) -> Opened:
        path = tmp_path / f"page-{len(opened)}.html"
        path.write_text(html, encoding="utf-8")
        profile, unused = tabs(touch)
        page = Opened(unused.pop() if unused else profile.new_page())
        opened.append((page, unused))
        page.page.set_viewport_size({"width": width, "height": height})
        page.page.emulate_media(color_scheme=scheme)
        page.page.goto(path.as_uri())
        return page

    yield open_text
    for page, unused in opened:
        page.leave()
        unused.append(page.page)
