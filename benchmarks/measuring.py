"""Time and memory of whole commands, and ratios of two that were run in turn."""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parent.parent
_SAMPLE_S = 0.01
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True)
class Cost:
    """What a command cost: seconds on the wall, seconds of all processors, and the largest sum of its processes' memory (bytes)."""

    wall_s: float
    cpu_s: float
    peak: int


def run(*command: str) -> Cost:
    """Run a command from the repository's root and wait for it and all its descendants; raise if it fails.

    The process that forks a load's workers outlives the load by an instant: it becomes a child of this process, which counts its time too.
    """
    _adopt_orphans()
    children = _children(os.getpid())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=_as_installed(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watch = _Watch(process.pid)
    watch.start()
    assert process.stderr is not None
    with process.stderr as stderr:
        told = stderr.read()
    _, status = os.waitpid(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    _wait_for_orphans(children)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    watch.ended.set()
    watch.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=told)
    return Cost(wall, usage.ru_utime + usage.ru_stime - before.ru_utime - before.ru_stime, watch.peak)


def _as_installed() -> dict[str, str]:
    """Return the environment, in which modules are compiled once and not at each start, as those of an installed package are."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


_PR_SET_CHILD_SUBREAPER = 36


def _adopt_orphans() -> None:
    """Make descendants whose parent ends children of this process; only Linux can."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait_for_orphans(before: set[int]) -> None:
    """Wait for what a command left behind: the children that this process did not have before."""
    for pid in _children(os.getpid()) - before:
        os.waitpid(pid, 0)


def _children(pid: int) -> set[int]:
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return set()


class _Watch(threading.Thread):
    """Adds up the resident memory of a process and its descendants, again and again; pages that they share count for each."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.ended = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self.ended.wait(_SAMPLE_S):
            self.peak = max(self.peak, sum(map(_resident, _family(self._pid))))


def _family(pid: int) -> list[int]:
    found = [pid]
    for member in found:
        found += _children(member)
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def in_turn(one: Callable[[], float], other: Callable[[], float], repeats: int) -> tuple[float, list[float], list[float]]:
    """Measure two in turn, A B A B; return the median of the ratios other/one (how often one is faster), and the times of both."""
    ones, others = [], []
    for _ in range(repeats):
        ones.append(one())
        others.append(other())
    ratio = statistics.median(b / a for a, b in zip(ones, others, strict=True))
    return ratio, ones, others


@dataclass(frozen=True)
class Pairs:
    """Two commands that were run in turn: what each run of both cost."""

    ours: list[Cost]
    theirs: list[Cost]

    def ratio(self, of: Callable[[Cost], float]) -> float:
        """Return how many times less the first took: the median of the pairs' ratios."""
        return statistics.median(of(other) / of(one) for one, other in zip(self.ours, self.theirs, strict=True))


def costs_in_turn(one: Callable[[], Cost], other: Callable[[], Cost], repeats: int) -> Pairs:
    """Run two commands in turn, A B A B."""
    pairs = Pairs([], [])
    for _ in range(repeats):
        pairs.ours.append(one())
        pairs.theirs.append(other())
    return pairs


def seconds(function: Callable[[], object]) -> float:
    """How long a call took, without clearing away what others left behind."""
    gc.collect()
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def warm(paths: Sequence[Path]) -> None:
    """Read files once, so that whoever is measured first does not pay for the disk."""
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
