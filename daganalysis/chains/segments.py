"""The chain of work and waits that determined the length of a run, found for all runs of an archive at once.

A run's timeline already has its waits. For each stretch with parallel attempts, this module finds the attempts that the run waited for.
Most stages are executed once: for all of these together, the last attempt to end is found without looking at single stages. The rest is
resolved in rounds, each of which finds one more segment of every stretch that is not covered yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.chains.run_arrays import NEVER, rows_within, stretches_of
from daganalysis.tables.column_arrays import NONE, find, run_stage_keys

if TYPE_CHECKING:
    from daganalysis.chains.clock_bounds import ClockBounds
    from daganalysis.chains.run_arrays import Attempts, Stretches
    from daganalysis.tables.column_arrays import Bools, Ints


@dataclass(frozen=True, slots=True)
class Segments:
    """The attempts that the stretches of work of each run waited for, in order of run and time.

    ``stretch`` is the stretch of a segment, ``attempt`` the row of the attempt at work, and ``start`` the start of the segment, which ends
    where the next one of the stretch starts, or with the stretch. ``drag`` is how much later the stretch ended because of the attempt that
    ended it; none for all other segments. ``rivals`` are attempts of other agents that may have been the one, and ``of_rivals`` the
    segments that they belong to.
    """

    stretch: Ints
    start: Ints
    attempt: Ints
    drag: Ints
    of_rivals: Ints
    rivals: Ints


@dataclass(frozen=True, slots=True)
class Pairs:
    """Stretches of work, an attempt that ran in each, and its start and end there. Pairs of one stretch are together, by attempt."""

    of_work: Ints
    attempt: Ints
    start: Ints
    end: Ints

    def only(self, is_kept: Bools) -> Pairs:
        """Return some of the pairs."""
        kept = np.flatnonzero(is_kept)  # four columns are taken by places faster than by truth
        if len(kept) == len(self.attempt):
            return self
        return Pairs(self.of_work[kept], self.attempt[kept], self.start[kept], self.end[kept])


@dataclass(frozen=True, slots=True)
class Work:
    """The stretches of work: their rows, starts and ends, and the place of each one's stage among the stages with attempts.

    ``executed_once`` marks stretches that are all the work of a stage with attempts.
    """

    stretch: Ints
    start: Ints
    end: Ints
    stage: Ints
    executed_once: Ints

    @classmethod
    def of(cls, stretches: Stretches, attempts: Attempts) -> Work:
        """Find the stage of each stretch of work."""
        work = np.flatnonzero(stretches.is_execute)
        stage = find(attempts.keys, run_stage_keys(stretches.run[work], stretches.stage[work]))
        known = np.flatnonzero(stage != NONE)
        times = np.bincount(stage[known], minlength=len(attempts.keys))
        return cls(work, stretches.start[work], stretches.end[work], stage, known[times[stage[known]] == 1])

    def pairs(self, attempts: Attempts, work: Ints) -> Pairs:
        """Return which attempts ran in some of the stretches."""
        work = work[self.stage[work] != NONE]
        places, attempt = rows_within(attempts.first[self.stage[work]], attempts.sizes[self.stage[work]])
        return self.paired(attempts, work[places], attempt)

    def paired(self, attempts: Attempts, of_work: Ints, attempt: Ints) -> Pairs:
        """Return those pairs of a stretch and an attempt that have time in common."""
        start = np.maximum(attempts.start[attempt], self.start[of_work])
        end = np.minimum(attempts.end[attempt], self.end[of_work])
        return Pairs(of_work, attempt, start, end).only(start < end)


def resolve(attempts: Attempts, work: Work, bounds: ClockBounds, *, with_drag: bool = False) -> Segments:
    """Find the chain of every run.

    In a stretch of work, from its end backwards, the attempt with the latest end not after the cursor (ties by sub-task and number) is the
    segment, and the cursor goes to its start. What only attempts that end later cover is put down to the longest of them. Recorded times
    are never reordered: where the bounds of the clocks leave open which attempt ended last, the segment has rivals.
    """
    chain = _Chain(work, with_drag=with_drag)
    once = _last_of_stages(work, attempts, bounds, with_drag=with_drag)
    chain.add(once)
    others = np.ones(len(work.stretch), bool)
    others[once.work] = False
    rest = work.pairs(attempts, np.flatnonzero(others))
    if len(rest.of_work):
        chain.add(_choose(rest, chain.cursor, attempts, bounds, with_drag=with_drag))
    uncovered = once.work[chain.cursor[once.work] > work.start[once.work]]
    pairs = _joined(chain.left(rest), _begun_before(uncovered, chain.cursor, work, attempts))
    while len(pairs.of_work):
        chain.add(_choose(pairs, chain.cursor, attempts, bounds))
        pairs = chain.left(pairs)
    return chain.segments()


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The attempt chosen for some stretches of work, where its segment starts, and the drag.

    ``rivals`` are attempts that may have been the one, and ``of_rivals`` the places of the choices that they belong to.
    """

    work: Ints
    attempt: Ints
    start: Ints
    of_rivals: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    rivals: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    drag: Ints | None = None


