"""The timelines and the attempts of all runs of an archive as arrays: codes instead of names, nanoseconds instead of instants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.tables.column_arrays import NONE, codes_of, encoded, find, integers, is_equal, one_array, reals, run_stage_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Ints

NEVER = np.iinfo(np.int64).max
"""The end of an attempt that is not known to have ended, and the start of one that is not known to have started."""
_TIMELINE = ("run_id", "seq", "started_at", "ended_at", "category", "from_stage", "to_stage")
_ATTEMPTS = ("run_id", "stage", "started_at", "ended_at")


@dataclass(frozen=True)
class Stretches:
    """The timelines of all runs, in order of run and time: ``run`` is the place of the run in ``run_ids``, which is sorted."""

    run_ids: pa.Array
    rows: pa.Table
    run: Ints
    start: Ints
    end: Ints
    stage: Ints
    is_execute: Bools

    @cached_property
    def to_stage(self) -> Ints:
        """The stage after each stretch."""
        return integers(self.rows.column("to_stage"))

    def names(self, archive: Archive) -> tuple[Ints, pa.Array]:
        """Return the name of each stretch's stage: its place in an array of names (or none), and that array."""
        nodes = archive.coded("nodes", ["run_id", "stage", "name"])
        codes, names = encoded(nodes.column("name"))
        if not len(codes):  # answers without details name no stage
            return np.full(len(self.run), NONE), names
        key = run_stage_keys(codes_of(nodes.column("run_id"), self.run_ids), integers(nodes.column("stage")))
        if not (np.diff(key) > 0).all():
            order = np.argsort(key, kind="stable")
            key, codes = key[order], codes[order]
        first, keys = _stages(self.run, self.stage)  # neighbours are often in one stage
        places = find(key, keys)
        return np.repeat(np.where(places == NONE, NONE, codes[places]), np.diff(first, append=len(self.run))), names


@dataclass(frozen=True)
class Attempts:
    """The attempts of all runs; those of one stage of a run are together.

    ``keys`` are the stages that have attempts, in order; the attempts of each begin at ``first``, and ``sizes`` says how many there are.
    An attempt whose start is not known, or that ended before it started, starts at :data:`NEVER` and ends at :data:`NONE`.
    """

    rows: pa.Table
    keys: Ints
    first: Ints
    sizes: Ints
    start: Ints
    end: Ints

    @cached_property
    def agent(self) -> Ints:
        """The agent of each attempt, as its place among all agents; none if it is unknown."""
        return encoded(self.rows.column("agent"))[0]

    def stage_of(self, attempt: Ints) -> Ints:
        """Return the place of the stage of some attempts."""
        return np.searchsorted(self.first, attempt, side="right") - 1

    def ranks(self, attempt: Ints) -> Ints:
        """Return the order of some attempts by sub-task and number."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = self.rows.select(["task_gid", "attempt"]).take(pa.array(attempt))
        order = pc.sort_indices(rows, sort_keys=[("task_gid", "ascending"), ("attempt", "ascending")])
        ranks = np.empty(len(attempt), np.int64)
        ranks[order.to_numpy()] = np.arange(len(attempt))
        return ranks


def stretches_of(values: Ints) -> tuple[Ints, Ints]:
    """Return where each stretch of equal neighbours begins, and how long it is.

    >>> first, sizes = stretches_of(np.array([4, 4, 7]))
    >>> first.tolist(), sizes.tolist()
    ([0, 2], [2, 1])
    """
    first = np.append(np.zeros(min(1, len(values)), np.int64), np.flatnonzero(values[1:] != values[:-1]) + 1)
    return first, np.diff(first, append=len(values))


def rows_within(first: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """Return the rows of some ranges, one range after the other: for each row the place of its range, and the row.

    >>> places, rows = rows_within(np.array([7, 2]), np.array([2, 1]))
    >>> places.tolist(), rows.tolist()
    ([0, 0, 1], [7, 8, 2])
    """
    places = np.repeat(np.arange(len(sizes)), sizes)
    return places, np.arange(len(places)) - np.repeat(np.cumsum(sizes) - sizes - first, sizes)


def read_stretches(archive: Archive, more: Sequence[str] = ()) -> Stretches:
    """Read the timelines, with ``more`` columns in their rows."""
    import pyarrow as pa

    table = archive.coded("timeline", [*_TIMELINE, *more]).combine_chunks()
    run_ids = _texts_of(table.column("run_id")) if table.num_rows else pa.array([], pa.string())
    run, seq = codes_of(table.column("run_id"), run_ids), integers(table.column("seq"))
    steps = np.diff(run)
    if not ((steps > 0) | ((steps == 0) & (np.diff(seq) > 0))).all():
        order = np.lexsort((seq, run))
        table, run = table.take(order), run[order]
    return Stretches(
        run_ids,
        table,
        run,
        integers(table.column("started_at")),
        integers(table.column("ended_at")),
        integers(table.column("from_stage")),
        is_equal(table.column("category"), "execute"),
    )


def read_attempts(archive: Archive, run_ids: pa.Array, columns: Sequence[str]) -> Attempts:
    """Read columns of the attempts of some runs; the starts and ends of the attempts are on the clock of the run's own rows."""
    has_offsets = archive.count("clock_offsets") > 0
    wanted = dict.fromkeys([*_ATTEMPTS, *columns, *(("outcome", "agent") if has_offsets else ())])
    table = archive.coded("attempts", list(wanted)).combine_chunks()
    run, stage = codes_of(table.column("run_id"), run_ids), integers(table.column("stage"))
    first, keys = _stages(run, stage)
    if not (np.diff(keys, prepend=NONE) > 0).all():
        key = run_stage_keys(run, stage)
        order = np.argsort(key, kind="stable")
        order = order[key[order] != NONE]
        table, run = table.take(order), run[order]
        first, keys = _stages(run, stage[order])
    start, end = (np.array(integers(table.column(name), null=NEVER)) for name in ("started_at", "ended_at"))
    attempts = Attempts(table, keys, first, np.diff(first, append=len(start)), start, end)
    if has_offsets:
        _put_on_clock_of_rows(archive, run_ids, attempts)
    unusable = np.flatnonzero((end < start) | (start == NEVER))
    start[unusable], end[unusable] = NEVER, NONE
    return attempts


