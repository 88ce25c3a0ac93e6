"""Progress is shown where somebody watches, and nowhere else."""

from __future__ import annotations

import io

import pytest

from daganalysis.commands.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_shown_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    with progress_bar(delay_s=0) as tell:
        assert tell is not None
        tell("reading", 5, 10)
        tell("rebuilding", 1, 2)
    assert "reading" in shown.getvalue()
    assert "rebuilding" in shown.getvalue()


def test_a_pipe_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with progress_bar() as tell:
        assert tell is None
