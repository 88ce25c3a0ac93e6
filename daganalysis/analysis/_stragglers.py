"""Stragglers: agents that the others of a stage waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from daganalysis.analysis.stage_rows import read_stages
from daganalysis.dag_clock import coded_on_dag_clock
from daganalysis.engine.log_lines import LEFT_TO_ANOTHER
from daganalysis.engine.times import SCHEDULER_SLEEP_S, SECOND_NS
from daganalysis.errors import UsageError
from daganalysis.statistics.autocorrelation import autocorrelation_of, winsorised
from daganalysis.statistics.distributions import binomial_tails, normal_isf, t_isf
from daganalysis.statistics.grouped_rows import GroupedRows
from daganalysis.statistics.multiple_testing import LEVEL, SMALLEST_RATIO, holm, tarone_testable
from daganalysis.statistics.proportions import clopper_pearson_interval
from daganalysis.tables.column_arrays import NONE, encoded, integers, numbered, ranked, reals
from daganalysis.tables.results import STRAGGLERS, STRAGGLERS_BY_AGENT, STRAGGLERS_BY_RUN, STRAGGLERS_BY_ZONE

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.stage_rows import StageRows
    from daganalysis.archive import Archive
    from daganalysis.statistics.autocorrelation import Autocorrelation
    from daganalysis.tables.column_arrays import Bools, Floats, Ints

_LEVELS = {"stage": STRAGGLERS, "agent": STRAGGLERS_BY_AGENT, "zone": STRAGGLERS_BY_ZONE, "run": STRAGGLERS_BY_RUN}
_NEVER = np.iinfo(np.int64).max
_MEDIANS = {
    "skew_p50": "skew",
    "late_p50_s": "late_s",
    "dispatch_p50_s": "dispatch_s",
    "work_p50_s": "work_s",
    "others_p50_s": "others_s",
    "n_agents_p50": "n_sub_tasks",
}
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
            stages, with the run as the unit of the test; ``"zone"``, the same for all agents of a zone together, over the stages in which
            several zones were at work; ``"run"``, one row per execution of a stage. Zones come from the table ``agents``.

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
    rows = _executions(archive, with_ids=level == "run")
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
    zoned = archive.table("agents", ["cluster", "agent", "zone", "observed_at"])
    zoned = zoned[zoned["zone"].notna()].sort_values(["observed_at", "zone"], na_position="first")
    zones = zoned.drop_duplicates(["cluster", "agent"], keep="last")[["cluster", "agent", "zone"]]
    if rows.empty or zones.empty:
        return rows.iloc[:0]
    rows = rows.astype({"cluster": "str", "agent": "str"}).merge(zones, on=["cluster", "agent"], how="left")
    # One agent of no known zone may have been the slowest of any.
    of_execution = rows.groupby("execution", sort=False)["zone"]
    rows = rows[of_execution.transform("nunique").gt(1) & of_execution.transform("count").eq(of_execution.transform("size"))]
    return rows.assign(member=rows["agent"], agent=rows["zone"])


def _executions(archive: Archive, *, with_ids: bool) -> pd.DataFrame:
    """One row per sub-task at work in an execution of a stage that several agents worked in; texts are categories, in their order."""
    import pandas as pd

    stages = read_stages(archive, ["name", "started_at", "ended_at"], lambda nodes: integers(nodes.column("ended_at")) != NONE)
    columns = ["run_id", "stage", "agent", "agent_ip", "started_at", "ended_at", "duration_s"]
    tasks = coded_on_dag_clock(archive, "sub_tasks", [*columns, *(["task_gid"] if with_ids else [])])
    runs = archive.arrow("dags", ["run_id", "cluster", "workflow"])
    rows, at = _at_work(archive, stages, tasks, stages.places_among(runs) != NONE)
    of_run = stages.places_among(runs)[at]
    execution = np.cumsum(np.diff(at, prepend=at[:1]) != 0)
    start, end = (integers(tasks.column(name))[rows] for name in ("started_at", "ended_at"))
    work, error = (reals(tasks.column(name))[rows] for name in ("duration_s", "clock_error_s"))
    return pd.DataFrame(
        {
            "run_id": _categories(*ranked(stages.nodes.column("run_id")), at),
            "cluster": _categories(*ranked(runs.column("cluster")), of_run),
            "workflow": _categories(*ranked(runs.column("workflow")), of_run),
            "name": _categories(*ranked(stages.nodes.column("name")), at),
            "agent": _categories(*ranked(tasks.column("agent")), rows),
            "stage": pd.Series(integers(stages.nodes.column("stage"))[at], dtype="Int64").replace(NONE, pd.NA),
            "execution": execution,
            "node_start": integers(stages.nodes.column("started_at"))[at],
            **({"task_gid": tasks.column("task_gid").take(rows).to_pandas()} if with_ids else {}),
            **_measured(GroupedRows(execution, int(execution[-1]) + 1 if len(rows) else 0), start, end, work, error),
        },
        copy=False,
    )


def _categories(codes: Ints, texts: pa.Array, places: Ints) -> pd.Categorical:
    """Return the texts of a column at some places; rows are grouped by categories in a fraction of the time that texts take."""
    import pandas as pd

    return pd.Categorical.from_codes(codes[places], texts.to_pandas())


def _measured(groups: GroupedRows, start: Ints, end: Ints, work: Floats, error: Floats) -> dict[str, Any]:
    """Measure each sub-task against the others of its execution."""
    execution = groups.of_row
    begin = start - groups.reduced(np.where(start == NONE, _NEVER, start), np.minimum, _NEVER)[execution]
    is_last = end == (last := groups.reduced(end, np.maximum, NONE)[execution])
    left = (last - end) / SECOND_NS
    is_slowest = is_last & (np.bincount(execution[is_last], minlength=len(groups.sizes)) == 1)[execution]
    if error.any():
        is_slowest &= _is_sure(groups, left, error)
    others_work, others_left = groups.medians_of_others(work), groups.medians_of_others(left)
    waited = groups.reduced(last - end, np.add, 0)[execution] / SECOND_NS
    return {
        "dispatch_s": np.where(start == NONE, np.nan, begin / SECOND_NS),
        "work_s": work,
        "left_s": left,
        "is_slowest": is_slowest,
        "n_sub_tasks": groups.sizes[execution],
        "waited_s": np.where(is_slowest, waited, 0.0),
        "late_s": others_left - left,
        "others_s": others_work,
        "skew": work / np.maximum(others_work, 1e-9),
    }


def _is_sure(groups: GroupedRows, left: Floats, error: Floats) -> Bools:
    """Return which rows ended last and alone in their execution on any clocks within their errors."""
    rows = np.flatnonzero((groups.reduced(error, np.maximum, 0.0) > 0)[groups.of_row])
    latest, execution = (error - left)[rows], groups.of_row[rows]
    order = np.lexsort((-latest, execution))
    first = np.flatnonzero(np.diff(execution[order], prepend=NONE))  # an execution has two rows at least
    others_latest = np.empty(len(rows))
    others_latest[order] = np.repeat(latest[order[first]], np.diff(first, append=len(rows)))
    others_latest[order[first]] = latest[order[first + 1]]
    result = np.ones(len(left), bool)
    result[rows] = others_latest < (-left - error)[rows]
    return result


def _at_work(archive: Archive, stages: StageRows, tasks: pa.Table, has_run: Bools) -> tuple[Ints, Ints]:
    """Return the rows of sub-tasks at work in executions that several agents worked in, and the place of each one's stage, in order."""
    began, end = integers(stages.nodes.column("started_at"), null=_NEVER), integers(tasks.column("ended_at"))
    at, agent = stages.places_of(archive, tasks), encoded(tasks.column("agent"))[0]
    known = (at != NONE) & (agent != NONE) & ~np.isnan(reals(tasks.column("duration_s")))
    known[known] = has_run[at[known]]
    is_unplaced = np.zeros(len(began), bool)
    is_unplaced[at[known & np.isinf(reals(tasks.column("clock_error_s")))]] = True
    rows = np.flatnonzero(known)
    # Sub-tasks that an earlier execution had finished ended before this one (engine-semantics §2.3).
    rows = rows[~is_unplaced[at[rows]] & (end[rows] > began[at[rows]])]
    rows = _without_idle(archive, rows, at[rows], encoded(tasks.column("agent_ip"))[0][rows])
    rows = rows[np.argsort(at[rows], kind="stable")]
    of_stage = GroupedRows(at[rows], len(began))
    least, most = (of_stage.reduced(agent[rows], choose, NONE) for choose in (np.minimum, np.maximum))
    rows = rows[(least != most)[at[rows]]]
    return rows, at[rows]


