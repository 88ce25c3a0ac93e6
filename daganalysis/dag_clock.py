"""The times of sub-tasks and attempts on one clock: that of their DAG's own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from daganalysis.history.clocks import SCHEDULER_STAMPED

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from daganalysis.archive import Archive

_KEYS = ["run_id", "stage", "agent"]
_NEEDED = [*_KEYS, "outcome", "started_at", "ended_at"]


def on_dag_clock(archive: Archive, table: Literal["sub_tasks", "attempts"], columns: Sequence[str]) -> pd.DataFrame:
    """Return columns of sub-tasks or attempts, with the times of agents whose clocks are off put on the clock of the DAG's own rows.

    ``started_at`` and ``ended_at`` are moved by what the base table ``clock_offsets`` says, and are null where a time cannot be placed: no
    offset fits, or the end lies before the start. Durations stay as they are: both ends bear one clock. The column ``clock_error_s`` is
    added: by how much a moved time may still be off, seconds; 0 where the clocks agree, infinite where that is not bounded or the time
    cannot be placed.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/documented/scale-out.json")
        >>> on_dag_clock(archive, "sub_tasks", ["started_at"])["clock_error_s"].max()
        np.float64(0.0)
    """
    import pandas as pd

    wanted = list(dict.fromkeys([*columns, *_NEEDED]))
    rows = archive.table(table, wanted)
    shown = [*columns, "clock_error_s"]
    rows = _moved(rows, archive.table("clock_offsets")) if archive.count("clock_offsets") else rows.assign(clock_error_s=0.0)
    contradict = rows["ended_at"] < rows["started_at"]
    if contradict.any():
        rows.loc[contradict, ["started_at", "ended_at"]] = pd.NaT
        rows.loc[contradict, "clock_error_s"] = float("inf")
    return rows[shown]


def _moved(rows: pd.DataFrame, offsets: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    both = rows.merge(offsets, on=_KEYS, how="left", indicator="is_off")
    is_off = both["is_off"].eq("both")
    ahead = both["ahead_s"].where(is_off, 0.0)
    back = pd.to_timedelta((ahead * 1e9).round(), unit="ns")
    below, above = ahead - both["ahead_min_s"], both["ahead_max_s"] - ahead
    error = pd.concat([below, above], axis=1).max(axis=1, skipna=False).fillna(float("inf")).where(is_off, 0.0)
    by_scheduler = both["outcome"].isin(SCHEDULER_STAMPED) & ahead.notna()
    started_at = both["started_at"] - back
    ended_at = (both["ended_at"] - back).where(~(by_scheduler & (both["ended_at"] >= started_at)), both["ended_at"])
    return rows.assign(started_at=started_at.array, ended_at=ended_at.array, clock_error_s=error.array)
