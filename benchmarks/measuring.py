"""Time and memory of whole commands, and ratios of two that were run in turn."""

from __future__ import annotations

import gc
import os
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
    """Run a command from the repository's root and wait for it; raise if it fails."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watch = _Watch(process.pid)
    watch.start()
    assert process.stderr is not None
    with process.stderr as stderr:
        told = stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    watch.ended.set()
    watch.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=told)
    return Cost(wall, usage.ru_utime + usage.ru_stime, watch.peak)


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
        try:
            found += map(int, Path(f"/proc/{member}/task/{member}/children").read_text().split())
        except OSError:
            continue
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
