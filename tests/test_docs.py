"""The generated pages of the documentation say what the program says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
SCRIPT = runpy.run_path(str(DOCS / "generate.py"))
PAGES = SCRIPT["pages"]()


@pytest.mark.parametrize("name", list(PAGES))
def test_a_generated_page_is_what_the_program_would_write_now(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], "run `python docs/generate.py`"


def test_the_pictures_are_what_the_program_would_draw_now(tmp_path: Path) -> None:
    for drawn in SCRIPT["draw_pictures"](tmp_path / "pictures"):
        stored = DOCS / ("" if drawn.name == "scale-out.svg" else "pictures") / drawn.name
        assert drawn.read_bytes() == stored.read_bytes(), f"{drawn.name}: run `python docs/generate.py`"
