"""A real browser for the pages, and what it has to say about them."""

from __future__ import annotations

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
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

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


@pytest.fixture
def open_page(browser, tmp_path):
    """Return a function that opens a page's text from a file, as a person would, with the network off."""
    opened: list[Any] = []

    def open_text(html: str, *, width: int = 1280, height: int = 900, scheme: str = "light", touch: bool = False) -> Opened:
        path = tmp_path / f"page-{len(opened)}.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=touch, offline=True)
        opened.append(context)
        page = Opened(context.new_page())
        page.page.goto(path.as_uri())
        return page

    yield open_text
    for context in opened:
        context.close()