def _without_idle(archive: Archive, rows: Ints, at: Ints, host: Ints) -> Ints:
    """Drop the sub-tasks that left the work to another agent on their host, if there is one (engine-semantics §4)."""
    import pandas as pd

    on_host = at * (int(host.max(initial=0)) + 2) + host
    if not (np.diff(np.sort(on_host)) == 0).any():
        return rows
    is_shared = pd.Series(on_host).duplicated(keep=False).to_numpy()
    idle = _with_line(archive.arrow("sub_tasks", ["task_logs"]).column("task_logs"), LEFT_TO_ANOTHER)
    return rows[~(is_shared & np.isin(rows, idle))]


def _with_line(logs: pa.ChunkedArray, beginning: str) -> Ints:
    """Return the rows that have a line with some beginning; the lines of all the others stay in Arrow."""
    import pyarrow.compute as pc

    found, before = [np.empty(0, np.int64)], 0
    for lines in logs.chunks:
        said = pc.starts_with(pc.list_flatten(lines), pattern=beginning)
        found.append(before + integers(pc.list_parent_indices(lines).filter(said)))
        before += len(lines)
    return np.concatenate(found)


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
    """Add up the time of a run on an agent, or on the agents of a zone, over all stages in which others worked too."""
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
            n_executions=("execution", "nunique" if "member" in rows else "size"),
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
    """The probability of each agent being the slowest this often by chance, in the order of the measures.

    One long stage decides which agent a whole run waited for: in three runs of six agents, one of them is always last in one archive of 36.
    """
    share = 1 / rows.groupby("execution", sort=False)["agent"].transform("size")
    of_execution = rows.assign(chance=share).groupby(["execution", *keys], dropna=False, as_index=False)
    executions = of_execution.agg(hit=("is_slowest", "any"), chance=("chance", "sum"))
    agents = executions.groupby(keys, dropna=False, sort=True).agg(hits=("hit", "sum"), n=("hit", "size"), chance=("chance", "mean"))
    tails: list[float] = binomial_tails(agents["hits"].astype(int), agents["n"].astype(int), agents["chance"]).tolist()
    return tails


