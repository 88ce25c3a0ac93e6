"""Where what a command says goes: results to stdout or a file, notices to stderr."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.report.inert import for_terminal
from daganalysis.report.terminal import DEFAULT_WIDTH
from daganalysis.urls import without_secrets

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    import pandas as pd

    from daganalysis.tables import Table

_NARROWEST = 40


def notice(text: str) -> None:
    """Say something beside the results: one line on stderr, whatever the text holds."""
    print(f"daganalysis: {for_terminal(without_secrets(text))}", file=sys.stderr)


def discard_stdout() -> None:
    """Let nothing more be written to a pipe that nobody reads, not even when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_pieces(pieces: Iterable[str], output: str | None) -> None:
    """Write a text piece by piece to stdout, or to a file, which is replaced at once when the text is complete."""
    if output is None or output == "-":
        try:
            sys.stdout.writelines(pieces)
            sys.stdout.flush()
        except BrokenPipeError:  # a gate still has its verdict to give
            discard_stdout()
        return
    path = Path(output)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    notice(f"wrote {output}")


def print_frame(frame: pd.DataFrame, table: Table, arguments: argparse.Namespace) -> None:
    """Write a frame as the options of the command say (``--format``, ``-o``, ``--wide``)."""
    from daganalysis.report.formats import formatted

    print_pieces(formatted(frame, table, arguments.format, None if arguments.wide else screen_width(arguments.output)), arguments.output)


def screen_width(output: str | None) -> int:
    """Return how wide a table may be: as the terminal is, and 80 columns in a pipe or a file (``COLUMNS`` overrides)."""
    if output is not None or not (sys.stdout.isatty() or "COLUMNS" in os.environ):
        return DEFAULT_WIDTH
    return max(_NARROWEST, shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns)
