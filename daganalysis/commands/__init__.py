"""The command line: one small module per command, without computation.

Nothing heavy is imported before a command runs, so that ``daganalysis --help`` answers at once.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import warnings
from typing import TYPE_CHECKING, NoReturn

from daganalysis.commands.exit_status import ExitStatus
from daganalysis.errors import DagAnalysisError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_COLLECT_SELDOM = (50_000, 20, 50)
"""When the program collects cyclic garbage: by default it does so dozens of times while it imports pandas, and finds none."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; see :class:`daganalysis.commands.exit_status.ExitStatus`."""
    # NumPy starts one thread per core when it is imported. That costs as much as the import, and no command needs these threads.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Arrow's own allocator reserves 1 GB at a time, which a limit of the address space (ulimit -v) counts, and keeps more of it.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # An allocator that is not used then needs no thread. A load can fork its workers only from a process without others.
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    _end_well_on_sigterm()
    if argv is None:
        gc.set_threshold(*_COLLECT_SELDOM)
        _show_where_it_dies()
    try:
        status = _run(argv)
    except KeyboardInterrupt:
        from daganalysis.commands.printing import notice

        notice("interrupted")
        status = ExitStatus.INTERRUPTED
    if argv is None:
        gc.freeze()  # the program ends now, so another pass over all imported objects gains nothing
    return status


def _end_well_on_sigterm() -> None:
    """Let SIGTERM end the program as Ctrl-C does, so that incomplete output is removed."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupt)


def _show_where_it_dies() -> None:
    """Let a process that C++ ends (SIGABRT, SIGSEGV) print its Python traceback on stderr."""
    import faulthandler

    if sys.stderr is not None and not faulthandler.is_enabled():
        faulthandler.enable(all_threads=False)


def _survive_warnings() -> None:
    """Show warnings even where ``-W error`` makes errors of them: a warning of a library is no reason to stop."""
    if any(option.startswith("error") for option in sys.warnoptions):
        warnings.simplefilter("default")


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _run(argv: Sequence[str] | None) -> int:
    from daganalysis.commands.parsing import parse
    from daganalysis.commands.printing import discard

    debug = False
    _stand_in_for_closed_streams()
    _survive_warnings()
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
        debug = arguments.debug
        for stream in (sys.stdout, sys.stderr):
            # A name may hold characters that the terminal's encoding lacks. That is no reason to stop.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        status: int = arguments.execute(arguments)
        sys.stdout.flush()
    except SystemExit as stop:  # argparse ends the program itself, after help and for wrong usage
        status = stop.code if isinstance(stop.code, int) else ExitStatus.USAGE
    except BrokenPipeError:  # the reader of a pipe has seen enough, as `head` does
        discard(sys.stdout)
        status = ExitStatus.DONE
    except Exception as error:  # noqa: BLE001 - this is the one place where errors are caught: a user sees a line, not a traceback
        status = _explain(error, debug=debug)
    return status


def _stand_in_for_closed_streams() -> None:
    """A program started with its output closed (`>&-`) has no stream. Its output is then discarded."""
    if sys.stdout is None or sys.stderr is None:
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open as long as the program runs
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere


def _explain(error: Exception, *, debug: bool) -> int:
    from daganalysis.commands.printing import notice

    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, DagAnalysisError):
        notice(str(error))
        return ExitStatus.USAGE if isinstance(error, UsageError) else ExitStatus.UNUSABLE
    if isinstance(error, MemoryError):
        notice("memory ran out (read fewer or smaller files at a time, or use --jobs 1)")
        return ExitStatus.UNUSABLE
    if isinstance(error, OSError):
        notice(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
        return ExitStatus.UNUSABLE
    notice(f"this should not have happened: {type(error).__name__}: {error} (please report it, with what --debug shows)")
    return ExitStatus.UNUSABLE
