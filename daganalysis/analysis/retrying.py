"""Retries: what was handed out more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.log_lines import WAITING, error_parts, is_error
from daganalysis.tables.results import RETRIES

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive


def retries(archive: Archive) -> pd.DataFrame:
    """List the sub-tasks that were handed out more than once: one row each, sorted by run, stage and id.

    ``execute_times`` counts hand-outs, not retries: a retry hands a sub-task out twice, to roll it back and to run it again
    (engine-semantics §2.3). The bounds are of this sub-task alone. ``protocol`` marks the hand-shake of a child DAG with its main DAG, which
    is no fault (engine-semantics §7).

    >>> import daganalysis as da
    >>> da.retries(da.load("sample_data/documented/scale-out.json")).empty
    True
    """
    columns = ["run_id", "stage", "task_gid", "name", "agent", "execute_times", "outcome", "task_logs"]
    tasks = archive.table("sub_tasks", columns)
    tasks = tasks[tasks["execute_times"].fillna(0) > 1]
    attempts = archive.table("attempts", ["run_id", "task_gid", "attempt", "kind", "outcome"])
    keys = ["run_id", "task_gid"]
    known = attempts.merge(tasks[keys], on=keys)
    last = known.groupby(keys)["attempt"].transform("max")
    counts = (
        known.assign(
            rollback=known["kind"].eq("rollback"),
            rerun=known["kind"].eq("run") & (known["attempt"] > 1),
            unknown=known["kind"].eq("unknown"),
            waited=known["outcome"].eq("waiting") & (known["attempt"] < last),
        )
        .groupby(keys, as_index=False)[["rollback", "rerun", "unknown", "waited"]]
        .sum()
    )
    rows = tasks.merge(counts, on=keys, how="left").fillna({"rollback": 0, "rerun": 0, "unknown": 0, "waited": 0})
    errors = [_first_error(lines) for lines in rows["task_logs"]]
    handshakes = [_handshakes(lines) for lines in rows["task_logs"]]
    # A run after the first is one retry each; a rollback run may have been an operator's rollback instead.
    low = rows["rerun"]
    result = rows.assign(
        retries_min=low,
        retries_max=(rows["execute_times"] - 1).where(rows["rollback"] + rows["unknown"] > 0, low),
        rollbacks=rows["rollback"],
        error_code=[code for code, _ in errors],
        first_error=[line for _, line in errors],
        protocol=[bool(waited) or bool(told) for waited, told in zip(rows["waited"], handshakes, strict=True)],
    )
    return RETRIES.conform(result[RETRIES.names])


def _first_error(lines: object) -> tuple[str | None, str | None]:
    for line in lines if isinstance(lines, (list, tuple)) or hasattr(lines, "__len__") else ():  # null is a float
        if is_error(line):
            return error_parts(line)[0], line
    return None, None


def _handshakes(lines: object) -> int:
    return sum(1 for line in lines if line == WAITING) if hasattr(lines, "__iter__") else 0
