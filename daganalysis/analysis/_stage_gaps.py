"""What lay between stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from daganalysis.engine.vocabulary import IN_STAGE
from daganalysis.statistics.grouped_rows import GroupedRows
from daganalysis.tables.column_arrays import NONE, encoded, integers, is_equal, ranked, reals
from daganalysis.tables.results import STAGE_GAPS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Floats, Ints

_SHORTEST_PASS_S = 0.5
"""A shorter gap is no pass of the scheduler."""


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
    gaps = line.take(pa.array(_in_order(line, np.flatnonzero(~is_inside))))
    polls = np.round(reals(gaps.column("duration_s")) / _ticks(gaps))
    return STAGE_GAPS.of_arrays(
        {
            **{name: gaps.column(name) for name in STAGE_GAPS.names if name in gaps.column_names},
            "gap_s": gaps.column("duration_s"),
            "polls": pa.array(polls, mask=np.isnan(polls)),
        }
    )


def _in_order(line: pa.Table, rows: Ints) -> Ints:
    """Put rows in order of run and time."""
    run, seq = ranked(line.column("run_id"))[0][rows], integers(line.column("seq"))[rows]
    is_next = (run[1:] > run[:-1]) | ((run[1:] == run[:-1]) & (seq[1:] >= seq[:-1]))
    return rows if is_next.all() else rows[np.lexsort((seq, run))]


def _ticks(gaps: pa.Table) -> Floats:
    """Return the length of a pass of the scheduler in the run of each gap, in seconds: the median of the hand-overs that were observed."""
    run, run_ids = encoded(gaps.column("run_id"))
    gap_s = reals(gaps.column("duration_s"))
    has_ends = np.logical_and(*(integers(gaps.column(name)) != NONE for name in ("from_stage", "to_stage")))
    is_observed = is_equal(gaps.column("category"), "handoff") & is_equal(gaps.column("evidence"), "observed")
    between = np.flatnonzero(has_ends & is_observed & (gap_s > _SHORTEST_PASS_S))
    ticks = GroupedRows(run[between], len(run_ids)).medians(gap_s[between])
    ticks[np.isnan(ticks)] = np.median(gap_s[between]) if len(between) else np.nan
    return ticks[run]
