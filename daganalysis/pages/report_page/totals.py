"""The numbers of a report that are no table of an analysis: how many runs, how they ended, what their time was spent on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.engine.vocabulary import CATEGORIES, ENGINE_TIME, RUN_OUTCOMES, WORST_FIRST
from daganalysis.tables.plain_rows import instant_texts, rows_of

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row


def overview_of(archive: Archive, ranked: pd.DataFrame, budget: pd.DataFrame) -> Row:
    """Count the contents of the archive, and add up the times of its main runs."""
    mains = ranked[~ranked["is_child"]]
    tasks = archive.table("sub_tasks", ["run_id", "agent"])
    # Agents of different clusters may have the same address.
    agents = tasks.merge(ranked[["run_id", "cluster"]], on="run_id")[["cluster", "agent"]].dropna(subset="agent").drop_duplicates()
    # The time of child DAGs is part of that of their main DAGs.
    timed = budget[budget["elapsed_s"].notna() & budget["run_id"].isin(mains["run_id"])]
    engine = timed[[CATEGORIES[part].column for part in ENGINE_TIME]].to_numpy().sum()
    total = timed["elapsed_s"].sum()
    first, last = instant_texts(_span(ranked))
    codes = archive.table("issues", ["code"])["code"]
    return {
        "n_runs": len(ranked),
        "n_child_runs": int(ranked["is_child"].sum()),
        "n_in_trouble": int(mains["trouble"].sum()),
        "n_main_runs": len(mains),
        "n_workflows": int(ranked["workflow"].nunique()),
        "n_clusters": int(ranked["cluster"].nunique()),
        "n_agents": len(agents),
        "n_sub_tasks": len(tasks),
        "n_snapshots": len(archive.table("snapshots", ["run_id"])),
        "n_issues": len(codes),
        "n_ids_came_back": int((codes == "id-came-back").sum()),
        "first_started_at": first,
        "last_observed_at": last,
        "n_timed_runs": len(timed),
        "elapsed_total_s": float(total) if len(timed) else None,
        "engine_share": float(engine / total) if total > 0 else None,
        "n_retried": int((ranked["retries_min"].fillna(0) > 0).sum()),
    }


def _span(ranked: pd.DataFrame) -> pd.Series[Any]:
    import pandas as pd

    ends = [ranked["started_at"].min(), ranked["last_observed_at"].max()]
    return pd.Series(
        pd.DatetimeIndex(ends).as_unit("ns").tz_convert("UTC")
        if any(end is not pd.NaT for end in ends)
        else pd.DatetimeIndex(ends, tz="UTC")
    )


def count_outcomes(ranked: pd.DataFrame) -> list[Row]:
    """Count the runs by outcome, the worst outcome first; children apart."""
    counts = ranked.groupby(["outcome", "is_child"]).size()
    rows = []
    for outcome in WORST_FIRST:
        mains, children = int(counts.get((outcome, False), 0)), int(counts.get((outcome, True), 0))
        if mains or children:
            rows.append({"outcome": outcome, "n_main_runs": mains, "n_child_runs": children, "trouble": RUN_OUTCOMES[outcome].is_trouble})
    return rows


def clusters_of(ranked: pd.DataFrame, budget: pd.DataFrame) -> list[Row]:
    """Return the totals of each cluster, those with most time in trouble first; nothing for a single cluster."""
    mains = ranked[~ranked["is_child"]]
    if mains["cluster"].nunique(dropna=False) < 2:
        return []
    engine = budget.set_index("run_id")[[CATEGORIES[part].column for part in ENGINE_TIME]].sum(axis=1)
    waits = budget.set_index("run_id")["wait_operator_s"]
    rows = mains.assign(
        engine_s=mains["run_id"].map(engine).where(mains["elapsed_s"].notna()),
        wait_operator_s=mains["run_id"].map(waits).where(mains["elapsed_s"].notna()),
        troubled_s=mains["elapsed_s"].where(mains["trouble"]),
    )
    grouped = rows.groupby("cluster", dropna=False)
    totals = grouped[["elapsed_s", "troubled_s", "wait_operator_s", "engine_s"]].sum()
    totals.insert(0, "n_runs", grouped.size())
    totals.insert(1, "n_in_trouble", grouped["trouble"].sum())
    totals["engine_share"] = (totals.pop("engine_s") / totals["elapsed_s"]).where(totals["elapsed_s"] > 0)
    return rows_of(totals.reset_index().sort_values(["troubled_s", "n_in_trouble", "cluster"], ascending=[False, False, True]))


def time_spent_on(ranked: pd.DataFrame, budget: pd.DataFrame) -> list[Row]:
    """Add the time budgets up by workflow, main runs and child DAGs apart, the largest first; only runs whose elapsed time is known."""
    timed = budget[budget["elapsed_s"].notna()].merge(ranked[["run_id", "workflow", "is_child"]], on="run_id")
    grouped = timed.groupby(["is_child", "workflow"], dropna=False)
    sums = grouped[["elapsed_s", *(f"{part}_s" for part in CATEGORIES)]].sum()
    sums.insert(0, "n_runs", grouped.size())
    return rows_of(sums.reset_index().sort_values(["is_child", "elapsed_s", "workflow"], ascending=[True, False, True], ignore_index=True))
