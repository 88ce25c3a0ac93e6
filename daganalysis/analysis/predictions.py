"""The lengths that the stretches of runs would have had under scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.analysis.chains import OPEN, pair_up, read_attempt_table, read_attempts, read_stretches
from daganalysis.engine.times import SCHEDULER_SLEEP_S, SECOND_NS
from daganalysis.engine.vocabulary import ENGINE_TIME
from daganalysis.errors import UsageError
from daganalysis.tables.column_arrays import NONE, codes_of, encoded
from daganalysis.text.suggestions import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.chains import Attempts, Pairs, Stretches
    from daganalysis.analysis.scenarios import Scenario
    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Ints

_ATTEMPTS = ["run_id", "stage", "task_gid", "attempt", "kind", "started_at", "ended_at"]
_USUAL_TICK = 1_025_000_000
"""A pass of the scheduler and its sleep, where no hand-over of the run shows it (engine-semantics §5)."""


def predict(archive: Archive, scenarios: Sequence[Scenario]) -> list[pd.DataFrame]:
    """Return for each scenario the predictions for every run."""
    stretches = read_stretches(archive)
    runs = _Runs.of(archive, stretches)
    known = _Known.of(archive, stretches, scenarios)
    return [runs.rows(scenario, *_lengths(known, scenario)) for scenario in scenarios]


@dataclass(frozen=True, slots=True)
class _Runs:
    """The runs of an archive, and where each stands among those that have a timeline."""

    run_ids: pa.ChunkedArray
    elapsed_s: np.ndarray
    has_ended: Bools
    place: Ints
    of_stretch: Ints
    n_lines: int

    @classmethod
    def of(cls, archive: Archive, stretches: Stretches) -> _Runs:
        dags = archive.arrow("dags", ["run_id", "elapsed_s", "ended_at"])
        elapsed = np.asarray(dags.column("elapsed_s").to_pandas(), float)
        ended = np.asarray(dags.column("ended_at").is_valid())
        place = codes_of(dags.column("run_id"), stretches.run_ids)
        return cls(dags.column("run_id"), elapsed, ended, place, stretches.run, len(stretches.run_ids))

    def rows(self, scenario: Scenario, least: Ints, most: Ints) -> pd.DataFrame:
        """Add up what the stretches of each run would have been, and compare it with what they were."""
        import pandas as pd

        known = ~np.isnan(self.elapsed_s)
        low, high = (np.where(known, self._sums(lengths) / 1e9, np.nan) for lengths in (least, most))
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

    def _sums(self, lengths: Ints) -> Ints:
        totals = np.zeros(self.n_lines + 1, np.int64)
        np.add.at(totals, self.of_stretch, lengths)
        return totals[self.place]  # a run without a timeline has the last place, which holds nothing


@dataclass(frozen=True, slots=True)
class _Known:
    """What all scenarios are worked out from."""

    stretches: Stretches
    length: Ints
    category: Ints
    categories: tuple[str, ...]
    work: Ints
    pairs: Pairs
    attempts: Attempts
    is_rollback: Bools
    task: Ints
    stage_of_name: dict[str, Bools]

    @classmethod
    def of(cls, archive: Archive, stretches: Stretches, scenarios: Sequence[Scenario]) -> _Known:
        table = read_attempt_table(archive, _ATTEMPTS)
        attempts = read_attempts(table, stretches.run_ids)
        work = np.flatnonzero(stretches.is_execute)
        codes, names = encoded(stretches.category)
        kinds, kind_names = encoded(table.column("kind"))
        rollback = kind_names.to_pylist().index("rollback") if "rollback" in kind_names.to_pylist() else NONE - 1
        gids = table.column("task_gid").combine_chunks().take(attempts.place)
        pairs = pair_up(stretches, attempts, work)
        return cls(
            stretches,
            stretches.end - stretches.start,
            codes,
            tuple(names.to_pylist()),
            work,
            pairs,
            attempts,
            (kinds == rollback)[attempts.place],
            _numbered(gids),
            _named_stages(archive, stretches, scenarios),
        )

    def of_category(self, *names: str) -> Bools:
        """Return which stretches are of some categories."""
        return np.isin(self.category, [place for place, name in enumerate(self.categories) if name in names])


def _numbered(values: pa.Array) -> Ints:
    """Number the values of an array in which equal ones stand together."""
    import pyarrow.compute as pc

    if len(values) < 2:
        return np.zeros(len(values), np.int64)
    is_new = ~np.asarray(pc.equal(values[1:], values[:-1]).fill_null(False))
    return np.concatenate([[0], np.cumsum(is_new)])


def _named_stages(archive: Archive, stretches: Stretches, scenarios: Sequence[Scenario]) -> dict[str, Bools]:
    """Return which stretches lie in the stages that scenarios name."""
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
    work = known.length[known.work]
    if scenario.no_stragglers:
        work = _capped(known)
    least, most = known.length.copy(), known.length.copy()
    least[known.work] = most[known.work] = work
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
    """Let what is not known be all or nothing of what a scenario changes, or as much longer as the scenario makes it."""
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
    pairs, length = known.pairs, known.length[known.work]
    own, cap = pairs.end - pairs.start, _caps(known)
    new_end = np.zeros(len(length), np.int64)
    np.maximum.at(new_end, pairs.of_work, pairs.start + np.minimum(own, cap) - known.stretches.start[known.work][pairs.of_work])
    is_capped = np.zeros(len(length), bool)
    is_capped[pairs.of_work[own > cap]] = True
    return np.where(is_capped, np.minimum(length, new_end), length)


def _caps(known: _Known) -> Ints:
    """Return how long each attempt may at most take where there are no stragglers."""
    cap = _median_of_others(known.pairs.of_work, known.pairs.end - known.pairs.start)
    _cap_what_ran_alone(known, cap)
    return cap


def _cap_what_ran_alone(known: _Known, cap: Ints) -> None:
    """Cap what was run again alone by the median of the other sub-tasks of its stage, which ran before it."""
    pairs, attempts = known.pairs, known.attempts
    alone = np.flatnonzero(np.bincount(pairs.of_work, minlength=len(known.work))[pairs.of_work] == 1)
    key = attempts.key[pairs.attempt[alone]]
    low, high = (np.searchsorted(attempts.key, key, side) for side in ("left", "right"))
    several = np.flatnonzero(known.task[low] != known.task[high - 1])
    for place, begin, end in zip(alone[several].tolist(), low[several].tolist(), high[several].tolist(), strict=True):
        own = int(pairs.attempt[place])
        stage = np.arange(begin, end)
        others = stage[(known.task[stage] != known.task[own]) & (known.is_rollback[stage] == known.is_rollback[own])]
        others = others[attempts.end[others] != OPEN]
        if len(others):
            cap[place] = int(np.median(attempts.end[others] - attempts.start[others]))


def _order_within(group: Ints, values: Ints) -> Ints:
    """Return the order by group, then value; neither is negative."""
    bits = int(values.max(initial=0)).bit_length()
    if int(group.max(initial=0)).bit_length() + bits < 63:
        return np.argsort((group << bits) | values, kind="stable")  # one sort of whole numbers costs a third of one by two columns
    return np.lexsort((values, group))


def _median_of_others(group: Ints, values: Ints) -> Ints:
    """Return for each value the median of the other ones of its group; of a value that is alone, itself. Groups stand together."""
    order = _order_within(group, values)
    starts = np.flatnonzero(np.diff(group, prepend=NONE))
    counts = np.diff(starts, append=len(group))
    sizes, first = np.repeat(counts, counts), np.repeat(starts, counts)
    rank = np.empty(len(values), np.int64)
    rank[order] = np.arange(len(values))
    rank -= first
    others, ordered = sizes - 1, values[order]
    middle = []
    for place in ((others - 1) // 2, others // 2):
        inside = np.clip(place + (place >= rank), 0, sizes - 1)
        middle.append(ordered[first + inside])
    medians: Ints = np.where(others > 0, (middle[0] + middle[1]) // 2, values)
    return medians


def _keep_last_executions(known: _Known, scenario: Scenario, least: Ints, most: Ints) -> None:
    """Take away each execution of a stage that was redone by a person's retry, with the wait after it, and what undid it before."""
    s = known.stretches
    stage = s.stage + 1
    execution = ((s.run << 21) + stage) * 2 + s.is_backward
    names, places = np.unique(execution, return_inverse=True)
    last_leg = np.full(len(names), NONE)
    np.maximum.at(last_leg, places[s.is_execute], s.leg[s.is_execute])
    legs = (s.run << 21) + s.leg
    by_protocol = legs[known.of_category("wait_protocol")]
    is_redone = (last_leg[places] > s.leg) & ~np.isin(legs, by_protocol)
    gone = is_redone & known.of_category("execute", "dispatch", "detect", "wait_operator")
    gone |= is_redone & known.of_category("handoff") & ((s.to_stage == s.stage) | (s.to_stage == NONE))
    undone = _undoing(known) & ~np.isin(legs - 1, by_protocol)
    _at_most_once(known, scenario, places, is_redone, undone, most)
    gone |= undone
    least[gone] = most[gone] = 0


