"""The output of commands: results go to stdout or a file, notices to stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

from daganalysis.commands.options import chosen_format
from daganalysis.errors import DagAnalysisError
from daganalysis.text.escaping import for_terminal
from daganalysis.text.widths import DEFAULT_WIDTH
from daganalysis.text.zones import UTC, Zone
from daganalysis.urls import without_secrets
from daganalysis.whole_files import whole_file

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    import pandas as pd

    from daganalysis.tables import Table

_NARROWEST = 40
_PLAIN = str.maketrans({"─": "-", "█": "#", "…": "~", "×": "x", "µ": "u", **dict.fromkeys("▏▎▍▌▋▊▉", "#")})
"""Replacements for bars and other signs that a terminal cannot show; each is one column wide."""


def notice(text: str) -> None:
    """Print a notice on stderr, always as one line. A closed stderr is ignored."""
    try:
        print(_sayable(f"daganalysis: {for_terminal(without_secrets(text))}", sys.stderr), file=sys.stderr)
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Let nothing more be written to a stream that nobody reads, not even what waits in it when the interpreter ends."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_pieces(pieces: Iterable[str], output: str | None) -> None:
    """Write a text piece by piece to stdout, or to a file, which is replaced at once when the text is complete."""
    if output is None or output == "-":
        _print_to_stdout(pieces)
        return
    with whole_file(output, "the output") as file:
        file.writelines(piece.encode(errors="backslashreplace") for piece in pieces)
    notice(f"wrote {output}")


def _print_to_stdout(pieces: Iterable[str]) -> None:
    try:
        sys.stdout.writelines(_sayable(piece, sys.stdout) for piece in pieces)
        sys.stdout.flush()
    except BrokenPipeError:  # a gate still has its verdict to give
        discard(sys.stdout)
    except OSError as error:
        discard(sys.stdout)
        raise DagAnalysisError("standard output cannot be written", hint=error.strerror or str(error)) from error


def _sayable(piece: str, stream: TextIO) -> str:
    """Write a text with plain letters and bars where the terminal has no others."""
    encoding = stream.encoding or "utf-8"  # a stream of text in memory has none
    try:
        piece.encode(encoding)
    except UnicodeEncodeError:
        return piece.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return piece


def print_frame(frame: pd.DataFrame, table: Table, arguments: argparse.Namespace, zone: Zone = UTC) -> None:
    """Write a frame as the options of the command say (``--format``, ``-o``, ``--wide``); people read its times in ``zone``."""
    from daganalysis.formats import formatted

    if chosen_format(arguments) == "xlsx":
        from daganalysis.formats.workbook import write_workbook

        with whole_file(arguments.output, "the workbook") as file:
            write_workbook(frame, table, file)
        notice(f"wrote {arguments.output}")
        return
    width = None if arguments.wide else screen_width(arguments.output)
    print_pieces(formatted(frame, table, chosen_format(arguments), width, zone), arguments.output)


def screen_width(output: str | None) -> int:
    """Return how wide a table may be: as the terminal is, and 80 columns in a pipe or a file (``COLUMNS`` overrides)."""
    if output is not None or not (sys.stdout.isatty() or "COLUMNS" in os.environ):
        return DEFAULT_WIDTH
    return max(_NARROWEST, shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns)
