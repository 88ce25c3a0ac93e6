"""Builders of frames and archives from rows that state only what matters; every other column is null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from daganalysis.archive import Archive
from daganalysis.history.attempts import Attempt
from daganalysis.history.failed_rows import failed_rows
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.tables import Table

SECOND = 1_000_000_000
EPOCH_2024 = 1_704_067_200 * SECOND
"""2024-01-01T00:00:00Z, in nanoseconds."""


def at(seconds: float) -> int:
    """Give the instant so many seconds after the beginning of 2024."""
    return EPOCH_2024 + round(seconds * SECOND)


def arrow_of(table: Table, *rows: dict[str, Any]) -> pa.Table:
    """Make an Arrow table of rows given as dictionaries."""
    return table.arrow({name: [row.get(name) for row in rows] for name in table.names})


def frame_of(table: Table, *rows: dict[str, Any]) -> pd.DataFrame:
    """Make a frame of rows given as dictionaries."""
    return table.frame(arrow_of(table, *rows))


def archive_of(**tables: list[dict[str, Any]]) -> Archive:
    """Make an archive of base tables given as rows; the failed attempts are those that follow from attempts and log lines."""
    tables.setdefault("failed_attempts", _failed(tables.get("attempts", []), tables.get("sub_tasks", [])))
    return Archive.from_tables({name: arrow_of(BASE_TABLES[name], *rows) for name, rows in tables.items()})


def _failed(attempts: list[dict[str, Any]], sub_tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    logs = {(task.get("run_id"), task.get("task_gid")): task.get("task_logs") for task in sub_tasks}
    told: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in sorted(attempts, key=lambda row: row.get("attempt") or 0):
        told.setdefault((row.get("run_id"), row.get("task_gid")), []).append(row)
    found = []
    for (run_id, gid), rows in told.items():
        own = [
            Attempt(
                row.get("attempt") or 0,
                kind=row.get("kind") or "unknown",
                start=row.get("started_at"),
                agent=row.get("agent"),
                outcome=row.get("outcome") or "unknown",
            )
            for row in rows
        ]
        found += failed_rows(run_id, rows[0].get("stage"), gid, own, logs.get((run_id, gid)))
    return [msgspec.structs.asdict(row) for row in found]
