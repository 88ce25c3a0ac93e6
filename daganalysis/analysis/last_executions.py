"""How long runs would have been without retries: only the last execution of each stage counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from daganalysis.analysis.straggler_caps import caps_of
from daganalysis.chains.run_arrays import stretches_of
from daganalysis.tables.column_arrays import NONE, integers, one_array, run_stage_keys

if TYPE_CHECKING:
    from daganalysis.analysis.actual_runs import ActualRuns
    from daganalysis.analysis.scenarios import Scenario
    from daganalysis.tables.column_arrays import Bools, Ints


def keep_last_executions(runs: ActualRuns, scenario: Scenario, least: Ints, most: Ints) -> None:
    """Take away each execution of a stage that was redone by a person's retry, with the wait after it, and what undid it before.

    An execution is perhaps redone if it failed, or its end is lost, and unknown time that may hold the stage follows: the least length
    leaves it out, too.
    """
    s, rows = runs.stretches, _of_interrupted_runs(runs)
    leg, stage = runs.leg[rows], s.stage[rows]
    names, own = np.unique((run_stage_keys(s.run[rows], stage + 1) << 1) + runs.is_backward[rows], return_inverse=True)
    worked = np.flatnonzero(s.is_execute[rows])
    last_leg = np.full(len(names), NONE)
    np.maximum.at(last_leg, own[worked], leg[worked])
    of_leg = (s.run[rows] << 21) + leg
    by_protocol = of_leg[runs.of_category("wait_protocol", among=rows)]
    redone = np.flatnonzero((last_leg[own] > leg) & ~np.isin(of_leg, by_protocol))
    undone = _undoing(runs)
    undone = undone[~np.isin((s.run[undone] << 21) + runs.leg[undone] - 1, by_protocol)]
    execution, is_redone, is_undone = np.full(len(s.run), NONE), np.zeros(len(s.run), bool), np.zeros(len(s.run), bool)
    execution[rows], is_redone[rows[redone]], is_undone[undone] = own, True, True
    _at_most_once(runs, scenario, execution, is_redone, is_undone, most)
    to_stage = integers(one_array(s.rows.column("to_stage")).take(rows))
    passes = (to_stage == s.stage[rows]) | (to_stage == NONE)
    is_of_execution = runs.of_category("execute", "dispatch", "detect", "wait_operator", among=rows)
    is_of_execution |= runs.of_category("handoff", among=rows) & passes
    is_one = np.zeros(len(rows), bool)
    is_one[redone] = True
    for lengths in (least, most):
        lengths[rows[is_one & is_of_execution]] = lengths[undone] = 0
    executed = (own << 21) + leg
    failed = runs.of_category("wait_operator", among=rows) & _may_come_again(runs, rows, to_stage)
    failed |= runs.of_category("lost", among=rows) & passes
    least[rows[np.isin(executed, executed[failed]) & is_of_execution]] = 0


def _may_come_again(runs: ActualRuns, rows: Ints, to_stage: Ints) -> Bools:
    """Return after which stretches comes unknown time of the same run that may hold their stage."""
    s, is_unknown = runs.stretches, runs.of_category("lost", "unattributed", among=rows)
    run, stage = s.run[rows], s.stage[rows]
    lowest = np.maximum(np.where(to_stage == NONE, stage, np.minimum(stage, to_stage)), 0)
    # Runs follow each other, so the minimum from the end on, of run and stage together, is that of the stretch's own run.
    nothing = ((run + 1) << 21) - 1
    from_here = np.minimum.accumulate(np.where(is_unknown, (run << 21) + lowest, nothing)[::-1])[::-1]
    after = np.append(from_here[1:], np.zeros(min(1, len(rows)), np.int64) + np.iinfo(np.int64).max)
    return after <= (run << 21) + np.maximum(stage, 0)


def _of_interrupted_runs(runs: ActualRuns) -> Ints:
    """Return the stretches of runs that have more than one leg, waited for a person or lost time: in all others, nothing was redone."""
    first, sizes = stretches_of(runs.stretches.run)
    if not len(first):
        return first
    several = np.minimum.reduceat(runs.leg, first) != np.maximum.reduceat(runs.leg, first)
    return np.flatnonzero(np.repeat(several | np.logical_or.reduceat(runs.of_category("wait_operator", "lost"), first), sizes))


def _undoing(runs: ActualRuns) -> Ints:
    """Return the stretches that undid a stage before it was run again: rollback runs on the way forward, and noticing their end."""
    s, pairs, work = runs.stretches, runs.pairs_of_rollbacks, runs.work
    back, forward = np.zeros(len(work.stretch), bool), np.zeros(len(work.stretch), bool)
    is_rollback = runs.is_rollback[pairs.attempt]
    back[pairs.of_work[is_rollback]] = forward[pairs.of_work[~is_rollback]] = True
    found = work.stretch[back & ~forward & ~runs.is_backward[work.stretch]]
    undone = [found]
    for _ in range(2):  # its end is noticed, and the run is handed out again
        after = found[found < len(s.run) - 1] + 1
        same = (s.run[after] == s.run[after - 1]) & (s.stage[after] == s.stage[after - 1]) & (runs.leg[after] == runs.leg[after - 1])
        found = after[same & runs.of_category("detect", "dispatch", among=after)]
        undone.append(found)
    return np.unique(np.concatenate(undone))


def _at_most_once(runs: ActualRuns, scenario: Scenario, execution: Ints, is_redone: Bools, is_undone: Bools, most: Ints) -> None:
    """Make the kept execution as long as the longest last run of its sub-tasks, because some were not run again."""
    work = runs.work
    of_work = execution[work.stretch]
    redone = np.zeros(int(execution.max(initial=0)) + 2, bool)  # the last place is that of no execution
    redone[of_work[is_redone[work.stretch]]] = True
    pairs = work.pairs(runs.attempts, np.flatnonzero(redone[of_work]))
    own = pairs.end - pairs.start
    if scenario.no_stragglers:
        own = np.minimum(own, caps_of(runs, pairs))
    task, executed = runs.tasks(pairs.attempt), of_work[pairs.of_work]
    order = np.lexsort((pairs.start, task, executed))
    is_last = (np.diff(task[order], append=NONE - 1) != 0) | (np.diff(executed[order], append=NONE - 1) != 0)
    chosen = order[is_last & ~runs.is_rollback[pairs.attempt[order]]]
    longest = np.zeros(len(redone), np.int64)
    np.maximum.at(longest, executed[chosen], own[chosen])
    kept = np.flatnonzero(redone[of_work] & ~is_redone[work.stretch] & ~is_undone[work.stretch])
    last = kept[np.flatnonzero(np.diff(of_work[kept], append=NONE))]
    stretch = work.stretch[last]
    most[stretch] = np.maximum(most[stretch], longest[of_work[last]])
