"""The timelines and the attempts of all runs of an archive as arrays: codes instead of names, nanoseconds instead of instants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from daganalysis.tables.arrays import array_of
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, find, integers, is_equal, one_array, places_in, reals, run_stage_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from daganalysis.tables.column_arrays import Bools, Floats, Ints

NEVER = np.iinfo(np.int64).max
"""The end of an attempt that is not known to have ended, and the start of one that is not known to have started."""
NAMED_BY = ("run_id", "stage", "name")
"""The columns of ``nodes`` that name the stages."""
_TIMELINE = ("run_id", "started_at", "ended_at", "category", "from_stage")
_ATTEMPTS = ("run_id", "stage", "started_at", "ended_at")


class TablesAtHand(Protocol):
    """What has the base tables: an archive, or a part of one that is being made."""

    def coded(self, name: str, columns: Sequence[str], /) -> pa.Table:
        """Return columns of a base table, with texts that repeat as places in a dictionary."""
        ...

    def count(self, name: str, /) -> int:
        """Return how many rows a base table has."""
        ...


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
        """The stage after each stretch, if the rows have it."""
        return integers(self.rows.column("to_stage"))

    @cached_property
    def stays(self) -> StageStays:
        """The stays of the runs in their stages."""
        first = _changes(self.run, self.stage)
        return StageStays(first, np.diff(first, append=len(self.run)), run_stage_keys(self.run[first], self.stage[first]))

    def part(self, rows: slice) -> Stretches:
        """Return some neighbours."""
        table = self.rows.slice(rows.start, rows.stop - rows.start)
        run, start, end, stage = (values[rows] for values in (self.run, self.start, self.end, self.stage))
        return Stretches(self.run_ids, table, run, start, end, stage, self.is_execute[rows])

    def names(self, nodes: pa.Table) -> tuple[Ints, pa.Array]:
        """Return the name of each stretch's stage: its place in an array of names (or none), and that array.

        ``nodes`` are the columns :data:`NAMED_BY` of the nodes of all runs.
        """
        codes, names = encoded(nodes.column("name"))
        if not len(codes):  # answers without details name no stage
            return np.full(len(self.run), NONE), names
        key = run_stage_keys(codes_of(nodes.column("run_id"), self.run_ids), integers(nodes.column("stage")))
        if not (np.diff(key) > 0).all():
            order = np.argsort(key, kind="stable")
            key, codes = key[order], codes[order]
        places = find(key, self.stays.keys)
        return np.repeat(np.where(places == NONE, NONE, codes[places]), self.stays.sizes), names


@dataclass(frozen=True)
class StageStays:
    """Neighbouring stretches of one stage of a run: where they begin, how many there are, and the key of the stage."""

    first: Ints
    sizes: Ints
    keys: Ints

    @cached_property
    def of_stretch(self) -> Ints:
        """The stay that each stretch belongs to."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


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

    @cached_property
    def stage(self) -> Ints:
        """The place of the stage of each attempt."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def stages_of(self, attempt: Ints) -> Ints:
        """Return the places of the stages of some attempts; of few ones at less cost than by :attr:`stage`."""
        return np.searchsorted(self.first, attempt, side="right") - 1

    def part(self, stages: slice) -> Attempts:
        """Return the attempts of some stages that are neighbours."""
        sizes = self.sizes[stages]
        begin = int(self.sizes[: stages.start].sum())
        rows = slice(begin, begin + int(sizes.sum()))
        table = self.rows.slice(begin, rows.stop - begin)
        return Attempts(table, self.keys[stages], self.first[stages] - begin, sizes, self.start[rows], self.end[rows])

    def ranks(self, attempt: Ints) -> Ints:
        """Return the order of some attempts by sub-task and number."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = self.rows.select(["task_gid", "attempt"]).take(array_of(attempt, pa.int64()))
        order = pc.sort_indices(rows, sort_keys=[("task_gid", "ascending"), ("attempt", "ascending")])
        ranks = np.empty(len(attempt), np.int64)
        ranks[integers(order)] = np.arange(len(attempt))
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


def read_stretches(archive: TablesAtHand, more: Sequence[str] = ()) -> Stretches:
    """Read the timelines, with ``more`` columns in their rows."""
    import pyarrow as pa

    table = archive.coded("timeline", [*_TIMELINE, *more]).combine_chunks()
    run, run_ids = runs_in_order(table.column("run_id"))
    start = integers(table.column("started_at"))
    if not is_rising(run, start):
        # Stretches without length begin at the same time: their order is that of their numbers.
        seq = integers(archive.coded("timeline", ["seq"]).column("seq"))
        if not is_rising(run, seq):
            order = np.lexsort((seq, run))
            table, run, start = table.take(array_of(order, pa.int64())), run[order], start[order]
    return Stretches(
        run_ids,
        table,
        run,
        start,
        integers(table.column("ended_at")),
        integers(table.column("from_stage")),
        is_equal(table.column("category"), "execute"),
    )


