"""Processes that meet an accident: killed at one of their steps, or out of space."""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_STEPS = frozenset({"open", "os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.listdir", "os.scandir", "shutil.rmtree"})
"""Audit events that come before something is done to the disk."""
FAILED = 3


def start_child(work: Callable[[], object]) -> int:
    """Run something in a forked process; return its number for :func:`wait_for`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside Arrow's threads, from Python 3.12 on
        child = os.fork()
    if child == 0:
        status = 0
        try:
            work()
        except BaseException:  # noqa: BLE001 - whatever it was, the parent is told
            traceback.print_exc()
            status = FAILED
        os._exit(status)
    return child


def wait_for(child: int) -> int:
    """Return the exit status of a child; negative: the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at_step(number: int, work: Callable[[], object]) -> int:
    """Run something in a child that is killed just before the numbered step it does on the disk; return its exit status."""

    def counted() -> None:
        steps = iter(range(number))

        def count(event: str, _arguments: tuple[object, ...]) -> None:
            if event in _STEPS and next(steps, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()

    return wait_for(start_child(counted))


def killed_after(seconds: float, work: Callable[[], object]) -> int:
    """Run something in a child process with a limit of processor time; return its exit status."""

    def timed() -> None:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        work()

    return wait_for(start_child(timed))


def with_files_up_to(size: int, work: Callable[[], object]) -> int:
    """Run something in a child that cannot write a file of more than ``size`` bytes; return its exit status."""

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        work()

    return wait_for(start_child(limited))
