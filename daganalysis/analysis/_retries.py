"""Which sub-tasks were handed out more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.engine.log_lines import WAITING, error_parts, is_error
from daganalysis.tables import ATTEMPTS, SUB_TASKS
from daganalysis.tables.column_arrays import integers, is_equal
from daganalysis.tables.declaration import decode_texts
from daganalysis.tables.results import RETRIES

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive

_TASK = ["run_id", "task_gid"]
_KINDS = ("rollback", "rerun", "unknown", "waited")


def retries(archive: Archive) -> pd.DataFrame:
    """List the sub-tasks that were handed out more than once.

    ``execute_times`` counts hand-outs, not retries: a retry hands a sub-task out twice, to roll it back and to run it again
    (engine-semantics §2.3).

    Args:
        archive: The runs.

    Returns:
        One row per sub-task, sorted by run, stage and id. The bounds of the retries take the counters of the sub-task and of its run into
        account. ``protocol`` is true if the hand-shake of a child DAG with its main DAG caused the hand-outs, which is no fault
        (engine-semantics §7).

    Example:
        >>> import daganalysis as da
        >>> da.retries(da.load("sample_data/documented/scale-out.json")).empty
        True
    """
    import pandas as pd

    rows = _handed_out_again(archive)
    errors = [_first_error(lines) for lines in rows["task_logs"]]
    handshakes = [_handshakes(lines) for lines in rows["task_logs"]]
    # A run after the first is one retry each; a rollback run may have been an operator's rollback instead.
    protocol = pd.Series([bool(waited) or bool(redone) for waited, redone in zip(rows["waited"], handshakes, strict=True)], rows.index)
    low = rows["rerun"]
    high = (rows["execute_times"] - 1).where(rows["rollback"] + rows["unknown"] > 0, low)
    # An operator retries a run, and each of its sub-tasks no more often than that; hand-shakes are not counted among the run's.
    of_runs = archive.table("dags", ["run_id", "retries_min", "retries_max"]).set_index("run_id")
    of_run = rows["run_id"].map(of_runs["retries_max"]).astype("Int64").mask(protocol).fillna(rows["execute_times"])
    # What a main DAG's mirrored retry redid is no person's for sure: a sub-task was retried no more surely than its run.
    surely = rows["run_id"].map(of_runs["retries_min"]).astype("Int64").mask(protocol).fillna(rows["execute_times"])
    result = rows.assign(
        retries_min=low.clip(upper=surely).clip(upper=of_run),
        retries_max=high.clip(upper=of_run),
        rollbacks=rows["rollback"],
        error_code=pd.array([code for code, _ in errors], dtype="str"),
        first_error=pd.array([line for _, line in errors], dtype="str"),
        protocol=protocol,
    )
    return RETRIES.conform(result[RETRIES.names])


def _handed_out_again(archive: Archive) -> pd.DataFrame:
    """One row per sub-task that was handed out more than once, with its log and the numbers of its attempts of each kind."""
    import pyarrow.compute as pc

    again = pc.field("execute_times") > 1
    tasks = archive.coded("sub_tasks", [*_TASK, "stage", "name", "agent", "execute_times", "outcome"]).filter(again)
    # Logs are most of an archive. The rows of both reads are the same ones, in the order of the table.
    logs = archive.arrow("sub_tasks", ["task_logs"], again)
    rows = SUB_TASKS.frame(decode_texts(tasks.append_column("task_logs", logs.column("task_logs")), SUB_TASKS))
    counts = _attempts_of_kinds(archive, rows[_TASK])
    return rows.merge(counts, on=_TASK, how="left").fillna(dict.fromkeys(_KINDS, 0))


def _attempts_of_kinds(archive: Archive, tasks: pd.DataFrame) -> pd.DataFrame:
    """Count the attempts of some sub-tasks: those that rolled back, ran again, are of an unknown kind, or waited and were not the last."""
    import pyarrow as pa

    attempts = archive.coded("attempts", [*_TASK, "attempt", "kind", "outcome"])
    # A first attempt is counted if it waited, or if it is not known that it was a run.
    counted = (integers(attempts.column("attempt")) > 1) | ~is_equal(attempts.column("kind"), "run")
    counted |= is_equal(attempts.column("outcome"), "waiting")
    known = ATTEMPTS.frame(decode_texts(attempts.filter(pa.array(counted)), ATTEMPTS)).merge(tasks, on=_TASK)
    last = known.groupby(_TASK)["attempt"].transform("max")
    is_of_kind = known.assign(
        rollback=known["kind"].eq("rollback"),
        rerun=known["kind"].eq("run") & (known["attempt"] > 1),
        unknown=known["kind"].eq("unknown"),
        waited=known["outcome"].eq("waiting") & (known["attempt"] < last),
    )
    return is_of_kind.groupby(_TASK, as_index=False)[list(_KINDS)].sum()


def _first_error(lines: Any) -> tuple[str | None, str | None]:
    for line in lines if isinstance(lines, (list, tuple)) or hasattr(lines, "__len__") else ():  # null is a float
        if is_error(line):
            return error_parts(line)[0], line
    return None, None


def _handshakes(lines: Any) -> int:
    return sum(1 for line in lines if line == WAITING) if hasattr(lines, "__iter__") else 0
