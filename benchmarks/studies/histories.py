"""Rebuilt histories: whether what is claimed of runs under rough conditions is true, however often they were polled."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd

import daganalysis as da
from benchmarks.archives import answer
from benchmarks.studies.archives import share_row
from daganalysis.history.rebuild import rebuild
from daganalysis.reading import read_sources
from enginemodel import ROUGH, rough_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.goals import Row
    from daganalysis import Archive
    from enginemodel import DagRun

SECOND = 1_000_000
_MOST_POLLS = 150
_POLLING = {"each second": [1.0], "seldom": [5.0, 30.0, 300.0], "one answer": [float("inf")]}
"""How often runs are polled, seconds."""
_UNTOLD = {"unknown", "running", "ready"}
_LOST = ["lost_s", "unattributed_s"]
_ENGINE = ["dispatch_s", "detect_s", "handoff_s"]


def histories(trials: int) -> Iterator[Row]:
    """Runs of the engine model under every conditions it has, each polled at three paces."""
    for number, (name, conditions) in enumerate(ROUGH.items()):
        runs = [rough_run(1000 * number + trial, conditions) for trial in range(max(2, trials // 4))]
        for pace, intervals in _POLLING.items():
            found = [untrue_claims(run, polled(run, intervals[trial % len(intervals)])) for trial, run in enumerate(runs)]
            row = share_row(
                f"{name}, {pace}", "share of runs of which all that is claimed is true", 0.95, [not f for f in found], at_least=True
            )
            row.detail["untrue"] = dict(Counter(claim for claims in found for claim in claims))
            yield row


def polled(run: DagRun, every: float) -> Archive:
    """Poll a run at a pace from its creation to its end, and once after that; waits of hours are polled more seldom."""
    end = run.ended if run.ended is not None else run.pass_at
    step = round(max(every, (end - run.created) / SECOND / _MOST_POLLS) * SECOND) if every < float("inf") else 0
    times = list(range(run.created + 100_000, end, step)) if step else []
    torn = random.Random(f"torn:{run.gid}:{every}")
    texts = [json.dumps(answer(run, t, torn=torn.choice([0, 0, 10_000]))).encode() for t in times]
    texts.append(json.dumps(answer(run, end + 2 * SECOND)).encode())
    return da.Archive.from_tables(rebuild(read_sources(*texts).answers))


def untrue_claims(run: DagRun, archive: Archive) -> set[str]:
    """Name what an archive of one run claims that is not so; what it says it does not know is no claim."""
    (dag,) = archive.dags.to_dict("records")
    found = _untrue_attempts(run, archive)
    if dag["outcome"] != run.outcome:
        found.add("outcome")
    if not dag["retries_min"] <= run.retries <= dag["retries_max"]:
        found.add("retries")
    if not dag["elapsed_s"] > 0:
        return found
    if dag["elapsed_s"] > run.elapsed + 0.15 + 0.01 * run.elapsed:
        found.add("elapsed")
    (spent,) = da.time_budget(archive).to_dict("records")
    untold = sum(spent[part] for part in _LOST)
    room = 0.6 + 0.05 * run.elapsed
    truth = {"execute": run.executed, "wait": run.waited, "engine": run.elapsed - run.executed - run.waited}
    told = {"execute": spent["execute_s"], "wait": spent["wait_operator_s"], "engine": sum(spent[part] for part in _ENGINE)}
    found |= {part for part, true in truth.items() if not true - room - untold <= told[part] <= true + room}
    return found


def _untrue_attempts(run: DagRun, archive: Archive) -> set[str]:
    truth = {(gid, attempt.number): attempt for gid, attempts in run.truth.items() for attempt in attempts}
    rows = archive.attempts.to_dict("records")
    found = set() if {(row["task_gid"], row["attempt"]) for row in rows} == set(truth) else {"hand-outs"}
    for row in rows:
        true = truth.get((row["task_gid"], row["attempt"]))
        if true is None:
            continue
        if row["kind"] not in {true.kind, "unknown"}:
            found.add("kind")
        if row["outcome"] != true.outcome and row["outcome"] not in _UNTOLD:
            found.add("attempt's outcome")
        if _micros(row["started_at"]) not in {None, true.recorded_start} or _micros(row["ended_at"]) not in {None, true.recorded_end}:
            found.add("times")
    return found


def _micros(instant: object) -> int | None:
    return None if pd.isna(instant) else instant.value // 1000  # type: ignore[attr-defined, call-overload]
