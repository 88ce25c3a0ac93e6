"""The chain of work and waits that made a run as long as it was, found for all runs of an archive at once.

A run's timeline already follows its waits; what is left to find is, for each stretch in which attempts ran side by side, which of them the
run waited for. Everything here is arrays of whole numbers: codes instead of names, nanoseconds instead of instants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.tables import ATTEMPTS
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, find, integers, is_equal, one_array, run_stage_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Ints

OPEN = np.iinfo(np.int64).max
"""The end of an attempt that is not known to have ended."""


@dataclass(frozen=True, slots=True)
class Stretches:
    """The timelines of all runs, in order of run and time: ``run`` is the place of the run in :attr:`run_ids`, which is sorted."""

    run_ids: pa.Array
    run: Ints
    start: Ints
    end: Ints
    category: pa.Array
    stage: Ints
    to_stage: Ints
    evidence: pa.Array
    is_execute: Bools
    leg: Ints
    is_backward: Bools

    def names(self, archive: Archive) -> tuple[Ints, pa.Array]:
        """Return the name of each stretch's stage: its place in an array of names (or none), and that array."""
        nodes = archive.coded("nodes", ["run_id", "stage", "name"])
        run, stage = codes_of(nodes.column("run_id"), self.run_ids), integers(nodes.column("stage"))
        codes, names = encoded(nodes.column("name"))
        if not len(codes):  # answers without details name no stage
            return np.full(len(self.run), NONE), names
        order = np.argsort(run_stage_keys(run, stage), kind="stable")
        places = find(run_stage_keys(run, stage)[order], run_stage_keys(self.run, self.stage))
        return np.where(places == NONE, NONE, codes[order][places]), names


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts whose start is known, those of one stage of a run after each other, in order of sub-task and number."""

    key: Ints
    place: Ints
    start: Ints
    end: Ints
    agent: Ints


@dataclass(frozen=True, slots=True)
class Segments:
    """The chain of each run, in order of run and time.

    ``stretch`` is the stretch a segment lies in, ``attempt`` the place of the attempt at work in the table of attempts (none of a pause).
    ``drag`` is how much later the stretch ended because of the attempt that ended it; none of all other segments. ``is_uncertain`` says
    that another agent's attempt may have been the one.
    """

    stretch: Ints
    start: Ints
    end: Ints
    attempt: Ints
    drag: Ints
    is_uncertain: Bools


# -- reading ----------------------------------------------------------------------------------------------------------------------------


def read_stretches(archive: Archive) -> Stretches:
    """Read the timelines."""
    import pyarrow as pa

    columns = ["run_id", "seq", "started_at", "ended_at", "category", "from_stage", "to_stage", "evidence", "leg", "direction"]
    table = archive.coded("timeline", columns).combine_chunks()
    run_ids = _texts_of(table.column("run_id")).sort() if table.num_rows else pa.array([], pa.string())
    run = codes_of(table.column("run_id"), run_ids)
    order = _in_order(run, integers(table.column("seq")))
    if order is not None:
        table, run = table.take(order), run[order]
    category = one_array(table.column("category"))
    return Stretches(
        run_ids,
        run,
        integers(table.column("started_at")),
        integers(table.column("ended_at")),
        category,
        integers(table.column("from_stage")),
        integers(table.column("to_stage")),
        one_array(table.column("evidence")),
        is_equal(category, "execute"),
        integers(table.column("leg")),
        is_equal(one_array(table.column("direction")), "rollback"),
    )


def read_attempt_table(archive: Archive, columns: Sequence[str]) -> pa.Table:
    """Read columns of the attempts, with their times on the clock of the run's own rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from daganalysis.archive import Archive
    from daganalysis.dag_clock import on_dag_clock

    offsets = archive.arrow("clock_offsets")
    wanted = list(dict.fromkeys([*columns, *(["outcome", "agent"] if offsets.num_rows else [])]))
    table = archive.coded("attempts", wanted).combine_chunks()
    if not offsets.num_rows:
        return table
    # Only runs in which a clock is off pay for that.
    of_off = pc.is_in(one_array(table.column("run_id")).dictionary, offsets.column("run_id").unique().cast(pa.string()))
    is_off = of_off.take(one_array(table.column("run_id")).indices)
    plain = pa.schema([ATTEMPTS.schema().field(name) for name in wanted])
    off = Archive.from_tables({"attempts": table.filter(is_off).cast(plain), "clock_offsets": offsets})
    placed = on_dag_clock(off, "attempts", ["started_at", "ended_at"])
    for name in ("started_at", "ended_at"):
        given = pa.array(placed[name]).cast(table.schema.field(name).type)
        moved = pc.replace_with_mask(table.column(name).combine_chunks(), is_off, given)
        table = table.set_column(table.column_names.index(name), name, moved)
    return table


