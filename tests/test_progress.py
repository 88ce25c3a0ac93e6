"""Progress is shown where somebody watches, and nowhere else."""

from __future__ import annotations

import io

import pytest

import daganalysis as da
from daganalysis.progress import shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def what_is_shown(monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO) -> str:
    monkeypatch.setattr("sys.stderr", stderr)
    with shown(delay_s=0) as tell:
        tell("reading", 5, 10)
        tell("rebuilding", 1, 2)
    return stderr.getvalue()


def test_a_terminal_is_shown_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = what_is_shown(monkeypatch, Terminal())
    assert "reading:" in screen
    assert "rebuilding:" in screen


def test_a_pipe_is_shown_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert what_is_shown(monkeypatch, io.StringIO()) == ""


def what_a_notebook_shows(code: str) -> list[dict[str, object]]:
    # Imported here, as it takes two seconds: every process that runs tests collects all of them.
    import nbclient
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=250).execute()
    return list(notebook.cells[0].outputs)


HIDDEN = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "ipywidgets" else found(name, *rest)
"""
LONG_WORK = """
from daganalysis.progress import shown
with shown(delay_s=0) as tell:
    tell("reading", 5, 10)
"""


def test_a_notebook_is_shown_a_widget() -> None:
    (shown_there,) = what_a_notebook_shows(LONG_WORK)
    assert "application/vnd.jupyter.widget-view+json" in shown_there["data"]  # type: ignore[operator]


def test_a_notebook_without_widgets_is_shown_nothing_that_would_stay() -> None:
    assert what_a_notebook_shows(HIDDEN + LONG_WORK) == []


def test_a_caller_who_wants_to_know_is_told_instead(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    told: list[tuple[str, int, int]] = []
    da.write_report(da.load("sample_data/documented"), tmp_path, progress=lambda *step: told.append(step))
    assert told == [("collecting", 1, 1), ("drawing", 1, 1)]
    assert screen.getvalue() == ""
