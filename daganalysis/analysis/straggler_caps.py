"""How long work would have taken without stragglers: an attempt takes at most the median of the others of its stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from daganalysis.chains.run_arrays import NEVER, rows_within, stretches_of
from daganalysis.tables.column_arrays import NONE

if TYPE_CHECKING:
    from daganalysis.analysis.actual_runs import ActualRuns
    from daganalysis.chains.run_arrays import Attempts
    from daganalysis.chains.segments import Pairs, Work
    from daganalysis.tables.column_arrays import Ints


def capped_work(runs: ActualRuns) -> Ints:
    """Return how long each stretch of work would have been had no attempt in it taken longer than the median of the others."""
    work, attempts = runs.work, runs.attempts
    length, own = runs.length[work.stretch], attempts.end - attempts.start
    of_stage = np.full(len(attempts.keys) + 1, NONE)  # the last place is that of no stage
    whole = _whole_stages(work, attempts, own)
    of_stage[work.stage[whole]] = whole
    if len(whole):
        others = np.flatnonzero(of_stage[:-1] == NONE)
        own[rows_within(attempts.first[others], attempts.sizes[others])[1]] = 0
        _shorten(length, work, of_stage, attempts.first, attempts.start, own, _median_of_others(attempts.first, attempts.sizes, own))
    has_several = np.append(attempts.sizes > 1, False)
    pairs = work.pairs(attempts, np.flatnonzero((has_several & (of_stage == NONE))[work.stage]))
    if len(pairs.of_work):
        first, own = stretches_of(pairs.of_work)[0], pairs.end - pairs.start
        _shorten(length, work, pairs.of_work[first], first, pairs.start, own, caps_of(runs, pairs))
    return length


def _whole_stages(work: Work, attempts: Attempts, own: Ints) -> Ints:
    """Return the stretches of work that are all the work of their stage and hold all its attempts: these need not be paired with them."""
    if not len(attempts.keys):
        return np.zeros(0, np.int64)
    once = work.executed_once
    stage = work.stage[once]
    first_start, shortest = (np.minimum.reduceat(values, attempts.first)[stage] for values in (attempts.start, own))
    last_end = np.maximum.reduceat(attempts.end, attempts.first)[stage]
    return once[(first_start >= work.start[once]) & (last_end <= work.end[once]) & (shortest > 0)]


def _shorten(length: Ints, work: Work, places: Ints, first: Ints, start: Ints, own: Ints, cap: Ints) -> None:
    """Shorten the stretches of work at some ``places``, of which each has a group of attempts, by what the caps leave of these."""
    capped = np.flatnonzero(np.logical_or.reduceat(own > cap, first))
    new_end = np.maximum.reduceat(start + np.minimum(own, cap), first)[capped]
    place = places[capped]
    length[place] = np.minimum(length[place], new_end - work.start[place])


def caps_of(runs: ActualRuns, pairs: Pairs) -> Ints:
    """Return the most time that each attempt may take without stragglers. All pairs of a stretch are given."""
    first, sizes = stretches_of(pairs.of_work)
    cap = _median_of_others(first, sizes, pairs.end - pairs.start)
    _cap_what_ran_alone(runs, pairs, first[sizes == 1], cap)
    return cap


def _cap_what_ran_alone(runs: ActualRuns, pairs: Pairs, alone: Ints, cap: Ints) -> None:
    """Cap an attempt that was run again alone by the median of the other sub-tasks of its stage, which ran before it."""
    attempts = runs.attempts
    stage = attempts.stages_of(pairs.attempt[alone])
    several = attempts.sizes[stage] > 1
    alone, stage = alone[several], stage[several]
    of_alone, others = rows_within(attempts.first[stage], attempts.sizes[stage])
    own = pairs.attempt[alone][of_alone]
    tasks = runs.tasks(np.concatenate([own, others]))
    is_other = (tasks[: len(own)] != tasks[len(own) :]) & (runs.is_rollback[own] == runs.is_rollback[others])
    is_other &= (attempts.end[others] != NEVER) & (attempts.end[others] != NONE)
    of_alone, others = of_alone[is_other], others[is_other]
    length = attempts.end[others] - attempts.start[others]
    order = np.lexsort((length, of_alone))
    first, sizes = stretches_of(of_alone)
    low, high = (length[order[first + middle]] for middle in ((sizes - 1) // 2, sizes // 2))
    cap[alone[of_alone[first]]] = (low + high) // 2


def _median_of_others(first: Ints, sizes: Ints, values: Ints) -> Ints:
    """Return a cap for each value of some groups: the median of the others if that is less than the value, otherwise at least the value.

    The values of a group are together, from ``first``. A value that is alone is its own cap. A value above the two in the middle of the
    others is capped by the median of these two, whichever it is; only that in the middle of an odd number has others about it.
    """
    if not len(first):
        return values
    group = np.repeat(np.arange(len(sizes)), sizes)
    ordered = _sorted_within(group, values)
    before, middle = ordered[first + np.maximum(sizes - 2, 0) // 2], ordered[first + (sizes - 1) // 2]
    after = ordered[first + np.minimum((sizes + 1) // 2, sizes - 1)]
    of_middle = np.where((sizes % 2 == 1) & (sizes > 1), (before + after) // 2, middle)
    # A value below the middle is not above the one before it, so its cap is not below the value.
    cap: Ints = ((before + middle) // 2)[group]
    is_middle = np.flatnonzero(values == middle[group])
    cap[is_middle] = of_middle[group[is_middle]]
    return cap


def _sorted_within(group: Ints, values: Ints) -> Ints:
    """Return the values of each group in order, group by group. The groups are in order, and no value is negative.

    >>> _sorted_within(np.array([0, 0, 1]), np.array([5, 3, 1])).tolist()
    [3, 5, 1]
    """
    bits = int(values.max(initial=0)).bit_length()
    if int(group[-1]).bit_length() + bits < 63:
        ordered = group << bits  # one sort of whole numbers costs a tenth of one by two columns
        ordered |= values
        ordered.sort()
        ordered &= (1 << bits) - 1
        return ordered
    return values[np.lexsort((values, group))]
