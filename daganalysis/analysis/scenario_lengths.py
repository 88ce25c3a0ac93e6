"""How long the stretches of runs would have been under a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.analysis.last_executions import keep_last_executions
from daganalysis.analysis.straggler_caps import capped_work
from daganalysis.engine.times import SCHEDULER_SLEEP_S, SECOND_NS
from daganalysis.engine.vocabulary import ENGINE_TIME
from daganalysis.tables.column_arrays import NONE

if TYPE_CHECKING:
    from daganalysis.analysis.actual_runs import ActualRuns
    from daganalysis.analysis.scenarios import Scenario
    from daganalysis.tables.column_arrays import Ints

_USUAL_TICK = 1_025_000_000
"""A pass of the scheduler and its sleep, if no hand-over of the run shows it (engine-semantics §5)."""


def lengths_under(runs: ActualRuns, scenario: Scenario) -> tuple[Ints, Ints]:
    """Return how long each stretch would have been, at least and at most."""
    least, most = runs.length.copy(), runs.length.copy()
    if scenario.no_stragglers:
        least[runs.work.stretch] = most[runs.work.stretch] = capped_work(runs)
    if scenario.no_retries:
        keep_last_executions(runs, scenario, least, most)
    for name, factor in scenario.factors:
        own = runs.stage_of_name[name] & runs.stretches.is_execute
        for lengths in (least, most):
            lengths[own] = np.rint(lengths[own] * factor).astype(np.int64)
    if scenario.changes_tick:
        for lengths in (least, most):
            _change_tick(runs, scenario.tick_s, lengths)
    removed = [
        *(ENGINE_TIME if scenario.no_engine else ()),
        *(("wait_operator",) if scenario.no_wait_operator else ()),
    ]
    gone = runs.of_category(*removed)
    least[gone] = most[gone] = 0
    _leave_open(runs, scenario, least, most)
    return least, most


def _leave_open(runs: ActualRuns, scenario: Scenario, least: Ints, most: Ints) -> None:
    """Bound unknown time: a scenario may change all of it or none, or make it longer by the scenario's factor."""
    unknown = runs.of_category("lost", "unattributed")
    removes = scenario.no_engine or scenario.no_wait_operator or scenario.no_stragglers or scenario.no_retries
    if removes or (scenario.changes_tick and scenario.tick_s < SCHEDULER_SLEEP_S):
        least[unknown] = 0
    if scenario.changes_tick and scenario.tick_s > SCHEDULER_SLEEP_S:
        most[unknown] = np.rint(most[unknown] * scenario.tick_s / SCHEDULER_SLEEP_S).astype(np.int64)
    for name, factor in scenario.factors:
        own = unknown & runs.stage_of_name[name]
        if factor < 1:
            least[own] = 0
        most[own] = np.rint(most[own] * max(factor, 1.0)).astype(np.int64)


def _change_tick(runs: ActualRuns, tick_s: float, lengths: Ints) -> None:
    """Let the scheduler pass at another pace: it notices ends and hands over at its passes alone (engine-semantics §5)."""
    s = runs.stretches
    tick = _ticks(runs)[s.run]
    new = np.maximum(tick - SECOND_NS + round(tick_s * SECOND_NS), 1)
    detect, dispatch, handoff = runs.of_category("detect"), runs.of_category("dispatch"), runs.of_category("handoff")
    before = np.roll(lengths, 1)
    is_next = np.zeros(len(s.run), bool)  # of the same run as the stretch before it
    is_next[1:] = s.run[1:] == s.run[:-1]
    same = is_next & (np.roll(s.stage, 1) == s.stage)
    handed_out = np.where(np.roll(dispatch, 2) & np.roll(same, 1) & same, np.roll(lengths, 2), 0)
    noticed = np.flatnonzero(detect & np.roll(s.is_execute, 1) & same)
    since = before[noticed] + handed_out[noticed]
    passes = np.maximum(-(-since // new[noticed]), 1)
    lengths[noticed] = passes * new[noticed] - since
    other = np.flatnonzero(handoff | (detect & ~(np.roll(s.is_execute, 1) & same)))
    after_wait = (np.roll(runs.of_category("wait_operator", "wait_protocol"), 1) & is_next)[other]
    count = np.rint(lengths[other] / tick[other]).astype(np.int64)
    stretched = np.rint(lengths[other] * (new[other] / tick[other])).astype(np.int64)
    lengths[other] = np.where(after_wait, stretched, np.maximum(lengths[other] + count * (new[other] - tick[other]), 0))


def _ticks(runs: ActualRuns) -> Ints:
    """Return the time between the scheduler's passes in each run: the median of its hand-overs from stage to stage."""
    import pandas as pd

    s = runs.stretches
    usable = runs.of_category("handoff") & (s.stage != NONE) & (s.to_stage != NONE) & (s.stage != s.to_stage)
    usable &= (runs.length >= 0.9 * SECOND_NS) & (runs.length <= 3 * SECOND_NS)
    medians = pd.Series(runs.length[usable]).groupby(s.run[usable]).median()
    ticks: Any = medians.reindex(range(len(s.run_ids))).fillna(_USUAL_TICK)
    whole: Ints = np.rint(ticks.to_numpy(float)).astype(np.int64)
    return whole
