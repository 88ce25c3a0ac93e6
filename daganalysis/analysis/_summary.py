"""The archive at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from daganalysis.analysis.stage_rows import executed_stages
from daganalysis.engine.times import SECOND_NS
from daganalysis.engine.vocabulary import ENGINE_TIME
from daganalysis.statistics.grouped_rows import GroupedRows
from daganalysis.tables import DAGS
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, integers, is_equal, numbered, one_array, reals, taken
from daganalysis.tables.results import SUMMARY

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Floats


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
    runs = archive.arrow("dags", ["run_id", "workflow", "outcome", "n_agents", "elapsed_s", "retries_min", "last_observed_at"])
    dags = DAGS.frame(runs)
    engine = np.where(dags["elapsed_s"].notna(), _engine_seconds(archive, runs), np.nan)
    dags = dags.assign(engine_s=engine, retried=dags["retries_min"].fillna(0) > 0)
    grouped = dags.groupby("workflow", dropna=False)
    result = grouped.agg(
        n_runs=("run_id", "size"),
        n_agents_max=("n_agents", "max"),
        elapsed_p50_s=("elapsed_s", "median"),
        elapsed_p95_s=("elapsed_s", lambda s: s.quantile(0.95)),
        retry_share=("retried", "mean"),
        engine_s=("engine_s", "sum"),
        total_s=("elapsed_s", "sum"),
    )
    result["engine_share"] = (result["engine_s"] / result["total_s"]).where(result["total_s"] > 0)
    outcomes = dags.pivot_table(index="workflow", columns="outcome", values="run_id", aggfunc="count", fill_value=0, dropna=False)
    for outcome in SUMMARY.names[2:14]:
        result[outcome] = outcomes.get(outcome, 0)
    result["slowest_stage"] = _slowest_stages(archive, runs).reindex(result.index)
    newest = dags.sort_values(["last_observed_at", "run_id"], na_position="first").drop_duplicates("workflow", keep="last")
    result["last_run_id"] = newest.set_index("workflow")["run_id"].reindex(result.index)
    return SUMMARY.conform(result.reset_index()[SUMMARY.names])


def _engine_seconds(archive: Archive, runs: pa.Table) -> Floats:
    """Return how much of its time each run spent on what the engine does itself."""
    line = archive.coded("timeline", ["run_id", "started_at", "ended_at", "category"])
    of_run = codes_of(line.column("run_id"), one_array(runs.column("run_id")))
    rows = np.flatnonzero((of_run != NONE) & is_equal(line.column("category"), *ENGINE_TIME))
    ns = (integers(line.column("ended_at")) - integers(line.column("started_at")))[rows]
    return GroupedRows(of_run[rows], runs.num_rows).reduced(ns, np.add, 0) / SECOND_NS


def _slowest_stages(archive: Archive, runs: pa.Table) -> pd.Series[str]:
    """Return for each workflow the name of the stages that took longest together."""
    import pandas as pd
    import pyarrow as pa

    stages = executed_stages(archive, ["name", "duration_s"])
    workflow, name = taken(runs.column("workflow"), stages.places_among(runs)), stages.nodes.column("name")
    group, first = numbered(encoded(workflow)[0], encoded(name)[0])
    found = SUMMARY.frame(pa.table({"workflow": taken(workflow, first), "slowest_stage": taken(name, first).cast(pa.string())}))
    found["seconds"] = pd.Series(reals(stages.nodes.column("duration_s"))).groupby(group).sum(min_count=1).to_numpy()
    found = found[found["seconds"].notna()].sort_values(["seconds", "slowest_stage"], ascending=[False, True])
    return found.drop_duplicates("workflow").set_index("workflow")["slowest_stage"]
