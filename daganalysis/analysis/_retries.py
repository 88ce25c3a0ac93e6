"""Which sub-tasks were handed out more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from daganalysis.engine.log_lines import WAITING, error_parts, is_error
from daganalysis.statistics.grouped_rows import GroupedRows
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, find, integers, is_equal, one_array, taken
from daganalysis.tables.declaration import AT_LEAST_TWO
from daganalysis.tables.results import RETRIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Ints

_MANY = "execute_times"


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
    import pyarrow as pa

    tasks = archive.coded("sub_tasks", ["run_id", "stage", "task_gid", "name", "agent", _MANY, "outcome"])
    tasks = tasks.take(pa.array(np.flatnonzero(integers(tasks.column(_MANY)) > 1)))
    if not tasks.num_rows:
        return RETRIES.empty()
    # Logs are most of an archive. The rows of both reads are the same ones, in the order of the table.
    logs = archive.coded("sub_tasks", [_MANY, "task_logs"], (_MANY, AT_LEAST_TWO)).column("task_logs").to_pylist()
    n, times = _attempts_of_kinds(archive, tasks), integers(tasks.column(_MANY))
    errors = [_first_error(lines or ()) for lines in logs]
    protocol = (n.waited > 0) | np.array([WAITING in (lines or ()) for lines in logs])
    # An operator retries a run, and each of its sub-tasks no more often than that; hand-shakes are not counted among the run's. What a main
    # DAG's mirrored retry redid is no person's for sure: a sub-task was retried no more surely than its run.
    runs = archive.arrow("dags", ["run_id", "retries_min", "retries_max"])
    of_run = codes_of(tasks.column("run_id"), one_array(runs.column("run_id")))
    surely, at_most = (integers(taken(runs.column(name), of_run)) for name in ("retries_min", "retries_max"))
    surely, at_most = (np.where(protocol | (bound == NONE), times, bound) for bound in (surely, at_most))
    # A run after the first is one retry each; a rollback run may have been an operator's rollback instead.
    high = np.where(n.rollback + n.unknown > 0, times - 1, n.rerun)
    return RETRIES.of_arrays(
        {
            **{name: tasks.column(name) for name in tasks.column_names},
            "retries_min": np.minimum(np.minimum(n.rerun, surely), at_most),
            "retries_max": np.minimum(high, at_most),
            "rollbacks": n.rollback,
            "error_code": pa.array([code for code, _ in errors], pa.string()),
            "first_error": pa.array([line for _, line in errors], pa.string()),
            "protocol": protocol,
        }
    )


class _Counts(NamedTuple):
    """The attempts of each sub-task that rolled back, ran again, are of an unknown kind, or waited and were not the last."""

    rollback: Ints
    rerun: Ints
    unknown: Ints
    waited: Ints


def _attempts_of_kinds(archive: Archive, tasks: pa.Table) -> _Counts:
    """Count the attempts of some sub-tasks by kind."""
    import pyarrow.compute as pc

    attempts = archive.coded("attempts", ["run_id", "task_gid", "attempt", "kind", "outcome"])
    number = integers(attempts.column("attempt"))
    is_run, is_waiting = is_equal(attempts.column("kind"), "run"), is_equal(attempts.column("outcome"), "waiting")
    run, run_ids = encoded(tasks.column("run_id"))
    of_run = codes_of(attempts.column("run_id"), run_ids)
    # A first attempt is counted if it waited, or if it is not known that it was a run.
    rows = np.flatnonzero((of_run != NONE) & ((number > 1) | ~is_run | is_waiting))
    gid, gids = encoded(tasks.column("task_gid"))
    of_gid = integers(pc.index_in(one_array(attempts.column("task_gid").take(rows)), gids))
    keys = np.where(run == NONE, NONE, run * len(gids) + gid)
    order = np.argsort(keys, kind="stable")
    place = find(keys[order], np.where(of_gid == NONE, NONE, of_run[rows] * len(gids) + of_gid))
    rows, place = rows[place != NONE], order[place[place != NONE]]
    last = GroupedRows(place, len(keys)).reduced(number[rows], np.maximum, NONE)[place]
    kinds = (
        is_equal(attempts.column("kind"), "rollback")[rows],
        is_run[rows] & (number[rows] > 1),
        is_equal(attempts.column("kind"), "unknown")[rows],
        is_waiting[rows] & (number[rows] < last),
    )
    return _Counts(*(np.bincount(place[is_kind], minlength=len(keys)) for is_kind in kinds))


def _first_error(lines: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the code and the text of the first line that tells an error."""
    line = next(filter(is_error, lines), None)
    return (None, None) if line is None else (error_parts(line)[0], line)
