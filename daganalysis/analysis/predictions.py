"""The lengths that the stretches of runs would have had under scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.analysis.run_arrays import NEVER, read_attempts, read_stretches, rows_within, stretches_of
from daganalysis.analysis.run_shares import in_shares
from daganalysis.engine.times import SCHEDULER_SLEEP_S, SECOND_NS
from daganalysis.engine.vocabulary import ENGINE_TIME
from daganalysis.errors import UsageError
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, integers, is_equal, one_array, run_stage_keys
from daganalysis.tables.side_by_side import side_by_side
from daganalysis.text.suggestions import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.chains import Pairs, Work
    from daganalysis.analysis.run_arrays import Attempts, Stretches
    from daganalysis.analysis.run_shares import Share
    from daganalysis.analysis.scenarios import Scenario
    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Ints

_USUAL_TICK = 1_025_000_000
"""A pass of the scheduler and its sleep, if no hand-over of the run shows it (engine-semantics §5)."""


def predict(archive: Archive, scenarios: Sequence[Scenario]) -> list[pd.DataFrame]:
    """Return for each scenario the predictions for every run."""
    stretches = read_stretches(archive, ["leg", "direction"])
    attempts = read_attempts(archive, stretches.run_ids, ["task_gid", "kind"])
    runs = _Runs.of(archive, stretches)
    named = _named_stages(archive, stretches, scenarios)
    predictors = [partial(_totals, share, named, scenarios) for share in in_shares(stretches, attempts)]
    of_shares = side_by_side(predictors, len(attempts.start))
    totals = np.sum(of_shares, axis=0)  # each run is in one share
    return [runs.rows(scenario, *bounds) for scenario, bounds in zip(scenarios, totals, strict=True)]


def _totals(share: Share, named: dict[str, Bools], scenarios: Sequence[Scenario]) -> Ints:
    """Return the predicted length of each run of a share under each scenario, at least and at most; zero for runs of other shares."""
    known = _Known.of(share, named)
    first = stretches_of(share.stretches.run)[0]
    totals = np.zeros((len(scenarios), 2, len(share.stretches.run_ids)), np.int64)
    for number, scenario in enumerate(scenarios):
        for bound, lengths in enumerate(_lengths(known, scenario)):
            totals[number, bound, share.stretches.run[first]] = np.add.reduceat(lengths, first) if len(first) else 0
    return totals


@dataclass(frozen=True, slots=True)
class _Runs:
    """The runs of an archive, and the place of each among the runs with a timeline."""

    run_ids: pa.ChunkedArray
    elapsed_s: np.ndarray
    has_ended: Bools
    place: Ints

    @classmethod
    def of(cls, archive: Archive, stretches: Stretches) -> _Runs:
        dags = archive.arrow("dags", ["run_id", "elapsed_s", "ended_at"])
        elapsed = np.asarray(dags.column("elapsed_s").to_pandas(), float)
        ended = np.asarray(dags.column("ended_at").is_valid())
        place = codes_of(dags.column("run_id"), stretches.run_ids)
        return cls(dags.column("run_id"), elapsed, ended, place)

    def rows(self, scenario: Scenario, least: Ints, most: Ints) -> pd.DataFrame:
        """Compare the predicted lengths of the runs with a timeline, at least and at most, with the actual lengths."""
        import pandas as pd

        known = ~np.isnan(self.elapsed_s)
        low, high = (np.where(known, np.append(total, 0)[self.place] / 1e9, np.nan) for total in (least, most))  # no timeline, no length
        apart = high - low
        reason = np.full(len(known), None, object)
        reason[~known] = np.where(self.has_ended, "its length is not known: no answer shows its start", "it has not ended")[~known]
        wide = known & (apart > 0)
        reason[wide] = [f"{seconds:.3f} s of it were overwritten, have no known cause, or were not run again" for seconds in apart[wide]]
        return pd.DataFrame(
            {
                "run_id": self.run_ids.to_pandas(),
                "scenario": scenario.text,
                "elapsed_s": self.elapsed_s,
                "predicted_min_s": low,
                "predicted_max_s": high,
                "saved_min_s": self.elapsed_s - high,
                "saved_max_s": self.elapsed_s - low,
                "saved_share": np.divide(self.elapsed_s - high, self.elapsed_s, out=np.full(len(low), np.nan), where=self.elapsed_s > 0),
                "reason": pd.Series(reason, dtype=object),
            }
        )


@dataclass(frozen=True)
class _Known:
    """What all scenarios are worked out from."""

    stretches: Stretches
    length: Ints
    leg: Ints
    is_backward: Bools
    category: Ints
    categories: tuple[str, ...]
    work: Work
    attempts: Attempts
    is_rollback: Bools
    stage_of_name: dict[str, Bools]

    @classmethod
    def of(cls, share: Share, named: dict[str, Bools]) -> _Known:
        stretches, attempts = share.stretches, share.attempts
        codes, names = encoded(stretches.rows.column("category"))
        own = slice(share.first_stretch, share.first_stretch + len(stretches.run))
        return cls(
            stretches,
            stretches.end - stretches.start,
            integers(stretches.rows.column("leg")),
            is_equal(stretches.rows.column("direction"), "rollback"),
            codes,
            tuple(names.to_pylist()),
            share.work,
            attempts,
            is_equal(attempts.rows.column("kind"), "rollback"),
            {name: is_of_stage[own] for name, is_of_stage in named.items()},
        )

    def of_category(self, *names: str) -> Bools:
        """Return which stretches are of some categories."""
        is_one = np.array([*(name in names for name in self.categories), False])  # the last place is that of null
        return is_one[self.category]

    def tasks(self, attempt: Ints) -> Ints:
        """Return numbers for the sub-tasks of some attempts."""
        return encoded(one_array(self.attempts.rows.column("task_gid")).take(attempt))[0]

    @cached_property
    def pairs(self) -> Pairs:
        """All stretches of work with the attempts that ran in them."""
        return self.work.pairs(self.attempts, np.arange(len(self.work.stretch)))

    @cached_property
    def pairs_of_rollbacks(self) -> Pairs:
        """The same of those stages that have runs of rollback."""
        has_rollback = np.zeros(len(self.attempts.keys) + 1, bool)  # the last place is that of no stage
        has_rollback[self.attempts.stage[np.flatnonzero(self.is_rollback)]] = True
        return self.work.pairs(self.attempts, np.flatnonzero(has_rollback[self.work.stage]))


def _named_stages(archive: Archive, stretches: Stretches, scenarios: Sequence[Scenario]) -> dict[str, Bools]:
    """Return which stretches belong to the stages that scenarios name."""
    wanted = {name for scenario in scenarios for name, _ in scenario.factors}
    if not wanted:
        return {}
    codes, names = stretches.names(archive)
    listed = names.to_pylist()
    for name in sorted(wanted):
        if len(archive) and name not in listed:
            near = closest(name, [text for text in listed if text is not None])
            raise UsageError("no run has a stage of that name", where=name, hint="perhaps " + ", ".join(near) if near else "see `nodes`")
    return {name: codes == (listed.index(name) if name in listed else NONE - 1) for name in wanted}


# -- the lengths under a scenario ---------------------------------------------------------------------------------------------------------


def _lengths(known: _Known, scenario: Scenario) -> tuple[Ints, Ints]:
    """Return how long each stretch would have been, at least and at most."""
    least, most = known.length.copy(), known.length.copy()
    if scenario.no_stragglers:
        least[known.work.stretch] = most[known.work.stretch] = _capped(known)
    if scenario.no_retries:
        _keep_last_executions(known, scenario, least, most)
    for name, factor in scenario.factors:
        own = known.stage_of_name[name] & known.stretches.is_execute
        for lengths in (least, most):
            lengths[own] = np.rint(lengths[own] * factor).astype(np.int64)
    if scenario.changes_tick:
        for lengths in (least, most):
            _change_tick(known, scenario.tick_s, lengths)
    removed = [
        *(ENGINE_TIME if scenario.no_engine else ()),
        *(("wait_operator",) if scenario.no_wait_operator else ()),
    ]
    gone = known.of_category(*removed)
    least[gone] = most[gone] = 0
    _leave_open(known, scenario, least, most)
    return least, most


def _leave_open(known: _Known, scenario: Scenario, least: Ints, most: Ints) -> None:
    """Bound unknown time: a scenario may change all of it or none, or make it longer by the scenario's factor."""
    unknown = known.of_category("lost", "unattributed")
    removes = scenario.no_engine or scenario.no_wait_operator or scenario.no_stragglers or scenario.no_retries
    if removes or (scenario.changes_tick and scenario.tick_s < SCHEDULER_SLEEP_S):
        least[unknown] = 0
    if scenario.changes_tick and scenario.tick_s > SCHEDULER_SLEEP_S:
        most[unknown] = np.rint(most[unknown] * scenario.tick_s / SCHEDULER_SLEEP_S).astype(np.int64)
    for name, factor in scenario.factors:
        own = unknown & known.stage_of_name[name]
        if factor < 1:
            least[own] = 0
        most[own] = np.rint(most[own] * max(factor, 1.0)).astype(np.int64)


