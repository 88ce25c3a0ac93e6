"""How long stages took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.dag_clock import on_dag_clock
from daganalysis.engine.vocabulary import NOT_EXECUTED
from daganalysis.errors import UsageError
from daganalysis.tables.results import STAGE_LATENCY, STAGE_LATENCY_BY_AGENT, STAGE_LATENCY_BY_WORKFLOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables import Table

_LEVELS = ("stage", "workflow", "agent")


def stage_latency(archive: Archive, *, level: str = "stage") -> pd.DataFrame:
    """Return how long stages took.

    The latency of a stage is that of its last execution. Earlier executions were overwritten by the server; the table ``attempts`` has
    what is known of them. A stage that was passed has no latency.

    Args:
        archive: The runs.
        level: ``"stage"``, one row per executed stage of a run; ``"workflow"``, one row per stage name of a workflow, with quantiles over
            its runs and the runs of the shortest and the longest; ``"agent"``, one row per agent, with quantiles over its sub-tasks.

    Returns:
        Rows sorted by run and stage, by workflow and stage name, or by agent. Durations in seconds. A stage that still runs has a null
        latency; quantiles leave it out, and ``n_censored`` counts it.

    Raises:
        UsageError: There is no such level.

    Example:
        >>> import daganalysis as da
        >>> latency = da.stage_latency(da.load("sample_data/documented/scale-out.json"))
        >>> latency.nlargest(1, "latency_s")[["name", "latency_s"]].to_dict("records")
        [{'name': 'Wait remote start finish', 'latency_s': 6.095774}]
    """
    if level not in _LEVELS:
        raise UsageError("no such level of stage_latency", where=level, hint="one of " + ", ".join(_LEVELS))
    if level == "agent":
        tasks = archive.table("sub_tasks", ["run_id", "agent", "duration_s", "state"])
        rows = tasks[tasks["agent"].notna()].rename(columns={"duration_s": "latency_s"})
        rows = rows.assign(censored=rows["state"].eq("RUNNING"))
        return _grouped(rows, ["agent"], STAGE_LATENCY_BY_AGENT)
    rows = executed_stages(archive, ["stage", "outcome", "started_at", "ended_at", "n_sub_tasks"] if level == "stage" else [])
    if level == "workflow":
        return _grouped(rows, ["workflow", "name"], STAGE_LATENCY_BY_WORKFLOW)
    return STAGE_LATENCY.conform(_with_sub_tasks(archive, rows)[STAGE_LATENCY.names])


def executed_stages(archive: Archive, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Return one row per executed stage of a run: run_id, workflow, elapsed_s, name, latency_s, censored, and more columns of ``nodes``."""
    wanted = dict.fromkeys(["run_id", "name", "state", "outcome", "started_at", "duration_s", *columns])
    nodes = archive.table("nodes", list(wanted))
    nodes = nodes[nodes["run_id"].notna() & ~nodes["outcome"].isin(NOT_EXECUTED) & nodes["started_at"].notna()]
    rows = nodes.merge(archive.table("dags", ["run_id", "workflow", "elapsed_s"]), on="run_id", how="left")
    return rows.rename(columns={"duration_s": "latency_s"}).assign(censored=rows["state"].eq("RUNNING"))


def _with_sub_tasks(archive: Archive, rows: pd.DataFrame) -> pd.DataFrame:
    """Add what the sub-tasks show about each execution. Executions are numbered, because numbers are found and sorted faster than names."""
    tasks = on_dag_clock(archive, "sub_tasks", ["run_id", "stage", "task_gid", "agent", "started_at", "ended_at", "duration_s"])
    executions = rows[["run_id", "stage", "started_at", "ended_at"]].rename(columns={"started_at": "node_start", "ended_at": "node_end"})
    tasks = tasks.merge(executions.assign(at=range(len(rows))), on=["run_id", "stage"])
    # Sub-tasks that an earlier execution had finished are left alone by a retry and lie before this one (engine-semantics §2.3).
    own = tasks[tasks["ended_at"].isna() | (tasks["ended_at"] > tasks["node_start"])]
    by_execution = own.groupby("at")
    longest = own[own["duration_s"].eq(by_execution["duration_s"].transform("max"))]
    slowest = longest.sort_values(["at", "task_gid"]).drop_duplicates("at").set_index("at")
    first_start, last_end = (
        by_execution["started_at"].min().reindex(range(len(rows))),
        by_execution["ended_at"].max().reindex(range(len(rows))),
    )
    dispatch = (first_start.set_axis(rows.index) - rows["started_at"]).dt.total_seconds()
    detect = (rows["ended_at"] - last_end.set_axis(rows.index)).dt.total_seconds()
    # Where one sub-task cannot be placed in time, the three parts are not known.
    is_placed = ~own["clock_error_s"].eq(float("inf")).groupby(own["at"]).any().reindex(range(len(rows)), fill_value=False).to_numpy()
    return rows.assign(
        work_s=_work(own).reindex(range(len(rows))).where(is_placed).to_numpy(),
        # Clocks that differ by less than they show may still differ by more than these are long (engine-semantics §5).
        dispatch_s=dispatch.clip(lower=0).where(is_placed),
        detect_s=detect.clip(lower=0).where(is_placed),
        slowest_task_gid=slowest["task_gid"].reindex(range(len(rows))).array,
        slowest_agent=slowest["agent"].reindex(range(len(rows))).array,
        elapsed_share=rows["latency_s"] / rows["elapsed_s"],
    )


def _work(own: pd.DataFrame) -> pd.Series[float]:
    """The union of the running times of each execution's sub-tasks, within the execution: seconds in which at least one was running."""
    known = own[own["started_at"].notna() & own["ended_at"].notna()]
    begins = known["started_at"].where(known["started_at"] > known["node_start"], known["node_start"])
    stops = known["ended_at"].where(~(known["ended_at"] > known["node_end"]), known["node_end"])
    known = known[["at"]].assign(started_at=begins, ended_at=stops).sort_values(["at", "started_at", "ended_at"])
    starts, ends = known["started_at"].astype("int64"), known["ended_at"].astype("int64")
    reached = ends.groupby(known["at"]).cummax().groupby(known["at"]).shift()
    begin = starts.where(reached.isna() | (starts > reached), reached.fillna(0).astype("int64"))
    return (ends - begin).clip(lower=0).groupby(known["at"]).sum() / 1e9


def _grouped(rows: pd.DataFrame, keys: list[str], table: Table) -> pd.DataFrame:
    """Quantiles of latency_s by key, naming the runs at both ends (the first in order of run_id among equals)."""
    group = rows.groupby(keys, dropna=False, sort=False).ngroup()
    latency = rows["latency_s"].groupby(group)
    result = rows.loc[~group.duplicated(), keys].reset_index(drop=True)
    result["n"], result["n_censored"] = latency.count(), rows["censored"].groupby(group).sum()
    for column, q in (("p50_s", 0.5), ("p95_s", 0.95), ("p99_s", 0.99)):
        result[column] = latency.quantile(q)
    of_runs = rows["latency_s"].where(rows["run_id"].notna()).groupby(group)
    for end in ("min", "max"):
        result[f"{end}_s"] = latency.agg(end)
        at_end = rows.loc[rows["latency_s"].eq(of_runs.transform(end)) & rows["run_id"].notna(), ["run_id"]].assign(group=group)
        result[f"{end}_run_id"] = at_end.sort_values("run_id").drop_duplicates("group").set_index("group")["run_id"]
    return table.conform(result)
