"""The generated pages of the documentation say what the program says."""

from __future__ import annotations

import re
import runpy
import subprocess
from pathlib import Path

import matplotlib as mpl
import pytest

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


def test_the_pictures_are_what_the_program_would_draw_now(tmp_path: Path) -> None:
    compared = str if mpl.__version__.startswith(f"{DRAWN_WITH}.") else written_on
    pictures = SCRIPT["draw_pictures"](tmp_path / "pictures")
    assert pictures
    for drawn in pictures:
        stored = DOCS / ("" if drawn.name == "scale-out.svg" else "pictures") / drawn.name
        now, then = compared(drawn.read_text(encoding="utf-8")), compared(stored.read_text(encoding="utf-8"))
        assert now
        assert now == then, f"{drawn.name}: run `python docs/generate.py`"


def completed(words: str) -> set[str]:
    """Return what bash offers for the last of some words."""
    *_, last = words.split(" ")
    script = f"""
        source {DOCS}/completion/daganalysis.bash
        COMP_WORDS=({words.removesuffix(last)} "{last}"); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=()
        _shtab_daganalysis
        printf "%s\\n" "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    return {line.strip() for line in done.stdout.splitlines()}


def test_bash_completes_commands_and_options() -> None:
    assert {"show", "summary", "stage-latency"} <= completed("daganalysis s")
    assert "--cluster-by" in completed("daganalysis load --clu")


def test_the_manual_page_names_every_command() -> None:
    manual = (DOCS / "man" / "daganalysis.1").read_text(encoding="utf-8").replace("\\-", "-")
    assert manual.startswith('.TH DAGANALYSIS "1" ""')
    commands = re.findall(r"^## daganalysis (\S+)$", PAGES["command-line.md"], re.MULTILINE)
    assert [name for name in commands if f"'daganalysis {name}'" not in manual] == []


def test_every_file_that_the_architecture_page_names_is_there() -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    package = DOCS.parent / "daganalysis"
    named = [name for name in re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", page) if not name.startswith("store/part")]
    assert len(named) > 30
    assert [name for name in named if not any((root / name).exists() for root in (package, package / "history"))] == []
