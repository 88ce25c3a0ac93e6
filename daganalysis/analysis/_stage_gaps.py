"""What lay between stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.tables.results import STAGE_GAPS

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive


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
