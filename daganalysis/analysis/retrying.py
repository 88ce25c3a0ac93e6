"""Retries: what was handed out more than once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.analysis.budget import time_budget
from daganalysis.engine.log_lines import WAITING, error_parts, is_error
from daganalysis.tables.results import RETRIES, RETRY_PATTERNS

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive


def retries(archive: Archive) -> pd.DataFrame:
    """List the sub-tasks that were handed out more than once: one row each, sorted by run, stage and id.

    ``execute_times`` counts hand-outs, not retries: a retry hands a sub-task out twice, to roll it back and to run it again
    (engine-semantics §2.3). The bounds are of this sub-task alone. ``protocol`` marks the hand-shake of a child DAG with its main DAG,
    which is no fault (engine-semantics §7).

    >>> import daganalysis as da
    >>> da.retries(da.load("sample_data/documented/scale-out.json")).empty
    True
    """
    import pandas as pd

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
        error_code=pd.array([code for code, _ in errors], dtype="str"),
        first_error=pd.array([line for _, line in errors], dtype="str"),
        protocol=[bool(waited) or bool(told) for waited, told in zip(rows["waited"], handshakes, strict=True)],
    )
    return RETRIES.conform(result[RETRIES.names])


def retry_patterns(archive: Archive) -> pd.DataFrame:
    """Say what is retried, how often, and whether that helps: one row per workflow, stage name and error code.

    ``n_runs`` are the runs that executed the stage, whatever became of them. Hand-shakes between DAGs do not count. The order of the
    input is irrelevant.

    >>> import daganalysis as da
    >>> da.retry_patterns(da.load("sample_data/upgrade"))[["name", "error_code", "retries_p50"]].to_dict("records")
    [{'name': 'Check all required packages', 'error_code': 'Common.DirNotEmpty', 'retries_p50': 2.0}]
    """
    dags = archive.table("dags", ["run_id", "workflow"])
    nodes = archive.table("nodes", ["run_id", "stage", "name", "outcome"]).merge(dags, on="run_id")
    executed = nodes[~nodes["outcome"].isin(["never_run"])]
    n_runs = executed.groupby(["workflow", "name"], dropna=False)["run_id"].nunique().rename("n_runs")
    wait = time_budget(archive).set_index("run_id")["wait_operator_s"]
    found = retries(archive)
    found = found[~found["protocol"].fillna(value=False) & (found["retries_max"] > 0)]
    found = found.drop(columns=["name", "outcome"]).merge(nodes, on=["run_id", "stage"])
    found["retries_least"] = found["retries_min"].clip(lower=0)
    # A stage is retried as a whole: of its sub-tasks the one redone most often counts.
    by_run = found.groupby(["workflow", "name", "error_code", "run_id"], dropna=False, as_index=False).agg(
        retries_least=("retries_least", "max"), outcome=("outcome", "last"), agents=("agent", lambda a: set(a.dropna()))
    )
    by_run = by_run[by_run["retries_least"] > 0]
    by_run["wait_s"] = by_run["run_id"].map(wait).astype("float64")
    grouped = by_run.groupby(["workflow", "name", "error_code"], dropna=False)
    result = grouped.agg(
        n_retried=("run_id", "nunique"),
        retries_p50=("retries_least", "median"),
        succeeded_after_share=("outcome", lambda o: float((o == "succeeded").mean())),
        agents=("agents", lambda sets: " ".join(sorted(set().union(*sets)))),
        example_run_id=("run_id", "min"),
        wait_operator_s=("wait_s", "median"),
    ).reset_index()
    result = result.merge(n_runs.reset_index(), on=["workflow", "name"], how="left")
    result["retry_share"] = result["n_retried"].astype("float64") / result["n_runs"].astype("float64")
    return RETRY_PATTERNS.conform(result[RETRY_PATTERNS.names])


def _first_error(lines: Any) -> tuple[str | None, str | None]:
    for line in lines if isinstance(lines, (list, tuple)) or hasattr(lines, "__len__") else ():  # null is a float
        if is_error(line):
            return error_parts(line)[0], line
    return None, None


def _handshakes(lines: Any) -> int:
    return sum(1 for line in lines if line == WAITING) if hasattr(lines, "__iter__") else 0