def _undoing(known: _Known) -> Bools:
    """Return which stretches were spent on undoing a stage before it was run again: rollback runs on the way forward, and their notice."""
    s, pairs = known.stretches, known.pairs
    forward = np.zeros(len(known.work), bool)
    forward[pairs.of_work[~known.is_rollback[pairs.attempt]]] = True
    back = np.zeros(len(known.work), bool)
    back[pairs.of_work[known.is_rollback[pairs.attempt]]] = True
    undone = np.zeros(len(s.run), bool)
    undone[known.work[back & ~forward & ~s.is_backward[known.work]]] = True
    pause = known.of_category("detect", "dispatch")
    for _ in range(2):  # its end is noticed, and the run is handed out again
        follows = np.zeros(len(undone), bool)
        follows[1:] = undone[:-1] & pause[1:] & (s.run[1:] == s.run[:-1]) & (s.stage[1:] == s.stage[:-1]) & (s.leg[1:] == s.leg[:-1])
        undone |= follows
    return undone


def _at_most_once(known: _Known, scenario: Scenario, places: Ints, is_redone: Bools, undone: Bools, most: Ints) -> None:
    """Let the execution that is kept last as long as the longest last run of its sub-tasks, some of which were not run again."""
    work = known.work
    longest = np.zeros(int(places.max(initial=0)) + 1, np.int64)
    redone = np.zeros(len(longest), bool)
    redone[places[is_redone & known.stretches.is_execute]] = True
    is_redone_pair = redone[places[work][known.pairs.of_work]]
    pairs = known.pairs.only(is_redone_pair)
    runs = ~known.is_rollback[pairs.attempt]
    execution = places[work][pairs.of_work]
    own = pairs.end - pairs.start
    if scenario.no_stragglers:
        own = np.minimum(own, _caps(known)[is_redone_pair])
    task = known.task[pairs.attempt]
    order = np.lexsort((pairs.start, task, execution))
    is_last = (np.diff(task[order], append=NONE - 1) != 0) | (np.diff(execution[order], append=NONE - 1) != 0)
    chosen = order[is_last & runs[order]]
    np.maximum.at(longest, execution[chosen], own[chosen])
    kept = work[~is_redone[work] & ~undone[work] & redone[places[work]]]
    last = kept[np.flatnonzero(np.diff(places[kept], append=NONE))]
    most[last] = np.maximum(most[last], longest[places[last]])


