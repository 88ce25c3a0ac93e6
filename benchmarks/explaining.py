"""The analyses that explain why runs took so long, against the time budget of the same store."""

from __future__ import annotations

import gc
import shutil
import time
from functools import partial
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
    "timeline": ["run_id", "started_at", "ended_at", "category", "from_stage", "to_stage", "evidence"],
    "nodes": ["run_id", "stage", "name"],
}
"""The columns that the critical path is worked out from."""


def each(sizes: Sizes, work: Path) -> Iterator[Row]:
    """Each analysis in turn with the time budget, each time from a store just opened: times on the wall, and those of the processor."""
    source, store = work / "explained.ndjson", work / "explained"
    archives.write_ndjson(source, archives.REAL, megabytes=sizes.analysed_mb)
    load(source, store)
    source.unlink()
    n_sub_tasks = da.read_parquet(store).count("sub_tasks")
    for name, call in (("columns of the path read, no more", _read), *((name, getattr(da, name)) for name in _NAMES)):
        of_processor: dict[str, list[float]] = {"own": [], "budget": []}
        ratio, budget, own = in_turn(
            partial(_costs, da.time_budget, store, of_processor["budget"]), partial(_costs, call, store, of_processor["own"]), sizes.repeats
        )
        processor = {f"{which}_processor": spread(times) for which, times in of_processor.items()}
        detail = {"own": spread(own), "budget": spread(budget), **processor}
        yield Row(f"{name} of {n_sub_tasks:,} sub-tasks", "times the time of time_budget", _GOAL, False, ratio, detail)
    shutil.rmtree(store)


_NAMES = ("critical_path", "what_if", "locks", "events", "runs")


def _costs(call: Callable[[da.Archive], object], store: Path, of_processor: list[float]) -> float:
    """Return the time of a call on the wall, and add its processor time to a list."""
    archive = da.read_parquet(store)
    gc.collect()
    begin, begin_of_processor = time.perf_counter(), time.process_time()
    call(archive)
    of_processor.append(time.process_time() - begin_of_processor)
    return time.perf_counter() - begin


def _read(archive: da.Archive) -> None:
    for table, columns in _NEEDED.items():
        archive.coded(table, columns)
