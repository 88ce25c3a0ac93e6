"""The times of sub-tasks and attempts on one clock: that of their DAG's own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from daganalysis.chains.run_arrays import times_on_dag_clock
from daganalysis.engine.times import SCHEDULER_STAMPED
from daganalysis.tables import CLOCK_OFFSETS
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, find, integers, is_equal, one_array, reals, run_stage_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Floats, Ints

_KEYS = ["run_id", "stage", "agent"]
_NEEDED = [*_KEYS, "outcome", "started_at", "ended_at"]


def on_dag_clock(archive: Archive, table: Literal["sub_tasks", "attempts"], columns: Sequence[str]) -> pd.DataFrame:
    """Return columns of sub-tasks or attempts, with the times of agents whose clocks are off put on the clock of the DAG's own rows.

    ``started_at`` and ``ended_at`` are moved by the offsets of the base table ``clock_offsets``, and are null if a time cannot be placed:
    no offset fits, or the end is before the start. Durations are unchanged, because both ends come from one clock. The column
    ``clock_error_s`` is added: how far a moved time may still be off, in seconds; 0 if the clocks agree, infinite if nothing bounds it or
    the time cannot be placed.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/documented/scale-out.json")
        >>> on_dag_clock(archive, "sub_tasks", ["started_at"])["clock_error_s"].max()
        np.float64(0.0)
    """
    wanted = list(dict.fromkeys([*columns, *_NEEDED]))
    return _placed(archive.table(table, wanted), archive.arrow("clock_offsets"))[[*columns, "clock_error_s"]]


def coded_on_dag_clock(archive: Archive, table: Literal["sub_tasks", "attempts"], columns: Sequence[str]) -> pa.Table:
    """Return the same as :func:`on_dag_clock` as an Arrow table, in which texts that repeat are dictionaries.

    ``columns`` include ``run_id``, ``started_at`` and ``ended_at``. Only the rows of runs in which a clock is off are looked at one by one.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/documented/scale-out.json")
        >>> coded_on_dag_clock(archive, "sub_tasks", ["run_id", "started_at", "ended_at"]).column_names
        ['run_id', 'started_at', 'ended_at', 'clock_error_s']
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    offsets = archive.arrow("clock_offsets")
    rows = archive.coded(table, list(dict.fromkeys([*columns, *(_NEEDED if offsets.num_rows else [])])))
    start, end = (integers(rows.column(name)) for name in ("started_at", "ended_at"))
    is_odd = (start != NONE) & (end != NONE) & (end < start)
    if offsets.num_rows:
        runs, texts = encoded(rows.column("run_id"))
        of_run = np.append(np.asarray(pc.is_in(texts, offsets.column("run_id").combine_chunks())), [False])
        is_odd |= of_run[runs]
    error = np.zeros(rows.num_rows)
    if is_odd.any():
        odd, moved, own_error = np.flatnonzero(is_odd), (start[is_odd], end[is_odd]), error[is_odd]
        if offsets.num_rows:
            some = rows.take(pa.array(odd))
            ahead, own_error = _ahead(some, offsets)
            moved = times_on_dag_clock(*moved, ahead, is_equal(some.column("outcome"), *SCHEDULER_STAMPED), NONE)
        contradicts = (moved[0] != NONE) & (moved[1] != NONE) & (moved[1] < moved[0])
        error[odd] = np.where(contradicts, np.inf, own_error)
        for name, times in zip(("started_at", "ended_at"), moved, strict=True):
            own = pa.array(times, pa.int64(), mask=contradicts | (times == NONE)).cast(rows.schema.field(name).type)
            rows = rows.set_column(
                rows.column_names.index(name), name, pc.replace_with_mask(one_array(rows.column(name)), pa.array(is_odd), own)
            )
    return rows.select(list(columns)).append_column("clock_error_s", pa.array(error))


def _ahead(rows: pa.Table, offsets: pa.Table) -> tuple[Floats, Floats]:
    """Return by how much the clock of each row's agent is ahead in its stage, and by how much its times may still be off, in seconds."""
    import numpy as np

    runs, agents = (encoded(offsets.column(name))[1] for name in ("run_id", "agent"))

    def keys(table: pa.Table) -> Ints:
        stage = run_stage_keys(codes_of(table.column("run_id"), runs), integers(table.column("stage")))
        agent = codes_of(table.column("agent"), agents)
        return np.where((stage == NONE) | (agent == NONE), NONE, stage * len(agents) + agent)

    of_offsets = keys(offsets)
    order = np.argsort(of_offsets)
    place = find(of_offsets[order], keys(rows))
    ahead, least, most = (reals(offsets.column(name))[order] for name in ("ahead_s", "ahead_min_s", "ahead_max_s"))
    error = np.maximum(ahead - least, most - ahead)
    error[np.isnan(error)] = np.inf
    return np.append(ahead, 0.0)[place], np.append(error, 0.0)[place]  # the last place is that of a clock that agrees


def _placed(rows: pd.DataFrame, offsets: pa.Table) -> pd.DataFrame:
    """Put the times of rows on the clock of their DAG, and add by how much they may still be off."""
    import pandas as pd

    rows = _moved(rows, CLOCK_OFFSETS.frame(offsets)) if offsets.num_rows else rows.assign(clock_error_s=0.0)
    contradict = rows["ended_at"] < rows["started_at"]
    if contradict.any():
        rows.loc[contradict, ["started_at", "ended_at"]] = pd.NaT
        rows.loc[contradict, "clock_error_s"] = float("inf")
    return rows


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