def runs_in_order(column: pa.ChunkedArray) -> tuple[Ints, pa.Array]:
    """Return the places of runs among the different ones, and these, sorted; rows of one run mostly are neighbours."""
    import pyarrow as pa
    import pyarrow.compute as pc

    codes, texts = encoded(column)
    first, sizes = stretches_of(codes)
    different = np.flatnonzero(np.bincount(codes[first], minlength=len(texts)))  # np.unique would import numpy.ma
    found = texts.take(array_of(different, pa.int64()))
    order = integers(pc.sort_indices(found))
    rank = np.empty(len(texts), np.int64)
    rank[different[order]] = np.arange(len(different))
    return np.repeat(rank[codes[first]], sizes), found.take(array_of(order, pa.int64()))


def is_rising(run: Ints, values: Ints) -> bool:
    """Return whether runs are in order, and the values of each run rise."""
    is_next = run[1:] != run[:-1]
    return bool((np.diff(run) >= 0).all() and (is_next | (values[1:] > values[:-1])).all())


def read_attempts(archive: TablesAtHand, run_ids: pa.Array, columns: Sequence[str]) -> Attempts:
    """Read columns of the attempts of some runs; the starts and ends of the attempts are on the clock of the run's own rows."""
    import pyarrow as pa

    has_offsets = archive.count("clock_offsets") > 0
    wanted = dict.fromkeys([*_ATTEMPTS, *columns, *(("outcome", "agent") if has_offsets else ())])
    table = archive.coded("attempts", list(wanted)).combine_chunks()
    codes, known = encoded(table.column("run_id"))
    places, stage = places_in(known, run_ids), integers(table.column("stage"))
    first = _changes(codes, stage)
    keys = run_stage_keys(places[codes[first]], stage[first])
    if not (np.diff(keys, prepend=NONE) > 0).all():
        key = run_stage_keys(places[codes], stage)
        order = np.argsort(key, kind="stable")
        order = order[key[order] != NONE]
        table, (first, _) = table.take(array_of(order, pa.int64())), stretches_of(key[order])
        keys = key[order][first]
    start, end = (integers(table.column(name), null=NEVER) for name in ("started_at", "ended_at"))
    attempts = Attempts(table, keys, first, np.diff(first, append=len(start)), start, end)
    if has_offsets:
        attempts = _on_clock_of_rows(archive, run_ids, attempts)
    unusable = np.flatnonzero((attempts.end < attempts.start) | (attempts.start == NEVER))
    if len(unusable):
        start, end = attempts.start.copy(), attempts.end.copy()
        start[unusable], end[unusable] = NEVER, NONE
        attempts = replace(attempts, start=start, end=end)
    return attempts


def _changes(one: Ints, other: Ints) -> Ints:
    """Return where either of two columns differs from the row before."""
    is_new = np.ones(len(one), bool)
    np.not_equal(one[1:], one[:-1], out=is_new[1:])
    is_new[1:] |= other[1:] != other[:-1]
    return np.flatnonzero(is_new)


def _on_clock_of_rows(archive: TablesAtHand, run_ids: pa.Array, attempts: Attempts) -> Attempts:
    """Put the times of agents whose clocks are off on the clock of the run's own rows."""
    import pyarrow as pa

    from daganalysis.engine.times import SCHEDULER_STAMPED

    table = archive.coded("clock_offsets", ["run_id", "stage", "agent", "ahead_s"])
    stage = find(attempts.keys, run_stage_keys(codes_of(table.column("run_id"), run_ids), integers(table.column("stage"))))
    stages = np.unique(stage[stage != NONE])
    places, rows = rows_within(attempts.first[stages], attempts.sizes[stages])
    agent, agents = encoded(one_array(attempts.rows.column("agent")).take(array_of(rows, pa.int64())))
    off = run_stage_keys(stage, codes_of(table.column("agent"), agents))
    order = np.argsort(off, kind="stable")
    place = find(off[order], run_stage_keys(stages[places], agent))
    rows, ahead_s = rows[place != NONE], reals(table.column("ahead_s"))[order[place[place != NONE]]]
    by_scheduler = is_equal(attempts.rows.column("outcome").take(array_of(rows, pa.int64())), *SCHEDULER_STAMPED)
    start, end = attempts.start.copy(), attempts.end.copy()
    start[rows], end[rows] = times_on_dag_clock(start[rows], end[rows], ahead_s, by_scheduler, NEVER)
    return replace(attempts, start=start, end=end)


def times_on_dag_clock(start: Ints, end: Ints, ahead_s: Floats, is_by_scheduler: Bools, unknown: int) -> tuple[Ints, Ints]:
    """Return starts and ends on the clock of the DAG's own rows, from those on clocks that are ahead of it by ``ahead_s``.

    The scheduler's stamps are on that clock already. All are nanoseconds; ``unknown`` marks unknown times.
    """
    is_placed = ~np.isnan(ahead_s)
    back = np.rint(np.where(is_placed, ahead_s, 0.0) * 1e9).astype(np.int64)
    started = np.where(is_placed & (start != unknown), start - back, unknown)
    is_stamped = is_by_scheduler & is_placed & (start != unknown) & (end != unknown) & (end >= started)
    ended = np.where(is_stamped, end, np.where(is_placed & (end != unknown), end - back, unknown))
    return started, ended
