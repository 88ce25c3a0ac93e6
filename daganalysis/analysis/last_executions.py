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
    """Take away each execution of a stage that was redone by a person's retry, with the wait after it, and what undid it before."""
    s, rows = runs.stretches, _of_several_legs(runs.stretches.run, runs.leg)
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
    redone = rows[redone]
    to_stage = integers(one_array(s.rows.column("to_stage")).take(redone))
    passes = (to_stage == s.stage[redone]) | (to_stage == NONE)
    gone = runs.of_category("execute", "dispatch", "detect", "wait_operator", among=redone)
    gone |= runs.of_category("handoff", among=redone) & passes
    for lengths in (least, most):
        lengths[redone[gone]] = lengths[undone] = 0


def _of_several_legs(run: Ints, leg: Ints) -> Ints:
    """Return the stretches of runs that have more than one leg: in all others, nothing was redone."""
    first, sizes = stretches_of(run)
    if not len(first):
        return first
    return np.flatnonzero(np.repeat(np.minimum.reduceat(leg, first) != np.maximum.reduceat(leg, first), sizes))


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
