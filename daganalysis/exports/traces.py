"""What every exporter writes about a run: its spans in plain integers, ready for any trace format.

A trace has no nulls: a span has a start and an end. A run without a known time cannot be exported. An attempt without a known start is
counted and left out. An attempt whose end is unknown ends where the next attempt of its sub-task starts, or at the last observation of its
run, and is marked.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from daganalysis.tables.plain_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row

REQUEST_FACTS = ("actor", "client", "agent", "result", "error_code", "evidence")
"""The attributes of a request in a trace, besides its time and its operation."""
_RUNS_AT_ONCE = 200
"""Runs held in memory at a time."""


@dataclass(frozen=True, slots=True)
class Span:
    """A span: ``start`` and ``end`` in nanoseconds since 1970, and the other values of its row.

    ``end_is_known`` is False if the end is only that of the known part.
    """

    start: int
    end: int
    facts: Row
    end_is_known: bool = True


@dataclass(frozen=True, slots=True)
class Trace:
    """One run as spans: the run itself, its timeline, its stages, its attempts; instants for operations; and its child runs."""

    run: Span
    stretches: list[Span] = field(default_factory=list)
    stages: list[Span] = field(default_factory=list)
    attempts: list[Span] = field(default_factory=list)
    operations: list[tuple[int, Row]] = field(default_factory=list)
    children: list[Row] = field(default_factory=list)
    attempts_without_start: int = 0

    @property
    def run_id(self) -> str:
        """The run's id."""
        return str(self.run.facts["run_id"])


def starts_of(archive: Archive, run_ids: Sequence[str] = ()) -> dict[str, int]:
    """Return the runs with a known time, in order of start, each with its start in nanoseconds since 1970.

    If the start of a run was overwritten, the first known start of an attempt or a stage replaces it. ``run_ids`` are the runs to choose
    from, by default all runs of the archive.
    """
    dags = archive.table("dags", ["run_id", "started_at"])
    if run_ids:
        dags = dags[dags["run_id"].isin(list(run_ids))]
    for name in ("timeline", "attempts", "nodes"):
        if dags["started_at"].notna().all():
            break  # mostly so: the larger tables need not be read
        first = archive.table(name, ["run_id", "started_at"]).dropna().groupby("run_id")["started_at"].min()
        if len(first):
            dags = dags.assign(started_at=dags["started_at"].fillna(dags["run_id"].map(first)))
    dags = dags.dropna(subset="started_at").sort_values(["started_at", "run_id"])
    return dict(zip(dags["run_id"], dags["started_at"].astype("int64").tolist(), strict=True))


def traces(archive: Archive, run_ids: Iterable[str]) -> Iterator[Trace]:
    """Yield the trace of each run, in the order given; few runs are in memory at a time."""
    for chosen in _batches(run_ids):
        part = archive.only(chosen)
        rows = {name: _by_run(part.table(name), key) for name, key in _TABLES.items()}
        dags = {row["run_id"]: row for row in _plain(part.dags)}
        for run_id in chosen:
            yield _trace(dags[run_id], {name: of_run.get(run_id, []) for name, of_run in rows.items()})


_TABLES = {
    "timeline": "run_id",
    "nodes": "run_id",
    "attempts": "run_id",
    "sub_tasks": "run_id",
    "operations": "run_id",
    "links": "parent_run_id",
}
"""The tables that a trace is made of, with the column that names the run."""


def _batches(run_ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    rest = iter(run_ids)
    while batch := tuple(itertools.islice(rest, _RUNS_AT_ONCE)):
        yield batch


def _by_run(frame: pd.DataFrame, key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in _plain(frame[frame[key].notna()]):
        found.setdefault(row[key], []).append(row)
    return found


def _plain(frame: pd.DataFrame) -> list[Row]:
    """Rows with instants as nanoseconds since 1970."""
    return [{name: int(value.value) if hasattr(value, "tzinfo") else value for name, value in row.items()} for row in rows_of(frame)]


def _trace(dag: Row, rows: dict[str, list[Row]]) -> Trace:
    known = (row["started_at"] for name in ("timeline", "attempts", "nodes") for row in rows[name] if row["started_at"] is not None)
    start = dag["started_at"] if dag["started_at"] is not None else min(known)
    ends = [row["ended_at"] for name in ("timeline", "attempts", "nodes") for row in rows[name] if row["ended_at"] is not None]
    end_is_known = dag["ended_at"] is not None and dag["ended_at"] >= start
    horizon = dag["ended_at"] if end_is_known else max([start, dag["last_observed_at"] or start, *ends])
    tasks = {row["task_gid"]: row for row in rows["sub_tasks"]}
    attempts, n_without_start = _attempt_spans(rows["attempts"], tasks, horizon)
    return Trace(
        run=Span(start, horizon, dag, end_is_known),
        stretches=[Span(row["started_at"], row["ended_at"], row) for row in rows["timeline"]],
        stages=[
            Span(row["started_at"], max(row["ended_at"] or horizon, row["started_at"]), row, row["ended_at"] is not None)
            for row in rows["nodes"]
            if row["started_at"] is not None
        ],
        attempts=attempts,
        operations=[(at, row) for row in rows["operations"] for at in (_first_known(row, "at", "at_min", "at_max"),) if at is not None],
        children=[row for row in rows["links"] if row["child_run_id"] is not None],
        attempts_without_start=n_without_start,
    )


def _attempt_spans(rows: list[Row], tasks: dict[str, Row], horizon: int) -> tuple[list[Span], int]:
    """Return the attempts that have a start, each with its sub-task's name, and how many have none."""
    spans: list[Span] = []
    for row, after in itertools.zip_longest(rows, rows[1:]):
        start, end = row["started_at"], row["ended_at"]
        if start is None:
            continue
        task = tasks.get(row["task_gid"], {})
        follows = after is not None and after["task_gid"] == row["task_gid"]
        facts = {**row, "name": task.get("name"), "task_logs": None if follows else task.get("task_logs")}
        known = end is not None and end >= start
        bound = after["started_at"] if follows and after["started_at"] is not None else horizon
        spans.append(Span(start, end if known else max(start, bound), facts, known))
    return spans, len(rows) - len(spans)


def _first_known(row: Row, *names: str) -> Any:
    return next((row[name] for name in names if row[name] is not None), None)