class _Chain:
    """The segments found so far, from the end of each stretch of work backwards to its cursor."""

    def __init__(self, work: Work, *, with_drag: bool) -> None:
        self._work, self._with_drag = work, with_drag
        self._found: list[tuple[_Chosen, Ints]] = []
        self._n = np.zeros(len(work.stretch), np.int64)
        self.cursor = work.end.copy()

    def add(self, chosen: _Chosen) -> None:
        """Add one segment for each of some stretches."""
        self._found.append((chosen, self._n[chosen.work]))
        self.cursor[chosen.work] = chosen.start
        self._n[chosen.work] += 1

    def left(self, pairs: Pairs) -> Pairs:
        """Return the pairs that begin before the cursor of their stretch."""
        return pairs.only(pairs.start < self.cursor[pairs.of_work])

    def segments(self) -> Segments:
        """Put the segments in order."""
        last = np.cumsum(self._n) - 1
        of = np.repeat(np.arange(len(self._n)), self._n)
        start, attempt = np.empty(len(of), np.int64), np.empty(len(of), np.int64)
        drag = np.full(len(of) if self._with_drag else 0, NONE)
        of_rivals, rivals = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for chosen, number in self._found:
            place = last[chosen.work] - number
            start[place], attempt[place] = chosen.start, chosen.attempt
            of_rivals.append(place[chosen.of_rivals])
            rivals.append(chosen.rivals)
            if chosen.drag is not None:
                drag[place] = chosen.drag
        return Segments(self._work.stretch[of], start, attempt, drag, np.concatenate(of_rivals), np.concatenate(rivals))


# -- stages that were executed once -----------------------------------------------------------------------------------------------------


def _last_of_stages(work: Work, attempts: Attempts, bounds: ClockBounds, *, with_drag: bool) -> _Chosen:
    """Choose the last attempt to end, for the stretches of stages that were executed once and in which one attempt is clearly the last."""
    once = work.executed_once
    stage = work.stage[once]
    attempt = _largest_of_stages(attempts, attempts.end)[stage]
    start = np.maximum(attempts.start[attempt], work.start[once])
    is_found = (attempt != NONE) & (attempts.end[attempt] != NEVER) & (start < np.minimum(attempts.end[attempt], work.end[once]))
    once, stage, attempt, start = once[is_found], stage[is_found], attempt[is_found], start[is_found]
    place = np.full(len(attempts.keys), NONE)
    place[stage] = np.arange(len(once))
    # A rival ended before the chosen attempt by less than the bounds of the clocks leave open.
    reach = np.full(len(attempts.keys), NEVER)
    reach[stage] = attempts.end[attempt] - bounds.widest(attempt, stage)
    rivals = np.flatnonzero(attempts.end > np.repeat(reach, attempts.sizes))
    chosen = place[attempts.stage[rivals]]
    doubtful = bounds.doubtful(rivals, attempt[chosen])
    pairs = work.paired(attempts, once[chosen[doubtful]], rivals[doubtful])
    drag = _drags(work, attempts, once, attempt, start) if with_drag else None
    return _Chosen(once, attempt, start, place[work.stage[pairs.of_work]], pairs.attempt, drag)


def _largest_of_stages(attempts: Attempts, values: Ints) -> Ints:
    """Return the attempt of each stage that has the largest value; none where several have it."""
    if not len(attempts.keys):
        return np.zeros(0, np.int64)
    rows = np.flatnonzero(values == np.repeat(np.maximum.reduceat(values, attempts.first), attempts.sizes))
    if len(rows) == len(attempts.keys):
        return rows
    stage = attempts.stage[rows]
    largest = np.full(len(attempts.keys), NONE)
    largest[stage] = rows
    largest[np.bincount(stage, minlength=len(largest)) > 1] = NONE
    return largest


