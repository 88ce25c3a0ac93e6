"""Stages: how long each took, and what lay between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.errors import UsageError
from daganalysis.tables.results import STAGE_GAPS, STAGE_LATENCY, STAGE_LATENCY_BY_AGENT, STAGE_LATENCY_BY_WORKFLOW

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables import Table

_LEVELS = ("stage", "workflow", "agent")
_NOT_EXECUTED = ("never_run", "ready")


def stage_latency(archive: Archive, *, level: str = "stage") -> pd.DataFrame:
    """Say how long stages took, seconds.

    ``level="stage"``: one row per executed stage of a run, by its last execution (earlier ones were overwritten; ``attempts`` has what is
    known of them). ``level="workflow"``: one row per stage name of a workflow, quantiles over runs, naming the runs at both ends.
    ``level="agent"``: the same over the sub-tasks of each agent. Stages still running are counted in ``n_censored`` and left out of the
    quantiles; passed ones have no latency of their own. Raises :class:`UsageError` for another level.

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
    rows = _by_stage(archive)
    if level == "workflow":
        return _grouped(rows, ["workflow", "name"], STAGE_LATENCY_BY_WORKFLOW)
    return STAGE_LATENCY.conform(rows)


def _by_stage(archive: Archive) -> pd.DataFrame:
    nodes = archive.table("nodes", ["run_id", "stage", "name", "state", "outcome", "started_at", "ended_at", "duration_s", "n_sub_tasks"])
    nodes = nodes[nodes["run_id"].notna() & ~nodes["outcome"].isin(_NOT_EXECUTED) & nodes["started_at"].notna()]
    dags = archive.table("dags", ["run_id", "workflow", "elapsed_s"])
    tasks = archive.table("sub_tasks", ["run_id", "stage", "task_gid", "agent", "started_at", "ended_at", "duration_s"])
    tasks = tasks.merge(nodes[["run_id", "stage", "started_at", "ended_at"]], on=["run_id", "stage"], suffixes=("", "_node"))
    # Sub-tasks that an earlier execution had finished are left alone by a retry and lie before this one (engine-semantics §2.3).
    own = tasks[tasks["ended_at"].isna() | (tasks["ended_at"] > tasks["started_at_node"])]
    keys = ["run_id", "stage"]
    ends = own.groupby(keys, as_index=False).agg(first_start=("started_at", "min"), last_end=("ended_at", "max"))
    slowest = own.dropna(subset=["duration_s"]).sort_values(["duration_s", "task_gid"], ascending=[False, True]).drop_duplicates(keys)
    slowest = slowest[[*keys, "task_gid", "agent"]].rename(columns={"task_gid": "slowest_task_gid", "agent": "slowest_agent"})
    rows = nodes.merge(dags, on="run_id", how="left").merge(ends, on=keys, how="left").merge(slowest, on=keys, how="left")
    rows = rows.merge(_work(own, keys), on=keys, how="left")
    dispatch = (rows["first_start"] - rows["started_at"]).dt.total_seconds()
    detect = (rows["ended_at"] - rows["last_end"]).dt.total_seconds()
    return rows.assign(
        latency_s=rows["duration_s"],
        # An agent's clock may differ from the maintainer's by more than these are long (engine-semantics §5).
        dispatch_s=dispatch.clip(lower=0),
        detect_s=detect.clip(lower=0),
        elapsed_share=rows["duration_s"] / rows["elapsed_s"],
        censored=rows["state"].eq("RUNNING"),
    )[STAGE_LATENCY.names]


def _work(own: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The union of the running times of each stage's sub-tasks: seconds in which at least one was running."""
    known = own[own["duration_s"].notna()].sort_values([*keys, "started_at", "ended_at"])
    starts, ends = known["started_at"].astype("int64"), known["ended_at"].astype("int64")
    group = known.groupby(keys, sort=False).ngroup()
    reached = ends.groupby(group).cummax().groupby(group).shift()
    begin = starts.where(reached.isna() | (starts > reached), reached.fillna(0).astype("int64"))
    known = known.assign(ns=(ends - begin).clip(lower=0))
    return (
        known.groupby(keys, as_index=False).agg(work_ns=("ns", "sum")).assign(work_s=lambda f: f["work_ns"] / 1e9).drop(columns="work_ns")
    )


def _grouped(rows: pd.DataFrame, keys: list[str], table: Table) -> pd.DataFrame:
    """Quantiles of latency_s by key, naming the runs at both ends (the first in order of run_id among equals)."""
    known = rows[rows["latency_s"].notna()].sort_values([*keys, "latency_s", "run_id"])
    grouped = known.groupby(keys, dropna=False)["latency_s"]
    result = rows.groupby(keys, dropna=False).agg(n=("latency_s", "count"), n_censored=("censored", "sum"))
    result["min_s"], result["max_s"] = grouped.min(), grouped.max()
    for column, q in (("p50_s", 0.5), ("p95_s", 0.95), ("p99_s", 0.99)):
        result[column] = grouped.quantile(q)
    result["min_run_id"] = known.groupby(keys, dropna=False)["run_id"].first()
    largest = known.sort_values([*keys, "latency_s", "run_id"], ascending=[True] * len(keys) + [False, True])
    result["max_run_id"] = largest.groupby(keys, dropna=False)["run_id"].first()
    return table.conform(result.reset_index())


def stage_gaps(archive: Archive) -> pd.DataFrame:
    """Say what lay between stages: one row per stretch between two stages, in order of execution (backwards in a rollback), seconds.

    The same seconds as those of ``time_budget`` outside the stages: a gap of several causes has a row for each. ``polls`` counts the
    scheduler's passes; its tick is measured by the run's own hand-overs, or else by those of the whole archive (engine-semantics §5).
    Unfinished runs have the gaps that are known. Sorted by run_id, then time.

    >>> import daganalysis as da
    >>> gaps = da.stage_gaps(da.load("sample_data/documented/scale-out.json"))
    >>> gaps.loc[gaps["from_stage"].notna() & gaps["to_stage"].notna(), "gap_s"].sum().round(6)
    np.float64(8.203234)
    """
    line = archive.table("timeline")
    inside = line["from_stage"].eq(line["to_stage"]).fillna(value=False) & line["category"].isin(["execute", "dispatch", "detect"])
    gaps = line[~inside].rename(columns={"duration_s": "gap_s"})
    between = gaps[
        gaps["category"].eq("handoff")
        & gaps["evidence"].eq("observed")
        & gaps["from_stage"].notna()
        & gaps["to_stage"].notna()
        & (gaps["gap_s"] > 0.5)
    ]
    tick = between.groupby("run_id")["gap_s"].median().reindex(gaps["run_id"]).fillna(between["gap_s"].median())
    polls = (gaps["gap_s"].to_numpy() / tick.to_numpy()).round()
    return STAGE_GAPS.conform(gaps.assign(polls=polls).sort_values(["run_id", "seq"])[STAGE_GAPS.names])
