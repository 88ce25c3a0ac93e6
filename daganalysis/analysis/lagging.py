"""Stragglers: agents that the others of a stage waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.errors import UsageError
from daganalysis.tables.results import STRAGGLERS, STRAGGLERS_BY_RUN

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive

_KEYS = ["run_id", "stage"]
_DOES_NOTHING = "Due to multiple obshell being on this machine"
"""What an agent logs that leaves the work to another one on its host (engine-semantics §4)."""
_LEVEL = 0.05


def stragglers(archive: Archive, *, level: str = "agent") -> pd.DataFrame:
    """Say which agents a stage waited for: one row per workflow, stage name and agent, those slowest most often first.

    Only executions with at least two agents at work count. A sub-task's end decides who was slowest; how much of that was a late start
    and how much
    its own work is told apart. ``flagged`` holds where an agent is slowest more often than one in so many would be (binomial test, Holm
    over the agents and stages of the workflow). ``level="run"`` gives one row per execution. Raises :class:`UsageError` for another level.

    >>> import daganalysis as da
    >>> da.stragglers(da.load("sample_data/documented/scale-out.json")).empty
    True
    """
    if level not in {"agent", "run"}:
        raise UsageError("no such level of stragglers", where=level, hint="agent or run")
    rows = _executions(archive)
    if rows.empty:
        return (STRAGGLERS_BY_RUN if level == "run" else STRAGGLERS).empty()
    if level == "run":
        slowest = rows[rows["is_slowest"]].rename(
            columns={"agent": "slowest_agent", "task_gid": "slowest_task_gid", "waited_s": "barrier_wait_s"}
        )
        return STRAGGLERS_BY_RUN.conform(slowest[STRAGGLERS_BY_RUN.names])
    grouped = rows.assign(waited_s=rows["waited_s"].where(rows["is_slowest"], 0.0)).groupby(["workflow", "name", "agent"], as_index=False)
    result = grouped.agg(
        n=("stage", "size"),
        n_slowest=("is_slowest", "sum"),
        skew_p50=("skew", "median"),
        barrier_wait_s=("waited_s", "sum"),
        dispatch_p50_s=("dispatch_s", "median"),
        work_p50_s=("work_s", "median"),
        n_agents_p50=("n_sub_tasks", "median"),
        chance=("chance", "mean"),
    )
    result["slowest_low"], result["slowest_high"] = _clopper_pearson(result["n_slowest"], result["n"])
    result["flagged"] = _flags(result)
    ordered = result.sort_values(["workflow", "name", "slowest_low", "barrier_wait_s", "agent"], ascending=[True, True, False, False, True])
    return STRAGGLERS.conform(ordered[STRAGGLERS.names])


def _executions(archive: Archive) -> pd.DataFrame:
    """One row per sub-task at work in an execution of a stage that several agents worked in."""
    nodes = archive.table("nodes", ["run_id", "stage", "name", "started_at", "ended_at"])
    nodes = nodes[nodes["run_id"].notna() & nodes["ended_at"].notna()].rename(columns={"started_at": "node_start", "ended_at": "node_end"})
    dags = archive.table("dags", ["run_id", "workflow"])
    tasks = archive.table("sub_tasks", [*_KEYS, "task_gid", "agent", "started_at", "ended_at", "duration_s", "task_logs"])
    tasks = tasks[tasks["duration_s"].notna() & tasks["agent"].notna()]
    idle = [hasattr(lines, "__len__") and any(line.startswith(_DOES_NOTHING) for line in lines) for lines in tasks["task_logs"]]
    import numpy as np

    at_work = ~np.array(idle, dtype=bool)
    rows = tasks[at_work].drop(columns="task_logs").merge(nodes, on=_KEYS).merge(dags, on="run_id")
    # What an earlier execution had finished lies before this one (engine-semantics §2.3).
    rows = rows[rows["ended_at"] > rows["node_start"]]
    agents = rows.groupby(_KEYS)["agent"].transform("nunique")
    rows = rows[agents > 1].sort_values([*_KEYS, "task_gid"], ignore_index=True)
    if rows.empty:
        return rows
    group = rows.groupby(_KEYS)
    end, last = rows["ended_at"].astype("int64"), group["ended_at"].transform("max").astype("int64")
    is_last = end == last
    tied = is_last.groupby([rows[key] for key in _KEYS]).transform("sum") > 1
    size = group["task_gid"].transform("size")
    waited = (last - end) / 1e9
    return rows.assign(
        n_sub_tasks=size,
        is_slowest=is_last & ~tied,
        work_s=rows["duration_s"],
        dispatch_s=(rows["started_at"] - group["started_at"].transform("min")).dt.total_seconds(),
        waited_s=waited.groupby([rows[key] for key in _KEYS]).transform("sum"),
        skew=rows["duration_s"] / _median_of_others(rows),
        chance=1.0 / size,
    )


def _median_of_others(rows: pd.DataFrame) -> pd.Series[float]:
    """The median duration of the other sub-tasks of the same execution, from the ranks of all (it is one of two or three of them)."""
    import numpy as np

    rank = rows.groupby(_KEYS)["duration_s"].rank(method="first").astype(int) - 1
    ordered = rows.assign(rank=rank).sort_values([*_KEYS, "rank"])
    first = ordered.groupby(_KEYS, sort=False)["rank"].transform("size").to_numpy()
    values = ordered["duration_s"].to_numpy()
    start = np.repeat(np.flatnonzero(ordered["rank"].to_numpy() == 0), first[ordered["rank"].to_numpy() == 0])
    own = ordered["rank"].to_numpy()
    others = first - 1
    low, high = (others - 1) // 2, others // 2

    def pick(position: np.ndarray) -> np.ndarray:
        picked: np.ndarray = values[start + position + (position >= own)]
        return picked

    import pandas as pd

    middle = (pick(low) + pick(high)) / 2
    return pd.Series(np.maximum(middle, 1e-9), index=ordered.index).reindex(rows.index)


def _clopper_pearson(k: pd.Series[int], n: pd.Series[int]) -> tuple[pd.Series[float], pd.Series[float]]:
    from scipy.stats import beta

    low = beta.ppf(_LEVEL / 2, k, n - k + 1)
    high = beta.ppf(1 - _LEVEL / 2, k + 1, n - k)
    import numpy as np
    import pandas as pd

    return pd.Series(np.where(k == 0, 0.0, low), index=k.index), pd.Series(np.where(k == n, 1.0, high), index=k.index)


def _flags(result: pd.DataFrame) -> list[bool]:
    """More often slowest than chance, by Holm over the agents and stages of a workflow."""
    from scipy.stats import binom

    from daganalysis.analysis.statistics import holm

    p = [float(binom.sf(k - 1, n, c)) for k, n, c in zip(result["n_slowest"], result["n"], result["chance"], strict=True)]
    flags = [False] * len(result)
    for index in result.groupby("workflow").indices.values():
        for place, adjusted in zip(index, holm([p[i] for i in index]), strict=True):
            flags[place] = adjusted <= _LEVEL
    return flags
