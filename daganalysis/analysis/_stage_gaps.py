"""What lay between stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import IN_STAGE
from daganalysis.tables import TIMELINE
from daganalysis.tables.column_arrays import NONE, integers, is_equal
from daganalysis.tables.declaration import decode_texts
from daganalysis.tables.results import STAGE_GAPS

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive


def stage_gaps(archive: Archive) -> pd.DataFrame:
    """Return the gaps between the stages of each run.

    The gaps are the seconds that ``time_budget`` puts outside the stages. A gap with several causes has a row for each. Unfinished runs
    have the gaps that are known so far.

    Args:
        archive: The runs.

    Returns:
        One row per stretch of time between two stages that were executed one after the other (backwards in a rollback), sorted by run and
        time, in seconds. ``polls`` counts the passes of the scheduler; the length of a pass is measured by the run's own hand-overs or, if
        it has none, by those of the archive (engine-semantics §5).

    Example:
        >>> import daganalysis as da
        >>> gaps = da.stage_gaps(da.load("sample_data/documented/scale-out.json"))
        >>> gaps.loc[gaps["from_stage"].notna() & gaps["to_stage"].notna(), "gap_s"].sum().round(6)
        np.float64(8.203234)
    """
    import pyarrow as pa

    line = archive.coded("timeline", ["run_id", "seq", "duration_s", "category", "from_stage", "to_stage", "direction", "evidence"])
    from_stage, to_stage = (integers(line.column(name)) for name in ("from_stage", "to_stage"))
    is_inside = (from_stage == to_stage) & (from_stage != NONE) & is_equal(line.column("category"), *IN_STAGE)
    gaps = TIMELINE.frame(decode_texts(line.filter(pa.array(~is_inside)), TIMELINE)).rename(columns={"duration_s": "gap_s"})
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
