"""How much is measured: a little to see that it works, modestly, or all of what the goals speak of."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.archives import HUGE, Shape


@dataclass(frozen=True)
class Sizes:
    """The sizes of every archive and how often each pair is measured."""

    polled_files: int
    polled_mb: float
    final_runs: int
    added_to: tuple[int, ...]
    large_mb: float
    huge: Shape
    merged_runs: int
    analysed_mb: float
    listed_runs: int
    bars: tuple[int, ...]
    source_mb: float
    repeats: int


SMALL = Sizes(60, 0.2, 100, (100,), 1.0, Shape((4, 4), (25, 25), 2), 10, 1.0, 40, (200,), 0.5, 1)
"""Shows that everything runs; says nothing of speed."""
DEFAULT = Sizes(20_000, 150, 9000, (9000,), 100, HUGE, 2000, 100, 5000, (5000,), 60, 3)
"""Some ten minutes, and half a gigabyte of disk at a time."""
FULL = Sizes(30_000, 200, 27_000, (27_000, 270_000), 1000, HUGE, 2000, 560, 20_000, (5000, 50_000), 1000, 3)
"""What the goals speak of: over an hour, and some three gigabytes of disk at a time."""
