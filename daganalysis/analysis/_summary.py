"""The archive at a glance."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.analysis.stage_rows import executed_stages
from daganalysis.engine.times import SECOND_NS
from daganalysis.engine.vocabulary import ENGINE_TIME
from daganalysis.statistics.grouped_rows import GroupedRows
from daganalysis.tables.column_arrays import NONE, encoded, integers, is_equal, numbered, one_array, places_in, ranked, reals, taken
from daganalysis.tables.results import SUMMARY
from daganalysis.tables.side_by_side import both, in_threads, n_threads

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Floats, Ints

_AT_ONCE = 1 << 22
"""So many rows of the timeline are read at once, and a store remembers them for other analyses. More are read part by part."""


def summary(archive: Archive) -> pd.DataFrame:
    """Count and time the runs of each workflow.

    Unfinished runs are counted and not timed.

    Args:
        archive: The runs.

    Returns:
        One row per workflow, sorted by name. Quantiles, in seconds, are over the runs whose ``elapsed_s`` is known; ``engine_share`` is the
        engine's share of the sum of their elapsed times.

    Example:
        >>> import daganalysis as da
        >>> da.summary(da.load("sample_data/documented/scale-out.json"))[["workflow", "n_runs", "succeeded"]].to_dict("records")
        [{'workflow': 'Cluster scale out', 'n_runs': 1, 'succeeded': 1}]
    """
    import pyarrow as pa

    runs = archive.arrow("dags", ["run_id", "workflow", "outcome", "n_agents", "elapsed_s", "retries_min", "last_observed_at"])
    if not runs.num_rows:
        return SUMMARY.empty()
    workflow = ranked(runs.column("workflow"))[0]
    group, first = numbered(workflow)
    groups, n = GroupedRows(group, len(first)), len(first)
    ends, outcome = np.cumsum(groups.sizes), runs.column("outcome")
    n_agents = groups.reduced(integers(runs.column("n_agents")), np.maximum, NONE)
    elapsed_s = reals(runs.column("elapsed_s"))
    total_s = _sums(elapsed_s, groups)
    of_runs, slowest_stage = both(
        lambda: _engine_seconds(archive, runs),
        lambda: _slowest_stages(archive, runs, workflow, workflow[first]),
        archive.count("timeline"),
    )
    engine_s = _sums(np.where(np.isnan(elapsed_s), np.nan, of_runs), groups)
    newest = np.lexsort((ranked(runs.column("run_id"))[0], integers(runs.column("last_observed_at")), group))
    with np.errstate(divide="ignore", invalid="ignore"):
        engine_share = np.where(total_s > 0, engine_s / total_s, np.nan)
    return SUMMARY.of_arrays(
        {
            "workflow": taken(runs.column("workflow"), first),
            "n_runs": groups.sizes,
            **{name: np.bincount(group[is_equal(outcome, name)], minlength=n) for name in SUMMARY.names[2:14]},
            "n_agents_max": pa.array(n_agents, mask=n_agents == NONE),
            "elapsed_p50_s": groups.medians(elapsed_s),
            "elapsed_p95_s": np.array([_percentile_95(seconds) for seconds in np.split(elapsed_s[newest], ends[:-1])]),
            "engine_share": engine_share,
            "retry_share": np.bincount(group[integers(runs.column("retries_min")) > 0], minlength=n) / groups.sizes,
            "slowest_stage": slowest_stage,
            "last_run_id": taken(runs.column("run_id"), newest[ends - 1]),
        }
    )


def _sums(seconds: Floats, groups: GroupedRows) -> Floats:
    """Return the sum of each group, to the last digit of those of pandas; not-a-number for a group without values."""
    import pandas as pd

    return np.asarray(pd.Series(seconds).groupby(groups.of_row).sum(min_count=1), np.float64)


def _percentile_95(seconds: Floats) -> float:
    known = seconds[~np.isnan(seconds)]
    return float(np.percentile(known, 95)) if len(known) else np.nan


def _engine_seconds(archive: Archive, runs: pa.Table) -> Floats:
    """Return how much of its time each run spent on what the engine does itself."""
    import pyarrow as pa

    pieces = archive.by_part() if archive.count("timeline") > _AT_ONCE else [archive]
    found = in_threads([partial(_engine_ns, piece) for piece in pieces], n_threads())
    place = places_in(pa.concat_arrays([run_ids for run_ids, _ in found]), one_array(runs.column("run_id")))[:-1]
    ns = np.zeros(runs.num_rows, np.int64)
    ns[place[place != NONE]] = np.concatenate([own for _, own in found])[place != NONE]
    return ns / SECOND_NS


def _engine_ns(archive: Archive) -> tuple[pa.Array, Ints]:
    """Return the runs in the timeline of an archive, and how much of its time each spent on what the engine does itself."""
    line = archive.coded("timeline", ["run_id", "started_at", "ended_at", "category"])
    of_run, run_ids = encoded(line.column("run_id"))
    rows = np.flatnonzero(is_equal(line.column("category"), *ENGINE_TIME))
    ns = (integers(line.column("ended_at")) - integers(line.column("started_at")))[rows]
    return run_ids, GroupedRows(of_run[rows], len(run_ids)).reduced(ns, np.add, 0)


def _slowest_stages(archive: Archive, runs: pa.Table, workflow: Ints, wanted: Ints) -> pa.Array:
    """Return for each wanted workflow the name of the stages that took longest together; of equals, the first name."""
    stages = executed_stages(archive, ["name", "duration_s"])
    name, names = ranked(stages.nodes.column("name"))
    of_stage = np.append(workflow, NONE)[stages.places_among(runs)]
    group, first = numbered(of_stage, name)
    seconds = _sums(reals(stages.nodes.column("duration_s")), GroupedRows(group, len(first)))
    first, seconds = first[is_known := ~np.isnan(seconds)], seconds[is_known]
    # The groups are in order of their names, those without a name last.
    order = np.lexsort((-seconds, of_stage[first]))
    longest = first[order[np.flatnonzero(np.diff(of_stage[first[order]], prepend=NONE - 1))]]
    of_workflow = np.full(int(workflow.max(initial=NONE)) + 2, NONE)  # the last place is that of null
    of_workflow[of_stage[longest]] = name[longest]
    return taken(names, of_workflow[wanted])
