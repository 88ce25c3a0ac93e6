"""How long stages took."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from daganalysis.analysis.stage_rows import executed_stages
from daganalysis.dag_clock import coded_on_dag_clock
from daganalysis.engine.times import SECOND_NS
from daganalysis.errors import UsageError
from daganalysis.statistics.grouped_rows import GroupedRows
from daganalysis.tables.column_arrays import NONE, encoded, integers, is_equal, numbered, ranked, reals, taken
from daganalysis.tables.results import STAGE_LATENCY, STAGE_LATENCY_BY_AGENT, STAGE_LATENCY_BY_WORKFLOW

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.stage_rows import StageRows
    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Floats, Ints

_LEVELS = ("stage", "workflow", "agent")
_QUANTILES = {"p50_s": 0.5, "p95_s": 0.95, "p99_s": 0.99}
_NEVER = np.iinfo(np.int64).max


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
        return _by_agent(archive)
    return _by_workflow(archive) if level == "workflow" else _by_stage(archive)


def _by_stage(archive: Archive) -> pd.DataFrame:
    stages = executed_stages(archive, ["name", "state", "ended_at", "duration_s", "n_sub_tasks"])
    runs = archive.arrow("dags", ["run_id", "workflow", "elapsed_s"])
    of_run, latency = stages.places_among(runs), reals(stages.nodes.column("duration_s"))
    with np.errstate(divide="ignore", invalid="ignore"):
        elapsed_share = latency / reals(taken(runs.column("elapsed_s"), of_run))
    return STAGE_LATENCY.of_arrays(
        {
            **{name: stages.nodes.column(name) for name in ("run_id", "stage", "name", "outcome", "n_sub_tasks")},
            "workflow": taken(runs.column("workflow"), of_run),
            "latency_s": latency,
            "elapsed_share": elapsed_share,
            "censored": is_equal(stages.nodes.column("state"), "RUNNING"),
            **_of_sub_tasks(archive, stages),
        }
    )


def _of_sub_tasks(archive: Archive, stages: StageRows) -> dict[str, Floats | pa.Array]:
    """Return the facts of the sub-tasks about the last execution of each stage."""
    tasks = coded_on_dag_clock(archive, "sub_tasks", ["run_id", "stage", "task_gid", "agent", "started_at", "ended_at", "duration_s"])
    at, began = stages.places_of(archive, tasks), integers(stages.nodes.column("started_at"))
    ended = integers(tasks.column("ended_at"))
    # A retry leaves sub-tasks alone that an earlier execution had finished. They ended before this execution (engine-semantics §2.3).
    own = np.flatnonzero(at != NONE)
    own = own[(ended[own] == NONE) | (ended[own] > began[at[own]])]
    of_stage, n = GroupedRows(at[own], len(began)), len(began)
    start, end = integers(tasks.column("started_at"))[own], ended[own]
    first = of_stage.reduced(np.where(start == NONE, _NEVER, start), np.minimum, _NEVER)
    last = of_stage.reduced(end, np.maximum, NONE)
    over = integers(stages.nodes.column("ended_at"))
    # Where one sub-task cannot be placed in time, the three parts are not known.
    error = reals(tasks.column("clock_error_s"))[own]
    is_placed = np.bincount(of_stage.of_row[np.isinf(error)], minlength=n) == 0
    known = (start != NONE) & (end != NONE)
    work = _union(of_stage.only(known), np.maximum(start, began[at[own]])[known], _within(end, over[at[own]])[known])
    slowest = _longest(tasks, own, of_stage)
    return {
        "work_s": np.where(is_placed, work, np.nan),
        # Clocks that differ by less than they show may still differ by more than these are long (engine-semantics §5).
        "dispatch_s": _seconds(first - began, (first != _NEVER) & is_placed),
        "detect_s": _seconds(over - last, (last != NONE) & (over != NONE) & is_placed),
        "slowest_task_gid": taken(tasks.column("task_gid"), slowest),
        "slowest_agent": taken(tasks.column("agent"), slowest),
    }


def _within(end: Ints, over: Ints) -> Ints:
    """Return the ends of sub-tasks, none after the end of its stage, if that is known."""
    return np.where((over != NONE) & (end > over), over, end)


def _seconds(length: Ints, known: Bools) -> Floats:
    return np.where(known, np.maximum(length, 0) / SECOND_NS, np.nan)


def _longest(tasks: pa.Table, own: Ints, of_stage: GroupedRows) -> Ints:
    """Return the sub-task of each stage that ran longest, of equals the first by id; none if no duration is known."""
    import pandas as pd

    duration = reals(tasks.column("duration_s"))[own]
    most = of_stage.reduced(np.where(np.isnan(duration), -1.0, duration), np.maximum, -1.0)
    rows = np.flatnonzero(duration == most[of_stage.of_row])
    stage, rows = of_stage.of_row[rows], own[rows]
    result = np.full(len(of_stage.sizes), NONE)
    result[stage] = rows
    tied = np.flatnonzero(np.bincount(stage, minlength=len(result)) > 1)
    if len(tied):
        rows, stage = rows[is_tied := np.isin(stage, tied)], stage[is_tied]
        equals = pd.DataFrame({"stage": stage, "task_gid": tasks.column("task_gid").take(rows).to_pandas(), "row": rows})
        first = equals.sort_values(["stage", "task_gid"]).drop_duplicates("stage")
        result[first["stage"]] = first["row"]
    return result


def _union(groups: GroupedRows, begin: Ints, end: Ints) -> Floats:
    """Return the seconds that at least one of the intervals of each group covers; not-a-number for a group without intervals."""
    import pandas as pd

    first, last = groups.reduced(begin, np.minimum, _NEVER), groups.reduced(end, np.maximum, NONE)
    lasts = np.maximum(last - first, 0)
    # Intervals that share a moment cover all from the first start to the last end, as most of a stage do.
    is_parted = (groups.sizes > 1) & (groups.reduced(begin, np.maximum, NONE) > groups.reduced(end, np.minimum, _NEVER))
    rows = np.flatnonzero(is_parted[groups.of_row] & (end > begin))
    lasts[is_parted] = 0
    if len(rows):
        rows = rows[np.lexsort((end[rows], begin[rows], groups.of_row[rows]))]
        group, begin, end = groups.of_row[rows], begin[rows], end[rows]
        covered = np.append(NONE, pd.Series(end).groupby(group).cummax().to_numpy()[:-1])
        covered[np.diff(group, prepend=NONE) != 0] = NONE
        np.add.at(lasts, group, np.maximum(end - np.maximum(begin, covered), 0))
    return np.where(groups.sizes > 0, lasts / SECOND_NS, np.nan)


def _by_workflow(archive: Archive) -> pd.DataFrame:
    stages = executed_stages(archive, ["name", "state", "duration_s"])
    runs = archive.arrow("dags", ["run_id", "workflow"])
    workflow, name = taken(runs.column("workflow"), stages.places_among(runs)), stages.nodes.column("name")
    group, first = numbered(encoded(workflow)[0], encoded(name)[0])
    rows = _Latencies(
        reals(stages.nodes.column("duration_s")), is_equal(stages.nodes.column("state"), "RUNNING"), stages.run, stages.run_ids
    )
    keys = {"workflow": taken(workflow, first), "name": taken(name, first)}
    return STAGE_LATENCY_BY_WORKFLOW.of_arrays(keys | _quantiles(rows, GroupedRows(group, len(first))))


def _by_agent(archive: Archive) -> pd.DataFrame:
    tasks = archive.coded("sub_tasks", ["run_id", "agent", "duration_s", "state"])
    tasks = tasks.filter(tasks.column("agent").is_valid())
    group, first = numbered(encoded(tasks.column("agent"))[0])
    rows = _Latencies(reals(tasks.column("duration_s")), is_equal(tasks.column("state"), "RUNNING"), *ranked(tasks.column("run_id")))
    return STAGE_LATENCY_BY_AGENT.of_arrays(
        {"agent": taken(tasks.column("agent"), first), **_quantiles(rows, GroupedRows(group, len(first)))}
    )


class _Latencies(NamedTuple):
    """Durations in seconds, which of them are not over, and the place of each one's run among the ids of runs, which are sorted."""

    seconds: Floats
    is_censored: Bools
    run: Ints
    run_ids: pa.Array


def _quantiles(rows: _Latencies, groups: GroupedRows) -> dict[str, Floats | Ints | pa.Array]:
    """Return the quantiles of each group, and the runs at both ends (the first in order of their ids among equals)."""
    n, group = len(groups.sizes), groups.of_row
    least, *quantiles, most = groups.quantiles(rows.seconds, (0.0, *_QUANTILES.values(), 1.0))
    found = {
        "n": np.bincount(group[~np.isnan(rows.seconds)], minlength=n),
        "n_censored": np.bincount(group[rows.is_censored], minlength=n),
        "min_s": least,
        "max_s": most,
        **dict(zip(_QUANTILES, quantiles, strict=True)),
    }
    has_run = rows.run != NONE
    if not has_run.all():
        least, most = groups.quantiles(np.where(has_run, rows.seconds, np.nan), (0.0, 1.0))
    for name, end in (("min_run_id", least), ("max_run_id", most)):
        is_at_end = has_run & (rows.seconds == end[group])
        found[name] = taken(rows.run_ids, GroupedRows(group[is_at_end], n).reduced(rows.run[is_at_end], np.minimum, NONE))
    return found