def read_attempts(table: pa.Table, run_ids: pa.Array) -> Attempts:
    """Return the attempts of a table whose start is known; without the column of agents, they have no agent."""
    key = run_stage_keys(codes_of(table.column("run_id"), run_ids), integers(table.column("stage")))
    start, end = integers(table.column("started_at")), integers(table.column("ended_at"), null=OPEN)
    agent = encoded(table.column("agent"))[0] if "agent" in table.column_names else np.full(len(key), NONE)
    order = _by_id(table, key)
    place = order[(key[order] >= 0) & (start[order] != NONE) & (end[order] >= start[order])]
    return Attempts(key[place], place, start[place], end[place], agent[place])


def _by_id(table: pa.Table, key: Ints) -> Ints:
    """Return the order of attempts by stage of a run, sub-task and number; the rows of a store are in it already, but for the runs."""
    import pyarrow as pa
    import pyarrow.compute as pc

    gids, numbers = table.column("task_gid").combine_chunks(), integers(table.column("attempt"))
    if len(gids) > 1:
        before, after = gids[:-1], gids[1:]
        less, same = (np.asarray(test(before, after).fill_null(False)) for test in (pc.less, pc.equal))
        if (less | (same & (numbers[:-1] <= numbers[1:])) | (key[:-1] != key[1:])).all():
            return np.argsort(key, kind="stable")
    rows = pa.table({"key": key, "task_gid": gids, "attempt": numbers})
    order: Ints = pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in rows.column_names]).to_numpy()
    return order.astype(np.int64)


# -- the chain --------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ahead:
    """How far the clock of each attempt's agent is ahead of that of the run's own rows: at least and at most, nanoseconds."""

    least: Ints
    most: Ints


def resolve(stretches: Stretches, attempts: Attempts, ahead: Ahead | None = None) -> Segments:
    """Find the chain of every run.

    In a stretch of work, from its end backwards, the attempt with the latest end not after the cursor is the segment (ties by sub-task and
    number), and the cursor goes to its start. What only attempts that end later cover is put down to the longest of them. Recorded times
    are never reordered: where ``ahead`` leaves open which attempt ended last, the segment says so.
    """
    work = np.flatnonzero(stretches.is_execute)
    begin, cursor = stretches.start[work], stretches.end[work].copy()
    pairs, found = pair_up(stretches, attempts, work), [_rest(stretches)]
    is_first = True
    while len(pairs.of_work):
        chosen = _choose(pairs, cursor, attempts, ahead)
        rows = len(chosen.work)
        drag = chosen.drag if is_first else np.full(rows, NONE)
        place = attempts.place[chosen.attempt]
        found.append(Segments(work[chosen.work], chosen.start, cursor[chosen.work], place, drag, chosen.is_uncertain))
        cursor[chosen.work] = chosen.start
        pairs = pairs.only((pairs.start < cursor[pairs.of_work]) & (cursor > begin)[pairs.of_work])
        is_first = False
    left = np.flatnonzero(cursor > begin)
    found.append(_without_attempt(work[left], begin[left], cursor[left]))
    parts = [np.concatenate([getattr(part, name) for part in found]) for name in Segments.__slots__]
    order = np.lexsort((parts[1], parts[0]))
    return Segments(*(values[order] for values in parts))


def _without_attempt(stretch: Ints, start: Ints, end: Ints) -> Segments:
    none = np.full(len(stretch), NONE)
    return Segments(stretch, start, end, none, none, np.zeros(len(stretch), bool))


def _rest(stretches: Stretches) -> Segments:
    """The stretches in which nothing worked: each is a segment of its own."""
    rest = np.flatnonzero(~stretches.is_execute)
    return _without_attempt(rest, stretches.start[rest], stretches.end[rest])


