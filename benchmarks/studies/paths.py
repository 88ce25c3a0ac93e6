"""Critical paths: whether the attempt that truly ended an execution of a stage last is on the path."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import daganalysis as da
from benchmarks.studies.archives import share_row
from benchmarks.studies.histories import polled
from enginemodel import random_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.goals import Row
    from enginemodel import DagRun

_POLLING = {"one answer": math.inf, "each second": 1.0}
"""How often runs are polled, seconds."""


def paths(trials: int) -> Iterator[Row]:
    """Runs of the engine model, without faults from one answer, with faults and people from polls: what ended each stage truly last."""
    for pace, every in _POLLING.items():
        found, uncertain = [], 0
        for seed in range(trials):
            run = random_run(seed, actions=every < math.inf)
            path = da.critical_path(polled(run, every))
            on_path = set(zip(path["task_gid"], path["attempt"], strict=True))
            found += [last in on_path for last in true_last(run)]
            uncertain += int(path["evidence"].eq("uncertain").sum())
        row = share_row(f"{pace}", "share of executed stages whose truly last attempt is on the path", 0.99, found, at_least=True)
        row.detail.update(uncertain=uncertain)
        yield row


def true_last(run: DagRun) -> list[tuple[str, int]]:
    """Return the attempt that truly ended last of each execution of each stage, by sub-task and number."""
    acted = sorted(moment for _, moment, _ in run.waits)
    last: dict[tuple[int, int], tuple[int, str, int]] = {}
    for stage, gids in enumerate(run.ids):
        for gid in gids:
            for attempt in run.truth[gid]:
                if attempt.start is not None and attempt.end is not None:
                    key = stage, sum(moment <= attempt.start for moment in acted)
                    last[key] = max(last.get(key, (0, "", 0)), (attempt.end, gid, attempt.number))
    return [(gid, number) for _, gid, number in last.values()]