def _change_tick(known: _Known, tick_s: float, lengths: Ints) -> None:
    """Let the scheduler pass at another pace: it notices ends and hands over at its passes alone (engine-semantics §5)."""
    s = known.stretches
    tick = _ticks(known)[s.run]
    new = np.maximum(tick - SECOND_NS + round(tick_s * SECOND_NS), 1)
    detect, dispatch, handoff = known.of_category("detect"), known.of_category("dispatch"), known.of_category("handoff")
    before = np.roll(lengths, 1)
    same = np.zeros(len(s.run), bool)
    same[1:] = (s.run[1:] == s.run[:-1]) & (s.stage[1:] == s.stage[:-1])
    handed_out = np.where(np.roll(dispatch, 2) & np.roll(same, 1) & same, np.roll(lengths, 2), 0)
    noticed = np.flatnonzero(detect & np.roll(s.is_execute, 1) & same)
    since = before[noticed] + handed_out[noticed]
    passes = np.maximum(-(-since // new[noticed]), 1)
    lengths[noticed] = passes * new[noticed] - since
    other = np.flatnonzero(handoff | (detect & ~(np.roll(s.is_execute, 1) & same)))
    after_wait = np.roll(known.of_category("wait_operator", "wait_protocol"), 1)[other]
    count = np.rint(lengths[other] / tick[other]).astype(np.int64)
    stretched = np.rint(lengths[other] * (new[other] / tick[other])).astype(np.int64)
    lengths[other] = np.where(after_wait, stretched, np.maximum(lengths[other] + count * (new[other] - tick[other]), 0))


def _ticks(known: _Known) -> Ints:
    """Return how far the scheduler's passes are apart in each run: the median of its hand-overs from stage to stage."""
    import pandas as pd

    s = known.stretches
    usable = known.of_category("handoff") & (s.stage != NONE) & (s.to_stage != NONE) & (s.stage != s.to_stage)
    usable &= (known.length >= 0.9 * SECOND_NS) & (known.length <= 3 * SECOND_NS)
    medians = pd.Series(known.length[usable]).groupby(s.run[usable]).median()
    ticks: Any = medians.reindex(range(len(s.run_ids))).fillna(_USUAL_TICK)
    whole: Ints = np.rint(ticks.to_numpy(float)).astype(np.int64)
    return whole
