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
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, integers, is_equal, one_array, reals, run_stage_keys, taken
from daganalysis.tables.explanations import WHAT_IF
from daganalysis.tables.side_by_side import in_threads, n_side_by_side, n_threads, side_by_side
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
    from daganalysis.tables.column_arrays import Bools, Floats, Ints

_ROWS_OF_A_PIECE = 1_000_000
"""So many attempts at most are read and worked out at a time by a thread."""
_USUAL_TICK = 1_025_000_000
"""A pass of the scheduler and its sleep, if no hand-over of the run shows it (engine-semantics §5)."""


def predict(archive: Archive, scenarios: Sequence[Scenario]) -> pd.DataFrame:
    """Return the predictions for every run under each scenario, in order of both.

    A large store is read in pieces: each thread reads the rows of some runs and works them out at once.
    """
    _check_names(archive, scenarios)
    pieces = _pieces(archive)
    found = _Predicted.joined(in_threads([partial(_Predicted.of, piece, scenarios) for piece in pieces], n_threads()))
    if len(pieces) > 1 and found.has_run_twice():
        archive.coded("dags", ["run_id"])  # raises the error of a damaged store
    return found.rows(scenarios)


def _pieces(archive: Archive) -> list[Archive]:
    """Return a large store in pieces, as many for each thread."""
    n_rows = 0 if archive.folder is None else archive.count("attempts")
    n_at_a_time = n_side_by_side(n_rows)
    return [archive] if n_at_a_time == 1 else archive.by_part(n_at_a_time * -(-n_rows // (n_at_a_time * _ROWS_OF_A_PIECE)))


def _check_names(archive: Archive, scenarios: Sequence[Scenario]) -> None:
    """Raise :class:`UsageError` if no run has a stage of a name in the scenarios."""
    wanted = {name for scenario in scenarios for name, _ in scenario.factors}
    if not wanted or not len(archive):
        return
    listed = encoded(archive.coded("nodes", ["name"]).column("name"))[1].to_pylist()
    for name in sorted(wanted.difference(listed)):
        near = closest(name, [text for text in listed if text is not None])
        raise UsageError("no run has a stage of that name", where=name, hint="perhaps " + ", ".join(near) if near else "see `nodes`")


@dataclass(frozen=True, slots=True)
class _Predicted:
    """Runs with their actual lengths, and the lengths under each scenario, at least and at most: ``ns`` is by scenario, bound and run."""

    run_ids: pa.Array
    elapsed_s: Floats
    has_ended: Bools
    ns: Ints

    @classmethod
    def of(cls, archive: Archive, scenarios: Sequence[Scenario]) -> _Predicted:
        """Predict the lengths of the runs of an archive; without a timeline, no time is known to be left."""
        stretches = read_stretches(archive, ["leg", "direction"])
        attempts = _read_attempts(archive, stretches.run_ids)
        named = _named_stages(archive, stretches, scenarios)
        predictors = [partial(_totals, share, named, scenarios) for share in in_shares(stretches, attempts)]
        totals = np.sum(side_by_side(predictors, len(attempts.start)), axis=0)  # each run is in one share
        dags = archive.coded("dags", ["run_id", "elapsed_s", "ended_at"])
        run_ids, elapsed_s, ended_at = dags.columns
        place = codes_of(run_ids, stretches.run_ids)
        of_runs = np.append(totals, np.zeros((len(scenarios), 2, 1), np.int64), axis=2)[:, :, place]  # the last place is of no timeline
        return cls(one_array(run_ids.cast("string")), reals(elapsed_s), np.asarray(ended_at.is_valid()), of_runs)

    @classmethod
    def joined(cls, pieces: Sequence[_Predicted]) -> _Predicted:
        """Put the runs of all pieces together, in order."""
        import pyarrow as pa
        import pyarrow.compute as pc

        run_ids = pa.concat_arrays([piece.run_ids for piece in pieces])
        order = pc.sort_indices(run_ids).to_numpy()
        elapsed, ended = (np.concatenate([getattr(piece, name) for piece in pieces])[order] for name in ("elapsed_s", "has_ended"))
        return cls(run_ids.take(pa.array(order)), elapsed, ended, np.concatenate([piece.ns for piece in pieces], axis=2)[:, :, order])

    def has_run_twice(self) -> bool:
        """Return whether a run is there twice."""
        return len(self.run_ids.unique()) < len(self.run_ids)

    def rows(self, scenarios: Sequence[Scenario]) -> pd.DataFrame:
        """Compare the predicted lengths of the runs with their actual lengths, and say why a prediction is missing or has bounds."""
        import pyarrow as pa

        texts, n_runs = [scenario.text for scenario in scenarios], len(self.run_ids)
        by_text = sorted(range(len(texts)), key=texts.__getitem__)
        run, text = np.repeat(np.arange(n_runs), len(texts)), np.tile(by_text, n_runs)
        elapsed, has_ended = self.elapsed_s[run], self.has_ended[run]
        low, high = (np.where(np.isnan(elapsed), np.nan, self.ns[text, bound, run] / 1e9) for bound in (0, 1))
        return WHAT_IF.of_arrays(
            {
                "run_id": self.run_ids.take(pa.array(run)),
                "scenario": pa.array(texts, pa.string()).take(pa.array(text)),
                "elapsed_s": elapsed,
                "predicted_min_s": low,
                "predicted_max_s": high,
                "saved_min_s": elapsed - high,
                "saved_max_s": elapsed - low,
                "saved_share": np.divide(elapsed - high, elapsed, out=np.full(len(low), np.nan), where=elapsed > 0),
                "reason": _reasons(elapsed, has_ended, high - low),
            }
        )


def _reasons(elapsed_s: Floats, has_ended: Bools, apart: Floats) -> pa.Array:
    """Return why there is no prediction, or why its bounds are so many seconds apart."""
    import pyarrow as pa

    is_unknown = np.isnan(elapsed_s)
    wide = np.flatnonzero(~is_unknown & (apart > 0))
    texts = ["its length is not known: no answer shows its start", "it has not ended"]
    texts += [f"{seconds:.3f} s of it were overwritten, have no known cause, or were not run again" for seconds in apart[wide].tolist()]
    place = np.where(is_unknown, np.where(has_ended, 0, 1), NONE)
    place[wide] = np.arange(len(wide)) + 2
    return taken(pa.array(texts, pa.string()), place)


def _read_attempts(archive: Archive, run_ids: pa.Array) -> Attempts:
    """Read the attempts, with what tells the sub-tasks of a stage apart.

    In a store, the attempts of a sub-task follow each other, from number 1. To read the numbers takes a tenth of the time of the ids.
    """
    if archive.folder is not None:
        attempts = read_attempts(archive, run_ids, ["attempt", "kind"])
        number = integers(attempts.rows.column("attempt"))
        is_next = number[1:] > np.where(number[:-1] == NONE, NEVER, number[:-1])
        is_next[attempts.first[1:] - 1] = False
        if (np.append(np.zeros(min(1, len(number)), bool), is_next) | (number == 1)).all():
            return attempts
    return read_attempts(archive, run_ids, ["task_gid", "kind"])


def _totals(share: Share, named: dict[str, Bools], scenarios: Sequence[Scenario]) -> Ints:
    """Return the predicted length of each run of a share under each scenario, at least and at most; zero for runs of other shares."""
    known = _Known.of(share, named)
    first = stretches_of(share.stretches.run)[0]
    totals = np.zeros((len(scenarios), 2, len(share.stretches.run_ids)), np.int64)
    for number, scenario in enumerate(scenarios):
        for bound, lengths in enumerate(_lengths(known, scenario)):
            totals[number, bound, share.stretches.run[first]] = np.add.reduceat(lengths, first) if len(first) else 0
    return totals


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

    def of_category(self, *names: str, among: Ints | None = None) -> Bools:
        """Return which stretches, or which of some of them, are of some categories."""
        is_one = np.array([*(name in names for name in self.categories), False])  # the last place is that of null
        return is_one[self.category if among is None else self.category[among]]

    def tasks(self, attempt: Ints) -> Ints:
        """Return numbers for the sub-tasks of some attempts."""
        if self.first_of_task is not None:
            return np.searchsorted(self.first_of_task, attempt, side="right")
        return encoded(one_array(self.attempts.rows.column("task_gid")).take(attempt))[0]

    @cached_property
    def first_of_task(self) -> Ints | None:
        """The first attempt of each sub-task, if numbers tell: none if its id does."""
        rows = self.attempts.rows
        return np.flatnonzero(integers(rows.column("attempt")) == 1) if "attempt" in rows.column_names else None

    @cached_property
    def pairs_of_rollbacks(self) -> Pairs:
        """The stretches of work of stages that have runs of rollback, with the attempts that ran in them."""
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
    work, attempts = known.work, known.attempts
    length, own = known.length[work.stretch], attempts.end - attempts.start
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
        _shorten(length, work, pairs.of_work[first], first, pairs.start, own, _caps(known, pairs))
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
    ordered = _sorted_within(sizes, values)
    before, middle = ordered[first + np.maximum(sizes - 2, 0) // 2], ordered[first + (sizes - 1) // 2]
    after = ordered[first + np.minimum((sizes + 1) // 2, sizes - 1)]
    of_middle = np.where((sizes % 2 == 1) & (sizes > 1), (before + after) // 2, middle)
    middles, cap = np.repeat(middle, sizes), np.repeat((before + middle) // 2, sizes)
    np.copyto(cap, values, where=values < middles)
    np.copyto(cap, np.repeat(of_middle, sizes), where=values == middles)
    return cap


def _sorted_within(sizes: Ints, values: Ints) -> Ints:
    """Return the values of groups of some sizes in order, group by group; no value is negative.

    >>> _sorted_within(np.array([2, 1]), np.array([5, 3, 1])).tolist()
    [3, 5, 1]
    """
    bits = int(values.max(initial=0)).bit_length()
    group = np.arange(len(sizes))
    if len(sizes).bit_length() + bits < 63:
        ordered = np.repeat(group << bits, sizes)  # one sort of whole numbers costs a tenth of one by two columns
        ordered |= values
        ordered.sort()
        ordered &= (1 << bits) - 1
        return ordered
    return values[np.lexsort((values, np.repeat(group, sizes)))]


def _keep_last_executions(known: _Known, scenario: Scenario, least: Ints, most: Ints) -> None:
    """Take away each execution of a stage that was redone by a person's retry, with the wait after it, and what undid it before."""
    s, rows = known.stretches, _of_several_legs(known.stretches.run, known.leg)
    leg, stage = known.leg[rows], s.stage[rows]
    names, own = np.unique((run_stage_keys(s.run[rows], stage + 1) << 1) + known.is_backward[rows], return_inverse=True)
    worked = np.flatnonzero(s.is_execute[rows])
    last_leg = np.full(len(names), NONE)
    np.maximum.at(last_leg, own[worked], leg[worked])
    of_leg = (s.run[rows] << 21) + leg
    by_protocol = of_leg[known.of_category("wait_protocol", among=rows)]
    redone = np.flatnonzero((last_leg[own] > leg) & ~np.isin(of_leg, by_protocol))
    undone = _undoing(known)
    undone = undone[~np.isin((s.run[undone] << 21) + known.leg[undone] - 1, by_protocol)]
    execution, is_redone, is_undone = np.full(len(s.run), NONE), np.zeros(len(s.run), bool), np.zeros(len(s.run), bool)
    execution[rows], is_redone[rows[redone]], is_undone[undone] = own, True, True
    _at_most_once(known, scenario, execution, is_redone, is_undone, most)
    redone = rows[redone]
    passes = (s.to_stage[redone] == s.stage[redone]) | (s.to_stage[redone] == NONE)
    gone = known.of_category("execute", "dispatch", "detect", "wait_operator", among=redone)
    gone |= known.of_category("handoff", among=redone) & passes
    for lengths in (least, most):
        lengths[redone[gone]] = lengths[undone] = 0


def _of_several_legs(run: Ints, leg: Ints) -> Ints:
    """Return the stretches of runs that have more than one leg: in all others, nothing was redone."""
    first, sizes = stretches_of(run)
    if not len(first):
        return first
    return np.flatnonzero(np.repeat(np.minimum.reduceat(leg, first) != np.maximum.reduceat(leg, first), sizes))


def _undoing(known: _Known) -> Ints:
    """Return the stretches that undid a stage before it was run again: rollback runs on the way forward, and noticing their end."""
    s, pairs, work = known.stretches, known.pairs_of_rollbacks, known.work
    back, forward = np.zeros(len(work.stretch), bool), np.zeros(len(work.stretch), bool)
    is_rollback = known.is_rollback[pairs.attempt]
    back[pairs.of_work[is_rollback]] = forward[pairs.of_work[~is_rollback]] = True
    found = work.stretch[back & ~forward & ~known.is_backward[work.stretch]]
    undone = [found]
    for _ in range(2):  # its end is noticed, and the run is handed out again
        after = found[found < len(s.run) - 1] + 1
        same = (s.run[after] == s.run[after - 1]) & (s.stage[after] == s.stage[after - 1]) & (known.leg[after] == known.leg[after - 1])
        found = after[same & known.of_category("detect", "dispatch", among=after)]
        undone.append(found)
    return np.unique(np.concatenate(undone))


def _at_most_once(known: _Known, scenario: Scenario, execution: Ints, is_redone: Bools, is_undone: Bools, most: Ints) -> None:
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
    kept = np.flatnonzero(redone[of_work] & ~is_redone[work.stretch] & ~is_undone[work.stretch])
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
