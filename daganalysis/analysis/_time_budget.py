"""Where a run's time went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import CATEGORIES, ENGINE_TIME
from daganalysis.tables.results import TIME_BUDGET

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive


def time_budget(archive: Archive) -> pd.DataFrame:
    """Return where the time of each run went.

    The base table ``timeline`` has the rules that assign each stretch of time to a category (engine-semantics §5).

    Args:
        archive: The runs.

    Returns:
        One row per run, sorted by ``run_id``, in seconds. The parts add up to ``elapsed_s`` to the microsecond. A run that has not ended,
        or whose beginning was overwritten, has a null ``elapsed_s`` and the parts that are known.

    Example:
        >>> import daganalysis as da
        >>> budget = da.time_budget(da.load("sample_data/documented/scale-out.json"))
        >>> budget[["elapsed_s", "execute_s", "handoff_s"]].round(6).to_dict("records")
        [{'elapsed_s': 28.613749, 'execute_s': 14.267025, 'handoff_s': 8.220247}]
    """
    dags = archive.table("dags", ["run_id", "elapsed_s"])
    line = archive.table("timeline", ["run_id", "started_at", "ended_at", "category"])
    spent = line.assign(ns=line["ended_at"].astype("int64") - line["started_at"].astype("int64"))
    parts = spent.pivot_table(index="run_id", columns="category", values="ns", aggfunc="sum", fill_value=0)
    parts = parts.reindex(columns=list(CATEGORIES), fill_value=0)
    total = parts.sum(axis=1)
    result = (parts / 1e9).add_suffix("_s")
    result["engine_share"] = (parts[list(ENGINE_TIME)].sum(axis=1) / total).where(total > 0)
    return TIME_BUDGET.conform(dags.merge(result.reset_index(), on="run_id", how="left"))
