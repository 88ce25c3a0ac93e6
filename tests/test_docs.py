"""The generated pages of the documentation say what the program says."""

from __future__ import annotations

import functools
import re
import runpy
from pathlib import Path

import matplotlib as mpl
import pytest

import daganalysis as da
from tests.profiles import LONG

DOCS = Path(__file__).parent.parent / "docs"
SCRIPT = runpy.run_path(str(DOCS / "generate.py"))
PAGES = SCRIPT["pages"]()


@pytest.mark.parametrize("name", list(PAGES))
def test_a_generated_page_is_what_the_program_would_write_now(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], "run `python docs/generate.py`"


DRAWN_WITH = "3.11"
"""The version of matplotlib that drew the stored pictures. Another one measures texts a little differently: then only what is written is
compared."""


def written_on(picture: str) -> list[str]:
    return [text for text in re.findall(r"<text[^>]*>([^<]*)<", picture) if "…" not in text]


def test_the_pictures_are_what_the_program_would_draw_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(da, "load", functools.cache(da.load))  # five pictures are of one archive
    compared = str if mpl.__version__.startswith(f"{DRAWN_WITH}.") else written_on
    pictures = SCRIPT["draw_pictures"](tmp_path / "pictures", step=1 if LONG else 2)
    assert pictures
    for drawn in pictures:
        stored = DOCS / ("" if drawn.name == "scale-out.svg" else "pictures") / drawn.name
        now, then = compared(drawn.read_text(encoding="utf-8")), compared(stored.read_text(encoding="utf-8"))
        assert now
        assert now == then, f"{drawn.name}: run `python docs/generate.py`"


def test_the_manual_page_names_every_command() -> None:
    manual = (DOCS / "man" / "daganalysis.1").read_text(encoding="utf-8").replace("\\-", "-")
    assert manual.startswith('.TH DAGANALYSIS "1" ""')
    commands = re.findall(r"^## daganalysis (\S+)$", PAGES["command-line.md"], re.MULTILINE)
    assert [name for name in commands if f"'daganalysis {name}'" not in manual] == []


def test_what_keeps_its_lines_in_the_manual_page_fits_a_terminal_of_80_columns() -> None:
    manual = (DOCS / "man" / "daganalysis.1").read_text(encoding="utf-8").replace("\\-", "-")
    kept = [line for block in re.findall(r"^\.nf\n(.*?)^\.fi$", manual, re.MULTILINE | re.DOTALL) for line in block.splitlines()]
    assert len(kept) > 100
    assert [line for line in kept if len(line) > 78] == []


def test_every_file_that_the_architecture_page_names_is_there() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    package = DOCS.parent / "daganalysis"
    named = [name for name in re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", page) if not name.startswith("store/part")]
    assert len(named) > 30
    assert [name for name in named if not any((root / name).exists() for root in (package, package / "history"))] == []
    modules = {path.name for path in package.rglob("*.py")}
    assert [name for name in re.findall(r"`([a-z_]+\.py)`", page) if name not in modules] == []