def _measures(units: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Sum up units (executions, or runs) by agent."""
    number, first = numbered(*_codes(units, keys))
    groups, is_slowest = GroupedRows(number, len(first)), units["is_slowest"].to_numpy()
    waits = units["waited_s"][is_waited_for := units["waited_s"].to_numpy() > 0].groupby(number[is_waited_for]).sum()
    return (
        units[keys]
        .take(first)
        .assign(
            n=groups.sizes,
            n_slowest=np.bincount(number[is_slowest], minlength=len(first)),
            barrier_wait_s=waits.reindex(range(len(first)), fill_value=0.0).to_numpy(),
            chance=np.bincount(number, units["chance"], minlength=len(first)) / groups.sizes,
            **{median: groups.medians(units[name].to_numpy(float)) for median, name in _MEDIANS.items()},
        )
        .reset_index(drop=True)
    )


def _codes(units: pd.DataFrame, keys: list[str]) -> list[Ints]:
    """Return the rank of each text in sorted order."""
    return [units[key].astype("category").cat.codes.to_numpy().astype(np.int64) for key in keys]


def _flags(result: pd.DataFrame, units: pd.DataFrame, keys: list[str]) -> tuple[list[bool], list[float | None]]:
    """Return whether each row is slowest more often than by chance and late enough to matter, and its number of independent units.

    For agents that chance alone would flag, slow spells are examined: all agents of a stage together show how long spells last, and the
    units of one spell count as one (a design effect, Kish 1965).
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
    pools = _pools(result, keys) if memories else []
    for place, (key, of_chance) in enumerate(zip(pools, chance, strict=False)):  # no pool is examined if none has a memory
        if key in memories:
            size = int(n.iloc[place])
            inflation = memories[key].inflation(size)
            # Reduced for the uncertainty of the inflation, which all agents of the pool show (Korn and Graubard 1998).
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
    wanted = set(_pools(suspects, keys))
    if not wanted:
        return {}
    number, first = numbered(*_codes(units, keys[:-1]))
    pools = _pools(units.take(first), keys)
    chosen = units.assign(pool=number)[["pool", "agent", "node_start", "run_id", "is_slowest", "skew"]]
    chosen = chosen[np.array([key in wanted for key in pools])[number]].sort_values(["node_start", "run_id"])
    found = {}
    for _, of_pool in chosen.groupby("pool", sort=False):
        # Without distinct starts there is no order in which a spell might last.
        own = [unit for _, unit in of_pool.groupby("agent", sort=False) if 2 * unit["node_start"].nunique() > len(unit)]
        slowest = autocorrelation_of([unit["is_slowest"].to_numpy(float) for unit in own])
        slower = autocorrelation_of([winsorised(np.log(unit["skew"].clip(lower=1e-6).to_numpy(float))) for unit in own])
        longest = max(map(len, own), default=0)
        found[pools[int(of_pool["pool"].iloc[0])]] = slowest if slowest.inflation(longest) >= slower.inflation(longest) else slower
    return found
