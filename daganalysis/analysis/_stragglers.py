"""Stragglers: agents that the others of a stage waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from daganalysis.dag_clock import on_dag_clock
from daganalysis.engine.log_lines import LEFT_TO_ANOTHER
from daganalysis.engine.times import SCHEDULER_SLEEP_S
from daganalysis.errors import UsageError
from daganalysis.statistics.autocorrelation import autocorrelation_of, winsorised
from daganalysis.statistics.distributions import binomial_tails, normal_isf, t_isf
from daganalysis.statistics.multiple_testing import LEVEL, SMALLEST_RATIO, holm, tarone_testable
from daganalysis.statistics.proportions import clopper_pearson_interval
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.results import STRAGGLERS, STRAGGLERS_BY_AGENT, STRAGGLERS_BY_RUN, STRAGGLERS_BY_ZONE

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.statistics.autocorrelation import Autocorrelation

_KEYS = ["run_id", "stage"]
_LEVELS = {"stage": STRAGGLERS, "agent": STRAGGLERS_BY_AGENT, "zone": STRAGGLERS_BY_ZONE, "run": STRAGGLERS_BY_RUN}
_LEAST_LATE_S = SCHEDULER_SLEEP_S / 4
"""Handing out to many agents takes some milliseconds each, so that the last of equals is always late by some."""


def stragglers(archive: Archive, *, level: str = "stage") -> pd.DataFrame:
    """Return which agents the others waited for.

    Only executions in which at least two agents worked count. The agent whose sub-task ended last was the slowest. A late start and slow
    work have columns of their own. An agent is ``flagged`` on two conditions. It is slowest more often than by chance (binomial test, Holm
    correction over all rows), even if a slow spell of several runs counts as one run. And it is late by at least 10 % of the others' work
    and a quarter of a tick of the engine. Over all stages, both its runs and its executions of stages must show it.

    Args:
        archive: The runs.
        level: ``"stage"``, one row per workflow, stage name and agent of a cluster; ``"agent"``, one row per agent of a cluster, over all
            stages, with the run as the unit of the test; ``"zone"``, the same of all agents of a zone together, over the stages in which
            several zones were at work; ``"run"``, one row per execution of a stage. Zones are known from the table ``agents`` alone.

    Returns:
        Level ``"run"``: sorted by run and stage. The others: flagged rows first, then those that cost the others most. Durations in
        seconds, waits in agent-seconds.

    Raises:
        UsageError: There is no such level.

    Example:
        >>> import daganalysis as da
        >>> fleet = da.load("sample_data/fleet", cluster_by="dir")
        >>> da.stragglers(fleet, level="agent")[["cluster", "agent", "n", "n_slowest", "flagged"]].head(1).to_dict("records")
        [{'cluster': 'prod-c', 'agent': '203.0.113.13:2886', 'n': 28, 'n_slowest': 28, 'flagged': True}]
    """
    if level not in _LEVELS:
        raise UsageError("no such level of stragglers", where=level, hint=", ".join(_LEVELS))
    rows = _executions(archive)
    if level == "zone":
        rows = _in_zones(archive, rows)
    if rows.empty:
        return _LEVELS[level].empty()
    if level == "run":
        return STRAGGLERS_BY_RUN.conform(_slowest(rows)[STRAGGLERS_BY_RUN.names])
    result, units, keys = _by_stage(rows) if level == "stage" else _by_agent(rows)
    n_slowest, n = result["n_slowest"].to_numpy(float), result["n"].to_numpy(float)
    result["slowest_low"], result["slowest_high"] = clopper_pearson_interval(n_slowest, n)
    result["flagged"], result["n_effective"] = _flags(result, units, keys)
    order = ["flagged", "barrier_wait_s", *(key for key in ("cluster", "workflow", "name", "agent") if key in result)]
    result = result.sort_values(order, ascending=[False, False, *[True] * (len(order) - 2)])
    if level == "zone":
        result = result.rename(columns={"agent": "zone"})
    return _LEVELS[level].conform(result[_LEVELS[level].names])


def _in_zones(archive: Archive, rows: pd.DataFrame) -> pd.DataFrame:
    """Put the zone in the place of each agent, in the executions in which several zones were at work."""
    told = archive.table("agents", ["cluster", "agent", "zone", "observed_at"])
    told = told[told["zone"].notna()].sort_values(["observed_at", "zone"], na_position="first")
    zones = told.drop_duplicates(["cluster", "agent"], keep="last")[["cluster", "agent", "zone"]]
    if rows.empty or zones.empty:
        return rows.iloc[:0]
    rows = rows.merge(zones, on=["cluster", "agent"], how="left")
    # One agent of no known zone may have been the slowest of any.
    of_execution = rows.groupby(_KEYS, sort=False)["zone"]
    rows = rows[of_execution.transform("nunique").gt(1) & of_execution.transform("count").eq(of_execution.transform("size"))]
    return rows.assign(member=rows["agent"], agent=rows["zone"])


def _executions(archive: Archive) -> pd.DataFrame:
    """One row per sub-task at work in an execution of a stage that several agents worked in."""
    nodes = archive.table("nodes", [*_KEYS, "name", "started_at", "ended_at"])
    nodes = nodes[nodes["run_id"].notna() & nodes["ended_at"].notna()].rename(columns={"started_at": "node_start", "ended_at": "node_end"})
    dags = archive.table("dags", ["run_id", "cluster", "workflow"])
    tasks = on_dag_clock(archive, "sub_tasks", [*_KEYS, "task_gid", "agent", "agent_ip", "started_at", "ended_at", "duration_s"])
    tasks = tasks[tasks["duration_s"].notna() & tasks["agent"].notna()]
    rows = tasks.merge(nodes, on=_KEYS).merge(dags, on="run_id")
    # What an earlier execution had finished lies before this one (engine-semantics §2.3).
    is_unplaced = rows["clock_error_s"].eq(float("inf"))
    if is_unplaced.any():
        rows = rows[~is_unplaced.groupby([rows["run_id"], rows["stage"]]).transform("any")]
    rows = _at_work(archive, rows[rows["ended_at"] > rows["node_start"]])
    agents = rows.groupby(_KEYS, sort=False)["agent"].transform("nunique")
    rows = rows[agents > 1].sort_values([*_KEYS, "task_gid"], ignore_index=True)
    if rows.empty:
        return rows
    # A number for each execution, in order: rows are grouped by it in a fraction of the time that names take.
    at = rows.groupby(_KEYS, sort=False).ngroup()
    begin = (rows["started_at"] - rows["started_at"].groupby(at).transform("min")).dt.total_seconds()
    left = (rows["ended_at"].groupby(at).transform("max") - rows["ended_at"]).dt.total_seconds()
    rows = rows.assign(dispatch_s=begin, work_s=rows["duration_s"], left_s=left)
    rows["is_slowest"] = left.eq(0) & (left.eq(0).groupby(at).transform("sum") == 1)
    if rows["clock_error_s"].any():
        rows["is_slowest"] &= _is_sure(left, rows["clock_error_s"], at)
    group = rows.groupby(at)
    others_work, others_left = _median_of_others(rows["work_s"], at), _median_of_others(rows["left_s"], at)
    return rows.assign(
        n_sub_tasks=group["task_gid"].transform("size"),
        waited_s=group["left_s"].transform("sum").where(rows["is_slowest"], 0.0),
        late_s=others_left - rows["left_s"],
        others_s=others_work,
        skew=rows["work_s"] / others_work.clip(lower=1e-9),
    )


def _is_sure(left: pd.Series[float], error: pd.Series[float], at: pd.Series[int]) -> pd.Series[bool]:
    """Return which rows ended last in their execution whatever the clocks of agents do within their errors."""
    others_latest = _largest_of_others(error - left, at)
    return others_latest < -left - error


def _largest_of_others(column: pd.Series[float], at: pd.Series[int]) -> pd.Series[float]:
    """The largest value of a column over the other rows of the same execution, which has two at least."""
    ranked = column.sort_values(ascending=False, kind="stable")
    executions = at.reindex(ranked.index)
    place = ranked.groupby(executions).cumcount()
    largest, second = (ranked[place == n].set_axis(executions[place == n]) for n in (0, 1))
    others = executions.map(largest).where(place > 0, executions.map(second))
    return others.reindex(column.index)


def _at_work(archive: Archive, rows: pd.DataFrame) -> pd.DataFrame:
    """Drop the sub-tasks that left the work to another agent on their host, where there is one (engine-semantics §4)."""
    shared = rows.duplicated([*_KEYS, "agent_ip"], keep=False)
    if not shared.any():
        return rows
    idle = _with_line(archive.arrow("sub_tasks", ["run_id", "task_gid", "task_logs"]), LEFT_TO_ANOTHER)
    idle = idle.merge(rows.loc[shared, ["run_id", "task_gid"]], on=["run_id", "task_gid"])
    marked = rows.merge(idle, on=["run_id", "task_gid"], how="left", indicator="idle")
    return marked[marked["idle"] == "left_only"].drop(columns="idle")


def _with_line(sub_tasks: pa.Table, beginning: str) -> pd.DataFrame:
    """The keys of the sub-tasks that have a line with some beginning; the lines of all the others stay in Arrow."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = []
    for batch in sub_tasks.to_batches():
        lines = batch.column("task_logs")
        said = pc.starts_with(pc.list_flatten(lines), pattern=beginning)
        found.append(batch.take(pc.unique(pc.list_parent_indices(lines).filter(said))).select(["run_id", "task_gid"]))
    keys = pa.Table.from_batches(found, sub_tasks.select(["run_id", "task_gid"]).schema)
    return BASE_TABLES["sub_tasks"].frame(keys)