def _capped(known: _Known) -> Ints:
    """Return how long each stretch of work would have been had no attempt in it taken longer than the median of the others."""
    pairs, work = known.pairs, known.work
    own, cap = pairs.end - pairs.start, _caps(known, known.pairs)
    length, new_end = known.length[work.stretch], np.zeros(len(work.stretch), np.int64)
    np.maximum.at(new_end, pairs.of_work, pairs.start + np.minimum(own, cap) - work.start[pairs.of_work])
    is_capped = np.zeros(len(length), bool)
    is_capped[pairs.of_work[own > cap]] = True
    return np.where(is_capped, np.minimum(length, new_end), length)


def _caps(known: _Known, pairs: Pairs) -> Ints:
    """Return the most time that each attempt may take without stragglers. All pairs of a stretch are given."""
    first, sizes = stretches_of(pairs.of_work)
    cap = _median_of_others(first, sizes, pairs.end - pairs.start)
    _cap_what_ran_alone(known, pairs, first[sizes == 1], cap)
    return cap


def _cap_what_ran_alone(known: _Known, pairs: Pairs, alone: Ints, cap: Ints) -> None:
    """Cap an attempt that was run again alone by the median of the other sub-tasks of its stage, which ran before it."""
    attempts = known.attempts
    stage = attempts.stage[pairs.attempt[alone]]
    several = attempts.sizes[stage] > 1
    alone, stage = alone[several], stage[several]
    of_alone, others = rows_within(attempts.first[stage], attempts.sizes[stage])
    own = pairs.attempt[alone][of_alone]
    tasks = known.tasks(np.concatenate([own, others]))
    is_other = (tasks[: len(own)] != tasks[len(own) :]) & (known.is_rollback[own] == known.is_rollback[others])
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
    ordered = _sorted_within(np.repeat(np.arange(len(first)), sizes), values)
    before, middle = ordered[first + np.maximum(sizes - 2, 0) // 2], ordered[first + (sizes - 1) // 2]
    after = ordered[first + np.minimum((sizes + 1) // 2, sizes - 1)]
    of_middle = np.where((sizes % 2 == 1) & (sizes > 1), (before + after) // 2, middle)
    middles = np.repeat(middle, sizes)
    above = np.where(values > middles, np.repeat((before + middle) // 2, sizes), values)
    return np.where(values == middles, np.repeat(of_middle, sizes), above)


def _sorted_within(group: Ints, values: Ints) -> Ints:
    """Return the values of each group in order; groups are in order, and no value is negative."""
    bits = int(values.max(initial=0)).bit_length()
    if int(group.max(initial=0)).bit_length() + bits < 63:
        return np.sort((group << bits) | values) & ((1 << bits) - 1)  # one sort of whole numbers costs a tenth of one by two columns
    return values[np.lexsort((values, group))]


def _keep_last_executions(known: _Known, scenario: Scenario, least: Ints, most: Ints) -> None:
    """Take away each execution of a stage that was redone by a person's retry, with the wait after it, and what undid it before."""
    s, leg = known.stretches, known.leg
    rows = _of_several_legs(s.run, leg)
    names, own = np.unique((run_stage_keys(s.run[rows], s.stage[rows] + 1) << 1) + known.is_backward[rows], return_inverse=True)
    execution = np.full(len(leg), NONE)
    execution[rows] = own
    worked = rows[s.is_execute[rows]]
    last_leg = np.full(len(names) + 1, NONE)  # the last place is that of no execution
    np.maximum.at(last_leg, execution[worked], leg[worked])
    of_leg = (s.run << 21) + leg
    by_protocol = of_leg[known.of_category("wait_protocol")]
    is_redone = last_leg[execution] > leg
    is_redone[rows] &= ~np.isin(of_leg[rows], by_protocol)
    gone = is_redone & known.of_category("execute", "dispatch", "detect", "wait_operator")
    gone |= is_redone & known.of_category("handoff") & ((s.to_stage == s.stage) | (s.to_stage == NONE))
    undone = _undoing(known)
    rows = np.flatnonzero(undone)
    undone[rows] = ~np.isin(of_leg[rows] - 1, by_protocol)
    _at_most_once(known, scenario, execution, is_redone, undone, most)
    gone |= undone
    least[gone] = most[gone] = 0


def _of_several_legs(run: Ints, leg: Ints) -> Ints:
    """Return the stretches of runs that have more than one leg: in all others, nothing was redone."""
    first, sizes = stretches_of(run)
    if not len(first):
        return first
    return np.flatnonzero(np.repeat(np.minimum.reduceat(leg, first) != np.maximum.reduceat(leg, first), sizes))


def _undoing(known: _Known) -> Bools:
    """Return which stretches undid a stage before it was run again: rollback runs on the way forward, and noticing their end."""
    s, pairs, work = known.stretches, known.pairs_of_rollbacks, known.work
    back, forward = np.zeros(len(work.stretch), bool), np.zeros(len(work.stretch), bool)
    is_rollback = known.is_rollback[pairs.attempt]
    back[pairs.of_work[is_rollback]] = forward[pairs.of_work[~is_rollback]] = True
    undone = np.zeros(len(s.run), bool)
    undone[work.stretch[back & ~forward & ~known.is_backward[work.stretch]]] = True
    pause = known.of_category("detect", "dispatch")
    for _ in range(2):  # its end is noticed, and the run is handed out again
        rows = np.flatnonzero(undone[:-1] & pause[1:]) + 1
        same = (s.run[rows] == s.run[rows - 1]) & (s.stage[rows] == s.stage[rows - 1]) & (known.leg[rows] == known.leg[rows - 1])
        undone[rows[same]] = True
    return undone


def _at_most_once(known: _Known, scenario: Scenario, execution: Ints, is_redone: Bools, undone: Bools, most: Ints) -> None:
    """Make the kept execution as long as the longest last run of its sub-tasks, because some were not run again."""
    work = known.work
    of_work = execution[work.stretch]
    redone = np.zeros(int(execution.max(initial=0)) + 2, bool)  # the last place is that of no execution
    redone[of_work[is_redone[work.stretch]]] = True
    pairs = work.pairs(known.attempts, np.flatnonzero(redone[of_work]))
    own = pairs.end - pairs.start
    if scenario.no_stragglers:
        own = np.minimum(own, _caps(known, pairs))
    task, executed = known.tasks(pairs.attempt), of_work[pairs.of_work]
    order = np.lexsort((pairs.start, task, executed))
    is_last = (np.diff(task[order], append=NONE - 1) != 0) | (np.diff(executed[order], append=NONE - 1) != 0)
    chosen = order[is_last & ~known.is_rollback[pairs.attempt[order]]]
    longest = np.zeros(len(redone), np.int64)
    np.maximum.at(longest, executed[chosen], own[chosen])
    kept = np.flatnonzero(redone[of_work] & ~is_redone[work.stretch] & ~undone[work.stretch])
    last = kept[np.flatnonzero(np.diff(of_work[kept], append=NONE))]
    stretch = work.stretch[last]
    most[stretch] = np.maximum(most[stretch], longest[of_work[last]])


def _change_tick(known: _Known, tick_s: float, lengths: Ints) -> None:
    """Let the scheduler pass at another pace: it notices ends and hands over at its passes alone (engine-semantics §5)."""
    s = known.stretches
    tick = _ticks(known)[s.run]
    new = np.maximum(tick - SECOND_NS + round(tick_s * SECOND_NS), 1)
    detect, dispatch, handoff = known.of_category("detect"), known.of_category("dispatch"), known.of_category("handoff")
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
    after_wait = (np.roll(known.of_category("wait_operator", "wait_protocol"), 1) & is_next)[other]
    count = np.rint(lengths[other] / tick[other]).astype(np.int64)
    stretched = np.rint(lengths[other] * (new[other] / tick[other])).astype(np.int64)
    lengths[other] = np.where(after_wait, stretched, np.maximum(lengths[other] + count * (new[other] - tick[other]), 0))


def _ticks(known: _Known) -> Ints:
    """Return the time between the scheduler's passes in each run: the median of its hand-overs from stage to stage."""
    import pandas as pd

    s = known.stretches
    usable = known.of_category("handoff") & (s.stage != NONE) & (s.to_stage != NONE) & (s.stage != s.to_stage)
    usable &= (known.length >= 0.9 * SECOND_NS) & (known.length <= 3 * SECOND_NS)
    medians = pd.Series(known.length[usable]).groupby(s.run[usable]).median()
    ticks: Any = medians.reindex(range(len(s.run_ids))).fillna(_USUAL_TICK)
    whole: Ints = np.rint(ticks.to_numpy(float)).astype(np.int64)
    return whole
