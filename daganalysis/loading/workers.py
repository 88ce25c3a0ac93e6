"""Worker processes: the same function over many pieces of work, results in the order of the pieces.

Only a process with one thread is forked. The command line has one, so its workers are forked from it and import nothing. Any other process
may have threads (Arrow and NumPy start some): its workers are forked from a server process that has imported this package and nothing else,
and has one thread. No worker imports the user's ``__main__``. A script, a notebook and a REPL need no main guard.

The workers for the first list of pieces are forked from the command line before NumPy and Arrow are imported, because reading does not need
them. The command imports them while it waits for these workers. The workers for later lists are forked after that.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
import threading
import time
import types
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self, TypeVar, runtime_checkable

from daganalysis.errors import DagAnalysisError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing.context import BaseContext
    from types import TracebackType

Work = TypeVar("Work")
Result = TypeVar("Result")

_PRELOADED, _PRELOADED_FOR_READING = "daganalysis.loading.preloaded", "daganalysis.loading.preloaded_for_reading"
_NO_MORE_THREADS = "OPENBLAS_NUM_THREADS"
"""Must be set before NumPy is imported, or it may start threads. The command line sets it."""
_THREADS = Path("/proc/self/task")
"""Has an entry for each thread of this process, on Linux."""
_NAMED = 3
"""How many sources a message names."""
_THREADS_END_S, _POLL_S = 0.2, 0.001
"""The system may still list a thread that has ended, for an instant."""
_WORTH_A_PASS = 20_000
"""So many objects that pieces of work left are worth a search for cyclic garbage. The first search in a process
that was not forked for the work looks at all that were imported, too."""
_since_a_pass = [0]
"""The number of objects that pieces of work left since the last search in this process."""
_STARTING = threading.Lock()
"""Held while the main module is hidden: two threads must not hide each other's."""


@runtime_checkable
class WithSources(Protocol):
    """A piece of work that names its subject, for messages."""

    def names(self) -> Sequence[str]:
        """Return the names of the sources that it reads, or of its results."""
        ...


class Workers:
    """Processes, started for the first list of more than one piece of work. With one job everything runs in this process.

    ``_forks``: the processes were forked from this one. ``_imports``: this one has yet to import what the workers for the next list need.
    """

    def __init__(self, jobs: int | None) -> None:
        self.jobs = max(1, jobs if jobs is not None else _cores())
        self._pool: ProcessPoolExecutor | None = None
        self._size = 0
        self._forks = self._imports = False
        if self.jobs > 1 and not _get_ready():
            self.jobs = 1

    def over(self, function: Callable[[Work], Result], pieces: Sequence[Work]) -> Iterator[Result]:
        """Yield the function's result for each piece, in order. An exception of the function is raised here."""
        if self.jobs == 1 or len(pieces) < 2:
            for piece in pieces:
                try:
                    result = _without_collector(function, piece)
                except MemoryError as error:
                    raise _out_of_memory([piece]) from error
                yield result
            return
        from concurrent.futures import BrokenExecutor

        pool = self._pool_of(min(self.jobs, len(pieces)))
        waiting: deque[tuple[Work, Future[Result]]] = deque()
        rest = iter(pieces)
        try:
            for piece in rest:
                with _starting():
                    waiting.append((piece, pool.submit(_without_collector, function, piece)))
                # No more is handed out than keeps everybody busy: results wait in memory.
                if len(waiting) > 2 * self.jobs:
                    self._import_rest()
                    yield waiting[0][1].result()
                    waiting.popleft()
            self._import_rest()
            while waiting:
                yield waiting[0][1].result()
                waiting.popleft()
        except BrokenExecutor as error:
            worked_on = [piece for piece, _ in waiting][: self.jobs]
            raise DagAnalysisError(
                "a worker process was killed",
                where=_names(worked_on),
                hint="the system has probably run out of memory: try fewer processes, such as --jobs 1, and split the largest file",
            ) from error
        except MemoryError as error:
            raise _out_of_memory([waiting[0][0]] if waiting else []) from error

    def _pool_of(self, size: int) -> ProcessPoolExecutor:
        """Return the processes that there are, or new ones if these are too few."""
        if self._pool is None or self._size < size:
            # Imported here, as most loads are small and start no process.
            from concurrent.futures import ProcessPoolExecutor

            self._end()
            if self._forks:
                _await_end_of_threads()
            options = (dict(os.environ), str(Path.cwd()))
            context = _context()
            self._pool = ProcessPoolExecutor(size, mp_context=context, initializer=_prepare_worker, initargs=options)
            self._size = size
            self._forks = context.get_start_method() == "fork"
            self._imports = self._forks and _PRELOADED not in sys.modules
        return self._pool

    def _import_rest(self) -> None:
        """Import what the next workers need, if these were forked without it; they are forked for the next list of pieces."""
        if self._imports:
            importlib.import_module(_PRELOADED)
            self._imports, self._size = False, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _out_of_memory(pieces: Sequence[object]) -> DagAnalysisError:
    hint = "try fewer processes, such as --jobs 1, and split the largest file"
    return DagAnalysisError("memory ran out", where=_names(pieces), hint=hint)


