"""The command line: one small module a command, none of which computes anything.

Nothing heavy is imported before a command runs, so that ``daganalysis --help`` answers at once.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.parsing import build_parser
from daganalysis.commands.printing import discard_stdout, notice
from daganalysis.errors import DagAnalysisError, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; see :class:`daganalysis.commands.exit_status.ExitStatus`."""
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as stop:  # argparse ends the program itself, after help and for wrong usage
        return stop.code if isinstance(stop.code, int) else ExitStatus.USAGE
    for stream in (sys.stdout, sys.stderr):
        # A name may hold what the terminal's encoding has no character for; that is no reason to stop.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status: int = arguments.execute(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe has seen enough, as `head` does
        discard_stdout()
        status = ExitStatus.DONE
    except KeyboardInterrupt:
        notice("interrupted")
        status = ExitStatus.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - this is the one place where errors are caught: a user sees a line, not a traceback
        status = _explain(error, arguments)
    return status


def _explain(error: Exception, arguments: argparse.Namespace) -> int:
    if arguments.debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, DagAnalysisError):
        notice(str(error))
        return ExitStatus.USAGE if isinstance(error, UsageError) else ExitStatus.UNUSABLE
    if isinstance(error, OSError):
        notice(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
        return ExitStatus.UNUSABLE
    notice(f"this should not have happened: {type(error).__name__}: {error} (please report it, with what --debug shows)")
    return ExitStatus.UNUSABLE