@dataclass(frozen=True, slots=True)
class Pairs:
    """A stretch of work and an attempt that ran in it, from where to where; those of one stretch stand together, in order of attempts."""

    of_work: Ints
    attempt: Ints
    start: Ints
    end: Ints

    def only(self, kept: Bools | Ints) -> Pairs:
        """Return some of the pairs."""
        return Pairs(self.of_work[kept], self.attempt[kept], self.start[kept], self.end[kept])


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The attempt chosen for some stretches of work, where its segment starts, its drag, and whether another may have been the one."""

    work: Ints
    attempt: Ints
    start: Ints
    drag: Ints
    is_uncertain: Bools


def pair_up(stretches: Stretches, attempts: Attempts, work: Ints) -> Pairs:
    """Return which attempts ran in which of some stretches of work."""
    key = run_stage_keys(stretches.run[work], stretches.stage[work])
    low, high = (np.searchsorted(attempts.key, key, side) for side in ("left", "right"))
    sizes = high - low
    of_work = np.repeat(np.arange(len(work)), sizes)
    attempt = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes - low, sizes)
    start = np.maximum(attempts.start[attempt], stretches.start[work][of_work])
    end = np.minimum(attempts.end[attempt], stretches.end[work][of_work])
    return Pairs(of_work, attempt, start, end).only(start < end)


def _choose(pairs: Pairs, cursor: Ints, attempts: Attempts, ahead: Ahead | None) -> _Chosen:
    """Choose one attempt for each stretch that has one left."""
    ended = np.flatnonzero(pairs.end <= cursor[pairs.of_work])
    later = np.flatnonzero(pairs.end > cursor[pairs.of_work])
    # Of ends that are cut off at the end of the stretch, that which was recorded last counts; one that is not known does not.
    recorded = attempts.end[pairs.attempt]
    recorded = np.where(recorded == OPEN, NONE, recorded)
    length = np.minimum(attempts.end[pairs.attempt], OPEN // 2) - attempts.start[pairs.attempt]
    last = _best(pairs.of_work, ended, (recorded, pairs.end), len(cursor))
    longest = _best(pairs.of_work, later, (length,), len(cursor))
    last_end = np.where(last != NONE, pairs.end[last], NONE)
    takes_longest = (last_end < cursor) & (longest != NONE)
    taken = np.where(takes_longest, longest, last)
    work = np.flatnonzero(taken != NONE)
    taken, takes_longest = taken[work], takes_longest[work]
    start = np.where(takes_longest, np.maximum(pairs.start[taken], last_end[work]), pairs.start[taken])
    is_other = np.ones(len(pairs.of_work), bool)
    is_other[last[last != NONE]] = False
    next_end = np.full(len(cursor), NONE)
    np.maximum.at(next_end, pairs.of_work[is_other], pairs.end[is_other])
    drag = np.where(takes_longest, NONE, cursor[work] - np.maximum(start, next_end[work]))
    doubtful = np.zeros(len(cursor), bool)
    if ahead is not None:
        of_work, rival = pairs.of_work[ended], pairs.attempt[ended]
        chosen = pairs.attempt[last[of_work]]
        sooner = recorded[last[of_work]] - recorded[ended]
        may_be_later = sooner < ahead.most[chosen] - ahead.least[rival]
        doubtful[of_work[may_be_later & (attempts.agent[chosen] != attempts.agent[rival])]] = True
    return _Chosen(work, pairs.attempt[taken], start, drag, doubtful[work] & ~takes_longest)


def _best(group: Ints, rows: Ints, by: tuple[Ints, ...], n_groups: int) -> Ints:
    """Return for each group the row that is largest by some columns, the last counting most, and the first of equals; none without rows.

    Rows of one group stand together.
    """
    best = np.full(n_groups, NONE)
    if not len(rows):
        return best
    for values in reversed(by):
        own = values[rows]
        first = np.flatnonzero(np.diff(group[rows], prepend=NONE))
        most = np.maximum.reduceat(own, first)
        rows = rows[own == np.repeat(most, np.diff(first, append=len(rows)))]
    chosen = rows[np.flatnonzero(np.diff(group[rows], prepend=NONE))]
    best[group[chosen]] = chosen
    return best


# -- columns as arrays ------------------------------------------------------------------------------------------------------------------


def _texts_of(column: pa.ChunkedArray) -> pa.Array:
    """Return the different texts of a column, in no order."""
    import pyarrow as pa

    codes, texts = encoded(column)
    used = np.bincount(codes[codes != NONE], minlength=len(texts)) > 0
    return texts.filter(pa.array(used))


def _in_order(run: Ints, seq: Ints) -> Ints | None:
    """Return the order by run and number, or nothing where the rows are in it already."""
    steps = np.diff(run)
    if ((steps > 0) | ((steps == 0) & (np.diff(seq) > 0))).all():
        return None
    return np.lexsort((seq, run))