def _names(pieces: Sequence[object]) -> str:
    """Name the first sources of some pieces of work."""
    names = [name for piece in pieces if isinstance(piece, WithSources) for name in piece.names()]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _context() -> BaseContext:
    import multiprocessing

    if sys.platform == "win32":  # pragma: no cover
        return multiprocessing.get_context("spawn")
    return multiprocessing.get_context("fork" if _has_one_thread() else "forkserver")


def _has_one_thread() -> bool:
    """Return whether this process is known to have one thread: only then a fork of it is sound."""
    try:
        return len(list(_THREADS.iterdir())) == 1
    except OSError:  # pragma: no cover - not Linux
        return False


def _await_end_of_threads() -> None:
    """Wait until the system no longer lists the threads of a pool that has ended, for a little while at most."""
    end = time.monotonic() + _THREADS_END_S
    while not _has_one_thread() and time.monotonic() < end:
        time.sleep(_POLL_S)


def _get_ready() -> bool:
    """Import what workers need, if they are forked from this process; otherwise start the server that does so meanwhile.

    Return whether processes can be started: a pool needs semaphores, which lie in ``/dev/shm``, and a socket in a temporary folder.
    """
    if sys.platform == "win32":  # pragma: no cover
        return True
    from multiprocessing import forkserver

    try:
        _context().Lock()
        forkserver.set_forkserver_preload([_PRELOADED])
        if _NO_MORE_THREADS not in os.environ:
            importlib.import_module("numpy")  # to see whether it starts threads
        if _has_one_thread():
            importlib.import_module(_PRELOADED_FOR_READING)
        else:
            with _starting():
                forkserver.ensure_running()
    except (OSError, ImportError) as error:
        import logging

        logging.getLogger(__name__).warning("worker processes cannot be started (%s): loading with one process", error)
        return False
    return True


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """Hide the main module, and block SIGINT, while processes start.

    A new process would run a script's main module again, but its work needs only this package. An interrupt at that moment could orphan a
    process.
    """
    with _STARTING:
        main, before = sys.modules["__main__"], _block_interrupts()
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            if before is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _block_interrupts() -> set[int] | None:
    if not hasattr(signal, "pthread_sigmask"):  # pragma: no cover
        return None
    return {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})}


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Pause the collector of cyclic garbage, which would examine the same hundred thousand live objects again and again.

    This saves a quarter of the time of rebuilding runs, and a tenth of the time of listing known files.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _without_collector(function: Callable[[Work], Result], piece: Work) -> Result:
    before = gc.get_count()[0]
    with without_collector():
        result = function(piece)
    _since_a_pass[0] += gc.get_count()[0] - before
    if gc.get_freeze_count() or _since_a_pass[0] > _WORTH_A_PASS:  # in a worker, what was imported is frozen
        gc.collect(1)  # objects made since are all young, and older ones need no pass
        _since_a_pass[0] = 0
    return result


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _prepare_worker(environment: dict[str, str], folder: str) -> None:
    """Give a worker the environment and the folder of its parent, ignore interrupts, and end with the parent.

    The server that forks the workers has the environment and the folder of the time when it was started.
    """
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    gc.freeze()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    import multiprocessing
    from multiprocessing.connection import wait

    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)
