"""The analyses that explain why runs took so long, against the time budget of the same store."""

from __future__ import annotations

import gc
import shutil
import time
from typing import TYPE_CHECKING

import daganalysis as da
from benchmarks import archives
from benchmarks.goals import Row, spread
from benchmarks.loading import load
from benchmarks.measuring import in_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.sizes import Sizes

_GOAL = 2.0
_NEEDED = {
    "attempts": ["run_id", "stage", "task_gid", "attempt", "started_at", "ended_at", "agent"],
    "timeline": ["run_id", "seq", "started_at", "ended_at", "category", "from_stage", "to_stage", "evidence", "leg", "direction"],
    "nodes": ["run_id", "stage", "name"],
}
"""The columns that the critical path is worked out from."""


def each(sizes: Sizes, work: Path) -> Iterator[Row]:
    """Each analysis in turn with the time budget, each time from a store just opened; processor time counts."""
    source, store = work / "explained.ndjson", work / "explained"
    archives.write_ndjson(source, archives.REAL, megabytes=sizes.analysed_mb)
    load(source, store)
    source.unlink()
    n_sub_tasks = da.read_parquet(store).count("sub_tasks")
    for name, call in (("columns of the path read, no more", _read), *((name, getattr(da, name)) for name in _NAMES)):
        ratio, budget, own = in_turn(lambda: _costs(da.time_budget, store), lambda call=call: _costs(call, store), sizes.repeats)  # type: ignore[misc]
        work_done = f"{name} of {n_sub_tasks:,} sub-tasks"
        yield Row(work_done, "times the processor time of time_budget", _GOAL, False, ratio, {"own": spread(own), "budget": spread(budget)})
    shutil.rmtree(store)


_NAMES = ("critical_path", "what_if", "locks", "events", "runs")


def _costs(call: Callable[[da.Archive], object], store: Path) -> float:
    archive = da.read_parquet(store)
    gc.collect()
    begin = time.process_time()
    call(archive)
    return time.process_time() - begin


def _read(archive: da.Archive) -> None:
    for table, columns in _NEEDED.items():
        archive.coded(table, columns)