def _drags(work: Work, attempts: Attempts, once: Ints, attempt: Ints, start: Ints) -> Ints:
    """Return how much later each stretch ended because of its last attempt: the time since the next-to-last end, at most its length."""
    of_stage = np.full(len(attempts.keys), NONE)
    of_stage[work.stage[once]] = np.arange(len(once))
    of_row = np.repeat(of_stage, attempts.sizes)
    of_row[attempt] = NONE
    rows = np.flatnonzero(of_row != NONE)
    others = work.paired(attempts, once[of_row[rows]], rows)
    next_end = np.full(len(work.stretch), NONE)
    np.maximum.at(next_end, others.of_work, others.end)
    drags: Ints = work.end[once] - np.maximum(start, next_end[once])
    return drags


def _begun_before(uncovered: Ints, cursor: Ints, work: Work, attempts: Attempts) -> Pairs:
    """Return the pairs that begin before the cursor of some stretches which alone are the work of their stages."""
    limit, of_work = np.full(len(attempts.keys), NONE), np.full(len(attempts.keys), NONE)
    limit[work.stage[uncovered]], of_work[work.stage[uncovered]] = cursor[uncovered], uncovered
    rows = np.flatnonzero(attempts.start < np.repeat(limit, attempts.sizes))
    return work.paired(attempts, of_work[attempts.stage[rows]], rows)


def _joined(one: Pairs, other: Pairs) -> Pairs:
    """Put pairs together; no stretch is in both."""
    return Pairs(*(np.concatenate([getattr(pairs, name) for pairs in (one, other)]) for name in Pairs.__slots__))


# -- rounds -----------------------------------------------------------------------------------------------------------------------------


def _choose(pairs: Pairs, cursor: Ints, attempts: Attempts, bounds: ClockBounds, *, with_drag: bool = False) -> _Chosen:
    """Choose one attempt for each stretch that has one left."""
    first, sizes = stretches_of(pairs.of_work)
    work, n = pairs.of_work[first], len(first)
    group = np.repeat(np.arange(n), sizes)
    until = cursor[work]
    has_ended = pairs.end <= until[group]
    ended, later = np.flatnonzero(has_ended), np.flatnonzero(~has_ended)
    # Of ends that are cut off at the end of the stretch, that which was recorded last counts; one that is not known does not.
    recorded = attempts.end[pairs.attempt[ended]]
    last = _best(group, ended, (np.where(recorded == NEVER, NONE, recorded), pairs.end[ended]), n, pairs, attempts)
    rest = pairs.attempt[later]
    begun = attempts.start[rest]
    length = np.minimum(attempts.end[rest], NEVER + np.minimum(begun, 0)) - begun  # a start before 1970 would make it overflow
    longest = _best(group, later, (length,), n, pairs, attempts)
    last_end = np.where(last != NONE, pairs.end[last], NONE)
    takes_longest = (last_end < until) & (longest != NONE)
    taken = np.where(takes_longest, longest, last)
    start = np.where(takes_longest, np.maximum(pairs.start[taken], last_end), pairs.start[taken])
    drag = None
    if with_drag:
        is_other = np.ones(len(group), bool)
        is_other[last[last != NONE]] = False
        next_end = np.full(n, NONE)
        np.maximum.at(next_end, group[is_other], pairs.end[is_other])
        drag = np.where(takes_longest, NONE, until - np.maximum(start, next_end))
    of, rivals = group[ended], pairs.attempt[ended]
    doubtful = bounds.doubtful(rivals, pairs.attempt[last[of]])
    doubtful = doubtful[~takes_longest[of[doubtful]]]
    return _Chosen(work, pairs.attempt[taken], start, of[doubtful], rivals[doubtful], drag)


def _best(group: Ints, rows: Ints, by: tuple[Ints, ...], n_groups: int, pairs: Pairs, attempts: Attempts) -> Ints:
    """Return for each group the row with the largest values, the last value counting most; none for groups without rows.

    Of equals, the first by sub-task and number is chosen. Rows of one group are together.
    """
    best = np.full(n_groups, NONE)
    own, place = group[rows], np.arange(len(rows))
    for values in reversed(by):
        largest = _largest(own, values[place] if len(place) < len(values) else values)
        own, place = own[largest], place[largest]
    first, sizes = stretches_of(own)
    best[own[first]] = rows[place[first]]
    if len(first) < len(own):
        tied = place[np.repeat(sizes > 1, sizes)]
        tied = tied[_largest(group[rows[tied]], -attempts.ranks(pairs.attempt[rows[tied]]))]
        best[group[rows[tied]]] = rows[tied]
    return best


def _largest(group: Ints, values: Ints) -> Ints:
    """Return the places of the largest values of each group."""
    first, sizes = stretches_of(group)
    if len(first) == len(group):
        return np.arange(len(group))
    return np.flatnonzero(values == np.repeat(np.maximum.reduceat(values, first), sizes))