def _median_of_others(column: pd.Series[float], at: pd.Series[int]) -> pd.Series[float]:
    """The median of a column over the other sub-tasks of the same execution, from the ranks of all (it is of one or two of them)."""
    import numpy as np
    import pandas as pd

    order = np.lexsort((column.to_numpy(), at.to_numpy()))
    values, executions = column.to_numpy()[order], at.to_numpy()[order]
    sizes = np.bincount(executions)
    first = (np.cumsum(sizes) - sizes)[executions]
    own, others = np.arange(len(values)) - first, sizes[executions] - 1

    def pick(position: np.ndarray) -> np.ndarray:
        picked: np.ndarray = values[first + position + (position >= own)]
        return picked

    return pd.Series((pick((others - 1) // 2) + pick(others // 2)) / 2, index=column.index[order]).reindex(column.index)


def _slowest(rows: pd.DataFrame) -> pd.DataFrame:
    names = {"agent": "slowest_agent", "task_gid": "slowest_task_gid", "waited_s": "barrier_wait_s"}
    return rows[rows["is_slowest"]].rename(columns=names)


class _ByAgent(NamedTuple):
    """The measures of each agent, the units (executions, or runs) that they are of, and what tells agents apart."""

    result: pd.DataFrame
    units: pd.DataFrame
    keys: list[str]


def _by_stage(rows: pd.DataFrame) -> _ByAgent:
    keys = ["cluster", "workflow", "name", "agent"]
    units = rows.assign(chance=1 / rows["n_sub_tasks"])
    return _ByAgent(_measures(units, keys), units, keys)


def _by_agent(rows: pd.DataFrame) -> _ByAgent:
    """Take what a run spent on an agent, or on the agents of a zone, together, over all stages in which others were at work too."""
    keys = ["cluster", "agent"]
    units = (
        (rows if "member" in rows else rows.assign(member=rows["agent"]))
        .groupby(["run_id", *keys], dropna=False, as_index=False)
        .agg(
            dispatch_s=("dispatch_s", "sum"),
            work_s=("work_s", "sum"),
            waited_s=("waited_s", "sum"),
            late_s=("late_s", "sum"),
            others_s=("others_s", "sum"),
            n_executions=("stage", "nunique" if "member" in rows else "size"),
            n_members=("member", "nunique"),
            node_start=("node_start", "min"),
        )
    )
    run = units.groupby("run_id")
    longest = units["waited_s"].eq(run["waited_s"].transform("max")) & (units["waited_s"] > 0)
    units["is_slowest"] = longest & (longest.groupby(units["run_id"]).transform("sum") == 1)
    units["n_sub_tasks"] = run["agent"].transform("size")
    chance = units["n_members"] / run["n_members"].transform("sum")
    units = units.assign(skew=units["work_s"] / units["others_s"].clip(lower=1e-9), chance=chance)
    result = _measures(units, keys)
    result["n_executions"] = units.groupby(keys, dropna=False, sort=True)["n_executions"].sum().to_numpy()
    result["p_of_executions"] = _tails_of_executions(rows, keys)
    costs = rows.groupby([*keys, "name"], dropna=False, as_index=False).agg(waited_s=("waited_s", "sum"))
    costs = costs.sort_values(["waited_s", "name"], ascending=[False, True]).drop_duplicates(keys)
    worst = costs["name"].where(costs["waited_s"] > 0)
    return _ByAgent(result.merge(costs[keys].assign(worst_stage=worst), on=keys, how="left"), units, keys)


def _tails_of_executions(rows: pd.DataFrame, keys: list[str]) -> list[float]:
    """How likely each agent is by chance to be the slowest of so many of its executions, in the order of the measures.

    One long stage decides what a whole run waited for: in three runs of six agents, one of them is last every time in one archive of 36.
    """
    share = 1 / rows.groupby(_KEYS, sort=False)["task_gid"].transform("size")
    of_execution = rows.assign(chance=share).groupby([*_KEYS, *keys], dropna=False, as_index=False)
    executions = of_execution.agg(hit=("is_slowest", "any"), chance=("chance", "sum"))
    agents = executions.groupby(keys, dropna=False, sort=True).agg(hits=("hit", "sum"), n=("hit", "size"), chance=("chance", "mean"))
    tails: list[float] = binomial_tails(agents["hits"].astype(int), agents["n"].astype(int), agents["chance"]).tolist()
    return tails


def _measures(units: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Sum up units (executions, or runs) by agent."""
    return units.groupby(keys, dropna=False, as_index=False).agg(
        n=("run_id", "size"),
        n_slowest=("is_slowest", "sum"),
        skew_p50=("skew", "median"),
        barrier_wait_s=("waited_s", "sum"),
        late_p50_s=("late_s", "median"),
        dispatch_p50_s=("dispatch_s", "median"),
        work_p50_s=("work_s", "median"),
        others_p50_s=("others_s", "median"),
        n_agents_p50=("n_sub_tasks", "median"),
        chance=("chance", "mean"),
    )


def _flags(result: pd.DataFrame, units: pd.DataFrame, keys: list[str]) -> tuple[list[bool], list[float | None]]:
    """More often slowest than chance, over all rows, and late by what matters; and how many independent units that was judged by.

    Of agents that chance alone would flag, the spells are looked at: all agents of a stage together show how long slow spells last, and so
    many units as a spell lasts count as one (a design effect, Kish 1965).
    """
    from scipy.special import betainc

    chance, n, hits = result["chance"], result["n"].astype(int), result["n_slowest"].astype(int)
    could = tarone_testable((chance**n).tolist())
    late = (result["late_p50_s"] >= ((SMALLEST_RATIO - 1) * result["others_p50_s"]).clip(lower=_LEAST_LATE_S)).tolist()

    def shown(p_values: list[float]) -> list[bool]:
        corrected = iter(holm([p for p, can in zip(p_values, could, strict=True) if can]))
        return [can and next(corrected) <= LEVEL and matters for can, matters in zip(could, late, strict=True)]

    p_values = binomial_tails(hits, n, chance).tolist()
    if "p_of_executions" in result:
        p_values = list(map(max, p_values, result["p_of_executions"]))
    suspects = shown(p_values)
    memories = _memories(units, result[suspects], keys)
    effective: list[float | None] = [None] * len(result)
    for place, (key, of_chance) in enumerate(zip(_pools(result, keys), chance, strict=True)):
        if key in memories:
            size = int(n.iloc[place])
            inflation = memories[key].inflation(size)
            # Less for the uncertainty of the inflation, which all agents of the pool tell of (Korn and Graubard 1998).
            freedom = max(1.0, float(result["n_agents_p50"].iloc[place]) * (size / inflation - 1))
            inflation *= (t_isf(LEVEL, freedom) / normal_isf(LEVEL)) ** 2 if inflation > 1 else 1.0
            effective[place] = size / inflation
            hit = int(hits.iloc[place]) / inflation
            widened = float(betainc(hit, size / inflation - hit + 1, of_chance)) if hit else 1.0
            p_values[place] = max(p_values[place], widened) if inflation > 1 else p_values[place]
    return shown(p_values), effective


def _pools(frame: pd.DataFrame, keys: list[str]) -> list[tuple[str | None, ...]]:
    """Agents that are judged together, of each row: those of one cluster, and of one stage."""
    plain = frame[keys[:-1]].astype(object).where(frame[keys[:-1]].notna(), None)
    return list(plain.itertuples(index=False, name=None))


def _memories(units: pd.DataFrame, suspects: pd.DataFrame, keys: list[str]) -> dict[tuple[str | None, ...], Autocorrelation]:
    """Return how long slow spells last in each pool with a suspect.

    Both who was slowest and how much longer each worked than the others are looked at; the one that remembers more counts.
    """
    import numpy as np

    wanted = set(_pools(suspects, keys))
    if not wanted:
        return {}
    pool = _pools(units, keys)
    chosen = units.assign(pool=[str(key) for key in pool])[[key in wanted for key in pool]].sort_values(["node_start", "run_id"])
    series = {name: [unit for _, unit in of_pool.groupby("agent", sort=False)] for name, of_pool in chosen.groupby("pool", sort=False)}
    found = {}
    for key in wanted:
        # Without distinct starts there is no order in which a spell might last.
        own = [unit for unit in series[str(key)] if 2 * unit["node_start"].nunique() > len(unit)]
        slowest = autocorrelation_of([unit["is_slowest"].to_numpy(float) for unit in own])
        slower = autocorrelation_of([winsorised(np.log(unit["skew"].clip(lower=1e-6).to_numpy(float))) for unit in own])
        found[key] = max(slowest, slower, key=lambda memory: memory.inflation(max(map(len, own), default=0)))
    return found