def _stages(run: Ints, stage: Ints) -> tuple[Ints, Ints]:
    """Return where the attempts of each stage of a run begin, and the key of the stage."""
    is_new = np.append(np.ones(min(1, len(run)), bool), (run[1:] != run[:-1]) | (stage[1:] != stage[:-1]))
    first = np.flatnonzero(is_new)
    return first, run_stage_keys(run[first], stage[first])


def _put_on_clock_of_rows(archive: Archive, run_ids: pa.Array, attempts: Attempts) -> None:
    """Put the times of agents whose clocks are off on the clock of the run's own rows."""
    import pandas as pd
    import pyarrow as pa

    from daganalysis.dag_clock import times_on_dag_clock
    from daganalysis.history.clocks import SCHEDULER_STAMPED

    table = archive.coded("clock_offsets", ["run_id", "stage", "agent", "ahead_s"])
    keys = run_stage_keys(codes_of(table.column("run_id"), run_ids), integers(table.column("stage")))
    agents = codes_of(table.column("agent"), one_array(attempts.rows.column("agent")).dictionary)
    stages = find(attempts.keys, keys)
    offsets = pd.DataFrame({"stage": stages, "agent": agents, "ahead_s": reals(table.column("ahead_s"))})
    is_off = np.zeros(len(attempts.keys), bool)
    is_off[stages[stages != NONE]] = True
    rows = np.flatnonzero(np.repeat(is_off, attempts.sizes))
    of_rows = pd.DataFrame({"row": rows, "stage": attempts.stage_of(rows), "agent": attempts.agent[rows]})
    off = of_rows[of_rows["agent"] != NONE].merge(offsets, on=["stage", "agent"])
    rows = off["row"].to_numpy()
    by_scheduler = is_equal(attempts.rows.column("outcome").take(pa.array(rows)), *SCHEDULER_STAMPED)
    times = times_on_dag_clock(attempts.start[rows], attempts.end[rows], off["ahead_s"].to_numpy(), by_scheduler, NEVER)
    attempts.start[rows], attempts.end[rows] = times


def _texts_of(column: pa.ChunkedArray) -> pa.Array:
    """Return the different texts of a column, sorted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    codes, texts = encoded(column)
    used = np.bincount(codes[codes != NONE], minlength=len(texts)) > 0
    texts = texts if used.all() else texts.filter(pa.array(used))
    return texts.take(pc.sort_indices(texts))
